//! One call without a run: whether a tenant's API answers at all.
//!
//! Promises: the call is in the quota's ledger before it goes out, as every other; it waits for nothing, and isn't made
//! where the quota has no place for it now; a 429 blocks the tenant for every process, as after any other call.

use std::time::Duration;

use tokio::sync::mpsc;

use super::admission::seen_by;
use super::insisting::insist;
use super::learning::learn;
use super::tenant::Tenant;
use crate::model::failure::ApiFailure;
use crate::model::quota::{Admission, BlockReason, CallEnd, CallLedger, WaitReason};
use crate::model::run::Trigger;
use crate::model::time::Timestamp;
use crate::ports::api::{AnswerEnd, FirstByte, QueryRequest};
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::quota::{self, Allowance, Ask};

/// What a probe came to.
#[derive(Debug)]
pub enum Probed {
    /// The API answered.
    Answered(AnswerEnd),
    /// The quota has no place for it now, and no call was made.
    Held {
        /// When there may be one.
        until: Timestamp,
        /// Why not now.
        why: WaitReason,
    },
    /// The call failed.
    Failed(ApiFailure),
}

/// Asks `query` of the tenant once, and lets go of the rows. As a run by hand it doesn't heed a block for want of access,
/// and ends it where the API answers: a person who probes has just mended something. It puts none: whoever probes may
/// be another user than the daemon's, whose sign-in fails for reasons of its own.
pub async fn probe(
    store: &Store,
    clock: &SharedClock,
    tenant: &Tenant,
    query: &str,
    timeout: Duration,
) -> Result<Probed, StoreError> {
    if let Err(failure) = tenant.api.sign_in().await {
        return Ok(Probed::Failed(failure));
    }
    let now = clock.now();
    let reach = quota::reach(&Allowance::of(&tenant.quota, &[], None, now));
    let mut probes = false;
    let admit = |ledger: &CallLedger| {
        let allowed = Allowance::of(&tenant.quota, &ledger.learnt, ledger.budget, now).proven(ledger, now);
        probes = quota::is_probing(ledger, now);
        quota::admit(&seen_by(Trigger::Manual, ledger), &allowed, Ask::default(), now)
    };
    let call = match store.reserve_call(&tenant.name, now, reach, admit).await? {
        (Admission::Wait { until, why }, _) => return Ok(Probed::Held { until, why }),
        (Admission::Go, None) => return Ok(Probed::Held { until: now, why: WaitReason::ConcurrentFull }),
        (Admission::Go, Some(call)) => call,
    };
    let request = QueryRequest { query: query.to_owned(), timespan: None, timeout };
    let (began, first_byte) = (clock.steady(), FirstByte::default());
    let (sender, mut receiver) = mpsc::channel(1);
    let rows = async { while receiver.recv().await.is_some() {} };
    let (answer, ()) = tokio::join!(tenant.api.query(&request, &first_byte, sender), rows);
    let (steady, now) = (clock.steady(), clock.now());
    let end = CallEnd {
        answered: now.minus(steady.saturating_sub(first_byte.at().unwrap_or(steady))),
        ran: steady.saturating_sub(began),
        cpu: answer.as_ref().ok().and_then(|end| end.cpu),
    };
    insist(clock, || store.finish_call(call, end)).await?;
    let failure = match answer {
        Ok(end) => {
            insist(clock, || store.clear_block_of(&tenant.name, BlockReason::Access)).await?;
            if probes {
                insist(clock, || store.clear_block_of(&tenant.name, BlockReason::Cpu)).await?;
            }
            return Ok(Probed::Answered(end));
        }
        Err(failure) => failure,
    };
    if let Some(block) = quota::block_for(&failure, now).filter(|block| block.reason != BlockReason::Access) {
        learn(store, clock, &tenant.name, &block, now).await?;
    }
    Ok(Probed::Failed(failure))
}
