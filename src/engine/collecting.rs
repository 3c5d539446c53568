//! One result, in as many calls as it takes.
//!
//! Promises: a result that may be cut is never taken for the whole; where the parts of a window add up to the
//! whole, the window is halved until each part fits; each part that was complete counts, whatever becomes of
//! the others; a row that lies in two parts is one hit.

use std::sync::Arc;

use super::asking::Asking;
use super::caller::{Caller, Spent, Waiting};
use super::intake::{Intake, IntakeJob};
use super::order::Order;
use super::turns::Turns;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::hit::KnownHits;
use crate::model::hunt::{Hunt, Severity};
use crate::model::limits;
use crate::model::run::Trigger;
use crate::model::time::Window;
use crate::ports::api::QueryRequest;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::identity::IdentityRule;
use crate::rules::remedy;
use crate::rules::window::halves;

/// Calls of one run at most: what is left then is a gap, and is caught up later, in turn with other work.
const MOST_CALLS: u32 = 128;

/// Time-outs on ever smaller windows after which it is the service that is unwell, and not the query too dear.
const MOST_TIMEOUTS: u32 = 3;

/// What the calls of a run brought together.
#[derive(Debug)]
pub(super) struct Collected {
    /// What was taken in.
    pub(super) intake: Intake,
    /// Rows of the answers that count: of a window that was asked in parts, those of its parts.
    pub(super) rows: u64,
    /// Windows whose results were complete.
    pub(super) covered: Vec<Window>,
    /// Windows that this query can't cover, with the reason.
    pub(super) given_up: Vec<(Window, String)>,
    /// Why the result may not be whole; nothing where it is.
    pub(super) doubts: Vec<String>,
}

impl Collected {
    /// Whether the result is known to be whole.
    pub(super) fn is_complete(&self) -> bool {
        self.doubts.is_empty()
    }
}

/// What collects one run's result.
pub(super) struct Collector<'a> {
    pub(super) store: &'a Store,
    pub(super) clock: &'a SharedClock,
    pub(super) turns: &'a Turns,
    pub(super) order: &'a Order,
    pub(super) asking: &'a Asking,
    pub(super) waiting: &'a Waiting,
    pub(super) spent: &'a mut Spent,
}

/// What is asked next.
struct Part {
    window: Option<Window>,
    request: QueryRequest,
    is_part: bool,
}

impl Collector<'_> {
    /// Asks for the whole, and for parts of what doesn't fit. A failure says that nothing was brought at all.
    pub(super) async fn collect(
        &mut self,
        known: &Arc<KnownHits>,
    ) -> Result<Result<Collected, ApiFailure>, StoreError> {
        let (tenant, hunt) = (&self.order.tenant, &self.order.hunt);
        let mut done = Collected {
            intake: Intake::new(IntakeJob {
                tenant: tenant.name.clone(),
                hunt: hunt.id.clone(),
                rule: identity_rule(hunt),
                secret: self.store.secret(),
                known: Arc::clone(known),
            }),
            rows: 0,
            covered: Vec::new(),
            given_up: Vec::new(),
            doubts: Vec::new(),
        };
        // A limit set above the API's own would hide the cut.
        let limit = tenant.quota.row_limit.min(limits::ROW_LIMIT);
        let (mut answered, mut calls, mut timeouts) = (false, 0, 0);
        let whole = Part { window: self.asking.window, request: self.asking.request.clone(), is_part: false };
        let mut todo = vec![whole];
        while let Some(part) = todo.pop() {
            if let Some(why) = self.must_stop(&part, calls) {
                done.doubts.push(why);
                break;
            }
            calls += 1;
            let (store, clock, order, waiting) = (self.store, self.clock, self.order, self.waiting);
            let (request, base, is_part) = (&part.request, &done.intake, part.is_part);
            let mut caller = Caller { store, clock, order, request, base, is_part, waiting, spent: &mut *self.spent };
            match caller.call().await? {
                Ok((intake, end)) => {
                    (done.intake, answered, timeouts) = (intake, true, 0);
                    match self.halves(&part) {
                        _ if end.rows < limit => {
                            done.rows += end.rows;
                            done.covered.extend(part.window);
                        }
                        Some(halves) => todo.extend(halves),
                        None => {
                            done.rows += end.rows;
                            done.give_up(&part, cut(end.rows, limit, part.is_part));
                        }
                    }
                }
                Err(failure) if self.may_be_halved(&part, &failure, timeouts) => {
                    timeouts += u32::from(failure.class == FailureClass::Timeout);
                    match self.halves(&part) {
                        Some(halves) => todo.extend(halves),
                        // Not even a second of it is answered: it isn't the size of the window.
                        None if !answered => return Ok(Err(failure)),
                        None => done.give_up(&part, too_much(&failure)),
                    }
                }
                Err(failure) if !answered => return Ok(Err(failure)),
                Err(failure) => {
                    done.doubts.push(format!(
                        "a part of it could not be asked ({}: {}), and is asked again later",
                        failure.class, failure.message
                    ));
                    break;
                }
            }
        }
        Ok(Ok(done))
    }

    /// Why no further part is asked now.
    fn must_stop(&self, part: &Part, calls: u32) -> Option<String> {
        let order = self.order;
        if calls >= MOST_CALLS {
            return Some(format!("it took more than {MOST_CALLS} calls: the rest is asked later"));
        }
        // Catching up makes way for a live run of the same hunt.
        let makes_way = part.is_part && order.trigger == Trigger::CatchUp;
        (makes_way && self.turns.is_wanted(&order.hunt.id, &order.tenant.name))
            .then(|| "it made way for the hunt's next run: the rest is asked later".to_owned())
    }

    /// Whether halves of the window may be answered, and add up to the whole.
    fn may_be_halved(&self, part: &Part, failure: &ApiFailure, timeouts: u32) -> bool {
        let unwell = failure.class == FailureClass::Timeout && timeouts >= MOST_TIMEOUTS;
        let splits = part.window.is_some_and(|window| self.asking.part(window).is_some());
        remedy::may_split(&failure.class) && splits && !unwell
    }

    /// The two halves, the one to be asked first last.
    fn halves(&self, part: &Part) -> Option<[Part; 2]> {
        let [older, newer] = halves(part.window?)?;
        let part = |window| Some(Part { window: Some(window), request: self.asking.part(window)?, is_part: true });
        let (older, newer) = (part(older)?, part(newer)?);
        Some(if self.order.hunt.severity == Severity::High { [older, newer] } else { [newer, older] })
    }
}

impl Collected {
    fn give_up(&mut self, part: &Part, why: String) {
        if let Some(window) = part.window {
            self.given_up.push((window, why.clone()));
        }
        self.doubts.push(why);
    }
}

fn cut(rows: u64, limit: u64, is_part: bool) -> String {
    if is_part {
        return format!(
            "a single second has {rows} rows or more, at which the API cuts without a word ({limit}): some are missing; narrow the query"
        );
    }
    format!(
        "the result has {rows} rows, at which the API cuts without a word ({limit}): some may be missing; shorten the lookback, or narrow the query"
    )
}

fn too_much(failure: &ApiFailure) -> String {
    format!("a single second is too much for the API ({}: {}); narrow the query", failure.class, failure.message)
}

fn identity_rule(hunt: &Hunt) -> IdentityRule {
    IdentityRule {
        key: hunt.key.clone(),
        ignore: hunt.ignore.clone(),
        suppress_by: hunt.suppress.as_ref().map(|suppress| suppress.by.clone()),
    }
}
