//! One result, in as many calls as it takes.
//!
//! Promises: a result that may be cut is never taken for the whole; where the parts of a window add up to the
//! whole, the window is halved until each part fits; each part that was complete counts, whatever becomes of
//! the others; a row that lies in two parts is one hit.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::asking::{Asking, Share};
use super::caller::{Answer, Caller, Spent, Taker};
use super::intake::{Intake, IntakeJob};
use super::means::Runner;
use super::order::Order;
use super::waiting::Waiting;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::hunt::{Hunt, Severity};
use crate::model::known::KnownHits;
use crate::model::limits;
use crate::model::run::Trigger;
use crate::model::time::Window;
use crate::ports::api::{AnswerPiece, QueryRequest};
use crate::ports::store::error::StoreError;
use crate::rules::identity::IdentityRule;
use crate::rules::remedy;

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
    /// Whether smaller windows may still be answered whole.
    pub(super) is_too_much: bool,
}

impl Collected {
    /// Whether the result is known to be whole.
    pub(super) fn is_complete(&self) -> bool {
        self.doubts.is_empty()
    }
}

/// What collects one run's result.
pub(super) struct Collector<'a> {
    pub(super) runner: &'a Runner,
    pub(super) order: &'a Order,
    pub(super) asking: &'a Asking,
    pub(super) waiting: &'a Waiting,
    pub(super) spent: &'a mut Spent,
}

/// How far a collection has come.
#[derive(Default)]
struct Progress {
    /// Shares that are still to be asked, the next one last.
    todo: Vec<Share>,
    /// Whether anything was answered.
    answered: bool,
    calls: u32,
    /// Time-outs one after the other.
    timeouts: u32,
    /// While the halves of the whole are asked, how many of them were full of what the whole had brought.
    in_vain: Option<u32>,
    /// The rows of the whole, where it is asked in parts and the API counted them.
    counted: Option<u64>,
}

impl Collector<'_> {
    /// Asks for the whole, and for parts of what doesn't fit. A failure says that nothing was brought at all.
    pub(super) async fn collect(
        &mut self,
        known: &Arc<KnownHits>,
    ) -> Result<Result<Collected, ApiFailure>, StoreError> {
        let job = IntakeJob {
            tenant: self.order.tenant.name.clone(),
            hunt: self.order.hunt.id.clone(),
            rule: identity_rule(&self.order.hunt, self.asking),
            secret: self.runner.store.secret(),
            known: Arc::clone(known),
            aside: Some(self.runner.store.aside()),
        };
        let mut done = Collected::new(Intake::new(job));
        let mut progress = Progress { todo: vec![Share::Whole], ..Progress::default() };
        while let Some(share) = progress.todo.pop() {
            if let Some(why) = self.must_stop(&done, progress.calls) {
                done.doubts.push(why);
                return Ok(Ok(done));
            }
            // None but the whole is ever asked that can't be.
            let Some(request) = self.request(share) else { continue };
            progress.calls += 1;
            let intake = done.intake.clone();
            let taker = move || -> Taker<Intake> {
                let intake = intake.clone();
                Box::new(move |pieces| intake.more(pieces))
            };
            match self.call(&request, share != Share::Whole, &taker).await? {
                Ok((intake, end)) => {
                    let in_vain = share != Share::Whole && intake.met() == done.intake.met();
                    done.intake = intake;
                    (progress.answered, progress.timeouts) = (true, 0);
                    self.take((share, in_vain), end.rows, &mut done, &mut progress).await?;
                }
                Err(failure) => {
                    if let Some(failure) = self.mend(share, failure, &mut done, &mut progress).await? {
                        return Ok(Err(failure));
                    }
                }
            }
        }
        done.check_count(progress.counted);
        if done.is_complete() {
            // The parts together are the whole, which may say more: an as-of hunt's looks further than its rows lie.
            done.covered = self.asking.window.into_iter().collect();
        }
        Ok(Ok(done))
    }

    /// Notes down an answer: as complete, or as cut.
    async fn take(
        &mut self,
        (share, in_vain): (Share, bool),
        rows: u64,
        done: &mut Collected,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        // A limit set above the API's own would hide the cut.
        let limit = self.order.tenant.quota.row_limit.min(limits::ROW_LIMIT);
        if rows < limit {
            progress.in_vain = None;
            done.rows += rows;
            done.covered.extend(self.window(share));
            return Ok(());
        }
        if in_vain && progress.in_vain == Some(1) {
            // The halves of the whole have nothing in common, and so can't both be full of its rows.
            progress.todo.clear();
            done.rows = done.rows.max(rows);
            let why = "its parts are answered with the rows of the whole, as if they asked for all of it";
            done.give_up(self.window(Share::Whole), format!("{}; {why}", cut(rows, limit, Share::Whole)));
        } else if let Some(halves) = self.halves(share) {
            self.count(share, progress).await?;
            // The other half first, where the first one was full of what the whole had brought.
            let is_first = in_vain && progress.in_vain == Some(0);
            let place = if is_first { 0 } else { progress.todo.len() };
            progress.todo.splice(place..place, halves);
            progress.in_vain = match share {
                Share::Whole => Some(0),
                _ if is_first => Some(1),
                _ => None,
            };
        } else {
            done.rows += rows;
            // What is cut of a window that was widened may fit into usual ones: it isn't given up yet.
            done.is_too_much = self.asking.is_widened(self.order);
            let window = self.window(share).filter(|_| !done.is_too_much);
            done.give_up(window, cut(rows, limit, share));
        }
        Ok(())
    }

    /// What to do about a failure: parts, a doubt, or nothing. It is handed back where the whole run has failed.
    async fn mend(
        &mut self,
        share: Share,
        failure: ApiFailure,
        done: &mut Collected,
        progress: &mut Progress,
    ) -> Result<Option<ApiFailure>, StoreError> {
        let timeout = failure.class == FailureClass::Timeout;
        let unwell = timeout && progress.timeouts >= MOST_TIMEOUTS;
        if remedy::may_split(&failure.class) && self.asking.splits() && !unwell {
            progress.timeouts += u32::from(timeout);
            match self.halves(share) {
                Some(halves) => {
                    if !timeout {
                        self.count(share, progress).await?;
                    }
                    progress.todo.extend(halves);
                    return Ok(None);
                }
                // Not even the smallest part is answered: it isn't the size of the result.
                None if !progress.answered => return Ok(Some(failure)),
                None => {
                    done.give_up(self.window(share), too_much(&failure));
                    return Ok(None);
                }
            }
        }
        if !progress.answered {
            return Ok(Some(failure));
        }
        let why =
            format!("a part of it could not be asked ({}: {}): it is asked later", failure.class, failure.message);
        done.doubts.push(why);
        progress.todo.clear();
        Ok(None)
    }

    /// Has the API count the rows of the whole, before its parts are asked: what arrives meanwhile makes their sum
    /// larger, never smaller. Without an answer there is no check.
    async fn count(&mut self, share: Share, progress: &mut Progress) -> Result<(), StoreError> {
        if share != Share::Whole {
            return Ok(());
        }
        let Some(request) = self.asking.part(self.order, &self.runner.schema, share, true) else { return Ok(()) };
        progress.calls += 1;
        match self.call(&request, true, &|| -> Taker<Option<u64>> { Box::new(|pieces| Ok(read_count(pieces))) }).await?
        {
            Ok((counted, _)) => progress.counted = counted,
            Err(error) => {
                tracing::debug!(hunt = %self.order.hunt.id, tenant = %self.order.tenant.name, %error, "the rows could not be counted");
            }
        }
        Ok(())
    }

    async fn call<T: Send + 'static>(
        &mut self,
        request: &QueryRequest,
        is_part: bool,
        taker: &(dyn Fn() -> Taker<T> + Send + Sync),
    ) -> Result<Answer<T>, StoreError> {
        let (runner, order, waiting) = (self.runner, self.order, self.waiting);
        Caller { runner, order, request, taker, is_part, waiting, spent: &mut *self.spent }.call().await
    }

    /// Why no further share is asked now.
    fn must_stop(&self, done: &Collected, calls: u32) -> Option<String> {
        let order = self.order;
        if calls >= MOST_CALLS {
            return Some(format!("it took more than {MOST_CALLS} calls: the rest is asked later"));
        }
        // Catching up makes way for a live run of the same hunt, once it has got anywhere.
        let makes_way = !done.covered.is_empty() && order.trigger == Trigger::CatchUp;
        (makes_way && self.runner.turns.is_wanted(&order.hunt.id, &order.tenant.name))
            .then(|| "it made way for the hunt's next run: the rest is asked later".to_owned())
    }

    fn request(&self, share: Share) -> Option<QueryRequest> {
        match share {
            Share::Whole => Some(self.asking.request.clone()),
            part => self.asking.part(self.order, &self.runner.schema, part, false),
        }
    }

    /// The event time of a share, where it has one.
    fn window(&self, share: Share) -> Option<Window> {
        match share {
            Share::Whole => self.asking.window,
            Share::Window(window) => Some(window),
            Share::Hash { .. } => None,
        }
    }

    /// The two halves, the one to be asked first last.
    fn halves(&self, share: Share) -> Option<[Share; 2]> {
        let [older, newer] = self.asking.halves(share)?;
        // Both can be asked, or none is.
        self.request(older)?;
        Some(if self.order.hunt.severity == Severity::High { [older, newer] } else { [newer, older] })
    }
}

impl Collected {
    const fn new(intake: Intake) -> Self {
        Self { intake, rows: 0, covered: Vec::new(), given_up: Vec::new(), doubts: Vec::new(), is_too_much: false }
    }

    /// Holds the sum of the parts against a count of the whole.
    fn check_count(&mut self, counted: Option<u64>) {
        if let Some(counted) = counted.filter(|counted| self.is_complete() && self.rows < *counted) {
            let rows = self.rows;
            self.doubts.push(format!("its parts have {rows} rows, and the API counts {counted}: it is asked again"));
            self.covered.clear();
        }
    }

    fn give_up(&mut self, window: Option<Window>, why: String) {
        if let Some(window) = window {
            self.given_up.push((window, why.clone()));
        }
        self.doubts.push(why);
    }
}

fn cut(rows: u64, limit: u64, share: Share) -> String {
    let part = match share {
        Share::Whole => None,
        Share::Window(_) => Some("a single second"),
        Share::Hash { .. } => Some("the smallest part"),
    };
    if let Some(part) = part {
        return format!(
            "{part} has {rows} rows or more, at which the API cuts without a word ({limit}): some are missing; narrow the query"
        );
    }
    format!(
        "the result has {rows} rows, at which the API cuts without a word ({limit}): some may be missing; shorten the lookback, or narrow the query"
    )
}

fn too_much(failure: &ApiFailure) -> String {
    format!("the smallest part is too much for the API ({}: {}); narrow the query", failure.class, failure.message)
}

/// The one number of an answer to `| count`; none where it is something else.
fn read_count(mut pieces: mpsc::Receiver<AnswerPiece>) -> Option<u64> {
    let (mut rows, mut counted) = (0_u64, None);
    while let Some(piece) = pieces.blocking_recv() {
        let AnswerPiece::Rows(chunk) = piece else { continue };
        for row in chunk.iter() {
            rows += 1;
            let row: serde_json::Value = serde_json::from_slice(row).unwrap_or_default();
            let count = row.get("Count");
            counted = count.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
        }
    }
    counted.filter(|_| rows == 1)
}

fn identity_rule(hunt: &Hunt, asking: &Asking) -> IdentityRule {
    IdentityRule {
        key: hunt.key.clone(),
        ignore: hunt.ignore.clone(),
        suppress_by: hunt.suppress.as_ref().map(|suppress| suppress.by.clone()),
        sets: asking.sets.clone(),
        arrival: asking.arrival.clone(),
    }
}
