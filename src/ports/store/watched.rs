//! What is asked for who watches: how all hunts stand, what waits in the outbox, and whether the file can be written.

use std::collections::HashMap;

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::runs::name_fault;
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::rules::metrics::{OutboxFacts, TrackState};

/// A look-up by the run's number for each hunt on each tenant: all that there are is what is asked.
pub(super) const TRACK_STATES: &str = "SELECT hunt, tenant, watermark, failures_in_row, finished \
     FROM track LEFT JOIN run ON run.seq = track.last_run";
/// Of each state the oldest ten thousand at most: an outbox that grew for days must not make each look dearer.
pub(super) const OUTBOX_STATES: &str = "SELECT channel, 'pending', count(*), min(created) \
     FROM (SELECT channel, created FROM delivery WHERE state = 'pending' ORDER BY seq LIMIT 10000) GROUP BY channel \
     UNION ALL SELECT channel, 'failed', count(*), min(created) \
     FROM (SELECT channel, created FROM delivery WHERE state = 'failed' ORDER BY seq LIMIT 10000) GROUP BY channel \
     ORDER BY 1, 2";

type StateRow = (String, String, Option<i64>, i64, Option<i64>);

impl Store {
    /// How each hunt on each tenant stands.
    pub async fn track_states(&self) -> Result<HashMap<(HuntId, TenantName), TrackState>, StoreError> {
        let mut read = self.read().await?;
        let rows = sqlx::query_as::<_, StateRow>(TRACK_STATES).fetch_all(&mut *read).await.map_err(Fault::from);
        self.told(rows.and_then(|rows| rows.into_iter().map(state).collect()))
    }

    /// What waits in the outbox and what failed, by channel.
    pub async fn outbox_states(&self) -> Result<Vec<OutboxFacts>, StoreError> {
        let mut read = self.read().await?;
        let rows = sqlx::query_as::<_, (String, String, i64, i64)>(OUTBOX_STATES).fetch_all(&mut *read).await;
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(outbox).collect()))
    }

    /// Whether a write can begin: begins one, and ends it with nothing in it.
    pub async fn try_write(&self) -> Result<(), StoreError> {
        let write = self.begin().await?;
        self.told(write.end(Ok(())).await)
    }
}

fn state((hunt, tenant, mark, failures, finished): StateRow) -> Result<((HuntId, TenantName), TrackState), Fault> {
    let key = (HuntId::new(hunt).map_err(name_fault)?, TenantName::new(tenant).map_err(name_fault)?);
    let (watermark, finished) = (mark.map(Timestamp::from_nanos), finished.map(Timestamp::from_nanos));
    Ok((key, TrackState { watermark, failures_in_row: unsigned(failures)?, finished }))
}

fn outbox((channel, state, count, oldest): (String, String, i64, i64)) -> Result<OutboxFacts, Fault> {
    Ok(OutboxFacts {
        channel: ChannelName::new(channel).map_err(name_fault)?,
        state: if state == "pending" { "pending" } else { "failed" },
        count: unsigned(count)?,
        oldest: Timestamp::from_nanos(oldest),
    })
}
