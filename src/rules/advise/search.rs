//! The smallest key that holds.

use super::chosen::is_chosen;
use super::sample::Sample;
use super::trial::{Trial, trial};

/// How many keys are tried at most.
pub const MOST_TRIALS: usize = 400;

/// How many of them are kept for taking columns out of the whole.
const KEPT: usize = 100;

/// Keys that Microsoft's own detections and inventories use: the first that fits is tried before all others.
const KNOWN: [&[&str]; 7] = [
    &["Timestamp", "DeviceId", "ReportId"],
    &["Timestamp", "DeviceName", "ReportId"],
    &["Timestamp", "ReportId"],
    &["DeviceId", "CveId", "SoftwareName"],
    &["DeviceId", "SoftwareVendor", "SoftwareName", "SoftwareVersion"],
    &["DeviceId", "SoftwareName", "SoftwareVersion"],
    &["DeviceId", "ConfigurationId"],
];

/// A key that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The places of its columns.
    pub(super) key: Vec<usize>,
    /// What it came to.
    pub(super) trial: Trial,
    /// Whether it is one of those that are known to be good.
    pub(super) is_known: bool,
}

/// Tries keys, each once.
struct Search<'a> {
    sample: &'a Sample,
    left: usize,
}

/// The best key that holds, if any: a known one, else of one to three columns the one that tells least; of several such
/// the one with the fewest columns that somebody chooses, then the smallest, then the one whose columns come first.
/// Columns in `skip` aren't in it.
pub(super) fn search(sample: &Sample, skip: &[usize]) -> Option<Found> {
    let mut search = Search { sample, left: MOST_TRIALS };
    if let Some(found) = search.known() {
        return Some(found);
    }
    // A column with one value tells nothing apart.
    let usable: Vec<usize> =
        (0..sample.columns().len()).filter(|at| !skip.contains(at) && sample.values(*at, 2) > 1).collect();
    let every: Vec<usize> = (0..sample.columns().len()).collect();
    let all_told = search.trial(&every)?.told;
    let mut tried: Vec<(Vec<usize>, Trial)> = Vec::new();
    let mut level: Vec<Vec<usize>> = usable.iter().map(|at| vec![*at]).collect();
    for size in 1..=3 {
        let done = search.level(level);
        // Pairs are tried all; of larger ones only what the best pairs lead to.
        level = wider(&done, &usable, if size == 1 { usize::MAX } else { 8 });
        tried.extend(done);
        // A single column that is another in each row holds too, and says nothing.
        if let Some(best) = best(sample, &tried).filter(|best| size > 1 && best.trial.told * 2 <= all_told) {
            return Some(best);
        }
    }
    best(sample, &tried).or_else(|| search.narrowed(&usable))
}

impl Search<'_> {
    fn trial(&mut self, key: &[usize]) -> Option<Trial> {
        self.left = self.left.checked_sub(1)?;
        Some(trial(self.sample, key))
    }

    fn known(&mut self) -> Option<Found> {
        for names in KNOWN {
            let key: Option<Vec<usize>> = names.iter().map(|name| self.sample.column(name)).collect();
            let Some(key) = key else { continue };
            let trial = self.trial(&key)?;
            // The columns of an event that huntd has seen before: a count beside them changes, and no more than that.
            if trial.holds() {
                return Some(Found { key, trial, is_known: true });
            }
        }
        None
    }

    fn level(&mut self, keys: Vec<Vec<usize>>) -> Vec<(Vec<usize>, Trial)> {
        let mut done = Vec::new();
        for key in keys {
            match self.trial(&key).filter(|_| self.left > KEPT) {
                Some(trial) => done.push((key, trial)),
                None => break,
            }
        }
        done
    }

    /// All columns, less each that isn't needed.
    fn narrowed(&mut self, usable: &[usize]) -> Option<Found> {
        let mut key = usable.to_vec();
        let mut held = self.trial(&key).filter(Trial::holds)?;
        for column in usable {
            let less: Vec<usize> = key.iter().copied().filter(|at| at != column).collect();
            if less.is_empty() {
                break;
            }
            let Some(trial) = self.trial(&less) else { break };
            if trial.holds() {
                (key, held) = (less, trial);
            }
        }
        Some(Found { key, trial: held, is_known: false })
    }
}

fn best(sample: &Sample, tried: &[(Vec<usize>, Trial)]) -> Option<Found> {
    let name = |at: &usize| sample.columns().get(*at).map_or("", String::as_str);
    let chosen = |key: &[usize]| key.iter().filter(|at| is_chosen(name(at))).count();
    let holding = tried.iter().filter(|(_, trial)| trial.holds());
    let best = holding.min_by_key(|(key, trial)| (trial.told, chosen(key.as_slice()), key.len(), key.clone()))?;
    Some(Found { key: best.0.clone(), trial: best.1.clone(), is_known: false })
}

/// Keys with a column more, of the `beam` keys with the fewest doubles.
fn wider(tried: &[(Vec<usize>, Trial)], usable: &[usize], beam: usize) -> Vec<Vec<usize>> {
    let mut by_doubles: Vec<&(Vec<usize>, Trial)> = tried.iter().collect();
    by_doubles.sort_by_key(|(key, trial)| (trial.doubles + trial.empty, trial.apart, key.clone()));
    let mut all: Vec<Vec<usize>> = Vec::new();
    for (key, _) in by_doubles.into_iter().take(beam) {
        for column in usable.iter().filter(|at| !key.contains(at)) {
            let mut more = key.clone();
            more.push(*column);
            more.sort_unstable();
            if !all.contains(&more) {
                all.push(more);
            }
        }
    }
    all
}
