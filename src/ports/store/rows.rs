//! Stored rows: out of their blocks again.

use std::collections::HashMap;
use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::columns::Known;
use super::fault::Fault;
use super::pack::{unpack_deltas, unpack_records};
use crate::model::hit::{HitKind, Ordinal, RowRecord};
use crate::model::id::HitId;
use crate::model::row::Schema;
use crate::rules::block::{self, Rows};

pub(super) const ROWS_OF_RUN: &str = "SELECT block, schema, records FROM block WHERE run = ?1 ORDER BY block";
pub(super) const RECORDS_OF_RUN: &str = "SELECT records FROM block WHERE run = ?1 ORDER BY block";
pub(super) const RECORDS_BEFORE: &str = "SELECT block, run, schema, records FROM block \
     WHERE track = ?1 AND block < ?2 AND run < ?3 AND low <= ?5 AND high >= ?4 ORDER BY block DESC LIMIT 32";
pub(super) const BODY: &str = "SELECT body FROM block WHERE block = ?1";
pub(super) const STEPS: &str = "SELECT packed FROM delta WHERE run = ?1 ORDER BY delta";
pub(super) const GONE_OF_RUN: &str = "SELECT packed FROM delta WHERE run = ?1 AND has_gone = 1 ORDER BY delta";

/// A stored row.
#[derive(Debug, Clone)]
pub(super) struct StoredRow {
    pub(super) record: RowRecord,
    pub(super) hit: HitId,
    pub(super) text: Box<RawValue>,
}

/// The ids of the hits that a run moved: a run has a step for each hit of which it stored a row.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// By ordinal.
    ids: Vec<(Ordinal, HitId)>,
}

impl Ids {
    pub(super) async fn of_run(conn: &mut SqliteConnection, run: i64) -> Result<Self, Fault> {
        let mut ids = Vec::new();
        let mut blobs = sqlx::query_scalar::<_, Vec<u8>>(STEPS).bind(run).fetch(conn);
        while let Some(packed) = blobs.try_next().await? {
            unpack_deltas(&packed, |step| ids.push((step.state.ordinal, step.state.hit)))?;
        }
        ids.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        Ok(Self { ids })
    }

    pub(super) fn of(&self, ordinal: Ordinal) -> Result<HitId, Fault> {
        let at = self.ids.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal);
        let found = at.ok().and_then(|at| self.ids.get(at)).map(|(_, hit)| *hit);
        found.ok_or_else(|| Fault::Bad(format!("a row is stored of hit {ordinal}, which its run didn't move")))
    }
}

/// The values of a block.
pub(super) fn unpack_block(schema: &Schema, records: usize, body: &[u8]) -> Result<Rows, Fault> {
    block::unpack(schema, records, body).map_err(|error| Fault::Bad(error.to_string()))
}

/// The rows of a block that `wanted` says yes to.
fn unpack_rows(
    records: &[RowRecord],
    rows: &Rows,
    ids: &Ids,
    mut wanted: impl FnMut(&RowRecord) -> bool,
) -> Result<Vec<StoredRow>, Fault> {
    let mut all = Vec::new();
    for (at, record) in records.iter().enumerate().filter(|(_, record)| wanted(record)) {
        let text = rows.get(at).and_then(|text| RawValue::from_string(text).ok());
        let text = text.ok_or_else(|| Fault::Bad("stored rows have a row that is no JSON".to_owned()))?;
        all.push(StoredRow { record: *record, hit: ids.of(record.ordinal)?, text });
    }
    Ok(all)
}

/// Hands on each row that `run` stored of the hits in `wanted` (all, where it is none), in order, until `each` breaks off.
pub(super) async fn rows_of_run(
    conn: &mut SqliteConnection,
    run: i64,
    wanted: Option<&RoaringBitmap>,
    mut each: impl FnMut(StoredRow) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let blocks: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(ROWS_OF_RUN).bind(run).fetch_all(&mut *conn).await?;
    if blocks.is_empty() {
        return Ok(());
    }
    let (ids, mut schemas) = (Ids::of_run(&mut *conn, run).await?, Known::default());
    for (block, schema, records) in blocks {
        let records = unpack_records(&records)?;
        let is_wanted = |record: &RowRecord| wanted.is_none_or(|wanted| wanted.contains(record.ordinal));
        if records.iter().any(is_wanted) {
            let schema = schemas.schema(&mut *conn, schema).await?;
            let body: Vec<u8> = sqlx::query_scalar(BODY).bind(block).fetch_one(&mut *conn).await?;
            let rows = unpack_block(&schema, records.len(), &body)?;
            if unpack_rows(&records, &rows, &ids, is_wanted)?.into_iter().try_for_each(&mut each).is_break() {
                break;
            }
        }
    }
    Ok(())
}

/// The records of all rows that `run` stored.
pub(super) async fn records_of_run(conn: &mut SqliteConnection, run: i64) -> Result<Vec<RowRecord>, Fault> {
    let blocks: Vec<Vec<u8>> = sqlx::query_scalar(RECORDS_OF_RUN).bind(run).fetch_all(conn).await?;
    let mut all = Vec::new();
    for records in blocks {
        all.extend(unpack_records(&records)?);
    }
    Ok(all)
}

/// The hits that `run` said to be gone.
pub(super) async fn gone_of_run(conn: &mut SqliteConnection, run: i64) -> Result<Vec<(Ordinal, HitId)>, Fault> {
    let blobs: Vec<Vec<u8>> = sqlx::query_scalar(GONE_OF_RUN).bind(run).fetch_all(conn).await?;
    let mut gone = Vec::new();
    for packed in blobs {
        unpack_deltas(&packed, |step| {
            if step.kind == Some(HitKind::Gone) {
                gone.push((step.state.ordinal, step.state.hit));
            }
        })?;
    }
    Ok(gone)
}

/// Of each hit in `wanted` the rows of the last run below `before` that stored any.
pub(super) async fn last_rows(
    conn: &mut SqliteConnection,
    track: i64,
    wanted: &RoaringBitmap,
    before: i64,
) -> Result<HashMap<Ordinal, Vec<StoredRow>>, Fault> {
    let mut found: HashMap<Ordinal, Vec<StoredRow>> = HashMap::new();
    let keep = |row: StoredRow| {
        found.entry(row.record.ordinal).or_default().push(row);
        Ok(())
    };
    each_last_row(conn, track, wanted, before, keep).await?;
    for rows in found.values_mut() {
        rows.reverse();
    }
    Ok(found)
}

/// Hands on the rows that [`last_rows`] gives, the last one first, so that of one hit the last row comes first; a block
/// of them is in memory at a time, and each is read once.
pub(super) async fn each_last_row(
    conn: &mut SqliteConnection,
    track: i64,
    wanted: &RoaringBitmap,
    before: i64,
    mut each: impl FnMut(StoredRow) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut schemas = Known::default();
    // Blocks come newest first, and so do runs: what is met in one is no longer wanted in the next.
    let (mut left, mut met) = (wanted.clone(), RoaringBitmap::new());
    let (mut of, mut ids) = (i64::MAX, None);
    let mut below = i64::MAX;
    while let (Some(low), Some(high)) = (left.min(), left.max()) {
        let page: Vec<(i64, i64, i64, Vec<u8>)> = sqlx::query_as(RECORDS_BEFORE)
            .bind(track)
            .bind(below)
            .bind(before)
            .bind(i64::from(low))
            .bind(i64::from(high))
            .fetch_all(&mut *conn)
            .await?;
        if page.is_empty() {
            break;
        }
        for (block, run, schema, records) in page {
            below = block;
            if run != of {
                left -= &met;
                met.clear();
                (of, ids) = (run, None);
            }
            let records = unpack_records(&records)?;
            let is_wanted = |record: &RowRecord| left.contains(record.ordinal);
            if !records.iter().any(is_wanted) {
                continue;
            }
            let ids = match &mut ids {
                Some(ids) => ids,
                none => none.insert(Ids::of_run(&mut *conn, run).await?),
            };
            let schema = schemas.schema(&mut *conn, schema).await?;
            let body: Vec<u8> = sqlx::query_scalar(BODY).bind(block).fetch_one(&mut *conn).await?;
            let rows = unpack_block(&schema, records.len(), &body)?;
            for row in unpack_rows(&records, &rows, ids, is_wanted)?.into_iter().rev() {
                met.insert(row.record.ordinal);
                each(row)?;
            }
        }
    }
    Ok(())
}

/// Of each wanted hit the run's own rows, or else those of the last run before it that stored any.
pub(super) async fn rows_as_of(
    conn: &mut SqliteConnection,
    (track, seq): (i64, i64),
    wanted: &RoaringBitmap,
) -> Result<HashMap<Ordinal, Vec<StoredRow>>, Fault> {
    let mut rows: HashMap<Ordinal, Vec<StoredRow>> = HashMap::new();
    let keep = |row: StoredRow| {
        rows.entry(row.record.ordinal).or_default().push(row);
        ControlFlow::Continue(())
    };
    rows_of_run(&mut *conn, seq, Some(wanted), keep).await?;
    let older: RoaringBitmap = wanted.iter().filter(|ordinal| !rows.contains_key(ordinal)).collect();
    if !older.is_empty() {
        rows.extend(last_rows(conn, track, &older, seq).await?);
    }
    Ok(rows)
}

/// A row that is past its retention: an object without columns.
pub(super) fn no_row() -> Box<RawValue> {
    serde_json::value::to_raw_value(&serde_json::Map::new()).unwrap_or_default()
}
