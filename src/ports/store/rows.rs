//! Stored rows: out of their blocks again.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::fault::Fault;
use super::pack::{unpack_deltas, unpack_records};
use crate::model::hit::{HitKind, Ordinal, RowBlock, RowRecord};
use crate::model::id::HitId;
use crate::rules::block;

pub(super) const ROWS_OF_RUN: &str = "SELECT records, body FROM block WHERE run = ?1 ORDER BY block";
pub(super) const RECORDS_OF_RUN: &str = "SELECT records FROM block WHERE run = ?1 ORDER BY block";
pub(super) const RECORDS_BEFORE: &str = "SELECT block, run, records FROM block \
     WHERE track = ?1 AND block < ?2 AND run < ?3 AND low <= ?5 AND high >= ?4 ORDER BY block DESC LIMIT 32";
pub(super) const BODY: &str = "SELECT body FROM block WHERE block = ?1";
pub(super) const GONE_OF_RUN: &str = "SELECT packed FROM delta WHERE run = ?1 AND has_gone = 1 ORDER BY delta";

/// A stored row.
#[derive(Debug, Clone)]
pub(super) struct StoredRow {
    pub(super) record: RowRecord,
    pub(super) text: Box<RawValue>,
}

/// The rows of a block that `wanted` says yes to.
pub(super) fn unpack_rows(
    records: Vec<RowRecord>,
    body: Vec<u8>,
    mut wanted: impl FnMut(&RowRecord) -> bool,
) -> Result<Vec<StoredRow>, Fault> {
    let block = RowBlock { records, body };
    let texts = block::unpack(&block).map_err(|error| Fault::Bad(error.to_string()))?;
    let mut rows = Vec::new();
    for (record, text) in block.records.iter().zip(texts.iter()).filter(|(record, _)| wanted(record)) {
        let text = RawValue::from_string(text.to_owned())
            .map_err(|_| Fault::Bad("stored rows have a row that is no JSON".to_owned()))?;
        rows.push(StoredRow { record: *record, text });
    }
    Ok(rows)
}

/// Hands on each row that `run` stored of the hits in `wanted` (all, where it is none), in order.
pub(super) async fn rows_of_run(
    conn: &mut SqliteConnection,
    run: i64,
    wanted: Option<&RoaringBitmap>,
    mut each: impl FnMut(StoredRow),
) -> Result<(), Fault> {
    let mut blocks = sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>(ROWS_OF_RUN).bind(run).fetch(conn);
    while let Some((records, body)) = blocks.try_next().await? {
        let records = unpack_records(&records)?;
        let is_wanted = |record: &RowRecord| wanted.is_none_or(|wanted| wanted.contains(record.ordinal));
        if records.iter().any(is_wanted) {
            unpack_rows(records, body, is_wanted)?.into_iter().for_each(&mut each);
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
        unpack_deltas(&packed, |delta| {
            if delta.kind == Some(HitKind::Gone) {
                gone.push((delta.ordinal, delta.hit));
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
    let mut left = wanted.clone();
    // By hit, the run that its rows are of. Blocks come newest first, and so do runs.
    let mut found: HashMap<Ordinal, (i64, Vec<StoredRow>)> = HashMap::new();
    let mut below = i64::MAX;
    while let (Some(low), Some(high)) = (left.min(), left.max()) {
        let page: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(RECORDS_BEFORE)
            .bind(track)
            .bind(below)
            .bind(before)
            .bind(i64::from(low))
            .bind(i64::from(high))
            .fetch_all(&mut *conn)
            .await?;
        let Some((_, oldest, _)) = page.last() else { break };
        let oldest = *oldest;
        for (block, run, records) in page {
            below = block;
            let records = unpack_records(&records)?;
            let is_wanted = |record: &RowRecord| {
                left.contains(record.ordinal) && found.get(&record.ordinal).is_none_or(|(of, _)| *of == run)
            };
            if !records.iter().any(is_wanted) {
                continue;
            }
            let body: Vec<u8> = sqlx::query_scalar(BODY).bind(block).fetch_one(&mut *conn).await?;
            // From the back, as later blocks of the same run are already there; turned once at the end.
            for row in unpack_rows(records, body, is_wanted)?.into_iter().rev() {
                found.entry(row.record.ordinal).or_insert_with(|| (run, Vec::new())).1.push(row);
            }
        }
        left = left.iter().filter(|ordinal| found.get(ordinal).is_none_or(|(run, _)| *run == oldest)).collect();
    }
    let turn = |(ordinal, (_, mut rows)): (Ordinal, (i64, Vec<StoredRow>))| {
        rows.reverse();
        (ordinal, rows)
    };
    Ok(found.into_iter().map(turn).collect())
}

/// Of each wanted hit the run's own rows, or else those of the last run before it that stored any.
pub(super) async fn rows_as_of(
    conn: &mut SqliteConnection,
    (track, seq): (i64, i64),
    wanted: &RoaringBitmap,
) -> Result<HashMap<Ordinal, Vec<StoredRow>>, Fault> {
    let mut rows: HashMap<Ordinal, Vec<StoredRow>> = HashMap::new();
    rows_of_run(&mut *conn, seq, Some(wanted), |row| rows.entry(row.record.ordinal).or_default().push(row)).await?;
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
