//! What runs cost: sums by the hour, written with each run, so that a question never reads the runs.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, Row};

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, signed, unsigned};
use super::runs::name_fault;
use crate::model::cost::{Cost, Spending};
use crate::model::id::{HuntId, TenantName};
use crate::model::run::Run;
use crate::model::time::Timestamp;

/// What one sum is over.
pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) const ADD_CPU: &str = "INSERT INTO run_cpu (run, nanos) VALUES (?1, ?2)";
pub(super) const ADD_SPENDING: &str = "INSERT INTO spending \
     (hour, track, trigger, runs, calls, api_nanos, cpu_runs, cpu_nanos, rows, late_runs, late_nanos) \
     VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
     ON CONFLICT (hour, track, trigger) DO UPDATE SET runs = runs + 1, calls = calls + excluded.calls, \
     api_nanos = api_nanos + excluded.api_nanos, cpu_runs = cpu_runs + excluded.cpu_runs, \
     cpu_nanos = cpu_nanos + excluded.cpu_nanos, rows = rows + excluded.rows, \
     late_runs = late_runs + excluded.late_runs, late_nanos = max(late_nanos, excluded.late_nanos)";

/// The sums of each track over the spending that `$which` takes. CROSS JOIN keeps SQLite from going through all tracks
/// first; grouped by names in place of numbers it takes four times as long.
macro_rules! sums {
    ($which:literal) => {
        concat!(
            "SELECT hunt, tenant, sum(runs) AS runs, sum(calls) AS calls, sum(api_nanos) AS api_nanos, \
             sum(cpu_runs) AS cpu_runs, sum(cpu_nanos) AS cpu_nanos, sum(rows) AS rows \
             FROM spending CROSS JOIN track USING (track) WHERE hour > ?1 ",
            $which,
            "GROUP BY track ORDER BY hunt, tenant"
        )
    };
}
pub(super) const SUMS: &str = sums!("");
pub(super) const SCHEDULED_SUMS: &str = sums!("AND trigger = 'schedule' ");
/// An hour at a time.
pub(super) const FORGET_SPENDING: &str =
    "DELETE FROM spending WHERE hour = (SELECT min(hour) FROM spending WHERE hour < ?1)";

impl Store {
    /// What a run costs on average, of each hunt on each tenant that ran by its schedule and made a call since then;
    /// by hunt and tenant.
    ///
    /// Catch-ups and runs by hand don't count: their windows are others than a scheduled run's. Runs that failed do,
    /// with the calls that they made. Sums are by the hour: all runs that began in the hour in which `since` lies
    /// count.
    pub async fn costs(&self, since: Timestamp) -> Result<Vec<(HuntId, TenantName, Cost)>, StoreError> {
        let sums = self.sums(SCHEDULED_SUMS, since).await?;
        Ok(sums.into_iter().map(|sum| (sum.hunt, sum.tenant, sum.spent.average(sum.cpu_runs))).collect())
    }

    /// What all runs spent since then, whatever made them, of each hunt on each tenant that made a call; by hunt and
    /// tenant. By the hour, as [`costs`](Self::costs).
    pub async fn spending(&self, since: Timestamp) -> Result<Vec<(HuntId, TenantName, Spending)>, StoreError> {
        let sums = self.sums(SUMS, since).await?;
        Ok(sums.into_iter().map(|sum| (sum.hunt, sum.tenant, sum.spent)).collect())
    }

    async fn sums(&self, sql: &'static str, since: Timestamp) -> Result<Vec<Sum>, StoreError> {
        let mut read = self.read().await?;
        let rows = sqlx::query(sql).bind(since.minus(HOUR).nanos()).fetch_all(&mut *read).await;
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.iter().map(Sum::of).collect()))
    }
}

/// What a track spent in a stretch of time.
struct Sum {
    hunt: HuntId,
    tenant: TenantName,
    spent: Spending,
    /// How many of the runs have a CPU.
    cpu_runs: u64,
}

impl Sum {
    fn of(row: &SqliteRow) -> Result<Self, Fault> {
        let count = |name: &str| unsigned::<u64>(row.try_get(name)?);
        let (hunt, tenant) = <(String, String)>::from_row(row)?;
        let cpu_runs = count("cpu_runs")?;
        let cpu = Duration::from_nanos(count("cpu_nanos")?);
        Ok(Self {
            hunt: HuntId::new(hunt).map_err(name_fault)?,
            tenant: TenantName::new(tenant).map_err(name_fault)?,
            spent: Spending {
                runs: count("runs")?,
                calls: count("calls")?,
                api: Duration::from_nanos(count("api_nanos")?),
                cpu: (cpu_runs > 0).then_some(cpu),
                rows: count("rows")?,
            },
            cpu_runs,
        })
    }
}

pub(super) fn whole(span: Duration) -> i64 {
    signed(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

/// Adds what a run cost to its hour's sums. One that made no call cost nothing.
pub(super) async fn note(conn: &mut SqliteConnection, run: &Run, track: i64, seq: i64) -> Result<(), Fault> {
    if let Some(cpu) = run.cpu {
        sqlx::query(ADD_CPU).bind(seq).bind(whole(cpu)).execute(&mut *conn).await?;
    }
    if run.calls == 0 {
        return Ok(());
    }
    sqlx::query(ADD_SPENDING)
        .bind(run.started.floor_to(HOUR).nanos())
        .bind(track)
        .bind(run.trigger.as_str())
        .bind(i64::from(run.calls))
        .bind(whole(run.api))
        .bind(run.cpu.is_some())
        .bind(whole(run.cpu.unwrap_or_default()))
        .bind(signed(run.rows))
        .bind(run.late.is_some())
        .bind(whole(run.late.map(|late| late.by).unwrap_or_default()))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the oldest of the hours that ended by `cutoff`; says how many sums those were.
pub(super) async fn forget(conn: &mut SqliteConnection, cutoff: Timestamp) -> Result<u64, Fault> {
    let before = cutoff.floor_to(HOUR).nanos();
    Ok(sqlx::query(FORGET_SPENDING).bind(before).execute(conn).await?.rows_affected())
}
