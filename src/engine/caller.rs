//! The calls of one run: sign in, wait for the quota, call, and call again where that may help.
//!
//! Promises: a call is in the quota's ledger before it goes out; a tenant that lets nobody in is
//! left alone until its block ends; no wait lasts longer because the wall clock was set meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::admission::{self, Reserved};
use super::insisting::insist;
use super::intake::IntakeError;
use super::learning::learn;
use super::means::Runner;
use super::order::Order;
use super::waiting::Waiting;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::overload::LateRun;
use crate::model::quota::{BlockReason, CallEnd};
use crate::model::run::Trigger;
use crate::model::time::Timestamp;
use crate::ports::api::{AnswerEnd, AnswerPiece, FirstByte, QueryRequest};
use crate::ports::store::error::StoreError;
use crate::rules::quota;
use crate::rules::remedy::{self, Remedy};

/// Pieces of an answer that wait for the comparison: bounds the memory of a run.
const PIECES_IN_FLIGHT: usize = 2;
/// The longest wait between two looks at a block: a person may have mended what it is for.
const LOOK: Duration = Duration::from_mins(1);

/// What a run has spent so far, over all its calls.
#[derive(Debug, Default)]
pub(super) struct Spent {
    /// A call that is in the ledger and wasn't made yet.
    pub(super) reserved: Option<Reserved>,
    /// That the quota let it begin only after its hunt's next tick.
    pub(super) late: Option<LateRun>,
    /// Calls to the API.
    pub(super) calls: u32,
    /// Time from sending to the end of the answer.
    pub(super) api: Duration,
    /// CPU, as far as the service says it.
    pub(super) cpu: Option<Duration>,
}

impl Spent {
    /// Adds what an answer says of its CPU. Retries and parts add up; a run of which no answer says any has none.
    fn add_cpu(&mut self, cpu: Option<Duration>) {
        if let Some(cpu) = cpu {
            self.cpu = Some(self.cpu.unwrap_or_default().saturating_add(cpu));
        }
    }
}

/// A sound answer, or a failure that no further call would mend now.
pub(super) type Answer<T> = Result<(T, AnswerEnd), ApiFailure>;

/// What takes in one answer, on a blocking task.
pub(super) type Taker<T> = Box<dyn FnOnce(mpsc::Receiver<AnswerPiece>) -> Result<T, IntakeError> + Send>;

/// One run's caller.
pub(super) struct Caller<'a, T> {
    pub(super) runner: &'a Runner,
    pub(super) order: &'a Order,
    pub(super) request: &'a QueryRequest,
    /// Makes what takes in an answer, for each try anew.
    pub(super) taker: &'a (dyn Fn() -> Taker<T> + Send + Sync),
    /// Whether it asks for a part of what was too big as a whole.
    pub(super) is_part: bool,
    pub(super) waiting: &'a Waiting,
    pub(super) spent: &'a mut Spent,
}

impl<T: Send + 'static> Caller<'_, T> {
    /// Calls until there is a sound answer, or a failure that no further call would mend now.
    pub(super) async fn call(&mut self) -> Result<Answer<T>, StoreError> {
        let mut signed_in_again = false;
        let mut failed: HashMap<&'static str, u32> = HashMap::new();
        if self.is_part {
            // The whole was asked several times already.
            failed.insert(FailureClass::LimitsExceeded.as_str(), 1);
            failed.insert(FailureClass::Timeout.as_str(), 2);
        }
        loop {
            self.wait_for_access().await?;
            let answer = match self.order.tenant.api.sign_in().await {
                Err(failure) => Err(failure),
                Ok(()) => self.call_once().await?,
            };
            let failure = match answer {
                Ok(answer) => {
                    self.admitted().await?;
                    return Ok(Ok(answer));
                }
                Err(failure) => failure,
            };
            let now = self.runner.clock.now();
            let times = failed.entry(failure.class.as_str()).and_modify(|times| *times += 1).or_insert(1);
            let next = remedy::remedy(&failure, *times, signed_in_again, now, fastrand::f64());
            let (hunt, tenant) = (&self.order.hunt.id, &self.order.tenant.name);
            tracing::debug!(%hunt, %tenant, class = %failure.class, remedy = ?next, error = %failure, "call failed");
            self.learn(&failure, next, now).await?;
            match next {
                Remedy::RetryNow => {}
                Remedy::RetryAt(at) => self.pause(at).await,
                Remedy::Reauthenticate => {
                    signed_in_again = true;
                    self.order.tenant.api.forget_token().await;
                }
                Remedy::Split | Remedy::GiveUpHunt | Remedy::GiveUpTenant => return Ok(Err(failure)),
            }
        }
    }

    /// Waits while the tenant lets nobody in, so that not every hunt asks for a token in vain. A person
    /// who runs a hunt by hand has just mended something, and need not wait.
    async fn wait_for_access(&self) -> Result<(), StoreError> {
        if self.order.trigger == Trigger::Manual {
            return Ok(());
        }
        loop {
            let (now, block) = (self.runner.clock.now(), self.runner.store.block(&self.order.tenant.name).await?);
            match block.filter(|block| block.reason == BlockReason::Access && block.until > now) {
                None => return Ok(()),
                Some(block) => self.pause(block.until.min(now.plus(LOOK))).await,
            }
        }
    }

    /// The API has answered. A manual run didn't heed a block for want of access, and has shown that it
    /// is over.
    async fn admitted(&self) -> Result<(), StoreError> {
        if self.order.trigger == Trigger::Manual {
            let (runner, tenant) = (self.runner, &self.order.tenant.name);
            insist(&runner.clock, || runner.store.clear_block_of(tenant, BlockReason::Access)).await?;
        }
        Ok(())
    }

    /// Waits for the quota, enters the call in the ledger, and makes it.
    async fn call_once(&mut self) -> Result<Answer<T>, StoreError> {
        let reserved = self.reserve().await?;
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let take = (self.taker)();
        let intake = tokio::task::spawn_blocking(move || take(receiver));
        let (began, first_byte) = (self.runner.clock.steady(), FirstByte::default());
        self.spent.calls += 1;
        let answer = self.order.tenant.api.query(self.request, &first_byte, sender).await;
        self.ended(&reserved, began, &first_byte, &answer).await?;
        drop(reserved);
        Ok(match (answer, intake.await) {
            (_, Err(_)) => Err(broken("the comparison of the answer stopped unexpectedly".to_owned())),
            // A row that can't be read closes the receiver, so its error comes before the call's own.
            (_, Ok(Err(error))) if !matches!(error, IntakeError::NoSchema) => Err(intake_failure(&error)),
            (Err(failure), _) => Err(failure),
            (Ok(_), Ok(Err(error))) => Err(intake_failure(&error)),
            (Ok(end), Ok(Ok(intake))) => Ok((intake, end)),
        })
    }

    /// Enters in the ledger that a call has ended, and what it cost.
    async fn ended(
        &mut self,
        reserved: &Reserved,
        began: Duration,
        first_byte: &FirstByte,
        answer: &Result<AnswerEnd, ApiFailure>,
    ) -> Result<(), StoreError> {
        let (store, clock, tenant) = (&self.runner.store, &self.runner.clock, &self.order.tenant.name);
        let steady = clock.steady();
        let ran = steady.saturating_sub(began);
        self.spent.api += ran;
        // By the steady clock, as the wall clock may have been set meanwhile.
        let since = steady.saturating_sub(first_byte.at().unwrap_or(steady));
        let cpu = answer.as_ref().ok().and_then(|end| end.cpu);
        let end = CallEnd { answered: clock.now().minus(since), ran, cpu };
        self.spent.add_cpu(cpu);
        insist(clock, || store.finish_call(reserved.call, end)).await?;
        self.runner.vitals.called(tenant, answer.as_ref().err());
        let gate = self.runner.gates.of(tenant);
        gate.call_ended();
        if answer.is_ok() {
            gate.remember(&self.order.hunt.id, cpu.unwrap_or(ran));
            if reserved.probes {
                insist(clock, || store.clear_block_of(tenant, BlockReason::Cpu)).await?;
            }
        }
        Ok(())
    }

    /// Keeps what a failure teaches of the tenant: until when it may not be called, and its own numbers.
    async fn learn(&self, failure: &ApiFailure, next: Remedy, now: Timestamp) -> Result<(), StoreError> {
        let block = match next {
            Remedy::GiveUpTenant => Some(quota::access_block(failure, now)),
            _ => quota::block_for(failure, now),
        };
        let Some(block) = block else { return Ok(()) };
        let (store, clock) = (&self.runner.store, &self.runner.clock);
        learn(store, clock, &self.order.tenant.name, &block, now).await
    }

    /// A place in the quota, entered in the ledger.
    async fn reserve(&mut self) -> Result<Reserved, StoreError> {
        if let Some(reserved) = self.spent.reserved.take() {
            if reserved.is_fresh(&self.runner.clock) {
                return Ok(reserved);
            }
            self.runner.store.withdraw_call(reserved.call).await?;
        }
        admission::reserve(self.runner, self.order, self.waiting).await
    }

    async fn pause(&self, at: Timestamp) {
        self.waiting.set(true);
        admission::pause(&self.runner.clock, at).await;
        self.waiting.set(false);
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
