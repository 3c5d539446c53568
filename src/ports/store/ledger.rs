//! The quota's ledger: each call is entered, and on the disk, before it goes out.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;

use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::outbox::{CLAIM_OWNERS, FREE_CLAIMS};
use crate::model::failure::ThrottleWindow;
use crate::model::id::TenantName;
use crate::model::quota::{Admission, Block, BlockReason, CallEnd, CallLedger, CpuBudget, LearntLimit, LedgerCall};
use crate::model::time::Timestamp;
use crate::rules::quota::orphan_end;

/// A call in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(i64);

/// What of the ledger is moved with the clock and shown: an hour, and room for the service's clock and a slow answer.
const SEEN: Duration = Duration::from_mins(70);
/// What the ledger keeps, so that a clock that leaps ahead and back finds the last hour still there.
const KEPT: Duration = Duration::from_hours(48);
/// The newest calls of all tenants together that stay whatever the clock says.
const KEPT_CALLS: i64 = 20_000;

pub(super) const LOAD_CALLS: &str = "SELECT sent, answered, ran, cpu FROM call \
     WHERE tenant = ?1 AND (sent > ?2 OR answered > ?2 OR answered IS NULL) ORDER BY sent, call";
pub(super) const LOAD_BLOCK: &str = "SELECT until, reason, said FROM tenant_block WHERE tenant = ?1";
/// As [`LOAD_CALLS`], in the same order.
pub(super) const LOAD_CALL_IDS: &str = "SELECT call FROM call \
     WHERE tenant = ?1 AND (sent > ?2 OR answered > ?2 OR answered IS NULL) ORDER BY sent, call";
pub(super) const LEDGER_TENANTS: &str = "SELECT tenant FROM call UNION SELECT tenant FROM tenant_block";
pub(super) const MOVE_CALL: &str = "UPDATE call SET sent = ?2, answered = ?3 WHERE call = ?1";
pub(super) const MOVE_BLOCK: &str = "UPDATE tenant_block SET until = ?2 WHERE tenant = ?1";
pub(super) const ENTER_CALL: &str = "INSERT INTO call (tenant, sent, owner) VALUES (?1, ?2, ?3) RETURNING call";
pub(super) const FORGET_CALLS: &str = "DELETE FROM call WHERE tenant = ?1 AND sent < ?2 AND answered IS NOT NULL \
     AND call <= (SELECT max(call) FROM call) - ?3";
pub(super) const FINISH_CALL: &str =
    "UPDATE call SET answered = max(sent, ?2), ran = ?3, cpu = ?4 WHERE call = ?1 AND answered IS NULL";
/// Of a call that was never made.
pub(super) const WITHDRAW_CALL: &str = "DELETE FROM call WHERE call = ?1 AND answered IS NULL";
pub(super) const OPEN_OWNERS: &str = "SELECT DISTINCT owner FROM call WHERE answered IS NULL";
pub(super) const OPEN_CALLS: &str = "SELECT call, tenant, sent FROM call WHERE owner = ?1 AND answered IS NULL";
pub(super) const LONGEST_RUN: &str = "SELECT max(ran) FROM call WHERE tenant = ?1 AND sent > ?2";
pub(super) const SETTLE_CALL: &str = "UPDATE call SET answered = max(sent, ?2) WHERE call = ?1";
/// Of two blocks the longer one holds: two processes may learn of one at once.
pub(super) const SET_BLOCK: &str = "INSERT INTO tenant_block (tenant, until, reason, said) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (tenant) DO UPDATE SET until = excluded.until, reason = excluded.reason, said = excluded.said \
     WHERE excluded.until >= until";
pub(super) const LOAD_LIMITS: &str = "SELECT window, calls, learnt FROM tenant_limit WHERE tenant = ?1";
pub(super) const SET_LIMIT: &str = "INSERT INTO tenant_limit (tenant, window, calls, learnt) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (tenant, window) DO UPDATE SET calls = excluded.calls, learnt = excluded.learnt";
pub(super) const LOAD_BUDGET: &str = "SELECT cpu, learnt FROM tenant_budget WHERE tenant = ?1";
pub(super) const SET_BUDGET: &str = "INSERT INTO tenant_budget (tenant, cpu, learnt) VALUES (?1, ?2, ?3) \
     ON CONFLICT (tenant) DO UPDATE SET cpu = excluded.cpu, learnt = excluded.learnt";
pub(super) const CLEAR_BLOCK: &str = "DELETE FROM tenant_block WHERE tenant = ?1";
pub(super) const CLEAR_BLOCK_OF: &str = "DELETE FROM tenant_block WHERE tenant = ?1 AND reason = ?2";

impl Store {
    /// Shows `decide` the tenant's calls of the last `reach`, and enters one call where it says
    /// [`Admission::Go`]. No other process's call comes between the two, and on return the entry is on the disk.
    pub async fn reserve_call(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        reach: Duration,
        decide: impl FnOnce(&CallLedger) -> Admission + Send,
    ) -> Result<(Admission, Option<CallId>), StoreError> {
        let mut write = self.begin().await?;
        let result = reserve(&mut write.conn, tenant, (now, reach), self.owner(), decide).await;
        self.told(write.end(result).await)
    }

    /// Enters that a call's answer has come, or that it is known to be over. A second time changes
    /// nothing.
    pub async fn finish_call(&self, call: CallId, end: CallEnd) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(FINISH_CALL)
            .bind(call.0)
            .bind(end.answered.nanos())
            .bind(nanos(end.ran))
            .bind(end.cpu.map(nanos))
            .execute(&mut write.conn)
            .await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Takes a call out again that was entered and will not be made.
    pub async fn withdraw_call(&self, call: CallId) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(WITHDRAW_CALL).bind(call.0).execute(&mut write.conn).await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Keeps a number of calls that the API told, in place of the one before.
    pub async fn set_limit(&self, tenant: &TenantName, limit: LearntLimit) -> Result<(), StoreError> {
        let Some(window) = window_word(limit.window) else { return Ok(()) };
        let mut write = self.begin().await?;
        let done = sqlx::query(SET_LIMIT)
            .bind(tenant.as_str())
            .bind(window)
            .bind(limit.calls)
            .bind(limit.at.nanos())
            .execute(&mut write.conn)
            .await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Keeps the CPU budget that a block taught, in place of the one before.
    pub async fn set_budget(&self, tenant: &TenantName, budget: CpuBudget) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(SET_BUDGET)
            .bind(tenant.as_str())
            .bind(nanos(budget.most))
            .bind(budget.at.nanos())
            .execute(&mut write.conn)
            .await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Ends, as `rules/quota` says, the calls that processes left open which no longer live, as they would count
    /// as under way for good; and frees the deliveries that such processes had claimed. For each start.
    /// Says how many calls and claims that were.
    pub async fn settle_orphans(
        &self,
        now: Timestamp,
        is_alive: impl Fn(&str) -> bool + Send,
    ) -> Result<u64, StoreError> {
        let mut write = self.begin().await?;
        let result = settle(&mut write.conn, now, is_alive).await;
        self.told(write.end(result).await)
    }

    /// Moves every tenant's ledger as `carry` says, which keeps the calls' order and number: after the
    /// clock was set, and at each start.
    pub async fn move_ledgers(
        &self,
        now: Timestamp,
        carry: impl Fn(&CallLedger) -> CallLedger + Send,
    ) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let result = move_all(&mut write.conn, now, carry).await;
        self.told(write.end(result).await)
    }

    /// Blocks a tenant; a block that holds longer stays.
    pub async fn set_block(&self, tenant: &TenantName, block: &Block) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(SET_BLOCK)
            .bind(tenant.as_str())
            .bind(block.until.nanos())
            .bind(block.reason.as_str())
            .bind(&block.said)
            .execute(&mut write.conn)
            .await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Ends a tenant's block, whatever its end.
    pub async fn clear_block(&self, tenant: &TenantName) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let done = sqlx::query(CLEAR_BLOCK).bind(tenant.as_str()).execute(&mut write.conn).await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// Ends a tenant's block where it is of `reason`; one of another reason stays.
    pub async fn clear_block_of(&self, tenant: &TenantName, reason: BlockReason) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let query = sqlx::query(CLEAR_BLOCK_OF).bind(tenant.as_str()).bind(reason.as_str());
        let done = query.execute(&mut write.conn).await;
        self.told(write.end(done.map(drop).map_err(Fault::from)).await)
    }

    /// The tenant's block, if it has one; it may be over.
    pub async fn block(&self, tenant: &TenantName) -> Result<Option<Block>, StoreError> {
        let mut read = self.read().await?;
        self.told(load_block(&mut read, tenant).await)
    }

    /// The tenant's calls and block, to be shown.
    pub async fn ledger(&self, tenant: &TenantName, now: Timestamp) -> Result<CallLedger, StoreError> {
        let mut read = self.read().await?;
        self.told(load(&mut read, tenant, now.minus(SEEN)).await)
    }
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn span(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.unsigned_abs())
}

/// A window's name in the database; a limit without one teaches nothing.
const fn window_word(window: ThrottleWindow) -> Option<&'static str> {
    match window {
        ThrottleWindow::Minute => Some("minute"),
        ThrottleWindow::Hour => Some("hour"),
        ThrottleWindow::Unnamed => None,
    }
}

/// Sent, answered, ran, CPU.
type CallRow = (i64, Option<i64>, Option<i64>, Option<i64>);

async fn load(conn: &mut SqliteConnection, tenant: &TenantName, since: Timestamp) -> Result<CallLedger, Fault> {
    let calls: Vec<CallRow> =
        sqlx::query_as(LOAD_CALLS).bind(tenant.as_str()).bind(since.nanos()).fetch_all(&mut *conn).await?;
    let calls = calls
        .into_iter()
        .map(|(sent, answered, ran, cpu)| LedgerCall {
            sent: Timestamp::from_nanos(sent),
            answered: answered.map(Timestamp::from_nanos),
            ran: ran.map(span),
            cpu: cpu.map(span),
        })
        .collect();
    let block = load_block(&mut *conn, tenant).await?;
    let limits: Vec<(String, u32, i64)> =
        sqlx::query_as(LOAD_LIMITS).bind(tenant.as_str()).fetch_all(&mut *conn).await?;
    let learnt = limits.into_iter().filter_map(|(word, calls, at)| {
        let windows = [ThrottleWindow::Minute, ThrottleWindow::Hour];
        let window = windows.into_iter().find(|window| window_word(*window) == Some(&word))?;
        Some(LearntLimit { window, calls, at: Timestamp::from_nanos(at) })
    });
    let budget: Option<(i64, i64)> =
        sqlx::query_as(LOAD_BUDGET).bind(tenant.as_str()).fetch_optional(&mut *conn).await?;
    let budget = budget.map(|(most, at)| CpuBudget { most: span(most), at: Timestamp::from_nanos(at) });
    Ok(CallLedger { calls, block, learnt: learnt.collect(), budget })
}

async fn load_block(conn: &mut SqliteConnection, tenant: &TenantName) -> Result<Option<Block>, Fault> {
    let block: Option<(i64, String, String)> =
        sqlx::query_as(LOAD_BLOCK).bind(tenant.as_str()).fetch_optional(conn).await?;
    let block = block.map(|(until, reason, said)| match BlockReason::parse(&reason) {
        Some(reason) => Ok(Block { until: Timestamp::from_nanos(until), reason, said }),
        None => Err(Fault::Bad(format!("unknown reason of a block: {reason}"))),
    });
    block.transpose()
}

async fn move_all(
    conn: &mut SqliteConnection,
    now: Timestamp,
    carry: impl Fn(&CallLedger) -> CallLedger + Send,
) -> Result<(), Fault> {
    let tenants: Vec<String> = sqlx::query_scalar(LEDGER_TENANTS).fetch_all(&mut *conn).await?;
    for tenant in tenants {
        let name = TenantName::new(tenant).map_err(super::runs::name_fault)?;
        let since = now.minus(SEEN);
        let ids: Vec<i64> =
            sqlx::query_scalar(LOAD_CALL_IDS).bind(name.as_str()).bind(since.nanos()).fetch_all(&mut *conn).await?;
        let before = load(&mut *conn, &name, since).await?;
        let after = carry(&before);
        for ((id, old), new) in ids.iter().zip(&before.calls).zip(&after.calls) {
            if old != new {
                let answered = new.answered.map(|answered| answered.max(new.sent).nanos());
                sqlx::query(MOVE_CALL).bind(id).bind(new.sent.nanos()).bind(answered).execute(&mut *conn).await?;
            }
        }
        if let Some(block) = after.block.filter(|block| before.block.as_ref() != Some(block)) {
            sqlx::query(MOVE_BLOCK).bind(name.as_str()).bind(block.until.nanos()).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

async fn reserve(
    conn: &mut SqliteConnection,
    tenant: &TenantName,
    (now, reach): (Timestamp, Duration),
    owner: &str,
    decide: impl FnOnce(&CallLedger) -> Admission + Send,
) -> Result<(Admission, Option<CallId>), Fault> {
    let ledger = load(&mut *conn, tenant, now.minus(reach)).await?;
    let admission = decide(&ledger);
    if admission != Admission::Go {
        return Ok((admission, None));
    }
    let call: i64 = sqlx::query_scalar(ENTER_CALL)
        .bind(tenant.as_str())
        .bind(now.nanos())
        .bind(owner)
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query(FORGET_CALLS)
        .bind(tenant.as_str())
        .bind(now.minus(KEPT).nanos())
        .bind(KEPT_CALLS)
        .execute(conn)
        .await?;
    Ok((admission, Some(CallId(call))))
}

async fn settle(
    conn: &mut SqliteConnection,
    now: Timestamp,
    is_alive: impl Fn(&str) -> bool + Send,
) -> Result<u64, Fault> {
    let owners: Vec<String> = sqlx::query_scalar(OPEN_OWNERS).fetch_all(&mut *conn).await?;
    let dead: Vec<String> = owners.into_iter().filter(|owner| !is_alive(owner)).collect();
    let mut settled = 0;
    for owner in dead {
        let open: Vec<(i64, String, i64)> = sqlx::query_as(OPEN_CALLS).bind(owner).fetch_all(&mut *conn).await?;
        for (call, tenant, sent) in open {
            let since = now.minus(SEEN).nanos();
            let longest: Option<i64> =
                sqlx::query_scalar(LONGEST_RUN).bind(tenant).bind(since).fetch_one(&mut *conn).await?;
            let answered = orphan_end(Timestamp::from_nanos(sent), longest.map(span), now);
            sqlx::query(SETTLE_CALL).bind(call).bind(answered.nanos()).execute(&mut *conn).await?;
            settled += 1;
        }
    }
    let owners: Vec<String> = sqlx::query_scalar(CLAIM_OWNERS).fetch_all(&mut *conn).await?;
    for owner in owners.into_iter().filter(|owner| !is_alive(owner)) {
        let done = sqlx::query(FREE_CLAIMS).bind(owner).bind(Timestamp::EPOCH.nanos()).execute(&mut *conn).await?;
        settled += done.rows_affected();
    }
    Ok(settled)
}
