//! What a run asks, and what its answer may be taken for: orders and tracks handed to `rules/window`.

use std::time::Duration;

use super::order::Order;
use crate::model::coverage::{CoverageNote, Fate};
use crate::model::hunt::{CatchUp, Hunt};
use crate::model::limits;
use crate::model::run::Trigger;
use crate::model::time::{Timestamp, Window};
use crate::ports::api::QueryRequest;
use crate::ports::store::Track;
use crate::rules::diff::Scope;
use crate::rules::kql::analyse::{Analysis, analyse};
use crate::rules::kql::asof;
use crate::rules::kql::bounds::Rewriting;
use crate::rules::kql::facts::Reach;
use crate::rules::kql::schema::Schema;
use crate::rules::kql::tree::Operator;
use crate::rules::kql::walk::{Node, nodes};
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
    /// Columns of the result whose arrays have no order.
    pub(super) sets: Vec<String>,
    /// The columns of the result that say when an event happened, and when it arrived.
    pub(super) arrival: Option<(String, String)>,
    /// The table that it reads, where it is one alone.
    pub(super) table: Option<String>,
    /// When it is asked.
    asked: Timestamp,
    /// The event time that its rows lie in, where it may be asked in parts of it.
    spread: Option<Window>,
    /// What the window of its query hangs on.
    nature: QueryNature,
}

/// A part of what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    Whole,
    /// What lies in a part of its window.
    Window(Window),
    /// Rows whose hash is `n`, modulo `of`.
    Hash {
        /// Which part, from 0.
        n: u32,
        /// Of how many.
        of: u32,
    },
}

/// The most parts that rows are told apart into by their hash.
const MOST_PARTS: u32 = 4096;

impl Asking {
    /// What an order asks at `now`, given what its track has covered.
    #[must_use]
    pub fn of(order: &Order, track: &Track, schema: &Schema, now: Timestamp) -> Self {
        let hunt = &order.hunt;
        let as_of = order.as_of.unwrap_or(now).floor_to(Duration::from_millis(1));
        let analysis = analyse(&hunt.query, schema);
        let nature = QueryNature::of(&hunt.query, &analysis, schema);
        let kind = nature.kind;
        let live = window::window(WindowFacts {
            lookback: hunt.lookback,
            late: hunt.late,
            pause: schedule::longest_pause(&hunt.schedule),
            reaches_back: order.trigger == Trigger::Schedule && hunt.catch_up.catches_up(),
            splits: nature.splits != Splits::Never,
            coverage: &track.coverage,
            as_of,
            data_age: limits::DATA_AGE,
        });
        let reach = Window { from: as_of.minus(limits::DATA_AGE), to: as_of };
        let window = match (order.window, kind) {
            (Some(window), _) => Some(window),
            (None, QueryKind::Windowed) => Some(live),
            // The narrower of two time filters wins, so this bounds only the upper end.
            (None, QueryKind::OwnTime | QueryKind::Fixed) => Some(reach),
            (None, QueryKind::Snapshot) => None,
        };
        let asked = text(&analysis, hunt, as_of);
        let takes_timespan = order.tenant.api.takes_timespan();
        // An API that takes no window is given it in the text; where that can't be, it answers for all its data.
        let gives_window = order.window.is_some() || kind == QueryKind::Windowed;
        let bounded = window
            .filter(|_| gives_window && !takes_timespan)
            .and_then(|window| Rewriting::of(&hunt.query, &analysis.query).as_of(as_of).within(schema, window)?.done());
        let window = if takes_timespan || bounded.is_some() { window } else { window.map(|_| reach) };
        let spread = match (order.window, analysis.facts.reach) {
            (None, Reach::Back(back)) => Some(Window { from: as_of.minus(back).max(reach.from), to: as_of }),
            _ => window,
        };
        let timespan = window.filter(|_| takes_timespan).map(|window| match order.window {
            // `> ago(1h)` leaves its own moment to the run before, whose Timespan may end just before it.
            None if kind != QueryKind::Windowed => Window { to: window.to.plus(Duration::from_secs(1)), ..window },
            _ => window,
        });
        let request = QueryRequest { query: bounded.unwrap_or(asked), timespan, timeout: hunt.timeout };
        let clock_was_ahead = window::clock_was_ahead(&track.coverage, now);
        let sets = analysis.facts.sets.clone();
        let arrival = analysis.facts.arrival.clone();
        let table = if let [table] = analysis.facts.tables[..] { Some(table.to_owned()) } else { None };
        Self { as_of, window, request, clock_was_ahead, sets, arrival, table, asked: now, spread, nature }
    }

    /// The question for a share of the whole, or for the count of its rows; `None` where it can't be asked so.
    #[must_use]
    pub(super) fn part(&self, order: &Order, schema: &Schema, share: Share, count: bool) -> Option<QueryRequest> {
        let (hunt, takes_timespan) = (&order.hunt, order.tenant.api.takes_timespan());
        let analysis = analyse(&hunt.query, schema);
        let mut rewriting = Rewriting::of(&hunt.query, &analysis.query).as_of(self.as_of);
        let window = if let Share::Window(part) = share { Some(part) } else { self.window };
        if let (false, Some(window)) = (takes_timespan, window) {
            rewriting = rewriting.within(schema, window)?;
        }
        if let Share::Hash { n, of } = share {
            rewriting = rewriting.part(n, of)?;
        }
        if count {
            // `FileProfile` enriches a thousand rows of each answer: the parts' filters see more than the whole's.
            let enriches = |node| matches!(node, Node::Stage(stage) if matches!(stage.kind, Operator::Invoke(_)));
            if nodes(&analysis.query).any(enriches) {
                return None;
            }
            rewriting = rewriting.counted()?;
        }
        let query = match (share, count) {
            // Not a byte of it is another than in the whole.
            (Share::Window(_), false) if takes_timespan => self.request.query.clone(),
            _ => rewriting.done()?,
        };
        Some(QueryRequest { query, timespan: window.filter(|_| takes_timespan), timeout: hunt.timeout })
    }

    /// The two halves of a share whose results add up to its own, the older one first; `None` where there are
    /// none.
    #[must_use]
    pub(super) fn halves(&self, share: Share) -> Option<[Share; 2]> {
        match (self.nature.splits, share) {
            (Splits::ByTime, Share::Whole) => window::halves(self.spread?).map(|halves| halves.map(Share::Window)),
            (Splits::ByTime, Share::Window(part)) => window::halves(part).map(|halves| halves.map(Share::Window)),
            (Splits::ByHash, Share::Whole) => Some([Share::Hash { n: 0, of: 2 }, Share::Hash { n: 1, of: 2 }]),
            (Splits::ByHash, Share::Hash { n, of }) if of < MOST_PARTS => {
                Some([Share::Hash { n, of: of * 2 }, Share::Hash { n: n + of, of: of * 2 }])
            }
            _ => None,
        }
    }

    /// Whether it catches up by a window longer than a live run's, which can't be asked in parts.
    #[must_use]
    pub(super) fn is_widened(&self, order: &Order) -> bool {
        let usual = usual_length(&order.hunt);
        order.trigger == Trigger::CatchUp && !self.splits() && self.window.is_some_and(|window| window.length() > usual)
    }

    /// Whether it can be asked in parts at all.
    #[must_use]
    pub(super) fn splits(&self) -> bool {
        self.nature.splits != Splits::Never
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
                let from = self.as_of.minus(window::as_of_covers(back, pause)).max(window.from);
                let to = self.as_of.min(window.to);
                (from < to).then_some(Window { from, to })
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

/// The text as it is sent. What the query asks of the clock is asked as of the run's time, whenever the service
/// reads it. A text that isn't understood is sent as it stands: a part of it as of one time and a part as of another
/// would be worse.
fn text(analysis: &Analysis<'_>, hunt: &Hunt, as_of: Timestamp) -> String {
    if analysis.is_understood() { asof::as_of(&hunt.query, &analysis.query, as_of) } else { hunt.query.clone() }
}

/// Why event time is lost that nobody could ask for in time.
const TOO_OLD: &str = "no complete result held it before it was older than the 30 days that the API keeps";

/// How a hunt is asked about the past.
#[must_use]
pub(super) fn asks(nature: QueryNature) -> Asks {
    Asks::of(nature)
}

/// How long a live run's window usually is.
pub(super) fn usual_length(hunt: &Hunt) -> Duration {
    window::usual_length(hunt.lookback, hunt.late, schedule::longest_pause(&hunt.schedule))
}
