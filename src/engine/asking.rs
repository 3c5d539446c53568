//! What a run asks, and what its answer may be taken for: orders and tracks handed to `rules/window`.

use std::time::Duration;

use super::order::Order;
use crate::model::hunt::CatchUp;
use crate::model::limits;
use crate::model::run::Trigger;
use crate::model::time::{Timestamp, Window};
use crate::ports::api::QueryRequest;
use crate::ports::store::Track;
use crate::rules::diff::Scope;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::asof;
use crate::rules::kql::schema::Schema;
use crate::rules::window::{self, QueryKind, QueryNature, ResultScope, WindowFacts};

/// What is asked for an order: shown by `run --dry-run`, and sent by a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The moment that the run stands at.
    pub as_of: Timestamp,
    /// The event time that the run covers, where huntd gives it.
    pub window: Option<Window>,
    /// What the API is asked.
    pub request: QueryRequest,
    /// Event time that can no longer be covered, as the API's data doesn't reach back so far.
    pub lost: Option<Window>,
    /// By how much the watermark lies ahead of `as_of`: the clock stood ahead when it was written, and
    /// what it says of coverage can't be trusted.
    pub clock_was_ahead: Option<Duration>,
    /// What the window of its query hangs on.
    nature: QueryNature,
}

impl Asking {
    /// What an order asks at `now`, given what its track has covered.
    #[must_use]
    pub fn of(order: &Order, track: &Track, schema: &Schema, now: Timestamp) -> Self {
        let hunt = &order.hunt;
        let as_of = order.as_of.unwrap_or(now).floor_to(Duration::from_millis(1));
        let analysis = analyse(&hunt.query, schema);
        let nature = QueryNature::of(&hunt.query, &analysis, schema);
        let kind = nature.kind;
        let plan = window::window(WindowFacts {
            lookback: hunt.lookback,
            late: hunt.late,
            catch_up: if order.trigger == Trigger::Manual { CatchUp::Skip } else { hunt.catch_up },
            watermark: track.watermark,
            as_of,
            data_age: limits::DATA_AGE,
        });
        let reach = Window { from: as_of.minus(limits::DATA_AGE), to: as_of };
        let (window, lost) = match (order.window, kind) {
            (Some(window), _) => (Some(window), None),
            (None, QueryKind::Windowed) => (Some(plan.window), plan.lost),
            // The narrower of two time filters wins, so this bounds only the upper end.
            (None, QueryKind::OwnTime | QueryKind::Fixed) => (Some(reach), None),
            (None, QueryKind::Snapshot) => (None, None),
        };
        let timespan = window.filter(|_| order.tenant.api.takes_timespan());
        // An API that takes no window answers for all its data.
        let window = if timespan.is_some() || kind == QueryKind::Snapshot { window } else { Some(reach) };
        // What the query asks of the clock is asked as of the run's time, whenever the service reads it.
        // A text that isn't understood is sent as it stands: a part of it as of one time and a part as of
        // another would be worse.
        let query = if analysis.is_understood() {
            asof::as_of(&hunt.query, &analysis.query, as_of)
        } else {
            hunt.query.clone()
        };
        let request = QueryRequest { query, timespan, timeout: hunt.timeout };
        Self { as_of, window, request, lost, clock_was_ahead: plan.clock_was_ahead, nature }
    }

    /// Says in the log what of the event time can't be covered.
    pub(super) fn warn(&self, order: &Order) {
        let (hunt, tenant) = (&order.hunt.id, &order.tenant.name);
        if let Some(Window { from, to }) = self.lost {
            tracing::warn!(%hunt, %tenant, %from, %to, "event time was never covered, and the API's data no longer reaches back to it");
        }
        if let Some(ahead) = self.clock_was_ahead {
            tracing::warn!(%hunt, %tenant, ?ahead, "the clock stood ahead when the hunt last ran: the run reaches back as far");
        }
    }

    /// The watermark after this run; `None` leaves it.
    pub(super) fn watermark(&self, complete: bool, trigger: Trigger, before: Option<Timestamp>) -> Option<Timestamp> {
        let window = self.window?;
        match trigger {
            Trigger::Manual if complete => window::extend_watermark(before, window),
            Trigger::Manual => None,
            Trigger::Schedule | Trigger::CatchUp => window::next_watermark(window, complete),
        }
    }

    /// Whether the next run covers the event time of one that failed. It reaches back to the watermark
    /// only for a schedule, and not where the hunt leaves out what was missed or filters by its own time.
    pub(super) fn is_covered_again(&self, order: &Order) -> bool {
        order.trigger != Trigger::Manual
            && order.hunt.catch_up == CatchUp::Auto
            && self.nature.kind == QueryKind::Windowed
    }

    /// What a result may be taken for.
    pub(super) fn scope(&self, complete: bool) -> Scope {
        match self.nature.scope(self.window) {
            ResultScope::Whole if complete => Scope::Whole,
            ResultScope::Window(window) if complete => Scope::Window(window),
            _ => Scope::Adds,
        }
    }
}
