//! The past, run by run: what comparing, replaying and advising ask for.

use std::ops::ControlFlow;
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::columns::Known;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::members::FIND_RUN;
use super::pack::unpack_deltas;
use super::rows::{StoredRow, rows_of_run};
use super::track::counters;
use crate::model::hit::{HitDelta, Ordinal};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::row::Schema;

pub(super) const RESULTS: &str =
    "SELECT run, status = 'ok' FROM run WHERE track = ?1 AND members IS NOT NULL ORDER BY seq";
/// By the runs in between, whoever's they are: by the track, a walk through a long history would read all of its steps
/// for each run.
pub(super) const STEPS_BETWEEN: &str =
    "SELECT packed FROM delta WHERE run > ?2 AND run <= ?3 AND +track = ?1 ORDER BY run, delta";
pub(super) const STEPS_BEFORE: &str = "SELECT packed FROM delta WHERE track = ?1 AND run = 0 ORDER BY delta";
pub(super) const SCHEMAS_OF_RUN: &str = "SELECT schema FROM block WHERE run = ?1 GROUP BY schema ORDER BY max(block)";
pub(super) const TOLD_OF_RUN: &str = "SELECT max(hits) FROM delivery WHERE run = ?1";

/// What a run stored.
#[derive(Debug, Clone, Default)]
pub struct StoredRows {
    /// The columns of its rows, the last answer's last; nothing where it stored none.
    pub schemas: Vec<Arc<Schema>>,
    /// The rows that it stored, in order: new and changed ones, and those of hits that were back.
    pub rows: Vec<(Ordinal, Box<RawValue>)>,
}

impl Store {
    /// The runs of a hunt on a tenant that have a result, oldest first, each with whether it was complete.
    pub async fn results(&self, hunt: &HuntId, tenant: &TenantName) -> Result<Vec<(RunId, bool)>, StoreError> {
        let mut read = self.read().await?;
        self.told(results(&mut read, hunt, tenant).await)
    }

    /// How hits moved after the run `after` (from the beginning, where it is none) up to and with the run `upto` of
    /// the same hunt on the same tenant, oldest first. From the beginning, those of runs past their retention come first:
    /// laid together, without what they said.
    pub async fn steps_between(&self, after: Option<&RunId>, upto: &RunId) -> Result<Vec<HitDelta>, StoreError> {
        let mut read = self.read().await?;
        self.told(steps_between(&mut read, after, upto).await)
    }

    /// The rows that a run stored, as far as they are still there.
    pub async fn rows_stored_by(&self, run: &RunId) -> Result<StoredRows, StoreError> {
        let mut read = self.read().await?;
        self.told(rows_stored_by(&mut read, run).await)
    }

    /// How many hits a run told: the most that one of its deliveries has. None where it has no delivery.
    pub async fn told_by(&self, run: &RunId) -> Result<Option<u64>, StoreError> {
        let mut read = self.read().await?;
        self.told(told_by(&mut read, run).await)
    }
}

async fn results(conn: &mut SqliteConnection, hunt: &HuntId, tenant: &TenantName) -> Result<Vec<(RunId, bool)>, Fault> {
    let Some(counters) = counters(&mut *conn, hunt, tenant).await? else { return Ok(Vec::new()) };
    let rows: Vec<(String, bool)> = sqlx::query_as(RESULTS).bind(counters.track).fetch_all(conn).await?;
    rows.into_iter()
        .map(|(run, ok)| Ok((RunId::new(run).map_err(|error| Fault::Bad(error.to_string()))?, ok)))
        .collect()
}

/// A run's `seq` and its track.
async fn place(conn: &mut SqliteConnection, run: &RunId) -> Result<Option<(i64, i64)>, Fault> {
    let found: Option<(i64, i64, Option<Vec<u8>>)> =
        sqlx::query_as(FIND_RUN).bind(run.as_str()).fetch_optional(conn).await?;
    Ok(found.map(|(seq, track, _)| (seq, track)))
}

async fn steps_between(
    conn: &mut SqliteConnection,
    after: Option<&RunId>,
    upto: &RunId,
) -> Result<Vec<HitDelta>, Fault> {
    let Some((last, track)) = place(&mut *conn, upto).await? else { return Ok(Vec::new()) };
    let first = match after {
        Some(run) => place(&mut *conn, run).await?.map_or(0, |(seq, _)| seq),
        None => 0,
    };
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    if first == 0 {
        blobs = sqlx::query_scalar(STEPS_BEFORE).bind(track).fetch_all(&mut *conn).await?;
    }
    let between = sqlx::query_scalar::<_, Vec<u8>>(STEPS_BETWEEN).bind(track).bind(first).bind(last);
    blobs.extend(between.fetch_all(conn).await?);
    let mut steps = Vec::new();
    for packed in blobs {
        unpack_deltas(&packed, |step| steps.push(HitDelta::from(step)))?;
    }
    Ok(steps)
}

async fn rows_stored_by(conn: &mut SqliteConnection, run: &RunId) -> Result<StoredRows, Fault> {
    let Some((seq, _)) = place(&mut *conn, run).await? else { return Ok(StoredRows::default()) };
    let numbers: Vec<i64> = sqlx::query_scalar(SCHEMAS_OF_RUN).bind(seq).fetch_all(&mut *conn).await?;
    let (mut schemas, mut known) = (Vec::new(), Known::default());
    for number in numbers {
        schemas.push(known.schema(&mut *conn, number).await?);
    }
    let mut rows = Vec::new();
    let wanted: Option<&RoaringBitmap> = None;
    let keep = |row: StoredRow| {
        rows.push((row.record.ordinal, row.text));
        ControlFlow::Continue(())
    };
    rows_of_run(conn, seq, wanted, keep).await?;
    Ok(StoredRows { schemas, rows })
}

async fn told_by(conn: &mut SqliteConnection, run: &RunId) -> Result<Option<u64>, Fault> {
    let Some((seq, _)) = place(&mut *conn, run).await? else { return Ok(None) };
    let most: Option<i64> = sqlx::query_scalar(TOLD_OF_RUN).bind(seq).fetch_one(conn).await?;
    most.map(unsigned).transpose()
}
