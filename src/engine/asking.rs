//! What a run asks, and what its answer may be taken for: orders and tracks handed to `rules/window`.

use std::time::Duration;

use super::order::Order;
use crate::model::coverage::{CoverageNote, Fate};
use crate::model::hunt::CatchUp;
use crate::model::id::RunId;
use crate::model::limits;
use crate::model::run::Trigger;
use crate::model::time::{Timestamp, Window};
use crate::ports::api::QueryRequest;
use crate::ports::store::Track;
use crate::rules::coverage::Coverage;
use crate::rules::diff::Scope;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::asof;
use crate::rules::kql::schema::Schema;
use crate::rules::schedule;
use crate::rules::window::{self, Asks, QueryKind, QueryNature, ResultScope, Splits, WindowFacts};

/// How long what became of event time is remembered after the API's data no longer reaches back to it.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// What is asked for an order: shown by `run --dry-run`, and sent by a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The moment that the run stands at.
    pub as_of: Timestamp,
    /// The event time that the run covers, where huntd gives it.
    pub window: Option<Window>,
    /// What the API is asked.
    pub request: QueryRequest,
    /// By how much covered time lies ahead of now: the clock stood ahead when it was written down, and
    /// what it says of coverage can't be trusted.
    pub clock_was_ahead: Option<Duration>,
    /// When it is asked.
    asked: Timestamp,
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
            pause: schedule::longest_pause(&hunt.schedule),
            reaches_back: order.trigger == Trigger::Schedule && hunt.catch_up.catches_up(),
            coverage: &track.coverage,
            as_of,
            data_age: limits::DATA_AGE,
        });
        let reach = Window { from: as_of.minus(limits::DATA_AGE), to: as_of };
        let window = match (order.window, kind) {
            (Some(window), _) => Some(window),
            (None, QueryKind::Windowed) => Some(plan.window),
            // The narrower of two time filters wins, so this bounds only the upper end.
            (None, QueryKind::OwnTime) => Some(reach),
            (None, QueryKind::Snapshot) => None,
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
        let clock_was_ahead = window::clock_was_ahead(&track.coverage, now);
        Self { as_of, window, request, clock_was_ahead, asked: now, nature }
    }

    /// The same question for a part of its window; `None` where it can't be asked so, or where the parts
    /// wouldn't add up to the whole.
    #[must_use]
    pub fn part(&self, window: Window) -> Option<QueryRequest> {
        let splits = self.nature.splits == Splits::ByTime && self.request.timespan.is_some();
        splits.then(|| QueryRequest { timespan: Some(window), ..self.request.clone() })
    }

    /// Says in the log what of the event time can't be trusted.
    pub(super) fn warn(&self, order: &Order) {
        let (hunt, tenant) = (&order.hunt.id, &order.tenant.name);
        if let Some(ahead) = self.clock_was_ahead {
            tracing::warn!(%hunt, %tenant, ?ahead, "the clock stood ahead when the hunt last ran: the run reaches back as far");
        }
    }

    /// The watermark after this run; `None` leaves it.
    pub(super) fn watermark(&self, complete: bool, trigger: Trigger, before: Option<Timestamp>) -> Option<Timestamp> {
        let window = self.window?;
        match trigger {
            Trigger::Schedule => window::next_watermark(window, complete),
            Trigger::CatchUp | Trigger::Manual if complete => window::extend_watermark(before, window),
            Trigger::CatchUp | Trigger::Manual => None,
        }
    }

    /// Whether a later run covers the event time of one that failed.
    pub(super) fn is_covered_again(&self, order: &Order) -> bool {
        order.trigger != Trigger::Manual && order.hunt.catch_up.catches_up() && asks(self.nature) != Asks::Never
    }

    /// Whether it looks at what a new hunt catches up of the past: it belongs to the first run.
    pub(super) fn is_first_past(&self, order: &Order, origin: Option<Timestamp>) -> bool {
        let CatchUp::Past(past) = order.hunt.catch_up else { return false };
        order.trigger == Trigger::CatchUp && origin.is_some_and(|origin| self.as_of <= origin.plus(past))
    }

    /// What a result may be taken for.
    pub(super) fn scope(&self, complete: bool) -> Scope {
        match self.nature.scope(self.window) {
            ResultScope::Whole if complete => Scope::Whole,
            ResultScope::Window(window) if complete => Scope::Window(window),
            _ => Scope::Adds,
        }
    }

    /// What the run says of event time. `covered` are the windows of its complete results, and `given_up` those
    /// that this query can't cover, with the reason.
    pub(super) fn coverage(
        &self,
        order: &Order,
        covered: &[Window],
        given_up: &[(Window, String)],
    ) -> Vec<CoverageNote> {
        let (hunt, late) = (&order.hunt, order.hunt.late);
        let pause = schedule::longest_pause(&hunt.schedule);
        let looked_at = |window: Window| match asks(self.nature) {
            Asks::Window => Some(window),
            // A window of the asker's own bounds it, and takes from what it looks at.
            Asks::AsOf(back) if order.window.is_none() => {
                Some(Window { from: self.as_of.minus(window::as_of_covers(back, pause)), to: self.as_of })
            }
            Asks::AsOf(_) | Asks::Never => None,
        };
        let Some(whole) = self.window.and_then(looked_at) else { return Vec::new() };
        let settled = |window: &Window| window::settled(looked_at(*window)?, self.asked, late);
        let mut notes = Vec::new();
        if order.trigger == Trigger::Schedule {
            notes.push(CoverageNote::Origin(match hunt.catch_up {
                CatchUp::Past(past) => whole.from.min(self.asked.minus(past)),
                CatchUp::Auto | CatchUp::Skip => whole.from,
            }));
        }
        let trusted = self.asked.minus(self.clock_was_ahead.unwrap_or_default()).minus(late);
        notes.push(CoverageNote::Uncover(trusted));
        notes.extend(covered.iter().filter_map(settled).map(CoverageNote::Cover));
        let lost = |window: Window, why: &str| CoverageNote::Decide { window, fate: Fate::Lost, why: why.to_owned() };
        notes.extend(given_up.iter().filter_map(|(window, why)| Some(lost(settled(window)?, why))));
        let reach = self.asked.minus(limits::DATA_AGE);
        if order.trigger == Trigger::Schedule && !hunt.catch_up.catches_up() {
            let (window, why) = (Window { from: Timestamp::EPOCH, to: whole.from }, "catch_up: skip".to_owned());
            notes.push(CoverageNote::Decide { window, fate: Fate::Skipped, why });
        }
        notes.push(lost(Window { from: Timestamp::EPOCH, to: reach }, TOO_OLD));
        notes.push(CoverageNote::Forget(reach.minus(REMEMBERED)));
        notes
    }
}

/// Why event time is lost that nobody could ask for in time.
const TOO_OLD: &str = "no complete result held it before it was older than the 30 days that the API keeps";

/// How a hunt is asked about the past.
#[must_use]
pub(super) fn asks(nature: QueryNature) -> Asks {
    match (nature.kind, nature.back) {
        (QueryKind::Windowed, _) => Asks::Window,
        (QueryKind::OwnTime, Some(back)) => Asks::AsOf(back),
        (QueryKind::OwnTime, None) | (QueryKind::Snapshot, _) => Asks::Never,
    }
}

/// The ledger as it will be after a run's notes.
pub(super) fn after(coverage: &Coverage, notes: &[CoverageNote], run: &RunId) -> Coverage {
    let mut after = coverage.clone();
    notes.iter().for_each(|note| after.note(note, run));
    after
}
