//! From a sample to what to write into the hunt.

use super::chosen::is_chosen;
use super::sample::Sample;
use super::search::search;
use super::trial::{Trial, trial};
use super::volatile::{Volatile, volatile};

/// What is wrong with the hunt's own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// So many rows came into a result that held another row of their key.
    NotUnique(u64),
    /// In so many rows every column of the key holds nothing: they are known by all columns.
    Empty(u64),
    /// This column of the key holds nothing in any row.
    AlwaysEmpty(String),
    /// This column of the key is in no result.
    Missing(String),
    /// This column of the key is another each time that the rest of a row comes again.
    Changes(String),
}

/// A key to write into the hunt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAdvice {
    /// Its columns.
    pub columns: Vec<String>,
    /// What it came to on the sample.
    pub trial: Trial,
    /// Whether it is one that Microsoft's detections use.
    pub is_known: bool,
    /// Those of its columns that somebody outside chooses.
    pub chosen: Vec<String>,
}

/// What a hunt's past suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Results that held rows; with fewer than three nothing is suggested.
    pub results: usize,
    /// Rows that differ from all others.
    pub rows: usize,
    /// The hunt as it is.
    pub as_is: Trial,
    /// What is wrong with its key.
    pub faults: Vec<Fault>,
    /// A key that would be better; none where the hunt's own does, or none holds.
    pub key: Option<KeyAdvice>,
    /// Columns to ignore beside those that the hunt ignores, each with how often it changed, of how many times.
    pub ignore: Vec<(String, u64, u64)>,
}

impl Advice {
    /// Whether there were too few results to suggest anything.
    #[must_use]
    pub const fn is_too_little(&self) -> bool {
        self.results < FEWEST
    }
}

/// Results with rows that it takes at least.
const FEWEST: usize = 3;

/// What a sample suggests to a hunt with this `key` and `ignore`.
#[must_use]
pub fn advise(sample: &Sample, key: Option<&[String]>, ignore: &[String]) -> Advice {
    let results = sample.results().iter().filter(|result| !result.is_empty()).count();
    let ignored: Vec<usize> = ignore.iter().filter_map(|name| sample.column(name)).collect();
    let own: Option<Vec<usize>> = key.map(|key| key.iter().filter_map(|name| sample.column(name)).collect());
    let counting = |but: &[usize]| (0..sample.columns().len()).filter(|at| !but.contains(at)).collect::<Vec<_>>();
    let as_is = trial(sample, &own.clone().unwrap_or_else(|| counting(&ignored)));
    let mut advice = Advice { results, rows: sample.rows(), as_is, faults: Vec::new(), key: None, ignore: Vec::new() };
    if results < FEWEST {
        return advice;
    }
    let restless = volatile(sample, &ignored);
    advice.faults = faults(sample, key, &restless, &advice.as_is);
    let skip: Vec<usize> = ignored.iter().copied().chain(restless.iter().map(|one| one.column)).collect();
    let quiet = trial(sample, &counting(&skip));
    let is_good = own.is_some() && advice.faults.is_empty() && advice.as_is.holds();
    let found = search(sample, &skip).filter(|found| {
        let less = |told: u64| found.trial.told.saturating_mul(10) < told.saturating_mul(9);
        let unlike = own.as_ref().is_none_or(|own| !same(own, &found.key));
        // Without a key nothing is ever missed: where it is enough to ignore columns, none is wanted.
        let enough = own.is_none() && !less(quiet.told);
        unlike && !enough && (!is_good || less(advice.as_is.told))
    });
    let in_key = found.as_ref().map(|found| found.key.clone()).or(own).unwrap_or_default();
    advice.ignore = to_ignore(sample, restless, found.as_ref().map(|found| &found.trial), (&in_key, &ignored));
    advice.key = found.map(|found| {
        let columns: Vec<String> = found.key.iter().filter_map(|at| sample.columns().get(*at).cloned()).collect();
        let chosen = columns.iter().filter(|name| is_chosen(name)).cloned().collect();
        KeyAdvice { columns, trial: found.trial, is_known: found.is_known, chosen }
    });
    advice
}

fn same(one: &[usize], other: &[usize]) -> bool {
    one.len() == other.len() && one.iter().all(|at| other.contains(at))
}

fn faults(sample: &Sample, key: Option<&[String]>, restless: &[Volatile], as_is: &Trial) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in key.unwrap_or_default() {
        match sample.column(name) {
            None => faults.push(Fault::Missing(name.clone())),
            Some(at) if sample.values(at, 2) == 1 && sample.cell(0, at) == 0 => {
                faults.push(Fault::AlwaysEmpty(name.clone()));
            }
            Some(at) if restless.iter().any(|one| one.column == at) => faults.push(Fault::Changes(name.clone())),
            Some(_) => {}
        }
    }
    if key.is_some() && as_is.doubles > 0 {
        faults.push(Fault::NotUnique(as_is.doubles));
    }
    if key.is_some() && as_is.empty > 0 {
        faults.push(Fault::Empty(as_is.empty));
    }
    faults
}

/// Columns that change of themselves: as rows alike show, and rows of one key where there is one.
fn to_ignore(
    sample: &Sample,
    restless: Vec<Volatile>,
    with_key: Option<&Trial>,
    (key, ignored): (&[usize], &[usize]),
) -> Vec<(String, u64, u64)> {
    let mut all = restless;
    if let Some(trial) = with_key.filter(|trial| trial.replaced >= 3) {
        for (column, changed) in trial.changed.iter().copied().enumerate() {
            if changed * 2 >= trial.replaced && all.iter().all(|one| one.column != column) {
                all.push(Volatile { column, changed, of: trial.replaced });
            }
        }
    }
    all.retain(|one| !key.contains(&one.column) && !ignored.contains(&one.column));
    all.sort_by_key(|one| one.column);
    let named = |one: Volatile| Some((sample.columns().get(one.column)?.clone(), one.changed, one.of));
    all.into_iter().filter_map(named).collect()
}
