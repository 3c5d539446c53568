//! Hits, as they are listed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::ControlFlow;

use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::columns::Known;
use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::rows::{gone_of_run, last_rows, no_row, records_of_run, rows_of_run};
use super::runs::tracks_that;
use super::seek;
use super::seen::{FirstSeen, LastSeen};
use crate::model::delivery::NoticeHunt;
use crate::model::hit::{Hit, HitKind, Ordinal};
use crate::model::hunt::Severity;
use crate::model::id::{HitId, HuntId, RunId, TenantName};
use crate::model::time::Timestamp;
use crate::rules::sieve::Probe;

/// Which hits.
#[derive(Default, Clone, Copy)]
pub struct HitFilter<'a> {
    /// Of the hunts that it says yes to: an id, a glob, whatever the caller means.
    pub hunt: Option<&'a (dyn Fn(&HuntId) -> bool + Sync)>,
    /// Of this tenant.
    pub tenant: Option<&'a TenantName>,
    /// Said by runs that began then or later.
    pub since: Option<Timestamp>,
    /// Said by this run.
    pub run: Option<&'a RunId>,
    /// Of this kind.
    pub kind: Option<HitKind>,
    /// With a row that holds this text.
    pub seen: Option<&'a Probe>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl fmt::Debug for HitFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HitFilter")
            .field("hunt", &self.hunt.is_some())
            .field("tenant", &self.tenant)
            .field("since", &self.since)
            .field("run", &self.run)
            .field("kind", &self.kind)
            .field("seen", &self.seen)
            .field("limit", &self.limit)
            .finish()
    }
}

pub(super) const STEPS_OF_TRACK: &str = "SELECT seq, run, track, started, version FROM run \
     WHERE track = ?1 AND steps > 0 AND started >= ?2 ORDER BY seq";
pub(super) const STEPS_OF_RUN: &str =
    "SELECT seq, run, track, started, version FROM run WHERE run = ?1 AND started >= ?2";
pub(super) const STEPS_BY_SEQ: &str = "SELECT seq, run, track, started, version FROM run WHERE seq = ?1";
pub(super) const TRACK_NAME: &str = "SELECT hunt, tenant FROM track WHERE track = ?1";
pub(super) const NOTICE_OF: &str = "SELECT notice FROM hunt_version WHERE version = ?1";

impl Store {
    /// Hands on the hits that pass, newest last, until `each` breaks off. At most one block of rows is
    /// in memory at a time.
    pub async fn hits(
        &self,
        filter: &HitFilter<'_>,
        each: impl FnMut(Hit) -> ControlFlow<()> + Send,
    ) -> Result<(), StoreError> {
        let mut read = self.read().await?;
        self.told(stream(&mut read, filter, each).await)
    }
}

/// The severity of a hunt as it was defined then.
pub(super) async fn severity_of(conn: &mut SqliteConnection, version: i64) -> Result<Severity, Fault> {
    let notice: String = sqlx::query_scalar(NOTICE_OF).bind(version).fetch_one(conn).await?;
    let notice: NoticeHunt =
        serde_json::from_str(&notice).map_err(|error| Fault::Bad(format!("a stored hunt has a fault: {error}")))?;
    Ok(notice.severity)
}

/// A run that said something of hits.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Sayer {
    seq: i64,
    run: String,
    track: i64,
    started: i64,
    version: i64,
}

/// What is looked up once for all hits of a track.
#[derive(Debug)]
struct Place {
    hunt: String,
    tenant: String,
    first: FirstSeen,
    last: LastSeen,
}

/// Looks things up, each once.
#[derive(Debug, Default)]
struct Lookup {
    places: HashMap<i64, Place>,
    severities: HashMap<i64, Severity>,
}

impl Lookup {
    async fn place(&mut self, conn: &mut SqliteConnection, track: i64) -> Result<&mut Place, Fault> {
        match self.places.entry(track) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let (hunt, tenant) = sqlx::query_as(TRACK_NAME).bind(track).fetch_one(&mut *conn).await?;
                let first = FirstSeen::load(conn, track).await?;
                Ok(entry.insert(Place { hunt, tenant, first, last: LastSeen::new(track, i64::MAX) }))
            }
        }
    }

    async fn severity(&mut self, conn: &mut SqliteConnection, version: i64) -> Result<Severity, Fault> {
        if let Some(severity) = self.severities.get(&version) {
            return Ok(*severity);
        }
        let severity = severity_of(conn, version).await?;
        self.severities.insert(version, severity);
        Ok(severity)
    }

    /// Hands on what `sayer` said of the hits in `wanted` (all, where it is none): rows in their
    /// order, then the hits that it said to be gone, each with its last row; until `each` breaks off.
    async fn say(
        &mut self,
        conn: &mut SqliteConnection,
        sayer: &Sayer,
        wanted: Option<&RoaringBitmap>,
        mut each: impl FnMut(Hit) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        let severity = self.severity(&mut *conn, sayer.version).await?;
        let place = self.place(&mut *conn, sayer.track).await?;
        let told = Told::load(&mut *conn, sayer.seq, wanted).await?;
        place.last.resolve(&mut *conn, &told.all()).await?;
        let started = Timestamp::from_nanos(sayer.started);
        let mut tell = |ordinal: Ordinal, kind: HitKind, hit: HitId, row: Box<RawValue>| {
            let first_seen = place.first.of(ordinal).unwrap_or(started);
            each(Hit {
                hit,
                hunt: place.hunt.clone(),
                tenant: place.tenant.clone(),
                kind,
                run: sayer.run.clone(),
                first_seen,
                last_seen: place.last.of(ordinal).unwrap_or(first_seen),
                severity,
                row,
            })
        };
        let mut flow = ControlFlow::Continue(());
        if !told.stored.is_empty() {
            let tell_row = |row: super::rows::StoredRow| {
                flow = tell(row.record.ordinal, row.record.kind, row.hit, row.text);
                flow
            };
            rows_of_run(&mut *conn, sayer.seq, Some(&told.stored), tell_row).await?;
        }
        if flow.is_continue() && !told.gone.is_empty() {
            let ordinals = told.gone.iter().map(|(ordinal, _)| *ordinal).collect();
            let mut rows = last_rows(conn, sayer.track, &ordinals, sayer.seq).await?;
            for (ordinal, hit) in told.gone {
                let row = rows.remove(&ordinal).and_then(|mut rows| rows.pop());
                flow = tell(ordinal, HitKind::Gone, hit, row.map_or_else(no_row, |row| row.text));
                if flow.is_break() {
                    break;
                }
            }
        }
        Ok(flow)
    }
}

/// What a run said, without its rows.
#[derive(Debug, Default)]
struct Told {
    /// The hits of which it stored rows.
    stored: RoaringBitmap,
    /// The kind of each stored row.
    kinds: Vec<HitKind>,
    /// The hits that it said to be gone.
    gone: Vec<(Ordinal, HitId)>,
}

impl Told {
    async fn load(conn: &mut SqliteConnection, run: i64, wanted: Option<&RoaringBitmap>) -> Result<Self, Fault> {
        let is_wanted = |ordinal: Ordinal| wanted.is_none_or(|wanted| wanted.contains(ordinal));
        let mut told = Self::default();
        for record in records_of_run(&mut *conn, run).await? {
            if is_wanted(record.ordinal) {
                told.stored.insert(record.ordinal);
                told.kinds.push(record.kind);
            }
        }
        told.gone = gone_of_run(conn, run).await?;
        told.gone.retain(|(ordinal, _)| is_wanted(*ordinal) && !told.stored.contains(*ordinal));
        Ok(told)
    }

    fn all(&self) -> RoaringBitmap {
        let gone: RoaringBitmap = self.gone.iter().map(|(ordinal, _)| *ordinal).collect();
        gone | &self.stored
    }

    /// How many hits it hands on of `kind`.
    fn count(&self, kind: Option<HitKind>) -> usize {
        let rows = self.kinds.iter().filter(|said| kind.is_none_or(|kind| kind == **said)).count();
        if kind.is_none_or(|kind| kind == HitKind::Gone) { rows + self.gone.len() } else { rows }
    }
}

async fn stream(
    conn: &mut SqliteConnection,
    filter: &HitFilter<'_>,
    mut each: impl FnMut(Hit) -> ControlFlow<()> + Send,
) -> Result<(), Fault> {
    let mut holding = match filter.seen {
        Some(probe) => Some((probe, seek::blocks(&mut *conn, probe).await?, Known::default())),
        None => None,
    };
    let mut sayers = sayers(&mut *conn, filter, holding.as_ref().map(|(_, blocks, _)| blocks)).await?;
    if let Some((_, blocks, _)) = &holding {
        sayers.retain(|sayer| blocks.contains_key(&sayer.seq));
    }
    let (skip_runs, mut skip_hits) = skipped(&mut *conn, &sayers, filter).await?;
    let mut lookup = Lookup::default();
    for sayer in sayers.iter().skip(skip_runs) {
        let hand_on = |hit: Hit| {
            if filter.kind.is_some_and(|kind| kind != hit.kind) {
                return ControlFlow::Continue(());
            }
            if skip_hits > 0 {
                skip_hits -= 1;
                return ControlFlow::Continue(());
            }
            each(hit)
        };
        let wanted = match &mut holding {
            Some((probe, blocks, schemas)) => {
                let blocks = blocks.get(&sayer.seq).map(Vec::as_slice).unwrap_or_default();
                Some(seek::hits(&mut *conn, blocks, probe, schemas).await?)
            }
            None => None,
        };
        if wanted.as_ref().is_some_and(RoaringBitmap::is_empty) {
            continue;
        }
        if lookup.say(&mut *conn, sayer, wanted.as_ref(), hand_on).await?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The runs to look at, oldest first.
async fn sayers(
    conn: &mut SqliteConnection,
    filter: &HitFilter<'_>,
    holding: Option<&BTreeMap<i64, Vec<i64>>>,
) -> Result<Vec<Sayer>, Fault> {
    let since = filter.since.map_or(i64::MIN, Timestamp::nanos);
    let tracks = tracks_that(&mut *conn, filter.hunt, filter.tenant).await?;
    if let Some(run) = filter.run {
        let found: Vec<Sayer> = sqlx::query_as(STEPS_OF_RUN).bind(run.as_str()).bind(since).fetch_all(conn).await?;
        return Ok(found.into_iter().filter(|sayer| tracks.contains(&sayer.track)).collect());
    }
    let mut all: Vec<Sayer> = Vec::new();
    if let Some(holding) = holding {
        for seq in holding.keys() {
            let found: Option<Sayer> = sqlx::query_as(STEPS_BY_SEQ).bind(seq).fetch_optional(&mut *conn).await?;
            all.extend(found.filter(|sayer| sayer.started >= since && tracks.contains(&sayer.track)));
        }
        return Ok(all);
    }
    for track in tracks {
        all.extend(sqlx::query_as(STEPS_OF_TRACK).bind(track).bind(since).fetch_all(&mut *conn).await?);
    }
    all.sort_by_key(|sayer: &Sayer| sayer.seq);
    Ok(all)
}

/// How many runs, and how many hits of the next one, a limit leaves out: counted from the newest.
async fn skipped(
    conn: &mut SqliteConnection,
    sayers: &[Sayer],
    filter: &HitFilter<'_>,
) -> Result<(usize, usize), Fault> {
    // How many of a run's hits hold a text isn't known before its rows are read.
    let Some(mut left) = filter.limit.filter(|_| filter.seen.is_none()) else { return Ok((0, 0)) };
    for (at, sayer) in sayers.iter().enumerate().rev() {
        let count = Told::load(&mut *conn, sayer.seq, None).await?.count(filter.kind);
        if count >= left {
            return Ok((at, count - left));
        }
        left -= count;
    }
    Ok((0, 0))
}
