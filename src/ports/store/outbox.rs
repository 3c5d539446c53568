//! The outbox: claimed, sent, marked. A crash between send and mark repeats a notice; none is lost.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::runs::{json_list, limit_of, name_fault};
use crate::model::delivery::{Delivery, DeliveryState, message_id};
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::time::Timestamp;

/// A delivery that is this process's to send, until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The delivery; this attempt is counted.
    pub delivery: Delivery,
}

/// Which deliveries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// A clock that was set back by more than this makes what was put off before due at once: else a
/// clock that stood in another year for a minute would keep a mail back for a year.
const CLOCK_SLACK: Duration = Duration::from_mins(10);

macro_rules! select_delivery {
    ($rest:literal) => {
        concat!("SELECT delivery, channel, state, attempts, hits, error, created, sent, seq FROM delivery ", $rest)
    };
}

pub(super) const IS_DUE: &str =
    "SELECT 1 FROM delivery WHERE state = 'pending' AND (next_attempt <= ?1 OR touched > ?2) LIMIT 1";
/// Each channel in turn, so that a thousand mails to a server that is down keep back no webhook.
pub(super) const DUE: &str = "SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY channel ORDER BY seq) AS turn \
     FROM delivery WHERE state = 'pending' AND (next_attempt <= ?1 OR touched > ?2) \
     AND channel NOT IN (SELECT value FROM json_each(?4))) ORDER BY turn, seq LIMIT ?3";
pub(super) const CLAIM: &str = "UPDATE delivery SET attempts = attempts + 1, next_attempt = ?2, touched = ?3, owner = ?4 \
     WHERE seq IN (SELECT value FROM json_each(?1))";
pub(super) const CLAIMED: &str = select_delivery!("WHERE seq IN (SELECT value FROM json_each(?1))");
pub(super) const MARK_SENT: &str = "UPDATE delivery SET state = 'sent', sent = ?2, error = NULL, next_attempt = NULL, owner = NULL \
     WHERE delivery = ?1 AND state <> 'sent'";
pub(super) const MARK_LATER: &str =
    "UPDATE delivery SET error = ?2, next_attempt = ?3, owner = NULL WHERE delivery = ?1 AND state = 'pending'";
pub(super) const MARK_FAILED: &str = "UPDATE delivery SET state = 'failed', error = ?2, next_attempt = NULL, owner = NULL \
     WHERE delivery = ?1 AND state = 'pending'";
/// Due at once, whatever the clock says.
pub(super) const RETRY: &str = "UPDATE delivery SET state = 'pending', next_attempt = ?2, touched = ?2, owner = NULL \
     WHERE delivery = ?1 AND state <> 'sent'";
pub(super) const CLAIM_OWNERS: &str = "SELECT DISTINCT owner FROM delivery WHERE owner IS NOT NULL";
/// Due at once, whatever the clock says.
pub(super) const FREE_CLAIMS: &str =
    "UPDATE delivery SET next_attempt = ?2, touched = ?2, owner = NULL WHERE owner = ?1";
pub(super) const NEXT_AT: &str = "SELECT min(next_attempt) FROM delivery WHERE state = 'pending'";
pub(super) const ALL_DELIVERIES: &str = select_delivery!("ORDER BY seq DESC LIMIT ?1");
pub(super) const DELIVERIES_IN: &str = select_delivery!("WHERE state = ?2 ORDER BY seq DESC LIMIT ?1");

impl Store {
    /// Claims up to `most` pending deliveries whose time has come, the channels in turn and each
    /// channel's oldest first; those of `busy` channels are left alone. The attempt is counted, and on the disk, before this returns; a claim
    /// that is never marked lapses after `lease`.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        most: usize,
        busy: &[ChannelName],
    ) -> Result<Vec<Claim>, StoreError> {
        let ahead = now.plus(CLOCK_SLACK);
        let mut read = self.read().await?;
        let due = sqlx::query(IS_DUE).bind(now.nanos()).bind(ahead.nanos()).fetch_optional(&mut *read).await;
        // An idle look takes no lock.
        if self.told(due.map_err(Fault::from))?.is_none() {
            return Ok(Vec::new());
        }
        drop(read);
        let mut write = self.begin().await?;
        let result = claim(&mut write.conn, now, lease, most, busy, self.owner()).await;
        self.told(write.end(result).await)
    }

    /// The channel took it.
    pub async fn mark_sent(&self, delivery: &DeliveryId, now: Timestamp) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let sent = sqlx::query(MARK_SENT).bind(delivery.as_str()).bind(now.nanos()).execute(&mut write.conn).await;
        self.told(write.end(sent.map(drop).map_err(Fault::from)).await)
    }

    /// The channel didn't take it now: again at `next`.
    pub async fn mark_later(&self, delivery: &DeliveryId, error: &str, next: Timestamp) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let query = sqlx::query(MARK_LATER).bind(delivery.as_str()).bind(error).bind(next.nanos());
        let marked = query.execute(&mut write.conn).await;
        self.told(write.end(marked.map(drop).map_err(Fault::from)).await)
    }

    /// It is given up.
    pub async fn mark_failed(&self, delivery: &DeliveryId, error: &str) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let marked = sqlx::query(MARK_FAILED).bind(delivery.as_str()).bind(error).execute(&mut write.conn).await;
        self.told(write.end(marked.map(drop).map_err(Fault::from)).await)
    }

    /// Makes a delivery that isn't sent due at once; false where there is none such.
    pub async fn retry_delivery(&self, delivery: &DeliveryId) -> Result<bool, StoreError> {
        let mut write = self.begin().await?;
        let query = sqlx::query(RETRY).bind(delivery.as_str()).bind(Timestamp::EPOCH.nanos());
        let changed = query.execute(&mut write.conn).await;
        self.told(write.end(changed.map(|done| done.rows_affected() > 0).map_err(Fault::from)).await)
    }

    /// When the next pending delivery is due, or a claim on it lapses.
    pub async fn next_delivery_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut read = self.read().await?;
        let next = sqlx::query_scalar::<_, Option<i64>>(NEXT_AT).fetch_one(&mut *read).await;
        Ok(self.told(next.map_err(Fault::from))?.map(Timestamp::from_nanos))
    }

    /// The deliveries that pass, newest first.
    pub async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let mut read = self.read().await?;
        let query = match filter.state {
            None => sqlx::query(ALL_DELIVERIES).bind(limit_of(filter.limit)),
            Some(state) => sqlx::query(DELIVERIES_IN).bind(limit_of(filter.limit)).bind(state.as_str()),
        };
        let rows = self.told(query.fetch_all(&mut *read).await.map_err(Fault::from))?;
        self.told(rows.iter().map(delivery_of).collect())
    }
}

async fn claim(
    conn: &mut SqliteConnection,
    now: Timestamp,
    lease: Duration,
    most: usize,
    busy: &[ChannelName],
    owner: &str,
) -> Result<Vec<Claim>, Fault> {
    let busy = serde_json::Value::from(busy.iter().map(ChannelName::as_str).collect::<Vec<_>>());
    let due: Vec<i64> = sqlx::query_scalar(DUE)
        .bind(now.nanos())
        .bind(now.plus(CLOCK_SLACK).nanos())
        .bind(limit_of(Some(most)))
        .bind(busy.to_string())
        .fetch_all(&mut *conn)
        .await?;
    let list = json_list(&due);
    let until = now.plus(lease).nanos();
    sqlx::query(CLAIM).bind(&list).bind(until).bind(now.nanos()).bind(owner).execute(&mut *conn).await?;
    let rows = sqlx::query(CLAIMED).bind(&list).fetch_all(conn).await?;
    let mut claims = Vec::with_capacity(rows.len());
    for row in &rows {
        claims.push((row.try_get::<i64, _>("seq")?, Claim { delivery: delivery_of(row)? }));
    }
    claims.sort_by_key(|(seq, _)| due.iter().position(|due| due == seq));
    Ok(claims.into_iter().map(|(_, claim)| claim).collect())
}

/// The delivery in a row that has all of its columns.
pub(super) fn delivery_of(row: &SqliteRow) -> Result<Delivery, Fault> {
    let delivery = DeliveryId::new(row.try_get::<String, _>("delivery")?).map_err(name_fault)?;
    let state: &str = row.try_get("state")?;
    Ok(Delivery {
        channel: ChannelName::new(row.try_get::<String, _>("channel")?).map_err(name_fault)?,
        state: DeliveryState::parse(state)
            .ok_or_else(|| Fault::Bad(format!("unknown state of a delivery: {state}")))?,
        attempts: unsigned(row.try_get("attempts")?)?,
        hits: unsigned(row.try_get("hits")?)?,
        message_id: message_id(&delivery),
        error: row.try_get("error")?,
        created: Timestamp::from_nanos(row.try_get("created")?),
        sent: row.try_get::<Option<i64>, _>("sent")?.map(Timestamp::from_nanos),
        delivery,
    })
}
