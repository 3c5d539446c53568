//! The commit of a run: all that it leaves behind, or nothing.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;

use super::columns;
use super::cost;
use super::coverage;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, signed};
use super::lateness;
use super::overload;
use super::pack::{
    Suppressions, pack_bitmap, pack_deltas, pack_records, pack_suppressions, pack_told, unpack_suppressions,
};
use super::seek;
use super::track::{Counters, counters, memory};
use crate::model::hit::{HitKind, RowBlock};
use crate::model::known::Step;
use crate::model::run::{Run, RunCommit, RunStatus, Trigger};
use crate::model::time::Timestamp;

/// Deltas of one BLOB: about half a megabyte.
pub(super) const DELTAS_A_BLOB: usize = 10_000;
/// How long a suppression that is over stays: longer than a clock is ever wrong unseen.
const SUPPRESSION_KEPT: Duration = Duration::from_hours(30 * 24);

pub(super) const ADD_TRACK: &str =
    "INSERT INTO track (hunt, tenant) VALUES (?1, ?2) ON CONFLICT (hunt, tenant) DO NOTHING";
pub(super) const FIND_VERSION: &str = "SELECT version FROM hunt_version WHERE hunt = ?1 AND hash = ?2";
pub(super) const ADD_VERSION: &str =
    "INSERT INTO hunt_version (hunt, hash, definition, notice) VALUES (?1, ?2, ?3, ?4) RETURNING version";
pub(super) const ADD_RUN: &str = "INSERT INTO run (run, track, version, due, started, finished, window_from, window_to, \
     as_of, status, rows, new, changed, gone, returned, calls, api_nanos, error, commit_id, trigger, steps, query, \
     members) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
     ?22, ?23) ON CONFLICT (run) DO NOTHING RETURNING seq";
pub(super) const ADD_DELTA: &str = "INSERT INTO delta (track, run, started, next_ordinal, has_gone, packed) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(super) const ADD_BLOCK: &str = "INSERT INTO block (track, run, low, high, schema, records, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING block";
pub(super) const ADD_DELIVERY: &str = "INSERT INTO delivery (delivery, run, channel, state, hits, created, \
     next_attempt, touched, told) VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?5, ?5, ?6)";
pub(super) const MOVE_TRACK: &str = "UPDATE track SET generation = ?2, next_ordinal = ?3, watermark = ?4, \
     last_due = ?5, complete_runs = ?6, failures_in_row = ?7, failing_as = ?8, last_run = ?9 WHERE track = ?1";
pub(super) const SET_MEMORY: &str = "INSERT INTO track_memory (track, held, suppressions) VALUES (?1, ?2, ?3) \
     ON CONFLICT (track) DO UPDATE SET held = excluded.held, suppressions = excluded.suppressions";

impl Store {
    /// Commits a run. After an error nothing of it is in the database, and the same commit may be
    /// tried again; [`StoreError::Overtaken`] means that it must be compared anew instead.
    ///
    /// A failed run moves no hit: it is never overtaken, leaves generation, held hits and
    /// suppressions, and may carry deliveries (that the hunt keeps failing). A partial one counts
    /// neither as complete nor as failed.
    pub async fn commit_run(&self, commit: &RunCommit) -> Result<(), StoreError> {
        let packed = self.told(Packed::of(commit))?;
        let mut write = self.begin().await?;
        let result = write_all(&mut write.conn, commit, &packed).await;
        self.told(write.end(result).await)
    }
}

/// What is packed before the database is locked.
struct Packed {
    told: Vec<Vec<u8>>,
    /// None for a failed run.
    members: Option<Vec<u8>>,
    held: Vec<u8>,
    notice: String,
    steps: u64,
}

impl Packed {
    fn of(commit: &RunCommit) -> Result<Self, Fault> {
        let failed = commit.run.status == RunStatus::Failed;
        if failed && !(commit.deltas.is_empty() && commit.blocks.is_empty() && commit.members.is_empty()) {
            return Err(Fault::Misuse("a failed run can't move hits"));
        }
        if commit.blocks.iter().any(|block| block.records.is_empty()) {
            return Err(Fault::Misuse("a block can't be empty"));
        }
        let rows: usize = commit.blocks.iter().map(|block| block.records.len()).sum();
        Ok(Self {
            told: commit.deliveries.iter().map(|delivery| pack_told(&delivery.hits)).collect(),
            members: (!failed).then(|| pack_bitmap(&commit.members)),
            held: pack_bitmap(&commit.held),
            notice: serde_json::to_string(&commit.notice).map_err(|_| Fault::Misuse("the notice is no JSON"))?,
            steps: (commit.deltas.len() + rows) as u64,
        })
    }
}

async fn write_all(conn: &mut SqliteConnection, commit: &RunCommit, packed: &Packed) -> Result<(), Fault> {
    let run = &commit.run;
    sqlx::query(ADD_TRACK).bind(run.hunt.as_str()).bind(run.tenant.as_str()).execute(&mut *conn).await?;
    let before = counters(&mut *conn, &run.hunt, &run.tenant).await?;
    let before = before.ok_or(Fault::Misuse("the track isn't there right after it was made"))?;
    if run.status != RunStatus::Failed && before.generation != commit.generation {
        return Err(Fault::Overtaken);
    }
    let version = version(&mut *conn, commit, packed).await?;
    let seq = add_run(&mut *conn, run, before.track, version, packed).await?;
    cost::note(&mut *conn, run, before.track, seq).await?;
    if let Some(late) = &run.late {
        overload::note(&mut *conn, run, seq, late).await?;
    }
    let next_ordinal = add_hits(&mut *conn, commit, &before, seq).await?;
    for (delivery, told) in commit.deliveries.iter().zip(&packed.told) {
        sqlx::query(ADD_DELIVERY)
            .bind(delivery.delivery.as_str())
            .bind(seq)
            .bind(delivery.channel.as_str())
            .bind(signed(delivery.hits.len() as u64))
            .bind(run.finished.nanos())
            .bind(told)
            .execute(&mut *conn)
            .await?;
    }
    let after = Counters { next_ordinal, ..moved(before.clone(), commit) };
    move_track(&mut *conn, &after, seq).await?;
    coverage::note(&mut *conn, &before, &run.run, &commit.coverage).await?;
    if let Some((table, measured)) = &commit.lateness {
        lateness::note(&mut *conn, &run.tenant, table, measured).await?;
    }
    if run.status != RunStatus::Failed {
        keep_memory(conn, commit, packed, before.track).await?;
    }
    Ok(())
}

/// The stored definition's number; the definition is written only when it is new.
async fn version(conn: &mut SqliteConnection, commit: &RunCommit, packed: &Packed) -> Result<i64, Fault> {
    let (hunt, hash) = (commit.run.hunt.as_str(), commit.run.hunt_version.as_str());
    let found: Option<i64> = sqlx::query_scalar(FIND_VERSION).bind(hunt).bind(hash).fetch_optional(&mut *conn).await?;
    if let Some(version) = found {
        return Ok(version);
    }
    let add = sqlx::query_scalar(ADD_VERSION).bind(hunt).bind(hash).bind(&commit.definition).bind(&packed.notice);
    Ok(add.fetch_one(conn).await?)
}

async fn add_run(
    conn: &mut SqliteConnection,
    run: &Run,
    track: i64,
    version: i64,
    packed: &Packed,
) -> Result<i64, Fault> {
    let api = u64::try_from(run.api.as_nanos()).unwrap_or(u64::MAX);
    let query = sqlx::query_scalar(ADD_RUN)
        .bind(run.run.as_str())
        .bind(track)
        .bind(version)
        .bind(run.due.nanos())
        .bind(run.started.nanos())
        .bind(run.finished.nanos())
        .bind(run.window.map(|window| window.from.nanos()))
        .bind(run.window.map(|window| window.to.nanos()))
        .bind(run.as_of.nanos())
        .bind(run.status.as_str())
        .bind(signed(run.rows))
        .bind(signed(run.new))
        .bind(signed(run.changed))
        .bind(signed(run.gone))
        .bind(signed(run.returned))
        .bind(i64::from(run.calls))
        .bind(signed(api))
        .bind(run.error.as_deref())
        .bind(run.commit.as_deref())
        .bind(run.trigger.as_str())
        .bind(signed(packed.steps))
        .bind(&run.query)
        .bind(packed.members.as_deref());
    // The id is taken: with another one it will go.
    query.fetch_optional(conn).await?.ok_or(Fault::Overtaken)
}

/// Deltas and blocks; returns the ordinal that the next new hit takes. Each part is packed as it is written, so that a
/// hundred thousand rows aren't in memory once more.
async fn add_hits(conn: &mut SqliteConnection, commit: &RunCommit, before: &Counters, seq: i64) -> Result<u64, Fault> {
    let mut next = before.next_ordinal;
    let mut left = commit.deltas.iter().peekable();
    while left.peek().is_some() {
        let part: Vec<Step<'_>> = left.by_ref().take(DELTAS_A_BLOB).collect();
        let after = part.iter().map(|step| u64::from(step.state.ordinal) + 1).max().unwrap_or(0);
        next = next.max(after);
        sqlx::query(ADD_DELTA)
            .bind(before.track)
            .bind(seq)
            .bind(commit.run.started.nanos())
            .bind(signed(next))
            .bind(part.iter().any(|step| step.kind == Some(HitKind::Gone)))
            .bind(pack_deltas(part.iter().copied()))
            .execute(&mut *conn)
            .await?;
    }
    let mut schemas = columns::Known::default();
    for block in &commit.blocks {
        add_block(&mut *conn, block, (before.track, seq), &mut schemas).await?;
    }
    if !commit.blocks.is_empty() {
        seek::lay_together(conn).await?;
    }
    Ok(next)
}

async fn add_block(
    conn: &mut SqliteConnection,
    block: &RowBlock,
    (track, seq): (i64, i64),
    schemas: &mut columns::Known,
) -> Result<(), Fault> {
    let schema = schemas.number(&mut *conn, &block.schema).await?;
    let ordinals = || block.records.iter().map(|record| i64::from(record.ordinal));
    let number: i64 = sqlx::query_scalar(ADD_BLOCK)
        .bind(track)
        .bind(seq)
        .bind(ordinals().min())
        .bind(ordinals().max())
        .bind(schema)
        .bind(pack_records(&block.records))
        .bind(block.body.bytes().map_err(Fault::Aside)?.into_owned())
        .fetch_one(&mut *conn)
        .await?;
    seek::add(conn, number, &block.sieve).await
}

/// What a run does to its track's counters.
fn moved(before: Counters, commit: &RunCommit) -> Counters {
    let run = &commit.run;
    let scheduled = match run.trigger {
        Trigger::Schedule => Some(run.due),
        Trigger::CatchUp | Trigger::Manual => None,
    };
    let mut after = Counters {
        watermark: commit.watermark.or(before.watermark),
        // Not the later of the two: a clock that stood in another year must not hold back all ticks till then.
        last_due: scheduled.or(before.last_due),
        ..before
    };
    match run.status {
        RunStatus::Failed => {
            after.failures_in_row = after.failures_in_row.saturating_add(1);
            after.failing_as.clone_from(&commit.failing_as);
        }
        RunStatus::Partial => after.generation += 1,
        RunStatus::Ok => {
            after.generation += 1;
            after.complete_runs += 1;
            after.failures_in_row = 0;
            after.failing_as = None;
        }
    }
    after
}

async fn move_track(conn: &mut SqliteConnection, after: &Counters, seq: i64) -> Result<(), Fault> {
    sqlx::query(MOVE_TRACK)
        .bind(after.track)
        .bind(signed(after.generation))
        .bind(signed(after.next_ordinal))
        .bind(after.watermark.map(Timestamp::nanos))
        .bind(after.last_due.map(Timestamp::nanos))
        .bind(signed(after.complete_runs))
        .bind(i64::from(after.failures_in_row))
        .bind(after.failing_as.as_deref())
        .bind(seq)
        .execute(conn)
        .await?;
    Ok(())
}

/// Held hits and suppressions; written only when they moved.
async fn keep_memory(
    conn: &mut SqliteConnection,
    commit: &RunCommit,
    packed: &Packed,
    track: i64,
) -> Result<(), Fault> {
    let before = memory(&mut *conn, track).await?;
    let mut suppressions = match &before {
        Some((_, suppressions)) => unpack_suppressions(suppressions)?,
        None => Suppressions::default(),
    };
    let over = commit.run.started.minus(SUPPRESSION_KEPT);
    suppressions.retain(|_, until| *until > over);
    suppressions.extend(commit.suppressions.iter().copied());
    let suppressions = pack_suppressions(&suppressions);
    let same = before.is_some_and(|(held, old)| held == packed.held && old == suppressions);
    if !same {
        let set = sqlx::query(SET_MEMORY).bind(track).bind(&packed.held).bind(suppressions);
        set.execute(conn).await?;
    }
    Ok(())
}
