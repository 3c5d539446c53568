//! What to move, so that nothing waits: the fewest hunts, and never their frequency.
//!
//! Greedy: of all moves the one is taken that frees most of what is too much, then the next. Hunts of lower severity
//! are moved first. What comes out is planned as a whole before it is said, and never makes a peak worse.

use std::sync::Arc;
use std::time::Duration;

use super::input::{PlanError, PlanHunt, PlanInput};
use super::layout::{TenantPlan, plan};
use super::moves::Move;
use crate::model::hunt::Hunt;
use crate::model::id::HuntId;
use crate::model::time::format_duration;

mod greedy;
mod load;

/// A change that is suggested.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Whose.
    pub hunt: HuntId,
    /// What to set.
    pub change: Move,
    /// What it is now.
    pub now: String,
}

/// What is suggested, and what comes of it.
#[derive(Debug, Clone, Default)]
pub struct Suggested {
    /// The changes, in the order in which they help; none where nothing waits, or nothing helps.
    pub suggestions: Vec<Suggestion>,
    /// The plan with all of them; empty where there are none.
    pub after: Vec<TenantPlan>,
}

/// How full a minute may be, as a share of its calls, in percent: the least that helps is suggested. The minutes of
/// the clock are looked at, and a rolling minute may have most of two of them.
const FILLS: [u64; 4] = [100, 95, 70, 50];

/// How bad plans are, worst first in each field: tenants that can't fit, merged runs, time in which runs wait.
type Badness = (usize, u64, Duration);

fn badness(plans: &[TenantPlan]) -> Badness {
    let merged = plans.iter().flat_map(|plan| &plan.late).map(|late| u64::from(late.merged)).sum();
    let broken = plans.iter().filter(|plan| !plan.fits).count();
    (broken, merged, plans.iter().map(TenantPlan::backlogged).sum())
}

const CALM: Badness = (0, 0, Duration::ZERO);

/// Whether no tenant's peak is higher than it was.
fn no_peak_is_worse(before: &[TenantPlan], after: &[TenantPlan]) -> bool {
    let calls = |plan: &TenantPlan| plan.minute.map_or(0, |peak| peak.calls);
    before.iter().zip(after).all(|(before, after)| {
        calls(after) <= calls(before) && after.backlogged() <= before.backlogged() && (after.fits || !before.fits)
    })
}

/// What to move. `before` is the plan of `input`.
pub fn suggest(input: &PlanInput<'_>, before: &[TenantPlan]) -> Result<Suggested, PlanError> {
    let mut best = (badness(before), Suggested::default());
    for fill in FILLS {
        if best.0 == CALM {
            break;
        }
        let suggestions = greedy::moves(input, fill)?;
        if suggestions.is_empty() {
            continue;
        }
        let hunts = applied(input.hunts, &suggestions);
        let after = plan(&PlanInput { hunts: &hunts, ..*input })?;
        let found = badness(&after);
        if found < best.0 && no_peak_is_worse(before, &after) {
            best = (found, Suggested { suggestions, after });
        }
    }
    Ok(best.1)
}

/// The hunts, with what is suggested.
fn applied(hunts: &[PlanHunt], suggestions: &[Suggestion]) -> Vec<PlanHunt> {
    let mut hunts = hunts.to_vec();
    for suggestion in suggestions {
        let found = hunts.iter_mut().find(|planned| planned.hunt.id == suggestion.hunt);
        if let Some(planned) = found {
            planned.hunt = Arc::new(moved(&planned.hunt, &suggestion.change));
        }
    }
    hunts
}

fn moved(hunt: &Hunt, change: &Move) -> Hunt {
    let mut hunt = hunt.clone();
    match change {
        Move::Schedule(schedule) => hunt.schedule = schedule.clone(),
        Move::Splay(splay) => hunt.splay = *splay,
    }
    hunt
}

impl Suggestion {
    fn of(hunt: &Hunt, change: Move) -> Self {
        let now = match change {
            Move::Schedule(_) => hunt.schedule.as_str().to_owned(),
            Move::Splay(_) => format_duration(hunt.splay),
        };
        Self { hunt: hunt.id.clone(), change, now }
    }
}
