//! Check, backup, retention: what `huntd db` does.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection};

use super::columns::Known;
use super::connection::options;
use super::cost;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, explain_io};
use super::pack::{unpack_bitmap, unpack_records};
use super::rows::{Ids, unpack_block};
use super::runs::json_list;
use super::seek;
use super::track::LIST_TRACKS;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;

/// What retention took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Blocks of rows.
    pub blocks: u64,
    /// Runs, with their deliveries.
    pub runs: u64,
    /// Definitions that no run is left of.
    pub versions: u64,
}

/// How much goes in one transaction: a run's commit waits for no more than that.
const AT_A_TIME: usize = 500;

pub(super) const NEWEST_MEMBERS: &str =
    "SELECT members FROM run WHERE track = ?1 AND members IS NOT NULL ORDER BY seq DESC LIMIT 1";
pub(super) const BLOCKS_BACK: &str = "SELECT block, started, records FROM block JOIN run ON run.seq = block.run \
     WHERE block.track = ?1 AND block < ?2 ORDER BY block DESC LIMIT 128";
/// A pending delivery still tells its rows.
pub(super) const DROP_BLOCKS: &str = "DELETE FROM block WHERE block IN (SELECT value FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.run = block.run AND state = 'pending')";
/// Kept beyond their time: a run whose rows or deliveries are still wanted, the last run of a track,
/// and its last result.
pub(super) const OLD_RUNS: &str = "SELECT seq FROM run WHERE started < ?1 \
     AND NOT EXISTS (SELECT 1 FROM block WHERE block.run = run.seq) \
     AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.run = run.seq AND state = 'pending') \
     AND seq <> (SELECT last_run FROM track WHERE track.track = run.track) \
     AND seq <> coalesce((SELECT max(seq) FROM run AS result \
         WHERE result.track = run.track AND result.members IS NOT NULL), -1) \
     ORDER BY started LIMIT ?2";
pub(super) const DROP_DELIVERIES: &str = "DELETE FROM delivery WHERE run IN (SELECT value FROM json_each(?1))";
pub(super) const DROP_RUNS: &str = "DELETE FROM run WHERE seq IN (SELECT value FROM json_each(?1))";
pub(super) const ALL_BLOCKS: &str = "SELECT block, schema, run FROM block ORDER BY block";
pub(super) const ONE_BLOCK: &str = "SELECT records, body FROM block WHERE block = ?1";
/// A few thousand at most.
pub(super) const DROP_VERSIONS: &str =
    "DELETE FROM hunt_version WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.version = hunt_version.version)";

impl Store {
    /// What is wrong with the file, one complaint a line; none when all is well. Reads everything.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut read = self.read().await?;
        let mut complaints = self.told(complaints(&mut read).await)?;
        drop(read);
        for track in self.tracks().await? {
            complaints.extend(self.check_track(&track.hunt, &track.tenant).await?);
        }
        Ok(complaints)
    }

    /// What is wrong with the packed parts of a track.
    async fn check_track(&self, hunt: &HuntId, tenant: &TenantName) -> Result<Option<String>, StoreError> {
        let replay = self.known_hits(hunt, tenant).await.map(drop);
        match replay.and(self.track(hunt, tenant).await.map(drop)) {
            Err(StoreError::Damaged { why, .. }) => Ok(Some(format!("{hunt} on {tenant}: {why}"))),
            other => other.map(|()| None),
        }
    }

    /// Copies the database, as of now and while it is in use, to a new file with mode 0600.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        drop(made.map_err(|error| explain_io(&error, to))?);
        let copied = copy(self.path(), to).await;
        if copied.is_err() {
            // Half a copy must not look like one; that it stays behind changes nothing of the error.
            drop(std::fs::remove_file(to));
        }
        copied.map_err(|fault| fault.explain(to))
    }

    /// Takes away rows, runs and the sums of their costs that are older than their retention. Stays: rows that a pending
    /// delivery tells, the last row of each hit that the last result held, each track's last run and
    /// last result, and for good what is needed to know a hit again.
    pub async fn prune(&self, now: Timestamp, rows: Duration, runs: Duration) -> Result<Pruned, StoreError> {
        let mut read = self.read().await?;
        let old = self.told(old_blocks(&mut read, now.minus(rows)).await)?;
        drop(read);
        let mut pruned = Pruned::default();
        for part in old.chunks(AT_A_TIME) {
            let mut write = self.begin().await?;
            let result = sqlx::query(DROP_BLOCKS).bind(json_list(part)).execute(&mut write.conn).await;
            pruned.blocks += self.told(write.end(result.map_err(Fault::from)).await)?.rows_affected();
        }
        loop {
            let mut write = self.begin().await?;
            let result = drop_runs(&mut write.conn, now.minus(runs)).await;
            let dropped = self.told(write.end(result).await)?;
            pruned.runs += dropped;
            if dropped == 0 {
                break;
            }
        }
        loop {
            let mut write = self.begin().await?;
            let result = cost::forget(&mut write.conn, now.minus(runs)).await;
            if self.told(write.end(result).await)? == 0 {
                break;
            }
        }
        let mut write = self.begin().await?;
        let result = seek::drop_empty_groups(&mut write.conn).await;
        self.told(write.end(result).await)?;
        let mut write = self.begin().await?;
        let result = sqlx::query(DROP_VERSIONS).execute(&mut write.conn).await;
        pruned.versions = self.told(write.end(result.map_err(Fault::from)).await)?.rows_affected();
        Ok(pruned)
    }
}

async fn complaints(conn: &mut SqliteConnection) -> Result<Vec<String>, Fault> {
    let mut all: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *conn).await?;
    all.retain(|line| line != "ok");
    let orphans: Vec<(String, String)> =
        sqlx::query_as("SELECT \"table\", parent FROM pragma_foreign_key_check").fetch_all(&mut *conn).await?;
    all.extend(orphans.into_iter().map(|(child, parent)| format!("a row of {child} has lost its {parent}")));
    complaints_of_blocks(conn, &mut all).await?;
    Ok(all)
}

/// That each block can be read, and has a step for each of its rows.
async fn complaints_of_blocks(conn: &mut SqliteConnection, all: &mut Vec<String>) -> Result<(), Fault> {
    let blocks: Vec<(i64, i64, i64)> = sqlx::query_as(ALL_BLOCKS).fetch_all(&mut *conn).await?;
    let mut schemas = Known::default();
    for (block, schema, run) in blocks {
        let checked = async {
            let (records, body): (Vec<u8>, Vec<u8>) =
                sqlx::query_as(ONE_BLOCK).bind(block).fetch_one(&mut *conn).await?;
            let records = unpack_records(&records)?;
            let schema = schemas.schema(&mut *conn, schema).await?;
            unpack_block(&schema, records.len(), &body)?;
            let ids = Ids::of_run(&mut *conn, run).await?;
            records.iter().try_for_each(|record| ids.of(record.ordinal).map(drop))
        };
        match checked.await {
            Err(Fault::Bad(why)) => all.push(format!("block {block}: {why}")),
            other => other?,
        }
    }
    Ok(())
}

async fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let name = to.to_str().ok_or(Fault::Misuse("the backup's name is no UTF-8"))?;
    let mut conn = options(from).connect().await?;
    sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut conn).await?;
    Ok(conn.close().await?)
}

/// Blocks whose run began before `cutoff`, but for those with the last row of a hit that the last
/// result held: when it goes, that row is told.
async fn old_blocks(conn: &mut SqliteConnection, cutoff: Timestamp) -> Result<Vec<i64>, Fault> {
    use sqlx::Row;
    let mut old = Vec::new();
    for track in sqlx::query(LIST_TRACKS).fetch_all(&mut *conn).await? {
        let track: i64 = track.try_get("track")?;
        let members: Option<Vec<u8>> =
            sqlx::query_scalar(NEWEST_MEMBERS).bind(track).fetch_optional(&mut *conn).await?;
        let mut wanted = members.map_or_else(|| Ok(RoaringBitmap::new()), |members| unpack_bitmap(&members))?;
        let mut below = i64::MAX;
        loop {
            let page: Vec<(i64, i64, Vec<u8>)> =
                sqlx::query_as(BLOCKS_BACK).bind(track).bind(below).fetch_all(&mut *conn).await?;
            let Some((last, ..)) = page.last() else { break };
            below = *last;
            for (block, started, records) in page {
                let held: RoaringBitmap = unpack_records(&records)?.into_iter().map(|record| record.ordinal).collect();
                if started < cutoff.nanos() && held.is_disjoint(&wanted) {
                    old.push(block);
                }
                wanted -= held;
            }
        }
    }
    Ok(old)
}

async fn drop_runs(conn: &mut SqliteConnection, cutoff: Timestamp) -> Result<u64, Fault> {
    let most = i64::try_from(AT_A_TIME).unwrap_or(i64::MAX);
    let old: Vec<i64> = sqlx::query_scalar(OLD_RUNS).bind(cutoff.nanos()).bind(most).fetch_all(&mut *conn).await?;
    let list = json_list(&old);
    sqlx::query(DROP_DELIVERIES).bind(&list).execute(&mut *conn).await?;
    Ok(sqlx::query(DROP_RUNS).bind(&list).execute(conn).await?.rows_affected())
}
