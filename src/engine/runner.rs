//! One run: claim, call, stream, compare, commit.
//!
//! Promises: a call is in the quota's ledger before it goes out; what an answer said counts only
//! when the whole answer was sound; run, hits, watermark and deliveries are committed together or
//! not at all. A run that fails is committed too, with its reason, and takes nothing away.

use std::sync::Arc;

use super::admission::{self, Reserved};
pub use super::asking::Asking;
use super::caller::Spent;
use super::collecting::{Collected, Collector};
use super::insisting::insist;
pub use super::means::Runner;
pub use super::order::Order;
use super::waiting::Waiting;
use crate::model::coverage::CoverageNote;
use crate::model::delivery::About;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::id::RunId;
use crate::model::notice_hunt::NoticeHunt;
use crate::model::run::{PlannedDelivery, Run, RunCommit, RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};
use crate::ports::store::Track;
use crate::ports::store::error::StoreError;
use crate::rules::coverage::Coverage;
use crate::rules::definition;
use crate::rules::overload;
use crate::rules::remedy;
use crate::rules::route::{self, Facts, Verdict};
use crate::rules::schedule;

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The run, as it was committed.
    pub run: Run,
    /// What a notice shows of its hunt.
    pub notice: NoticeHunt,
    /// The deliveries that it left in the outbox.
    pub deliveries: Vec<PlannedDelivery>,
    /// Why it tells what it tells; none for a run that failed.
    pub verdict: Option<Verdict>,
    /// What became of event time, after it.
    pub coverage: Coverage,
    /// Whether it failed of something that may pass by itself.
    pub may_pass: bool,
    /// Whether its result was too much for the API, and smaller ones may not be.
    pub is_too_much: bool,
}

/// How often a run is made again when another process committed one of the same hunt in between.
const OVERTAKEN_TRIES: u32 = 5;

impl Runner {
    /// Makes the run, and commits it. An error means that the store failed and nothing is in it; a
    /// run that failed otherwise is committed as such.
    pub async fn run(&self, order: &Order) -> Result<Finished, StoreError> {
        // A run holds much: on the heap it is moved by its address.
        Box::pin(self.run_noting(order, &Waiting::new(false))).await
    }

    /// As [`run`](Self::run); `waiting` says at any moment whether it only waits.
    pub(super) async fn run_noting(&self, order: &Order, waiting: &Waiting) -> Result<Finished, StoreError> {
        self.run_spending(order, waiting, &mut Spent::default()).await
    }

    /// As [`run_noting`](Self::run_noting), with a first call that is in the quota's ledger already.
    pub(super) async fn run_reserved(
        &self,
        order: &Order,
        waiting: &Waiting,
        reserved: Reserved,
    ) -> Result<Finished, StoreError> {
        self.run_spending(order, waiting, &mut Spent { reserved: Some(reserved), ..Spent::default() }).await
    }

    async fn run_spending(&self, order: &Order, waiting: &Waiting, spent: &mut Spent) -> Result<Finished, StoreError> {
        waiting.set(true);
        let _turn = self.turns.take(&order.hunt.id, &order.tenant.name).await;
        waiting.set(false);
        if spent.reserved.is_none() {
            // What is known of the hunt is read when it can be asked at once, and not before the wait.
            spent.reserved = Some(admission::reserve(self, order, waiting).await?);
        }
        if order.trigger == Trigger::Schedule {
            let waited = spent.reserved.as_ref().map(|reserved| reserved.waited).unwrap_or_default();
            spent.late = overload::late(&order.hunt, order.due, self.clock.now(), waited);
        }
        let finished = self.run_until_first(&self.merged(order), waiting, spent).await;
        if let Some(Reserved { call, .. }) = spent.reserved.take() {
            insist(&self.clock, || self.store.withdraw_call(call)).await?;
        }
        finished
    }

    /// The order with the tick that it serves by now: ticks that came while it waited are served by the same run, whose
    /// window reaches up to the latest.
    fn merged(&self, order: &Order) -> Order {
        let mut merged = order.clone();
        if order.trigger == Trigger::Schedule
            && let Some((due, missed)) = schedule::latest(&order.hunt, &order.tenant.name, order.due, self.clock.now())
        {
            tracing::warn!(hunt = %order.hunt.id, tenant = %order.tenant.name, from = %order.due, %due, missed, "the run waited for the quota until its next tick came: one run serves both");
            merged.due = due;
        }
        merged
    }

    async fn run_until_first(
        &self,
        order: &Order,
        waiting: &Waiting,
        spent: &mut Spent,
    ) -> Result<Finished, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.run_once(order, waiting, spent).await {
                Err(StoreError::Overtaken) if tries < OVERTAKEN_TRIES => {
                    tracing::info!(hunt = %order.hunt.id, tenant = %order.tenant.name, "overtaken by another process: the run is made again");
                }
                done => return done,
            }
        }
    }

    async fn run_once(&self, order: &Order, waiting: &Waiting, spent: &mut Spent) -> Result<Finished, StoreError> {
        let (track, known) = self.store.history(&order.hunt.id, &order.tenant.name).await?;
        let known = Arc::new(known);
        let started = self.clock.now();
        let asking = Asking::of(order, &track, &self.schema, started);
        asking.warn(order);
        let run = self.store.new_run_id(started);
        let mut collector = Collector { runner: self, order, asking: &asking, waiting, spent };
        let answer = collector.collect(&known).await?;
        let base = self.base(order, &asking, run, started, spent);
        let mut too_much = false;
        let (commit, verdict, class) = match answer {
            Ok(collected) => {
                too_much = collected.is_too_much;
                let (commit, verdict) = self.judge(order, &asking, &track, base, collected);
                (commit, Some(verdict), None)
            }
            Err(failure) => (self.judge_failure(order, &asking, &track, base, &failure), None, Some(failure.class)),
        };
        insist(&self.clock, || self.store.commit_run(&commit)).await?;
        self.vitals.ran(&commit.run);
        log_run(&commit.run);
        if commit.run.trigger == Trigger::Schedule && commit.run.calls > 0 {
            self.gates.of(&order.tenant.name).ran(commit.run.late.as_ref());
        }
        let RunCommit { run, notice, deliveries, coverage, .. } = commit;
        let coverage = track.coverage.noted(&coverage, &run.run);
        let may_pass = class.as_ref().is_some_and(remedy::may_pass);
        let is_too_much = too_much || class.as_ref().is_some_and(remedy::may_split);
        Ok(Finished { run, notice, deliveries, verdict, coverage, may_pass, is_too_much })
    }

    fn base(&self, order: &Order, asking: &Asking, run: RunId, started: Timestamp, spent: &Spent) -> Run {
        Run {
            run,
            hunt: order.hunt.id.clone(),
            tenant: order.tenant.name.clone(),
            due: order.due,
            started,
            finished: self.clock.now(),
            window: asking.window,
            as_of: asking.as_of,
            status: RunStatus::Ok,
            rows: 0,
            new: 0,
            changed: 0,
            gone: 0,
            returned: 0,
            calls: spent.calls,
            api: spent.api,
            cpu: spent.cpu,
            // One that couldn't call was held up by something else.
            late: spent.late.filter(|_| spent.calls > 0),
            error: None,
            hunt_version: definition::version(&order.hunt),
            commit: order.hunt.source.commit.as_deref().map(str::to_owned),
            trigger: order.trigger,
            query: asking.request.query.clone(),
        }
    }

    /// What a sound answer comes to.
    fn judge(
        &self,
        order: &Order,
        asking: &Asking,
        track: &Track,
        base: Run,
        collected: Collected,
    ) -> (RunCommit, Verdict) {
        let hunt = &order.hunt;
        let complete = collected.is_complete();
        let mut coverage = asking.coverage(order, &collected.covered, &collected.given_up);
        let outcome = collected.intake.finish(asking.scope(complete));
        let run = Run {
            status: if complete { RunStatus::Ok } else { RunStatus::Partial },
            rows: collected.rows,
            new: outcome.new,
            changed: outcome.changed,
            gone: outcome.gone,
            returned: outcome.returned,
            error: (!complete).then(|| in_short(&collected.doubts)),
            ..base
        };
        let telling = route::tell(&Facts {
            hunt,
            rows: run.rows,
            is_first_complete_run: track.complete_runs == 0 || asking.is_first_past(order, track.coverage.origin()),
            candidates: &outcome.candidates,
            members: &outcome.members,
            held: &track.held,
            suppressed: &track.suppressions,
            now: run.finished,
        });
        // A run that tells nobody begins no suppression, and leaves held hits to be told later.
        let (mut deliveries, held, suppressions) = if order.notify {
            let channels = route::channels(hunt, &order.tenant.name, &self.routes);
            (route::plan(&run.run, &channels, &telling), telling.held, telling.suppressions)
        } else {
            (Vec::new(), track.held.clone(), Vec::new())
        };
        deliveries.extend(self.tell_losses(order, track, &run, &mut coverage));
        let commit = RunCommit {
            definition: definition::print(hunt),
            notice: NoticeHunt::of(hunt),
            generation: track.generation,
            coverage,
            lateness: asking.table.clone().filter(|_| !outcome.lateness.is_empty()).zip(Some(outcome.lateness)),
            deltas: outcome.deltas,
            blocks: outcome.blocks,
            members: outcome.members,
            watermark: asking.watermark(complete, order.trigger, track.watermark),
            deliveries,
            held,
            suppressions,
            failing_as: None,
            run,
        };
        (commit, telling.verdict)
    }

    /// Tells of event time that is lost, and of each loss once.
    fn tell_losses(
        &self,
        order: &Order,
        track: &Track,
        run: &Run,
        coverage: &mut Vec<CoverageNote>,
    ) -> Vec<PlannedDelivery> {
        let anew = track.coverage.noted(coverage, &run.run);
        if !order.notify || anew.untold().next().is_none() {
            return Vec::new();
        }
        for loss in anew.untold() {
            let (Window { from, to }, why) = (loss.window, loss.why.as_deref().unwrap_or(""));
            tracing::warn!(hunt = %run.hunt, tenant = %run.tenant, %from, %to, why, "event time is lost");
        }
        coverage.push(CoverageNote::Told);
        route::plan_trouble(&run.run, &self.failures.to, About::Loss)
    }

    /// What a failure comes to: a run that says why. Whether it is news is decided with what else fails (`rules/trouble`).
    fn judge_failure(
        &self,
        order: &Order,
        asking: &Asking,
        track: &Track,
        base: Run,
        failure: &ApiFailure,
    ) -> RunCommit {
        let error = describe(failure, asking.is_covered_again(order));
        let run = Run { status: RunStatus::Failed, error: Some(error), ..base };
        let mut coverage = asking.coverage(order, &[], &[]);
        let deliveries = self.tell_losses(order, track, &run, &mut coverage);
        RunCommit {
            definition: definition::print(&order.hunt),
            notice: NoticeHunt::of(&order.hunt),
            generation: track.generation,
            lateness: None,
            deltas: crate::model::known::Deltas::default(),
            blocks: Vec::new(),
            members: roaring::RoaringBitmap::new(),
            watermark: None,
            coverage,
            deliveries,
            held: track.held.clone(),
            suppressions: Vec::new(),
            failing_as: Some(failure.class.as_str().to_owned()),
            run,
        }
    }
}

/// The doubts of a result in one text; of many alike the first, and how many there are.
fn in_short(doubts: &[String]) -> String {
    match doubts {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (and {} more of its parts are in doubt)", rest.len()),
    }
}

/// What failed, why, and how to mend it, after all tries that the failure was worth: in one text.
fn describe(failure: &ApiFailure, covered_again: bool) -> String {
    let hint = failure.hint.clone().unwrap_or_else(|| remedy::hint(&failure.class).to_owned());
    let id = failure.request_id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default();
    let status = failure.status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    // Where a person must act, that is the last word; where it may pass by itself, what becomes of it.
    let passing = matches!(failure.class, FailureClass::Service | FailureClass::Timeout | FailureClass::BrokenBody);
    let next = match (passing, covered_again) {
        (true, true) => "; this run has given up, and the next one covers the same event time",
        (true, false) => "; this run has given up, and the next one asks again",
        (false, _) => "",
    };
    format!("{} ({}{status}){id}; {hint}{next}", failure.message, failure.class)
}

fn log_run(run: &Run) {
    let (hunt, tenant, id) = (&run.hunt, &run.tenant, &run.run);
    match (&run.status, &run.error) {
        (RunStatus::Ok, _) => {
            tracing::info!(%hunt, %tenant, run = %id, rows = run.rows, new = run.new, changed = run.changed, gone = run.gone, returned = run.returned, "run done");
        }
        (status, error) => {
            let error = error.as_deref().unwrap_or("");
            tracing::warn!(%hunt, %tenant, run = %id, %status, rows = run.rows, new = run.new, error, "run not complete");
        }
    }
}
