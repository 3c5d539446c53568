//! One run: claim, call, stream, compare, commit.
//!
//! Promises: a call is in the quota's ledger before it goes out; what an answer said counts only
//! when the whole answer was sound; run, hits, watermark and deliveries are committed together or
//! not at all. A run that fails is committed too, with its reason, and takes nothing away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::intake::{self, Intake, IntakeError, IntakeJob};
use super::tenant::Tenant;
use super::turns::Turns;
use crate::model::config::{Failures, Route};
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::hit::KnownHits;
use crate::model::hunt::{CatchUp, Hunt};
use crate::model::id::{ChannelName, RunId};
use crate::model::limits;
use crate::model::notice_hunt::NoticeHunt;
use crate::model::quota::{Admission, BlockReason, CallLedger};
use crate::model::run::{PlannedDelivery, Run, RunCommit, RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};
use crate::ports::api::{AnswerEnd, QueryRequest};
use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;
use crate::ports::store::{Store, Track};
use crate::rules::definition;
use crate::rules::diff::Scope;
use crate::rules::identity::IdentityRule;
use crate::rules::quota;
use crate::rules::remedy::{self, Remedy};
use crate::rules::route::{self, Facts, Verdict};
use crate::rules::window::{self, QueryKind, ResultScope, WindowFacts};

/// What is to be run, and why.
#[derive(Debug, Clone)]
pub struct Order {
    /// The hunt.
    pub hunt: Arc<Hunt>,
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The tick that it serves; the start for a manual run.
    pub due: Timestamp,
    /// Why.
    pub trigger: Trigger,
    /// The event time asked for; `None` lets the rules choose it.
    pub window: Option<Window>,
    /// The moment that it stands at; `None` is now.
    pub as_of: Option<Timestamp>,
    /// Whether its hits are told.
    pub notify: bool,
}

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
}

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
}

/// Makes runs.
#[derive(Clone)]
pub struct Runner {
    /// The store.
    pub store: Store,
    /// The clock.
    pub clock: SharedClock,
    /// Who is told of what.
    pub routes: Arc<[Route]>,
    /// Who is told of a hunt that keeps failing.
    pub failures: Arc<Failures>,
    /// Keeps a hunt from overlapping itself.
    pub turns: Turns,
}

/// How often a run is made again when another process committed one of the same hunt in between.
const OVERTAKEN_TRIES: u32 = 5;
/// Pieces of an answer that wait for the comparison: bounds the memory of a run.
const PIECES_IN_FLIGHT: usize = 4;

/// A wait for the quota that a person should know of.
const WORTH_SAYING: Duration = Duration::from_secs(5);

/// A call that ended: what it cost, and the answer or the failure.
struct Called {
    calls: u32,
    api: Duration,
    result: Result<(Intake, AnswerEnd), ApiFailure>,
}

impl Runner {
    /// Makes the run, and commits it. An error means that the store failed and nothing is in it; a
    /// run that failed otherwise is committed as such.
    pub async fn run(&self, order: &Order) -> Result<Finished, StoreError> {
        let _turn = self.turns.take(&order.hunt.id, &order.tenant.name).await;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.run_once(order).await {
                Err(StoreError::Overtaken) if tries < OVERTAKEN_TRIES => {
                    tracing::info!(hunt = %order.hunt.id, tenant = %order.tenant.name, "overtaken by another process: the run is made again");
                }
                done => return done,
            }
        }
    }

    async fn run_once(&self, order: &Order) -> Result<Finished, StoreError> {
        let track = self.store.track(&order.hunt.id, &order.tenant.name).await?;
        let (known, generation) = self.store.known_hits(&order.hunt.id, &order.tenant.name).await?;
        let asking = Asking::of(order, &track, self.clock.now());
        let started = self.clock.now();
        let run = self.store.new_run_id(started).await?;
        let known = Arc::new(known);
        let called = self.call(order, &asking.request, &known).await?;
        let base = self.base(order, &asking, run, started, &called);
        let (commit, verdict) = match called.result {
            Ok((intake, end)) => {
                let (commit, verdict) = self.judge(order, &asking, &track, base, intake, &end);
                (commit, Some(verdict))
            }
            Err(failure) => (self.judge_failure(order, &track, base, &failure), None),
        };
        let commit = RunCommit { generation, ..commit };
        self.store.commit_run(&commit).await?;
        log_run(&commit.run);
        Ok(Finished { run: commit.run, notice: commit.notice, deliveries: commit.deliveries, verdict })
    }

    /// Calls until there is a sound answer, or a failure that no further call would mend now.
    async fn call(&self, order: &Order, request: &QueryRequest, known: &Arc<KnownHits>) -> Result<Called, StoreError> {
        let (mut calls, mut api, mut signed_in_again) = (0, Duration::ZERO, false);
        let mut failed: HashMap<&'static str, u32> = HashMap::new();
        loop {
            let mut failure = order.tenant.api.sign_in().await.err();
            if failure.is_none() {
                let began = self.clock.steady();
                let answer = self.call_once(order, request, known).await?;
                calls += 1;
                api += self.clock.steady().saturating_sub(began);
                match answer {
                    Ok(answer) => {
                        self.let_in(order).await?;
                        return Ok(Called { calls, api, result: Ok(answer) });
                    }
                    Err(refused) => failure = Some(refused),
                }
            }
            let Some(failure) = failure else { continue };
            let now = self.clock.now();
            if let Some(block) = quota::block_for(&failure, now) {
                self.store.set_block(&order.tenant.name, &block).await?;
            }
            let times = failed.entry(failure.class.as_str()).and_modify(|times| *times += 1).or_insert(1);
            let next = remedy::remedy(&failure, *times, signed_in_again, now, fastrand::f64());
            tracing::debug!(hunt = %order.hunt.id, tenant = %order.tenant.name, class = %failure.class, remedy = ?next, error = %failure, "call failed");
            match next {
                Remedy::RetryNow => {}
                Remedy::RetryAt(at) => self.clock.wait_until(at).await,
                Remedy::Reauthenticate => {
                    signed_in_again = true;
                    order.tenant.api.forget_token().await;
                }
                Remedy::GiveUpTenant => {
                    self.store.set_block(&order.tenant.name, &quota::access_block(&failure, now)).await?;
                    return Ok(Called { calls, api, result: Err(failure) });
                }
                Remedy::Split | Remedy::GiveUpHunt => return Ok(Called { calls, api, result: Err(failure) }),
            }
        }
    }

    /// A call that a person made past an access block went through: whoever waits for it need not.
    async fn let_in(&self, order: &Order) -> Result<(), StoreError> {
        if order.trigger != Trigger::Manual {
            return Ok(());
        }
        let ledger = self.store.ledger(&order.tenant.name, self.clock.now()).await?;
        match ledger.block {
            Some(block) if block.reason == BlockReason::Access => self.store.clear_block(&order.tenant.name).await,
            _ => Ok(()),
        }
    }

    /// Waits for the quota, enters the call in the ledger, and makes it.
    async fn call_once(
        &self,
        order: &Order,
        request: &QueryRequest,
        known: &Arc<KnownHits>,
    ) -> Result<Result<(Intake, AnswerEnd), ApiFailure>, StoreError> {
        let tenant = &order.tenant;
        let call = loop {
            let now = self.clock.now();
            let admit = |ledger: &CallLedger| quota::admit(&seen_by(order.trigger, ledger), &tenant.quota, now);
            let (admission, call) = self.store.reserve_call(&tenant.name, now, admit).await?;
            match (admission, call) {
                (Admission::Go, Some(call)) => break call,
                (Admission::Go, None) => {}
                (Admission::Wait { until, why }, _) => {
                    if until.since(now) > WORTH_SAYING {
                        tracing::warn!(hunt = %order.hunt.id, tenant = %tenant.name, %until, %why, "waiting for the quota");
                    }
                    self.clock.wait_until(until).await;
                }
            }
        };
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let job = IntakeJob {
            tenant: tenant.name.clone(),
            hunt: order.hunt.id.clone(),
            rule: identity_rule(&order.hunt),
            secret: self.store.secret(),
            known: Arc::clone(known),
        };
        let intake = tokio::task::spawn_blocking(move || intake::take(job, receiver));
        let answer = tenant.api.query(request, sender).await;
        self.store.finish_call(call, self.clock.now()).await?;
        let intake = intake.await;
        Ok(match (answer, intake) {
            (_, Err(_)) => Err(broken("the comparison of the answer stopped unexpectedly".to_owned())),
            // A row that can't be read closes the receiver, so its error comes before the call's own.
            (_, Ok(Err(error))) if !matches!(error, IntakeError::NoSchema) => Err(intake_failure(&error)),
            (Err(failure), _) => Err(failure),
            (Ok(_), Ok(Err(error))) => Err(intake_failure(&error)),
            (Ok(end), Ok(Ok(intake))) => Ok((intake, end)),
        })
    }

    fn base(&self, order: &Order, asking: &Asking, run: RunId, started: Timestamp, called: &Called) -> Run {
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
            calls: called.calls,
            api: called.api,
            error: None,
            hunt_version: definition::version(&order.hunt),
            commit: None,
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
        intake: Intake,
        end: &AnswerEnd,
    ) -> (RunCommit, Verdict) {
        let hunt = &order.hunt;
        let limit = order.tenant.quota.row_limit;
        let complete = end.rows < limit;
        let outcome = intake.finish(asking.scope(complete));
        let run = Run {
            status: if complete { RunStatus::Ok } else { RunStatus::Partial },
            rows: outcome.rows,
            new: outcome.new,
            changed: outcome.changed,
            gone: outcome.gone,
            returned: outcome.returned,
            error: (!complete).then(|| format!(
                "the result has {} rows, at which the API cuts without a word ({limit}): some may be missing; shorten the lookback, or narrow the query", end.rows
            )),
            ..base
        };
        let telling = route::tell(&Facts {
            hunt,
            rows: outcome.rows,
            is_first_complete_run: track.complete_runs == 0,
            candidates: &outcome.candidates,
            members: &outcome.members,
            held: &track.held,
            suppressed: &track.suppressions,
            now: run.finished,
        });
        let channels = if order.notify { self.channels(order) } else { Vec::new() };
        let deliveries = route::plan(&run.run, &channels, &telling);
        let commit = RunCommit {
            definition: definition::print(hunt),
            notice: notice_hunt(hunt),
            generation: 0,
            deltas: outcome.deltas,
            blocks: outcome.blocks,
            members: outcome.members,
            watermark: asking.watermark(complete, order.trigger, track.watermark),
            deliveries,
            held: telling.held,
            suppressions: telling.suppressions,
            last_failure_notice: None,
            run,
        };
        (commit, telling.verdict)
    }

    /// What a failure comes to: a run that says why, and a notice where it is time for one.
    fn judge_failure(&self, order: &Order, track: &Track, base: Run, failure: &ApiFailure) -> RunCommit {
        let error = describe(failure);
        let run = Run { status: RunStatus::Failed, error: Some(error), ..base };
        let row = track.failures_in_row + 1;
        let due = order.notify && route::failure_due(row, track.last_failure_notice, &self.failures, run.finished);
        let deliveries = if due { route::plan_failure(&run.run, &self.failures.to) } else { Vec::new() };
        RunCommit {
            definition: definition::print(&order.hunt),
            notice: notice_hunt(&order.hunt),
            generation: 0,
            deltas: Vec::new(),
            blocks: Vec::new(),
            members: roaring::RoaringBitmap::new(),
            watermark: None,
            deliveries,
            held: track.held.clone(),
            suppressions: Vec::new(),
            last_failure_notice: due.then_some(run.finished),
            run,
        }
    }

    fn channels(&self, order: &Order) -> Vec<ChannelName> {
        route::channels(&order.hunt, &order.tenant.name, &self.routes)
    }
}

impl Asking {
    /// What an order asks at `now`, given what its track has covered.
    #[must_use]
    pub fn of(order: &Order, track: &Track, now: Timestamp) -> Self {
        let hunt = &order.hunt;
        let as_of = order.as_of.unwrap_or(now).floor_to(Duration::from_millis(1));
        let kind = window::query_kind(&hunt.query);
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
            (None, QueryKind::OwnTime) => (Some(reach), None),
            (None, QueryKind::Snapshot) => (None, None),
        };
        let timespan = window.filter(|_| order.tenant.api.takes_timespan());
        // An API that takes no window answers for all its data.
        let window = if timespan.is_some() || kind == QueryKind::Snapshot { window } else { Some(reach) };
        let request = QueryRequest { query: hunt.query.clone(), timespan, timeout: hunt.timeout };
        Self { as_of, window, request, lost }
    }

    /// The watermark after this run; `None` leaves it.
    fn watermark(&self, complete: bool, trigger: Trigger, before: Option<Timestamp>) -> Option<Timestamp> {
        let window = self.window?;
        match trigger {
            Trigger::Manual if complete => window::extend_watermark(before, window),
            Trigger::Manual => None,
            Trigger::Schedule | Trigger::CatchUp => window::next_watermark(window, complete),
        }
    }

    /// What a result may be taken for.
    fn scope(&self, complete: bool) -> Scope {
        match window::scope(&self.request.query, self.window) {
            ResultScope::Whole if complete => Scope::Whole,
            ResultScope::Window(window) if complete => Scope::Window(window),
            _ => Scope::Adds,
        }
    }
}

/// The ledger as a run sees it. A person who runs a hunt by hand has just mended the app's rights, and
/// need not wait until the daemon would look again.
fn seen_by(trigger: Trigger, ledger: &CallLedger) -> CallLedger {
    let mut ledger = ledger.clone();
    if trigger == Trigger::Manual {
        ledger.block = ledger.block.filter(|block| block.reason != BlockReason::Access);
    }
    ledger
}

fn identity_rule(hunt: &Hunt) -> IdentityRule {
    IdentityRule {
        key: hunt.key.clone(),
        ignore: hunt.ignore.clone(),
        suppress_by: hunt.suppress.as_ref().map(|suppress| suppress.by.clone()).filter(|by| !by.is_empty()),
    }
}

fn notice_hunt(hunt: &Hunt) -> NoticeHunt {
    NoticeHunt {
        id: hunt.id.to_string(),
        name: hunt.name.clone(),
        description: hunt.description.clone(),
        severity: hunt.severity,
        tactics: hunt.tactics.clone(),
        techniques: hunt.techniques.clone(),
        tags: hunt.tags.clone(),
        owner: hunt.owner.clone(),
        entities: hunt.entities.clone(),
    }
}

fn broken(message: String) -> ApiFailure {
    ApiFailure { class: FailureClass::BrokenBody, status: None, message, hint: None, wait: None, request_id: None }
}

fn intake_failure(error: &IntakeError) -> ApiFailure {
    let class = match error {
        IntakeError::Identity(_) => FailureClass::Semantic,
        _ => FailureClass::BrokenBody,
    };
    ApiFailure { class, ..broken(error.to_string()) }
}

/// What failed, why, and how to mend it, in one text.
fn describe(failure: &ApiFailure) -> String {
    let hint = failure.hint.clone().unwrap_or_else(|| remedy::hint(&failure.class).to_owned());
    let id = failure.request_id.as_ref().map(|id| format!(" [request {id}]")).unwrap_or_default();
    let status = failure.status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    // Where a person must act, that is the last word; where it may pass by itself, what becomes of it.
    let passing = matches!(failure.class, FailureClass::Service | FailureClass::Timeout | FailureClass::BrokenBody);
    let next = if passing { "; the next run covers the same event time" } else { "" };
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
