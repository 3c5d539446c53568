//! Whether all that is stored can be read, and agrees with itself.
//!
//! Memory doesn't grow with the database: one block, one run's steps and a track's ordinals are held at a time. What
//! is found is handed on at once.

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;

use super::history;
use crate::model::delivery::NoticeHunt;
use crate::model::id::{HuntId, TenantName};
use crate::ports::store::columns::Known;
use crate::ports::store::database::Store;
use crate::ports::store::error::StoreError;
use crate::ports::store::fault::Fault;
use crate::ports::store::pack::{unpack_records, unpack_told};
use crate::ports::store::rows::{Ids, unpack_block};
use crate::ports::store::runs::name_fault;

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What, and where.
    pub what: String,
    /// How to mend it.
    pub mend: &'static str,
}

/// What a check tells while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Something is wrong.
    Complaint(Complaint),
    /// So many of so many `what` are done.
    Progress {
        /// What is being checked.
        what: &'static str,
        /// How many are done.
        done: u64,
        /// How many there are.
        of: u64,
    },
}

/// Takes what a check tells.
pub(super) type Tell<'a> = dyn FnMut(Checked) + Send + 'a;

const MEND_FILE: &str =
    "stop huntd and restore a backup; without one, `sqlite3 FILE .recover` may get back what can be read";
const MEND_BLOCK: &str = "restore a backup, or go on without these rows: no hit is told twice for want of them";
pub(super) const MEND_TRACK: &str =
    "restore a backup: until then runs of this hunt on this tenant may fail, or tell known hits as new";
pub(super) const MEND_RUN: &str = "restore a backup; hunting goes on, but what is shown of this run may be wrong";
const MEND_DELIVERY: &str = "restore a backup; else it can't be sent: `huntd hits --run` shows what it was to tell";
const MEND_VERSION: &str = "restore a backup; else hits of these runs can't be shown or told";

/// As many as are read at once.
const PAGE: i64 = 64;

pub(in crate::ports::store) const COUNT: &str =
    "SELECT (SELECT count(*) FROM block), (SELECT count(*) FROM track), (SELECT count(*) FROM delivery)";
pub(in crate::ports::store) const VERSIONS_AFTER: &str =
    "SELECT version, hunt, notice FROM hunt_version WHERE version > ?1 ORDER BY version LIMIT ?2";
pub(in crate::ports::store) const BLOCKS_AFTER: &str = "SELECT block, track, schema, run, low, high FROM block \
     WHERE block > ?1 ORDER BY block LIMIT ?2";
pub(in crate::ports::store) const ONE_BLOCK: &str = "SELECT records, body FROM block WHERE block = ?1";
pub(in crate::ports::store) const TRACK_OF_RUN: &str = "SELECT track FROM run WHERE seq = ?1";
pub(in crate::ports::store) const TRACKS_AFTER: &str =
    "SELECT track, hunt, tenant, next_ordinal FROM track WHERE track > ?1 ORDER BY track LIMIT ?2";
pub(in crate::ports::store) const DELIVERIES_AFTER: &str = "SELECT delivery.seq, delivery, hits, told, next_ordinal \
     FROM delivery CROSS JOIN run ON run.seq = delivery.run CROSS JOIN track USING (track) \
     WHERE delivery.seq > ?1 ORDER BY delivery.seq LIMIT ?2";

/// A delivery: its place, its id, how many hits it tells, which, and the ordinal after those known by then.
type Told = (i64, String, i64, Vec<u8>, i64);

impl Store {
    /// What is wrong with the file, each in a line; none when all is well. Reads everything.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut all = Vec::new();
        let mut keep = |told| {
            if let Checked::Complaint(complaint) = told {
                all.push(complaint.what);
            }
        };
        self.check_each(&mut keep).await?;
        Ok(all)
    }

    /// Hands on what is wrong with the file, as it is found, and how far the check is. Others may read and write
    /// meanwhile.
    pub async fn check_each(&self, tell: &mut Tell<'_>) -> Result<(), StoreError> {
        let mut read = self.read().await?;
        let whole = whole(&mut read, tell).await;
        self.or_complaint(whole, "the file", MEND_FILE, tell)?;
        let orphans = orphans(&mut read, tell).await;
        self.or_complaint(orphans, "the file", MEND_FILE, tell)?;
        let versions = versions(&mut read, tell).await;
        self.or_complaint(versions, "the hunts", MEND_FILE, tell)?;
        let counted: Result<(i64, i64, i64), _> = sqlx::query_as(COUNT).fetch_one(&mut *read).await;
        let (blocks, tracks, deliveries) = counted.unwrap_or_default();
        drop(read);
        self.check_blocks(blocks.unsigned_abs(), tell).await?;
        self.check_tracks(tracks.unsigned_abs(), tell).await?;
        self.check_deliveries(deliveries.unsigned_abs(), tell).await
    }

    async fn check_blocks(&self, of: u64, tell: &mut Tell<'_>) -> Result<(), StoreError> {
        let (mut after, mut done) = (i64::MIN, 0);
        let mut ids = None;
        loop {
            // A view for each page: one that stood still throughout would keep the WAL from being emptied.
            let mut read = self.read().await?;
            let page = sqlx::query_as(BLOCKS_AFTER).bind(after).bind(PAGE).fetch_all(&mut *read).await;
            let page: Option<Vec<Place>> = self.or_complaint(page.map_err(Fault::from), "blocks", MEND_FILE, tell)?;
            let page = page.unwrap_or_default();
            let Some(last) = page.last() else { return Ok(()) };
            after = last.block;
            for place in &page {
                let checked = block(&mut read, place, &mut ids).await;
                self.or_complaint(checked, &format!("block {}", place.block), MEND_BLOCK, tell)?;
                done += 1;
            }
            tell(Checked::Progress { what: "blocks", done, of });
        }
    }

    async fn check_tracks(&self, of: u64, tell: &mut Tell<'_>) -> Result<(), StoreError> {
        let (mut after, mut done) = (i64::MIN, 0);
        loop {
            let mut read = self.read().await?;
            let next = sqlx::query_as(TRACKS_AFTER).bind(after).bind(1).fetch_optional(&mut *read).await;
            let next: Option<Option<(i64, String, String, i64)>> =
                self.or_complaint(next.map_err(Fault::from), "tracks", MEND_FILE, tell)?;
            let Some((track, hunt, tenant, hits)) = next.flatten() else { return Ok(()) };
            after = track;
            let name = format!("{hunt} on {tenant}");
            let checked = history::check(&mut read, (track, &name, hits), tell).await;
            self.or_complaint(checked, &name, MEND_TRACK, tell)?;
            drop(read);
            let ids = HuntId::new(hunt).and_then(|hunt| Ok((hunt, TenantName::new(tenant)?)));
            match ids.map_err(name_fault) {
                Ok((hunt, tenant)) => {
                    // All else that a run starts from.
                    let state = self.track(&hunt, &tenant).await.map(drop);
                    damaged(state, &name, MEND_TRACK, tell)?;
                }
                Err(fault) => {
                    self.or_complaint::<()>(Err(fault), &name, MEND_TRACK, tell)?;
                }
            }
            done += 1;
            tell(Checked::Progress { what: "hunts on tenants", done, of });
        }
    }

    async fn check_deliveries(&self, of: u64, tell: &mut Tell<'_>) -> Result<(), StoreError> {
        let (mut after, mut done) = (i64::MIN, 0);
        loop {
            let mut read = self.read().await?;
            let page = sqlx::query_as(DELIVERIES_AFTER).bind(after).bind(PAGE).fetch_all(&mut *read).await;
            let page: Option<Vec<Told>> =
                self.or_complaint(page.map_err(Fault::from), "deliveries", MEND_FILE, tell)?;
            let page = page.unwrap_or_default();
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, delivery, hits, told, next) in &page {
                let checked = delivered(told, *hits, *next);
                self.or_complaint(checked, &format!("delivery {delivery}"), MEND_DELIVERY, tell)?;
                done += 1;
            }
            tell(Checked::Progress { what: "deliveries", done, of });
        }
    }

    /// Makes a complaint of what is damaged; other failures end the check.
    fn or_complaint<T>(
        &self,
        result: Result<T, Fault>,
        place: &str,
        mend: &'static str,
        tell: &mut Tell<'_>,
    ) -> Result<Option<T>, StoreError> {
        let result = result.map_err(|fault| match fault {
            Fault::Sql(sqlx::Error::RowNotFound) => Fault::Bad("what it refers to isn't there".to_owned()),
            fault => fault,
        });
        damaged(self.told(result), place, mend, tell)
    }
}

fn damaged<T>(
    result: Result<T, StoreError>,
    place: &str,
    mend: &'static str,
    tell: &mut Tell<'_>,
) -> Result<Option<T>, StoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Damaged { why, .. }) => {
            tell(Checked::Complaint(Complaint { what: format!("{place}: {why}"), mend }));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// That SQLite finds its pages, rows and indexes whole.
async fn whole(conn: &mut SqliteConnection, tell: &mut Tell<'_>) -> Result<(), Fault> {
    tell(Checked::Progress { what: "the file", done: 0, of: 1 });
    // A hundred lines at most.
    let lines: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(conn).await?;
    for line in lines.into_iter().filter(|line| line != "ok") {
        tell(Checked::Complaint(Complaint { what: format!("the file: {line}"), mend: MEND_FILE }));
    }
    tell(Checked::Progress { what: "the file", done: 1, of: 1 });
    Ok(())
}

/// That what refers to something finds it.
async fn orphans(conn: &mut SqliteConnection, tell: &mut Tell<'_>) -> Result<(), Fault> {
    let lost: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2")
            .fetch_all(conn)
            .await?;
    for (child, parent, count) in lost {
        let what = if count == 1 {
            format!("a row of {child} has lost its {parent}")
        } else {
            format!("{count} rows of {child} have lost their {parent}")
        };
        tell(Checked::Complaint(Complaint { what, mend: MEND_FILE }));
    }
    Ok(())
}

/// That what a notice shows of each hunt can be read.
async fn versions(conn: &mut SqliteConnection, tell: &mut Tell<'_>) -> Result<(), Fault> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, String, String)> =
            sqlx::query_as(VERSIONS_AFTER).bind(after).bind(PAGE).fetch_all(&mut *conn).await?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = *last;
        for (version, hunt, notice) in &page {
            if let Err(error) = serde_json::from_str::<NoticeHunt>(notice) {
                let what = format!("version {version} of {hunt}: a stored hunt has a fault: {error}");
                tell(Checked::Complaint(Complaint { what, mend: MEND_VERSION }));
            }
        }
    }
}

/// A block, without its rows.
#[derive(Debug, sqlx::FromRow)]
struct Place {
    block: i64,
    track: i64,
    schema: i64,
    run: i64,
    low: i64,
    high: i64,
}

/// That a block can be read, lies where it says, and has a step for each of its rows.
async fn block(conn: &mut SqliteConnection, place: &Place, ids: &mut Option<(i64, Option<Ids>)>) -> Result<(), Fault> {
    let (records, body): (Vec<u8>, Vec<u8>) = sqlx::query_as(ONE_BLOCK).bind(place.block).fetch_one(&mut *conn).await?;
    let records = unpack_records(&records)?;
    let schema = Known::default().schema(&mut *conn, place.schema).await?;
    unpack_block(&schema, records.len(), &body)?;
    let ordinals: RoaringBitmap = records.iter().map(|record| record.ordinal).collect();
    let ends = |end: Option<u32>| end.map_or(-1, i64::from);
    if (ends(ordinals.min()), ends(ordinals.max())) != (place.low, place.high) {
        return Err(Fault::Bad("its rows are of other hits than it says".to_owned()));
    }
    let track: i64 = sqlx::query_scalar(TRACK_OF_RUN).bind(place.run).fetch_one(&mut *conn).await?;
    if track != place.track {
        return Err(Fault::Bad("its run is of another hunt".to_owned()));
    }
    if ids.as_ref().is_none_or(|(run, _)| *run != place.run) {
        // Steps that can't be read are told once, with their track.
        let of_run = match Ids::of_run(&mut *conn, place.run).await {
            Err(Fault::Bad(_)) => None,
            other => Some(other?),
        };
        *ids = Some((place.run, of_run));
    }
    if let Some((_, Some(ids))) = ids {
        records.iter().try_for_each(|record| ids.of(record.ordinal).map(drop))?;
    }
    Ok(())
}

/// That a delivery tells as many hits as it says, and known ones.
fn delivered(told: &[u8], hits: i64, next: i64) -> Result<(), Fault> {
    let told = unpack_told(told)?;
    if i64::try_from(told.len()) != Ok(hits) {
        return Err(Fault::Bad(format!("it tells {} hits, and says {hits}", told.len())));
    }
    match told.iter().find(|(ordinal, _)| i64::from(*ordinal) >= next) {
        Some((ordinal, _)) => Err(Fault::Bad(format!("it tells hit {ordinal}, which isn't known"))),
        None => Ok(()),
    }
}
