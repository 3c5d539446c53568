//! Retention: takes away what is past its time, in small steps, and gives its room back to the file system.

use std::time::Duration;

use roaring::RoaringBitmap;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::steps::Laying;
use crate::model::time::Timestamp;
use crate::ports::store::connection::PAGE;
use crate::ports::store::cost;
use crate::ports::store::database::Store;
use crate::ports::store::error::StoreError;
use crate::ports::store::fault::{Fault, unsigned};
use crate::ports::store::pack::{unpack_bitmap, unpack_records, unpack_told};
use crate::ports::store::runs::{json_list, limit_of};
use crate::ports::store::seek;
use crate::ports::store::track;
use crate::ports::store::trouble;

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

/// The room that the file takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes that were given back to the file system; the file is shorter after the next checkpoint.
    pub freed: u64,
    /// Bytes of the file in which nothing stands: what is stored next takes them.
    pub free: u64,
    /// Whether the file was made so that it can give room back. One of an earlier version wasn't; a copy of it
    /// ([`Store::backup`]) is.
    pub gives: bool,
}

/// Retention under way: [`Store::prune_step`] takes it a step further.
#[derive(Debug)]
pub struct Pruning {
    /// Rows of runs that began before go.
    rows: Timestamp,
    /// Runs that began before go.
    runs: Timestamp,
    /// Whether a hit is forgotten once no run is kept that held it.
    forgets: bool,
    /// So many pieces of steps past their retention are worth being laid together.
    pub(in crate::ports::store) least: i64,
    work: Work,
    /// What went so far.
    pub pruned: Pruned,
    /// The file's room, once the last step was made.
    pub space: Space,
}

impl Pruning {
    /// Retention as of `now`: for so long rows are kept, and runs.
    #[must_use]
    pub fn new(now: Timestamp, rows: Duration, runs: Duration) -> Self {
        let (rows, forgets, runs) = (now.minus(rows), runs >= REMEMBERED, now.minus(runs));
        let (pruned, space) = (Pruned::default(), Space::default());
        Self { rows, runs, forgets, least: PIECES, work: Work::Look { after: i64::MIN }, pruned, space }
    }
}

/// What a step has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has only read.
    Looked,
    /// It has written: others may have waited for it.
    Wrote,
    /// Nothing is left to do.
    Done,
}

/// What the next step does.
#[derive(Debug)]
enum Work {
    /// Looks for old blocks in tracks above this number.
    Look {
        after: i64,
    },
    /// Takes away a track's old blocks.
    Blocks {
        track: i64,
        generation: i64,
        old: Vec<i64>,
    },
    Runs,
    /// Looks for steps of runs that went, in tracks above this number.
    Past {
        after: i64,
    },
    /// Lays them together.
    Lay {
        track: i64,
        laying: Laying,
    },
    Costs,
    Versions,
    Space,
    Done,
}

/// Hits are remembered for at least so long: twice as long as the API's data reaches, so that no event is found once more
/// that was forgotten. Where runs are kept for less, hits are never forgotten.
const REMEMBERED: Duration = Duration::from_hours(60 * 24);
/// Fewer pieces of steps than these aren't worth the work.
const PIECES: i64 = 32;
/// Tracks that one step looks at.
const TRACKS_AT_A_TIME: usize = 64;
/// Blocks that go in one transaction, of some hundred kilobytes each: a run's commit waits for no more than that.
const BLOCKS_AT_A_TIME: usize = 32;
/// Runs that go in one transaction.
const RUNS_AT_A_TIME: usize = 200;
/// Pages that are given back in one transaction: a megabyte is moved.
const PAGES_AT_A_TIME: i64 = (1 << 20) / PAGE as i64;
/// This part of the file stays free, so that what comes in as fast as it goes out finds room without a page being moved.
const STAYS_FREE: i64 = 20;
/// Results that are looked at for one that was whole.
const RESULTS: usize = 64;
/// `PRAGMA auto_vacuum` of a file that gives room back when it is asked to.
const INCREMENTAL: i64 = 2;

pub(in crate::ports::store) const NEXT_TRACK: &str =
    "SELECT track, generation FROM track WHERE track > ?1 ORDER BY track LIMIT 1";
pub(in crate::ports::store) const GENERATION: &str = "SELECT generation FROM track WHERE track = ?1";
/// Answered by the oldest block alone.
pub(in crate::ports::store) const OLDEST: &str = "SELECT started FROM block CROSS JOIN run ON run.seq = block.run \
     WHERE block.track = ?1 ORDER BY block LIMIT 1";
pub(in crate::ports::store) const RESULT_BEFORE: &str = "SELECT seq, members, status = 'ok' AND trigger = 'schedule' \
     FROM run WHERE track = ?1 AND seq < ?2 AND members IS NOT NULL ORDER BY seq DESC LIMIT 1";
/// CROSS JOIN, as few deliveries are pending among many runs.
pub(in crate::ports::store) const PENDING: &str = "SELECT delivery.run, told FROM delivery \
     CROSS JOIN run ON run.seq = delivery.run WHERE state = 'pending' AND run.track = ?1";
pub(in crate::ports::store) const BLOCKS_BACK: &str = "SELECT block, block.run, started, records \
     FROM block JOIN run ON run.seq = block.run WHERE block.track = ?1 AND block < ?2 ORDER BY block DESC LIMIT 128";
/// A pending delivery still tells its rows.
pub(in crate::ports::store) const DROP_BLOCKS: &str = "DELETE FROM block WHERE block IN (SELECT value FROM json_each(?1)) \
     AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.run = block.run AND state = 'pending')";
/// Kept beyond their time: a run whose rows or deliveries are still wanted, the last run of a track,
/// and its last result.
pub(in crate::ports::store) const OLD_RUNS: &str = "SELECT seq FROM run WHERE started < ?1 \
     AND NOT EXISTS (SELECT 1 FROM block WHERE block.run = run.seq) \
     AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.run = run.seq AND state = 'pending') \
     AND seq <> (SELECT last_run FROM track WHERE track.track = run.track) \
     AND seq <> coalesce((SELECT max(seq) FROM run AS result \
         WHERE result.track = run.track AND result.members IS NOT NULL), -1) \
     ORDER BY started LIMIT ?2";
pub(in crate::ports::store) const DROP_DELIVERIES: &str =
    "DELETE FROM delivery WHERE run IN (SELECT value FROM json_each(?1))";
pub(in crate::ports::store) const DROP_RUNS: &str = "DELETE FROM run WHERE seq IN (SELECT value FROM json_each(?1))";
/// A few thousand at most.
pub(in crate::ports::store) const DROP_VERSIONS: &str = "DELETE FROM hunt_version WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.version = hunt_version.version) \
     AND NOT EXISTS (SELECT 1 FROM standing WHERE standing.version = hunt_version.version)";

impl Store {
    /// Takes away rows, runs and the sums of their costs that are older than their retention. Stays: rows that a
    /// pending delivery tells, the last rows of each hit that the last results held or that a threshold holds back,
    /// each track's last run and last result, and what is needed to know a hit again for as long as a run is kept that
    /// held it.
    pub async fn prune(&self, now: Timestamp, rows: Duration, runs: Duration) -> Result<Pruned, StoreError> {
        let mut pruning = Pruning::new(now, rows, runs);
        while self.prune_step(&mut pruning).await? != Step::Done {}
        Ok(pruning.pruned)
    }

    /// The same, a step at a time: no other write waits for longer than a step takes. A step that failed is made
    /// again by the next call.
    pub async fn prune_step(&self, pruning: &mut Pruning) -> Result<Step, StoreError> {
        if let Work::Look { after } = pruning.work {
            let mut read = self.read().await?;
            pruning.work = self.told(look(&mut read, after, pruning.rows).await)?;
            return Ok(Step::Looked);
        }
        if let Work::Past { after } = pruning.work {
            let mut read = self.read().await?;
            pruning.work = self.told(look_past(&mut read, after, pruning).await)?;
            return Ok(Step::Looked);
        }
        if matches!(pruning.work, Work::Done) {
            return Ok(Step::Done);
        }
        let mut write = self.begin().await?;
        let result = step(&mut write.conn, pruning).await;
        if let Some(next) = self.told(write.end(result).await)? {
            pruning.work = next;
        }
        Ok(Step::Wrote)
    }
}

/// Makes a step that writes, and says what comes next; none where the same goes on.
async fn step(conn: &mut SqliteConnection, pruning: &mut Pruning) -> Result<Option<Work>, Fault> {
    match &mut pruning.work {
        Work::Blocks { track, generation, old } => {
            let (track, looked) = (*track, *generation);
            let now: Option<i64> = sqlx::query_scalar(GENERATION).bind(track).fetch_optional(&mut *conn).await?;
            if now != Some(looked) {
                // A run was committed since: it may have met a hit whose rows were not wanted before.
                return Ok(Some(Work::Look { after: track - 1 }));
            }
            let rest = old.len().saturating_sub(BLOCKS_AT_A_TIME);
            let part = json_list(old.get(rest..).unwrap_or_default());
            let went = sqlx::query(DROP_BLOCKS).bind(part).execute(conn).await?.rows_affected();
            old.truncate(rest);
            pruning.pruned.blocks += went;
            Ok((rest == 0).then_some(Work::Look { after: track }))
        }
        Work::Runs => {
            let (dropped, may_be_more) = drop_runs(conn, pruning.runs).await?;
            pruning.pruned.runs += dropped;
            Ok((!may_be_more).then_some(Work::Past { after: i64::MIN }))
        }
        Work::Lay { track, laying } => {
            let after = *track;
            Ok((!laying.step(conn).await?).then_some(Work::Past { after }))
        }
        Work::Costs => Ok((cost::forget(conn, pruning.runs).await? == 0).then_some(Work::Versions)),
        Work::Versions => {
            sqlx::query(trouble::OLD_WARNINGS).bind(pruning.runs.nanos()).execute(&mut *conn).await?;
            pruning.pruned.versions += sqlx::query(DROP_VERSIONS).execute(&mut *conn).await?.rows_affected();
            seek::drop_empty_groups(conn).await?;
            Ok(Some(Work::Space))
        }
        Work::Space => Ok((!give_back(conn, &mut pruning.space).await?).then_some(Work::Done)),
        Work::Look { .. } | Work::Past { .. } | Work::Done => Ok(None),
    }
}

/// Looks through tracks until one has old blocks.
async fn look(conn: &mut SqliteConnection, mut after: i64, cutoff: Timestamp) -> Result<Work, Fault> {
    for _ in 0..TRACKS_AT_A_TIME {
        let next: Option<(i64, i64)> = sqlx::query_as(NEXT_TRACK).bind(after).fetch_optional(&mut *conn).await?;
        let Some((track, generation)) = next else { return Ok(Work::Runs) };
        after = track;
        let oldest: Option<i64> = sqlx::query_scalar(OLDEST).bind(track).fetch_optional(&mut *conn).await?;
        if oldest.is_some_and(|started| started < cutoff.nanos()) {
            let old = old_blocks(&mut *conn, track, cutoff).await?;
            if !old.is_empty() {
                return Ok(Work::Blocks { track, generation, old });
            }
        }
    }
    Ok(Work::Look { after })
}

/// Looks through tracks until one has many steps of runs that went.
async fn look_past(conn: &mut SqliteConnection, mut after: i64, pruning: &Pruning) -> Result<Work, Fault> {
    for _ in 0..TRACKS_AT_A_TIME {
        let next: Option<(i64, i64)> = sqlx::query_as(NEXT_TRACK).bind(after).fetch_optional(&mut *conn).await?;
        let Some((track, _)) = next else { return Ok(Work::Costs) };
        after = track;
        if let Some(laying) = Laying::of(&mut *conn, track, pruning.least, pruning.forgets).await? {
            return Ok(Work::Lay { track, laying });
        }
    }
    Ok(Work::Past { after })
}

/// A track's blocks whose run began before `cutoff`, but for those with the last rows of a hit that is still
/// wanted: they are told when it goes, when its threshold is reached, or by a delivery that is pending.
async fn old_blocks(conn: &mut SqliteConnection, track: i64, cutoff: Timestamp) -> Result<Vec<i64>, Fault> {
    let mut wanted = last_results(&mut *conn, track).await?;
    wanted |= track::held(&mut *conn, track).await?;
    let mut pending: Vec<(i64, Vec<u8>)> = sqlx::query_as(PENDING).bind(track).fetch_all(&mut *conn).await?;
    let (mut old, mut below) = (Vec::new(), i64::MAX);
    // The run whose blocks are passed, and the hits that it stored rows of: one hit's rows may lie in several blocks.
    let (mut of, mut held) = (i64::MAX, RoaringBitmap::new());
    loop {
        let page: Vec<(i64, i64, i64, Vec<u8>)> =
            sqlx::query_as(BLOCKS_BACK).bind(track).bind(below).fetch_all(&mut *conn).await?;
        let Some((last, ..)) = page.last() else { return Ok(old) };
        below = *last;
        for (block, run, started, records) in page {
            if run != of {
                wanted -= std::mem::take(&mut held);
                of = run;
            }
            // What a delivery tells is the last row as of its run.
            let (told, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(told, _)| *told >= run);
            pending = later;
            for (_, told) in told {
                wanted.extend(unpack_told(&told)?.into_iter().map(|(ordinal, _)| ordinal));
            }
            let here: RoaringBitmap = unpack_records(&records)?.into_iter().map(|record| record.ordinal).collect();
            if started < cutoff.nanos() && here.is_disjoint(&wanted) {
                old.push(block);
            }
            held |= here;
        }
    }
}

/// The hits of the last results of a track, back to the last one that was whole and of its schedule: a run by hand, or
/// one that was cut, may have looked at less.
async fn last_results(conn: &mut SqliteConnection, track: i64) -> Result<RoaringBitmap, Fault> {
    let (mut hits, mut below) = (RoaringBitmap::new(), i64::MAX);
    for _ in 0..RESULTS {
        let found: Option<(i64, Vec<u8>, bool)> =
            sqlx::query_as(RESULT_BEFORE).bind(track).bind(below).fetch_optional(&mut *conn).await?;
        let Some((seq, members, is_whole)) = found else { break };
        hits |= unpack_bitmap(&members)?;
        below = seq;
        if is_whole {
            break;
        }
    }
    Ok(hits)
}

/// How many runs went, and whether there may be more.
async fn drop_runs(conn: &mut SqliteConnection, cutoff: Timestamp) -> Result<(u64, bool), Fault> {
    let query = sqlx::query_scalar(OLD_RUNS).bind(cutoff.nanos()).bind(limit_of(Some(RUNS_AT_A_TIME)));
    let old: Vec<i64> = query.fetch_all(&mut *conn).await?;
    let list = json_list(&old);
    sqlx::query(DROP_DELIVERIES).bind(&list).execute(&mut *conn).await?;
    let dropped = sqlx::query(DROP_RUNS).bind(&list).execute(conn).await?.rows_affected();
    Ok((dropped, old.len() >= RUNS_AT_A_TIME))
}

/// Gives some pages back to the file system; false when none is left to give.
async fn give_back(conn: &mut SqliteConnection, space: &mut Space) -> Result<bool, Fault> {
    let mode = number(&mut *conn, "PRAGMA auto_vacuum").await?;
    let size = number(&mut *conn, "PRAGMA page_size").await?;
    let pages = number(&mut *conn, "PRAGMA page_count").await?;
    let free = number(&mut *conn, "PRAGMA freelist_count").await?;
    space.gives = mode == INCREMENTAL;
    space.free = unsigned::<u64>(free * size)?;
    let most = (free - pages / STAYS_FREE).min(PAGES_AT_A_TIME);
    if !space.gives || most <= 0 {
        return Ok(false);
    }
    let vacuum = AssertSqlSafe(format!("PRAGMA incremental_vacuum({most})"));
    // Each page is a row: read to the end, all are moved.
    sqlx::query(vacuum).fetch_all(&mut *conn).await?;
    let left = number(&mut *conn, "PRAGMA page_count").await?;
    space.freed += unsigned::<u64>((pages - left) * size)?;
    // None moved would go on for ever.
    Ok(left < pages)
}

async fn number(conn: &mut SqliteConnection, pragma: &'static str) -> Result<i64, Fault> {
    Ok(sqlx::query_scalar(pragma).fetch_one(conn).await?)
}
