//! Tracks: a hunt on a tenant, and what the next run starts from.

use futures_util::TryStreamExt;
use roaring::RoaringBitmap;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::coverage;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::pack::{Suppressions, unpack_bitmap, unpack_deltas, unpack_suppressions};
use super::runs::{RUN_BY_SEQ, name_fault, run_of};
use crate::model::hit::Ordinal;
use crate::model::id::{HuntId, TenantName};
use crate::model::known::KnownHits;
use crate::model::run::Run;
use crate::model::time::Timestamp;
use crate::rules::coverage::Coverage;

/// Where the history of a hunt on a tenant stands; the default where there is none yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// Goes up by one with each run that isn't failed, and when hits are forgotten; a failed run moves no hit and
    /// leaves it. A state of [`Store::history`] is good for as long as this stays.
    pub generation: u64,
    /// The first instant of event time not covered by complete results.
    pub watermark: Option<Timestamp>,
    /// The latest tick of the schedule that was served.
    pub last_due: Option<Timestamp>,
    /// Runs that ended `ok`.
    pub complete_runs: u64,
    /// What became of event time.
    pub coverage: Coverage,
    /// Hits that a threshold holds back.
    pub held: RoaringBitmap,
    /// Suppressed groups, and until when; some may be over.
    pub suppressions: Suppressions,
    /// Failed runs since the last that ended `ok`.
    pub failures_in_row: u32,
}

/// A track as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackSummary {
    /// The hunt.
    pub hunt: HuntId,
    /// The tenant.
    pub tenant: TenantName,
    /// The last run; none after its retention.
    pub last_run: Option<Run>,
    /// Failed runs since the last that ended `ok`.
    pub failures_in_row: u32,
    /// The first instant of event time not covered by complete results.
    pub watermark: Option<Timestamp>,
    /// The latest tick of the schedule that was served.
    pub last_due: Option<Timestamp>,
    /// What became of event time.
    pub coverage: Coverage,
    /// Runs that ended `ok`.
    pub complete_runs: u64,
    /// Hits ever seen.
    pub hits: u64,
}

pub(super) const LOAD_TRACK: &str = "SELECT track, generation, next_ordinal, first_ordinal, watermark, last_due, complete_runs, \
     failures_in_row, failing_as, origin FROM track WHERE hunt = ?1 AND tenant = ?2";
pub(super) const LOAD_MEMORY: &str = "SELECT held, suppressions FROM track_memory WHERE track = ?1";
pub(super) const LOAD_DELTAS: &str = "SELECT packed, next_ordinal FROM delta WHERE track = ?1 ORDER BY delta";
/// A few hundred at most.
pub(super) const LIST_TRACKS: &str = "SELECT track, hunt, tenant, generation, next_ordinal, first_ordinal, watermark, last_due, \
     complete_runs, failures_in_row, failing_as, origin, last_run FROM track ORDER BY hunt, tenant";

impl Store {
    /// Where the history of `hunt` on `tenant` stands.
    pub async fn track(&self, hunt: &HuntId, tenant: &TenantName) -> Result<Track, StoreError> {
        let mut read = self.read().await?;
        self.told(track(&mut read, hunt, tenant).await)
    }

    /// All tracks that are known, by hunt and tenant.
    pub async fn tracks(&self) -> Result<Vec<TrackSummary>, StoreError> {
        let mut read = self.read().await?;
        self.told(summaries(&mut read).await)
    }

    /// The history of `hunt` on `tenant` and all that is known of its hits, both as of one moment.
    pub async fn history(&self, hunt: &HuntId, tenant: &TenantName) -> Result<(Track, KnownHits), StoreError> {
        let mut read = self.read().await?;
        let result = async {
            let track = track(&mut read, hunt, tenant).await?;
            Ok::<_, Fault>((track, replay(&mut read, hunt, tenant).await?))
        };
        let history = result.await;
        self.told(history)
    }
}

/// A track's counters, as they stand in the file.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    pub(super) track: i64,
    pub(super) generation: u64,
    /// One more than the last ordinal, which may be the greatest of its type.
    pub(super) next_ordinal: u64,
    /// Hits before it are forgotten.
    pub(super) first_ordinal: Ordinal,
    pub(super) watermark: Option<Timestamp>,
    pub(super) last_due: Option<Timestamp>,
    pub(super) complete_runs: u64,
    pub(super) failures_in_row: u32,
    /// The class of the last failure in that row.
    pub(super) failing_as: Option<String>,
    /// From where on event time is owed.
    pub(super) origin: Option<Timestamp>,
}

fn counters_of(row: &SqliteRow) -> Result<Counters, Fault> {
    let time = |name: &str| Ok::<_, Fault>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_nanos));
    Ok(Counters {
        track: row.try_get("track")?,
        generation: unsigned(row.try_get("generation")?)?,
        next_ordinal: unsigned(row.try_get("next_ordinal")?)?,
        first_ordinal: unsigned(row.try_get::<i64, _>("first_ordinal")?.min(i64::from(Ordinal::MAX)))?,
        watermark: time("watermark")?,
        last_due: time("last_due")?,
        complete_runs: unsigned(row.try_get("complete_runs")?)?,
        failures_in_row: unsigned(row.try_get("failures_in_row")?)?,
        failing_as: row.try_get("failing_as")?,
        origin: time("origin")?,
    })
}

pub(super) async fn counters(
    conn: &mut SqliteConnection,
    hunt: &HuntId,
    tenant: &TenantName,
) -> Result<Option<Counters>, Fault> {
    let row = sqlx::query(LOAD_TRACK).bind(hunt.as_str()).bind(tenant.as_str()).fetch_optional(conn).await?;
    row.as_ref().map(counters_of).transpose()
}

/// The two packed parts of a track: held hits and suppressions.
pub(super) async fn memory(conn: &mut SqliteConnection, track: i64) -> Result<Option<(Vec<u8>, Vec<u8>)>, Fault> {
    Ok(sqlx::query_as(LOAD_MEMORY).bind(track).fetch_optional(conn).await?)
}

/// The hits that a threshold holds back.
pub(super) async fn held(conn: &mut SqliteConnection, track: i64) -> Result<RoaringBitmap, Fault> {
    memory(conn, track).await?.map_or_else(|| Ok(RoaringBitmap::new()), |(held, _)| unpack_bitmap(&held))
}

async fn track(conn: &mut SqliteConnection, hunt: &HuntId, tenant: &TenantName) -> Result<Track, Fault> {
    let Some(counters) = counters(&mut *conn, hunt, tenant).await? else {
        return Ok(Track::default());
    };
    let (held, suppressions) = match memory(conn, counters.track).await? {
        Some((held, suppressions)) => (unpack_bitmap(&held)?, unpack_suppressions(&suppressions)?),
        None => Default::default(),
    };
    Ok(Track {
        generation: counters.generation,
        watermark: counters.watermark,
        last_due: counters.last_due,
        complete_runs: counters.complete_runs,
        coverage: coverage::load(&mut *conn, counters.track, counters.origin).await?,
        held,
        suppressions,
        failures_in_row: counters.failures_in_row,
    })
}

async fn summaries(conn: &mut SqliteConnection) -> Result<Vec<TrackSummary>, Fault> {
    let rows = sqlx::query(LIST_TRACKS).fetch_all(&mut *conn).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let counters = counters_of(row)?;
        let last: Option<i64> = row.try_get("last_run")?;
        let last = sqlx::query(RUN_BY_SEQ).bind(last).fetch_optional(&mut *conn).await?;
        all.push(TrackSummary {
            hunt: HuntId::new(row.try_get::<String, _>("hunt")?).map_err(name_fault)?,
            tenant: TenantName::new(row.try_get::<String, _>("tenant")?).map_err(name_fault)?,
            last_run: last.as_ref().map(run_of).transpose()?,
            failures_in_row: counters.failures_in_row,
            watermark: counters.watermark,
            last_due: counters.last_due,
            coverage: coverage::load(&mut *conn, counters.track, counters.origin).await?,
            complete_runs: counters.complete_runs,
            hits: counters.next_ordinal,
        });
    }
    Ok(all)
}

async fn replay(conn: &mut SqliteConnection, hunt: &HuntId, tenant: &TenantName) -> Result<KnownHits, Fault> {
    let Some(counters) = counters(&mut *conn, hunt, tenant).await? else {
        return Ok(KnownHits::default());
    };
    let (mut known, mut next) = (KnownHits::from(counters.first_ordinal), 0);
    let mut blobs = sqlx::query_as::<_, (Vec<u8>, i64)>(LOAD_DELTAS).bind(counters.track).fetch(conn);
    while let Some((packed, after)) = blobs.try_next().await? {
        unpack_deltas(&packed, |step| known.set(&step.state))?;
        next = unsigned(after)?;
    }
    // A lost last delta would make the next new hit take a known one's place.
    if next != counters.next_ordinal || u64::from(known.next()) > next {
        return Err(Fault::Bad(format!("the history of {hunt} on {tenant} isn't whole")));
    }
    known.reach(Ordinal::try_from(next).unwrap_or(Ordinal::MAX));
    Ok(known)
}
