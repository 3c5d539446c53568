//! What a refusal teaches of its tenant, kept in the store, so that every process heeds it.

use super::insisting::insist;
use crate::model::id::TenantName;
use crate::model::quota::{Block, BlockReason};
use crate::model::time::Timestamp;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::quota;

/// Keeps until when the tenant may not be called, and the numbers of its own that the refusal told or showed.
pub(super) async fn learn(
    store: &Store,
    clock: &SharedClock,
    tenant: &TenantName,
    block: &Block,
    now: Timestamp,
) -> Result<(), StoreError> {
    if block.reason == BlockReason::Cpu
        && let Some(budget) = quota::budget_from(&store.ledger(tenant, now).await?, now)
    {
        tracing::warn!(%tenant, cpu = ?budget.most, "the tenant's CPU is spent until the quarter hour turns: what can wait leaves more to higher severities from now on");
        store.set_budget(tenant, budget).await?;
    }
    // A block says what the API said.
    if let Some(limit) = quota::learn(&block.said, now) {
        store.set_limit(tenant, limit).await?;
    }
    insist(clock, || store.set_block(tenant, block)).await
}
