//! Event time that was missed, one step after the other, behind live work.
//!
//! What is missing is told by the ledger of event time alone: a step that failed, or that a kill cut off, is named
//! again. The agenda remembers how often it failed, and how long a window may be.

use std::sync::Arc;
use std::time::Duration;

use super::admission;
use super::asking::{asks, usual_length};
use super::order::Order;
use super::runner::Runner;
use super::tenant::Tenant;
use super::waiting::Waiting;
use crate::model::hunt::{Hunt, Severity};
use crate::model::id::TenantName;
use crate::model::limits;
use crate::model::run::{RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};
use crate::ports::store::error::StoreError;
use crate::rules::coverage::Coverage;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::schema::Schema;
use crate::rules::schedule;
use crate::rules::window::{self, CatchUpFacts, CatchUpPlan, Outlook, QueryNature, Splits, Step};

/// What comes after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing, until the next live run.
    Nothing,
    /// A look at this moment.
    LookAt(Timestamp),
    /// The step was made: there may be another.
    Again,
    /// The step failed of something that may pass.
    Failed,
    /// The step's result was too much for the API: a window of this length may not be.
    TooMuch(Duration),
}

/// What a catch-up is for.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The hunt.
    pub hunt: Arc<Hunt>,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The longest window to ask for, where a longer one was too much already.
    pub most: Option<Duration>,
}

impl Behind {
    /// What to do about event time that was missed, at `now`; `last` is the last tick that was served.
    #[must_use]
    pub fn plan(&self, coverage: &Coverage, last: Option<Timestamp>, schema: &Schema, now: Timestamp) -> CatchUpPlan {
        match last {
            Some(last) if self.hunt.catch_up.catches_up() => {
                let facts = facts(&self.hunt, &self.tenant.name, coverage, last, schema, now);
                window::catch_up(&CatchUpFacts { most: self.most, ..facts })
            }
            _ => CatchUpPlan::Nothing,
        }
    }

    /// What comes next, where there is nothing to ask for now.
    pub(super) async fn nothing_to_ask(&self, runner: &Runner) -> Result<Option<After>, StoreError> {
        let track = runner.store.track(&self.hunt.id, &self.tenant.name).await?;
        Ok(match self.plan(&track.coverage, track.last_due, &runner.schema, runner.clock.now()) {
            CatchUpPlan::Nothing => Some(After::Nothing),
            CatchUpPlan::Wait(at) => Some(After::LookAt(at)),
            CatchUpPlan::Ask(_) => None,
        })
    }

    /// Makes one step, once there is quota that live runs leave over. Meanwhile it holds nothing up, not the hunt's turn
    /// either.
    pub(super) async fn step(&self, runner: &Runner, waiting: &Waiting) -> Result<After, StoreError> {
        let now = runner.clock.now();
        let reserved = admission::reserve(runner, &self.order(now, None), waiting).await?;
        // A live run may have ended meanwhile.
        let track = runner.store.track(&self.hunt.id, &self.tenant.name).await?;
        let CatchUpPlan::Ask(step) = self.plan(&track.coverage, track.last_due, &runner.schema, runner.clock.now())
        else {
            runner.store.withdraw_call(reserved.call).await?;
            return Ok(After::Again);
        };
        let (window, as_of) = match step {
            Step::Window(window) => (Some(window), window.to),
            Step::AsOf(moment) => (None, moment),
        };
        let order = self.order(as_of, window);
        tracing::info!(hunt = %order.hunt.id, tenant = %order.tenant.name, ?step, "catching up on event time that was missed");
        // What is longer than a live run's window is halved, down to that.
        let usual = usual_length(&self.hunt);
        let longer = window.map(|window| window.length()).filter(|length| *length > usual);
        let finished = runner.run_reserved(&order, waiting, reserved).await?;
        Ok(match (finished.run.status, longer) {
            (RunStatus::Partial | RunStatus::Failed, Some(length)) if finished.is_too_much => {
                After::TooMuch((length / 2).max(usual))
            }
            (RunStatus::Ok | RunStatus::Partial, _) => After::Again,
            (RunStatus::Failed, _) if finished.may_pass => After::Failed,
            (RunStatus::Failed, _) => After::Nothing,
        })
    }

    fn order(&self, as_of: Timestamp, window: Option<Window>) -> Order {
        Order {
            hunt: Arc::clone(&self.hunt),
            tenant: Arc::clone(&self.tenant),
            due: as_of,
            trigger: Trigger::CatchUp,
            window,
            as_of: Some(as_of),
            notify: true,
        }
    }
}

/// What of event time is owed by now and isn't covered, and what will be done about it. `last` is the last
/// tick that was served.
#[must_use]
pub fn gaps(
    hunt: &Hunt,
    tenant: &TenantName,
    coverage: &Coverage,
    last: Option<Timestamp>,
    schema: &Schema,
    now: Timestamp,
) -> Vec<(Window, Outlook)> {
    let Some(last) = last else { return Vec::new() };
    let facts = facts(hunt, tenant, coverage, last, schema, now);
    let outlook =
        |gap: Window| (gap, if hunt.catch_up.catches_up() { window::outlook(&facts, gap) } else { Outlook::LeftOut });
    window::gaps(&facts).into_iter().map(outlook).collect()
}

fn facts<'a>(
    hunt: &Hunt,
    tenant: &TenantName,
    coverage: &'a Coverage,
    last: Timestamp,
    schema: &Schema,
    now: Timestamp,
) -> CatchUpFacts<'a> {
    let nature = QueryNature::of(&hunt.query, &analyse(&hunt.query, schema), schema);
    let next = schedule::next(&hunt.schedule, hunt.timezone, now);
    CatchUpFacts {
        coverage,
        asks: asks(nature),
        lookback: hunt.lookback,
        late: hunt.late,
        pause: schedule::longest_pause(&hunt.schedule),
        last,
        next: next.map(|tick| schedule::start(hunt, tenant, tick)),
        now,
        data_age: limits::DATA_AGE,
        newest_first: hunt.severity >= Severity::High,
        splits: nature.splits != Splits::Never,
        most: None,
    }
}

/// The wait after so many steps that failed one after the other.
pub(super) fn pause_after(failures: u32) -> Duration {
    let longest = Duration::from_hours(6);
    Duration::from_mins(5).saturating_mul(3_u32.saturating_pow(failures.saturating_sub(1).min(10))).min(longest)
}
