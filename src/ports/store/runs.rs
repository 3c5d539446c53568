//! Runs, as they are listed.

use std::fmt;
use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use crate::model::id::{HuntId, RunId, TenantName};
use crate::model::overload::LateRun;
use crate::model::run::{Run, RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};

/// Which runs.
#[derive(Default, Clone, Copy)]
pub struct RunFilter<'a> {
    /// Of the hunts that it says yes to: an id, a glob, whatever the caller means.
    pub hunt: Option<&'a (dyn Fn(&HuntId) -> bool + Sync)>,
    /// Of this tenant.
    pub tenant: Option<&'a TenantName>,
    /// Begun then or later.
    pub since: Option<Timestamp>,
    /// Only failed ones.
    pub failed: bool,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl fmt::Debug for RunFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFilter")
            .field("hunt", &self.hunt.is_some())
            .field("tenant", &self.tenant)
            .field("since", &self.since)
            .field("failed", &self.failed)
            .field("limit", &self.limit)
            .finish()
    }
}

/// The columns that [`run_of`] reads, and their tables.
macro_rules! select_run {
    ($rest:literal) => {
        concat!(
            "SELECT run.seq, run.run, track.hunt, track.tenant, due, started, finished, window_from, window_to, as_of, \
             status, rows, new, changed, gone, returned, calls, api_nanos, run_cpu.nanos AS cpu_nanos, \
             run_late.first AS late_first, run_late.nanos AS late_nanos, run_late.missed AS late_missed, error, hash, \
             commit_id, trigger, query \
             FROM run JOIN track USING (track) JOIN hunt_version USING (version) \
             LEFT JOIN run_cpu ON run_cpu.run = run.seq LEFT JOIN run_late ON run_late.run = run.seq ",
            $rest
        )
    };
}

// One text for each index, as a condition that may be absent keeps SQLite from choosing it.
pub(super) const ALL_RUNS: &str = select_run!("WHERE started >= ?1 ORDER BY started DESC, seq DESC LIMIT ?2");
pub(super) const FAILED_RUNS: &str =
    select_run!("WHERE status = 'failed' AND started >= ?1 ORDER BY started DESC, seq DESC LIMIT ?2");
pub(super) const TRACK_RUNS: &str = select_run!(
    "WHERE run.track IN (SELECT value FROM json_each(?3)) AND started >= ?1 AND (NOT ?4 OR status = 'failed') \
     ORDER BY started DESC, seq DESC LIMIT ?2"
);
pub(super) const ONE_RUN: &str = select_run!("WHERE run.run = ?1");
pub(super) const RUN_BY_SEQ: &str = select_run!("WHERE run.seq = ?1");
/// A few hundred at most.
pub(super) const TRACK_NAMES: &str = "SELECT track, hunt, tenant FROM track ORDER BY hunt, tenant";

impl Store {
    /// The runs that pass, newest first.
    pub async fn runs(&self, filter: &RunFilter<'_>) -> Result<Vec<Run>, StoreError> {
        let mut read = self.read().await?;
        self.told(list(&mut read, filter).await)
    }

    /// The run with this id.
    pub async fn run(&self, run: &str) -> Result<Option<Run>, StoreError> {
        let mut read = self.read().await?;
        let found = sqlx::query(ONE_RUN).bind(run).fetch_optional(&mut *read).await.map_err(Fault::from);
        self.told(found.and_then(|row| row.as_ref().map(run_of).transpose()))
    }
}

async fn list(conn: &mut SqliteConnection, filter: &RunFilter<'_>) -> Result<Vec<Run>, Fault> {
    let since = filter.since.map_or(i64::MIN, Timestamp::nanos);
    let limit = limit_of(filter.limit);
    let rows = if filter.hunt.is_none() && filter.tenant.is_none() {
        let sql = if filter.failed { FAILED_RUNS } else { ALL_RUNS };
        sqlx::query(sql).bind(since).bind(limit).fetch_all(conn).await?
    } else {
        let tracks = tracks_that(&mut *conn, filter.hunt, filter.tenant).await?;
        let query = sqlx::query(TRACK_RUNS).bind(since).bind(limit);
        query.bind(json_list(&tracks)).bind(filter.failed).fetch_all(conn).await?
    };
    rows.iter().map(run_of).collect()
}

/// SQLite takes a negative limit for none.
pub(super) fn limit_of(limit: Option<usize>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(-1))
}

/// The tracks of the hunts that `hunt` says yes to, on `tenant`.
pub(super) async fn tracks_that(
    conn: &mut SqliteConnection,
    hunt: Option<&(dyn Fn(&HuntId) -> bool + Sync)>,
    tenant: Option<&TenantName>,
) -> Result<Vec<i64>, Fault> {
    let all: Vec<(i64, String, String)> = sqlx::query_as(TRACK_NAMES).fetch_all(conn).await?;
    let mut found = Vec::new();
    for (track, id, on) in all {
        let id = HuntId::new(id).map_err(name_fault)?;
        if hunt.is_none_or(|hunt| hunt(&id)) && tenant.is_none_or(|tenant| tenant.as_str() == on) {
            found.push(track);
        }
    }
    Ok(found)
}

/// Numbers as a JSON array, for `json_each`: one statement for any count of them.
pub(super) fn json_list(numbers: &[i64]) -> String {
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!("[{}]", texts.join(","))
}

/// A stored name that breaks its rule: only a damaged file has one.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn name_fault(error: crate::model::id::NameError) -> Fault {
    Fault::Bad(error.to_string())
}

fn word<T>(text: &str, parsed: Option<T>) -> Result<T, Fault> {
    parsed.ok_or_else(|| Fault::Bad(format!("unknown word of a run: {text}")))
}

fn late_of(row: &SqliteRow) -> Result<Option<LateRun>, Fault> {
    let Some(first) = row.try_get::<Option<i64>, _>("late_first")? else { return Ok(None) };
    let by = Duration::from_nanos(unsigned(row.try_get("late_nanos")?)?);
    Ok(Some(LateRun { first: Timestamp::from_nanos(first), by, missed: unsigned(row.try_get("late_missed")?)? }))
}

/// The run in a row of [`select_run`].
pub(super) fn run_of(row: &SqliteRow) -> Result<Run, Fault> {
    let time = |name: &str| Ok::<_, Fault>(Timestamp::from_nanos(row.try_get(name)?));
    let count = |name: &str| unsigned::<u64>(row.try_get(name)?);
    let (from, to): (Option<i64>, Option<i64>) = (row.try_get("window_from")?, row.try_get("window_to")?);
    let window =
        from.zip(to).map(|(from, to)| Window { from: Timestamp::from_nanos(from), to: Timestamp::from_nanos(to) });
    let (status, trigger): (&str, &str) = (row.try_get("status")?, row.try_get("trigger")?);
    Ok(Run {
        run: RunId::new(row.try_get::<String, _>("run")?).map_err(name_fault)?,
        hunt: HuntId::new(row.try_get::<String, _>("hunt")?).map_err(name_fault)?,
        tenant: TenantName::new(row.try_get::<String, _>("tenant")?).map_err(name_fault)?,
        due: time("due")?,
        started: time("started")?,
        finished: time("finished")?,
        window,
        as_of: time("as_of")?,
        status: word(status, RunStatus::parse(status))?,
        rows: count("rows")?,
        new: count("new")?,
        changed: count("changed")?,
        gone: count("gone")?,
        returned: count("returned")?,
        calls: unsigned(row.try_get("calls")?)?,
        api: Duration::from_nanos(count("api_nanos")?),
        cpu: row.try_get::<Option<i64>, _>("cpu_nanos")?.map(unsigned).transpose()?.map(Duration::from_nanos),
        late: late_of(row)?,
        error: row.try_get("error")?,
        hunt_version: row.try_get("hash")?,
        commit: row.try_get("commit_id")?,
        trigger: word(trigger, Trigger::parse(trigger))?,
        query: row.try_get("query")?,
    })
}
