//! What a run tells.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::model::hit::{Candidate, HitKind, Ordinal};
use crate::model::hunt::{FirstRun, Hunt};
use crate::model::time::Timestamp;

/// The group of a hunt that suppresses itself as a whole (`suppress` without `by`).
pub const GROUP_OF_ALL: [u8; 16] = [0; 16];

/// All that the decision looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The hunt: its `report`, `threshold`, `suppress` and `first_run` count.
    pub hunt: &'a Hunt,
    /// Rows in the result; what the threshold compares.
    pub rows: u64,
    /// Whether no complete run of this hunt on this tenant came before.
    pub is_first_complete_run: bool,
    /// What the run has to say, of any kind, in the order to be told.
    pub candidates: &'a [Candidate],
    /// The hits that the result holds.
    pub members: &'a RoaringBitmap,
    /// Hits that the threshold held back in earlier runs.
    pub held: &'a RoaringBitmap,
    /// Groups that are suppressed, and until when; those of the past do no harm.
    pub suppressed: &'a HashMap<[u8; 16], Timestamp>,
    /// The moment of the decision.
    pub now: Timestamp,
}

/// Why a run tells what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There are hits to tell.
    NewHits,
    /// Nothing that the hunt reports.
    NothingNew,
    /// The threshold isn't met: the hits wait for a run that meets it.
    BelowThreshold,
    /// The first run of a hunt that begins with a baseline: its hits count as known.
    Baseline,
    /// Every hit is in a suppressed group; the first of those groups is told again from `until` on.
    Suppressed {
        /// The end of the suppression that ends first.
        until: Timestamp,
    },
}

impl Verdict {
    /// A stable word, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewHits => "new_hits",
            Self::NothingNew => "nothing_new",
            Self::BelowThreshold => "below_threshold",
            Self::Baseline => "baseline",
            Self::Suppressed { .. } => "suppressed",
        }
    }
}

/// What a run tells, and what it leaves for the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// Why.
    pub verdict: Verdict,
    /// What is told, in order: no hit twice.
    pub hits: Vec<(Ordinal, HitKind)>,
    /// Hits that the threshold holds back from now on; takes the place of the earlier set.
    pub held: RoaringBitmap,
    /// Groups suppressed from now on, and until when.
    pub suppressions: Vec<([u8; 16], Timestamp)>,
    /// How many hits a suppression kept from being told in this run.
    pub suppressed: u64,
}

/// Decides what a run tells.
///
/// In this order: kinds that `report` doesn't name are dropped; a baseline run tells nothing; below
/// the threshold the rest joins `held`; at or over it, the rest is told together with the held hits
/// that the result still holds, as far as no suppression stands in the way. All rows of a group are
/// told together; the group is suppressed from then on. What is suppressed is not held: the hunt
/// asked that it be stored and not told.
///
/// `gone` is never held: a hit that isn't there can't be told later.
#[must_use]
pub fn tell(facts: &Facts<'_>) -> Telling {
    let reported = reported(facts);
    let mut telling = Telling {
        verdict: Verdict::NothingNew,
        hits: Vec::new(),
        held: facts.held.clone(),
        suppressions: Vec::new(),
        suppressed: 0,
    };
    if facts.hunt.first_run == FirstRun::Baseline && facts.is_first_complete_run {
        telling.verdict = Verdict::Baseline;
        return telling;
    }
    if facts.hunt.threshold.is_some_and(|threshold| !threshold.passes(facts.rows)) {
        if !reported.is_empty() {
            telling.verdict = Verdict::BelowThreshold;
        }
        let kept = reported.iter().filter(|candidate| candidate.kind != HitKind::Gone);
        telling.held.extend(kept.map(|candidate| candidate.ordinal));
        return telling;
    }
    let due = with_held(facts, reported);
    take(facts, &due, &mut telling);
    telling
}

/// The candidates of a reported kind, each hit once.
fn reported(facts: &Facts<'_>) -> Vec<Candidate> {
    let mut seen = RoaringBitmap::new();
    let kinds = &facts.hunt.report;
    facts.candidates.iter().filter(|c| kinds.contains(&c.kind) && seen.insert(c.ordinal)).copied().collect()
}

/// Adds the held hits that the result holds. Which kind each was is not kept: they are called new,
/// or what else the hunt reports of a hit that is there.
fn with_held(facts: &Facts<'_>, mut due: Vec<Candidate>) -> Vec<Candidate> {
    let kinds = [HitKind::New, HitKind::Changed, HitKind::Returned];
    let Some(kind) = kinds.into_iter().find(|kind| facts.hunt.report.contains(kind)) else {
        return due;
    };
    let mut waiting = facts.held & facts.members;
    for candidate in &due {
        waiting.remove(candidate.ordinal);
    }
    due.extend(waiting.iter().map(|ordinal| Candidate { ordinal, kind, group: None }));
    due
}

/// Sorts what is due into told and suppressed.
fn take(facts: &Facts<'_>, due: &[Candidate], telling: &mut Telling) {
    let mut earliest = None;
    let mut begun = HashSet::new();
    for candidate in due {
        telling.held.remove(candidate.ordinal);
        let group = group(facts.hunt, candidate);
        let until = group.and_then(|group| facts.suppressed.get(&group)).filter(|until| holds(facts, **until));
        if let Some(until) = until {
            telling.suppressed += 1;
            earliest = Some(earliest.map_or(*until, |first: Timestamp| first.min(*until)));
            continue;
        }
        telling.hits.push((candidate.ordinal, candidate.kind));
        if let (Some(group), Some(suppress)) = (group, &facts.hunt.suppress)
            && begun.insert(group)
        {
            telling.suppressions.push((group, facts.now.plus(suppress.length)));
        }
    }
    telling.verdict = match earliest {
        _ if !telling.hits.is_empty() => Verdict::NewHits,
        Some(until) => Verdict::Suppressed { until },
        None => Verdict::NothingNew,
    };
}

/// Whether a suppression that ends at `until` holds now. One that ends later than any begun now was
/// written while the clock stood ahead, or before the hunt's `for` was shortened: it is over.
fn holds(facts: &Facts<'_>, until: Timestamp) -> bool {
    let longest = facts.hunt.suppress.as_ref().map_or(facts.now, |suppress| facts.now.plus(suppress.length));
    until > facts.now && until <= longest
}

/// The group that a candidate belongs to. One without a group in a hunt that suppresses by columns
/// (a held hit, whose row was read in an earlier run) belongs to none, and so is told.
fn group(hunt: &Hunt, candidate: &Candidate) -> Option<[u8; 16]> {
    let suppress = hunt.suppress.as_ref()?;
    if suppress.by.is_empty() { Some(GROUP_OF_ALL) } else { candidate.group }
}
