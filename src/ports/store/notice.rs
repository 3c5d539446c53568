//! What a channel is given: a delivery with all that it tells.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::coverage;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::overload;
use super::pack::{unpack_deltas, unpack_told};
use super::rows::{no_row, rows_as_of};
use super::runs::{RUN_BY_SEQ, name_fault, run_of};
use super::seen::{FirstSeen, LastSeen};
use super::track::LOAD_DELTAS;
use crate::model::delivery::{About, Notice, NoticeHunt};
use crate::model::hit::{Hit, HitKind, Ordinal};
use crate::model::id::{ChannelName, DeliveryId, HitId};
use crate::model::run::Run;

pub(super) const LOAD_DELIVERY: &str = "SELECT run.seq, run.track, attempts, told, notice, channel \
     FROM delivery JOIN run ON run.seq = delivery.run JOIN hunt_version USING (version) WHERE delivery = ?1";

impl Store {
    /// The notice of a claimed delivery: hits in the order in which they are to be told, each with its
    /// last stored row as of that run, whatever runs came after. A hit whose key several rows of
    /// that run bear comes with each of them. `last_seen` is as of that run too, so that a repeat is
    /// the same to the letter.
    pub async fn notice(&self, delivery: &DeliveryId) -> Result<Notice, StoreError> {
        let mut read = self.read().await?;
        self.told(build(&mut read, delivery).await)
    }
}

async fn build(conn: &mut SqliteConnection, delivery: &DeliveryId) -> Result<Notice, Fault> {
    let found: Option<(i64, i64, i64, Vec<u8>, String, String)> =
        sqlx::query_as(LOAD_DELIVERY).bind(delivery.as_str()).fetch_optional(&mut *conn).await?;
    let (seq, track, attempts, told, hunt, channel) = found.ok_or(Fault::Misuse("there is no such delivery"))?;
    let hunt: NoticeHunt =
        serde_json::from_str(&hunt).map_err(|error| Fault::Bad(format!("a stored hunt has a fault: {error}")))?;
    let run = run_of(&sqlx::query(RUN_BY_SEQ).bind(seq).fetch_one(&mut *conn).await?)?;
    let hits = told_hits(conn, &run, &hunt, (track, seq), &unpack_told(&told)?).await?;
    // The claim has counted the attempt that this notice is for.
    let attempts = unsigned::<u32>(attempts)?.saturating_sub(1);
    let about = About::of(delivery, &run.run, &ChannelName::new(channel).map_err(name_fault)?);
    let mut losses = Vec::new();
    if about == About::Loss {
        let told = coverage::load(&mut *conn, track, None).await?;
        losses.extend(told.stretches().iter().filter(|stretch| stretch.told.as_ref() == Some(&run.run)).cloned());
    }
    let overload = if about == About::Overload { Some(overload::load(&mut *conn, seq).await?) } else { None };
    Ok(Notice { delivery: delivery.clone(), attempts, hunt, run, about, hits, losses, overload })
}

async fn told_hits(
    conn: &mut SqliteConnection,
    run: &Run,
    hunt: &NoticeHunt,
    (track, seq): (i64, i64),
    told: &[(Ordinal, HitKind)],
) -> Result<Vec<Hit>, Fault> {
    let wanted: RoaringBitmap = told.iter().map(|(ordinal, _)| *ordinal).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = rows_as_of(&mut *conn, (track, seq), &wanted).await?;
    let missing: RoaringBitmap = wanted.iter().filter(|ordinal| !rows.contains_key(ordinal)).collect();
    let ids = ids_of(&mut *conn, track, &missing).await?;
    let first = FirstSeen::load(&mut *conn, track).await?;
    let mut last = LastSeen::new(track, seq.saturating_add(1));
    last.resolve(conn, &wanted).await?;
    let mut hits = Vec::with_capacity(told.len());
    for (ordinal, kind) in told {
        let first_seen = first.of(*ordinal).unwrap_or(run.started);
        let last_seen = last.of(*ordinal).unwrap_or(first_seen);
        let mut tell = |hit: HitId, row: Box<RawValue>| {
            hits.push(Hit {
                hit,
                hunt: run.hunt.to_string(),
                tenant: run.tenant.to_string(),
                kind: *kind,
                run: run.run.to_string(),
                first_seen,
                last_seen,
                severity: hunt.severity,
                row,
            });
        };
        match rows.remove(ordinal) {
            Some(mut stored) if *kind == HitKind::Gone => {
                stored.drain(..).next_back().into_iter().for_each(|row| tell(row.hit, row.text));
            }
            Some(stored) => stored.into_iter().for_each(|row| tell(row.hit, row.text)),
            None => {
                let id = ids.get(ordinal).ok_or_else(|| Fault::Bad(format!("hit {ordinal} isn't known")))?;
                tell(*id, no_row());
            }
        }
    }
    Ok(hits)
}

/// The ids of hits whose rows are past their retention.
async fn ids_of(
    conn: &mut SqliteConnection,
    track: i64,
    wanted: &RoaringBitmap,
) -> Result<HashMap<Ordinal, HitId>, Fault> {
    let mut ids = HashMap::new();
    if wanted.is_empty() {
        return Ok(ids);
    }
    let blobs: Vec<Vec<u8>> = sqlx::query_scalar(LOAD_DELTAS).bind(track).fetch_all(conn).await?;
    for packed in blobs {
        unpack_deltas(&packed, |step| {
            if wanted.contains(step.state.ordinal) {
                ids.insert(step.state.ordinal, step.state.hit);
            }
        })?;
    }
    Ok(ids)
}
