//! One hit, found by the beginning of its id, and all that is kept of it.

use std::ops::ControlFlow;

use futures_util::TryStreamExt;
use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::hits::{STEPS_BY_SEQ, TRACK_NAME, severity_of};
use super::outbox::delivery_of;
use super::pack::{unpack_bitmap, unpack_ids, unpack_told};
use super::rows::{StoredRow, rows_of_run};
use super::seen::{FirstSeen, MEMBERS};
use super::track;
use crate::model::hit::{HitKind, Ordinal};
use crate::model::id::HitId;
use crate::model::life::{Life, LifeStep, ToldBy};
use crate::model::time::Timestamp;

/// What the beginning of a hit's id leads to.
#[derive(Debug, Clone)]
pub enum HitSearch {
    /// No hit.
    Nothing,
    /// One hit: all that is kept of it.
    One(Box<Life>),
    /// Several hits (the first twenty): the beginning is too short.
    Several(Vec<HitId>),
}

/// How many ids [`HitSearch::Several`] names.
const SEVERAL: usize = 20;
/// The digits of a whole id.
const DIGITS: usize = 40;

/// The one search that goes over all tracks: an id says nothing of its hunt. A piece that brought no new hit names those
/// of earlier ones alone, and isn't read; but where steps were laid together, an earlier one may be gone.
pub(super) const PIECES_WITH_IDS: &str = "SELECT delta, track, packed FROM delta WHERE delta IN (SELECT delta FROM \
     (SELECT delta, track, next_ordinal, lag(next_ordinal, 1, 0) OVER (PARTITION BY track ORDER BY delta) AS before \
     FROM delta) AS piece JOIN track USING (track) WHERE piece.next_ordinal > before OR laid_ordinal > 0) \
     ORDER BY delta";
pub(super) const PIECES_FROM: &str =
    "SELECT run, started, packed FROM delta WHERE track = ?1 AND delta >= ?2 ORDER BY delta";
pub(super) const LAST_VERSION: &str =
    "SELECT version FROM track JOIN run ON run.seq = track.last_run WHERE track.track = ?1";
/// CROSS JOIN, as a track has few of all deliveries. A run without a result tells no hit.
pub(super) const TOLD_SINCE: &str = "SELECT delivery.delivery, channel, state, attempts, hits, delivery.error, created, \
     sent, told, run.run FROM run CROSS JOIN delivery ON delivery.run = run.seq \
     WHERE run.track = ?1 AND run.seq >= ?2 AND run.members IS NOT NULL AND hits > 0 ORDER BY run.seq, delivery.seq";

impl Store {
    /// The hit whose id begins with `prefix` (hexadecimal digits, in either case).
    pub async fn hit(&self, prefix: &str) -> Result<HitSearch, StoreError> {
        let mut read = self.read().await?;
        self.told(search(&mut read, &prefix.to_ascii_lowercase()).await)
    }
}

/// Where a hit was met first.
#[derive(Debug, Clone, Copy)]
struct Found {
    hit: HitId,
    track: i64,
    delta: i64,
}

async fn search(conn: &mut SqliteConnection, prefix: &str) -> Result<HitSearch, Fault> {
    let is_one = (1..=DIGITS).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_one {
        return Ok(HitSearch::Nothing);
    }
    let most = if prefix.len() == DIGITS { 1 } else { SEVERAL };
    let mut found: Vec<Found> = Vec::new();
    let mut pieces = sqlx::query_as::<_, (i64, i64, Vec<u8>)>(PIECES_WITH_IDS).fetch(&mut *conn);
    while found.len() < most
        && let Some((delta, track, packed)) = pieces.try_next().await?
    {
        unpack_ids(&packed, |_, _, hit| {
            if begins_with(hit, prefix) && found.len() < most && !found.iter().any(|known| known.hit == *hit) {
                found.push(Found { hit: *hit, track, delta });
            }
        })?;
    }
    drop(pieces);
    match found.as_slice() {
        [] => Ok(HitSearch::Nothing),
        [one] => Ok(HitSearch::One(Box::new(life(conn, one).await?))),
        _ => Ok(HitSearch::Several(found.iter().map(|found| found.hit).collect())),
    }
}

fn begins_with(hit: &HitId, prefix: &str) -> bool {
    let digits = |byte: &u8| [byte >> 4, byte & 15];
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(16);
    prefix.bytes().zip(hit.0.iter().flat_map(digits)).all(|(want, have)| value(want) == u32::from(have))
}

/// A run that said something of hits, as [`STEPS_BY_SEQ`] has it: its `seq`, id, track, start, and the hunt's version.
type Sayer = (i64, String, i64, i64, i64);

/// What the steps say of a hit, without its rows.
#[derive(Debug, Default)]
struct Said {
    /// Its place; a hit that was forgotten and came again has another.
    ordinals: RoaringBitmap,
    /// The run's `seq`, its start, the hit's place and what it said.
    steps: Vec<(i64, Timestamp, Ordinal, HitKind)>,
    /// Whether steps of it were laid together.
    is_laid: bool,
    is_gone: bool,
}

impl Said {
    async fn load(conn: &mut SqliteConnection, found: &Found) -> Result<Self, Fault> {
        let mut said = Self::default();
        let pieces = sqlx::query_as::<_, (i64, i64, Vec<u8>)>(PIECES_FROM).bind(found.track).bind(found.delta);
        let mut pieces = pieces.fetch(conn);
        while let Some((run, started, packed)) = pieces.try_next().await? {
            unpack_ids(&packed, |ordinal, kind, hit| {
                if *hit != found.hit {
                    return;
                }
                said.ordinals.insert(ordinal);
                said.is_gone = kind == Some(HitKind::Gone);
                match kind {
                    _ if run == 0 => said.is_laid = true,
                    Some(kind) => said.steps.push((run, Timestamp::from_nanos(started), ordinal, kind)),
                    None => {}
                }
            })?;
        }
        Ok(said)
    }

    /// The first run that may have held it, by its `seq`.
    fn since(&self) -> i64 {
        if self.is_laid { 0 } else { self.steps.first().map_or(0, |(seq, ..)| *seq) }
    }
}

async fn life(conn: &mut SqliteConnection, found: &Found) -> Result<Life, Fault> {
    let said = Said::load(&mut *conn, found).await?;
    let (hunt, tenant) = sqlx::query_as(TRACK_NAME).bind(found.track).fetch_one(&mut *conn).await?;
    let (steps, version) = steps(&mut *conn, &said).await?;
    let version = match version {
        Some(version) => version,
        None => sqlx::query_scalar(LAST_VERSION).bind(found.track).fetch_one(&mut *conn).await?,
    };
    let first = FirstSeen::load(&mut *conn, found.track).await?;
    let first_seen = said.ordinals.min().and_then(|ordinal| first.of(ordinal));
    let results = Results::load(&mut *conn, found.track, &said, first_seen).await?;
    let held = !track::held(&mut *conn, found.track).await?.is_disjoint(&said.ordinals);
    let last_run = match results.last {
        Some((seq, _)) => {
            let sayer: Sayer = sqlx::query_as(STEPS_BY_SEQ).bind(seq).fetch_one(&mut *conn).await?;
            Some(sayer.1)
        }
        None => None,
    };
    Ok(Life {
        hit: found.hit,
        hunt,
        tenant,
        severity: severity_of(&mut *conn, version).await?,
        first_seen,
        last_seen: results.last.map(|(_, started)| started),
        present: !said.is_gone,
        held,
        runs: results.held_by,
        of_runs: results.all,
        last_run,
        expired: said.is_laid || steps.iter().any(|step| step.rows.is_empty()),
        steps,
        deliveries: told_by(conn, found.track, &said).await?,
    })
}

/// What was said of a hit, and the version of the hunt that said the last of it, where that is kept.
async fn steps(conn: &mut SqliteConnection, said: &Said) -> Result<(Vec<LifeStep>, Option<i64>), Fault> {
    let (mut steps, mut version): (Vec<LifeStep>, _) = (Vec::new(), None);
    for (seq, at, ordinal, kind) in &said.steps {
        let sayer: Option<Sayer> = sqlx::query_as(STEPS_BY_SEQ).bind(seq).fetch_optional(&mut *conn).await?;
        let (mut run, mut rows) = (None, Vec::new());
        if let Some((_, id, _, _, of)) = sayer {
            (run, version) = (Some(id), Some(of));
            if *kind == HitKind::Gone {
                // The row before: not the last that is stored, as its own may be gone and an older one there still.
                rows.extend(steps.last().and_then(|step| step.rows.last()).cloned());
            } else {
                rows = rows_of(&mut *conn, *seq, *ordinal).await?;
            }
        }
        steps.push(LifeStep { kind: *kind, run, at: *at, rows });
    }
    Ok((steps, version))
}

/// The rows that a run stored of a hit.
async fn rows_of(conn: &mut SqliteConnection, seq: i64, ordinal: Ordinal) -> Result<Vec<Box<RawValue>>, Fault> {
    let mut rows = Vec::new();
    let keep = |row: StoredRow| {
        rows.push(row.text);
        ControlFlow::Continue(())
    };
    rows_of_run(conn, seq, Some(&RoaringBitmap::from_iter([ordinal])), keep).await?;
    Ok(rows)
}

/// In which of a track's kept results a hit was.
#[derive(Debug, Default)]
struct Results {
    all: u64,
    held_by: u64,
    /// The last that held it: its run's `seq` and start.
    last: Option<(i64, Timestamp)>,
}

impl Results {
    /// From the newest back, a few in memory at a time, as far as the hit may have been there.
    async fn load(
        conn: &mut SqliteConnection,
        track: i64,
        said: &Said,
        first_seen: Option<Timestamp>,
    ) -> Result<Self, Fault> {
        let (mut results, mut below) = (Self::default(), i64::MAX);
        loop {
            let page: Vec<(i64, i64, Vec<u8>)> =
                sqlx::query_as(MEMBERS).bind(track).bind(below).fetch_all(&mut *conn).await?;
            let Some((last, ..)) = page.last() else { return Ok(results) };
            below = *last;
            for (seq, started, members) in page {
                let started = Timestamp::from_nanos(started);
                if seq < said.since() {
                    return Ok(results);
                }
                let holds = !unpack_bitmap(&members)?.is_disjoint(&said.ordinals);
                // Where the first step's run went, older runs may be kept for their rows.
                results.all += u64::from(holds || first_seen.is_none_or(|first| started >= first));
                results.held_by += u64::from(holds);
                if holds && results.last.is_none() {
                    results.last = Some((seq, started));
                }
            }
        }
    }
}

/// The deliveries that tell a hit: also later ones than of the runs that moved it, as a threshold may hold it back.
async fn told_by(conn: &mut SqliteConnection, track: i64, said: &Said) -> Result<Vec<ToldBy>, Fault> {
    let mut all = Vec::new();
    let mut rows = sqlx::query(TOLD_SINCE).bind(track).bind(said.since()).fetch(conn);
    while let Some(row) = rows.try_next().await? {
        let told = unpack_told(row.try_get("told")?)?;
        if let Some((_, kind)) = told.into_iter().find(|(ordinal, _)| said.ordinals.contains(*ordinal)) {
            all.push(ToldBy { delivery: delivery_of(&row)?, run: row.try_get("run")?, kind });
        }
    }
    Ok(all)
}
