//! Tenants on which more is due than fits: which of their hunts ran late, and what was told of it.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, Row};

use super::commit::ADD_DELIVERY;
use super::cost::{HOUR, whole};
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::pack::pack_told;
use super::runs::name_fault;
use crate::model::delivery::About;
use crate::model::id::{HuntId, TenantName};
use crate::model::overload::{Episode, LateHunt, LateRun, Overload, Punctuality, Shortage};
use crate::model::run::Run;
use crate::model::time::Timestamp;
use crate::rules::overload;
use crate::rules::route;

pub(super) const ADD_LATE: &str = "INSERT INTO run_late (run, first, nanos, missed) VALUES (?1, ?2, ?3, ?4)";
pub(super) const LOAD_EPISODE: &str = "SELECT since, last, late, told FROM overload WHERE tenant = ?1";
pub(super) const SET_EPISODE: &str = "INSERT INTO overload (tenant, since, last, late, told) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant) DO UPDATE SET since = excluded.since, last = excluded.last, \
     late = excluded.late, told = excluded.told";
/// By the index of late hours, and not by all hours.
pub(super) const LATE_HUNTS: &str = "SELECT hunt, sum(late_runs), max(late_nanos) FROM spending INDEXED BY spending_late \
     CROSS JOIN track USING (track) WHERE hour > ?1 AND late_runs > 0 AND tenant = ?2 GROUP BY track ORDER BY hunt";
/// Of those that were late at all, how many runs that were.
pub(super) const LATE_SUMS: &str = "SELECT hunt, tenant, sum(runs), sum(late_runs), max(late_nanos) FROM spending \
     CROSS JOIN track USING (track) WHERE hour > ?1 AND trigger = 'schedule' \
     AND track IN (SELECT track FROM spending INDEXED BY spending_late WHERE hour > ?1 AND late_runs > 0) \
     GROUP BY track ORDER BY hunt, tenant";
pub(super) const ADD_NOTICE: &str = "INSERT INTO overload_notice (run, body) VALUES (?1, ?2)";
pub(super) const LOAD_NOTICE: &str = "SELECT body FROM overload_notice WHERE run = ?1";

impl Store {
    /// How far the overload of a tenant has come; it may be over.
    pub async fn episode(&self, tenant: &TenantName) -> Result<Option<Episode>, StoreError> {
        let mut read = self.read().await?;
        self.told(episode(&mut read, tenant).await)
    }

    /// The hunts and tenants of which scheduled runs were late since then, and how many of how many; by hunt and
    /// tenant. By the hour, as [`costs`](Self::costs).
    pub async fn late_runs(&self, since: Timestamp) -> Result<Vec<(HuntId, TenantName, Punctuality)>, StoreError> {
        let mut read = self.read().await?;
        let rows = sqlx::query(LATE_SUMS).bind(since.minus(HOUR).nanos()).fetch_all(&mut *read).await;
        let rows = rows.map_err(Fault::from);
        self.told(rows.and_then(|rows| rows.iter().map(late_sum).collect()))
    }
}

fn late_sum(row: &sqlx::sqlite::SqliteRow) -> Result<(HuntId, TenantName, Punctuality), Fault> {
    let (hunt, tenant) = <(String, String)>::from_row(row)?;
    let all = Punctuality {
        runs: unsigned(row.try_get(2)?)?,
        late: unsigned(row.try_get(3)?)?,
        worst: Duration::from_nanos(unsigned(row.try_get(4)?)?),
    };
    Ok((HuntId::new(hunt).map_err(name_fault)?, TenantName::new(tenant).map_err(name_fault)?, all))
}

async fn episode(conn: &mut SqliteConnection, tenant: &TenantName) -> Result<Option<Episode>, Fault> {
    let found: Option<(i64, i64, i64, Option<i64>)> =
        sqlx::query_as(LOAD_EPISODE).bind(tenant.as_str()).fetch_optional(conn).await?;
    let of = |(since, last, late, told): (i64, i64, i64, Option<i64>)| {
        Ok(Episode {
            since: Timestamp::from_nanos(since),
            last: Timestamp::from_nanos(last),
            late: unsigned(late)?,
            told: told.map(Timestamp::from_nanos),
        })
    };
    found.map(of).transpose()
}

/// Notes that a run was late, and tells of its tenant's overload where that is news. The decision is made on what
/// stands in the database by now: another run, of another process too, may have told it.
pub(super) async fn note(
    conn: &mut SqliteConnection,
    (run, seq): (&Run, i64),
    late: &LateRun,
    shortage: Option<&Shortage>,
) -> Result<Option<Overload>, Fault> {
    sqlx::query(ADD_LATE)
        .bind(seq)
        .bind(late.first.nanos())
        .bind(whole(late.by))
        .bind(i64::from(late.missed))
        .execute(&mut *conn)
        .await?;
    let Some(shortage) = shortage else { return Ok(None) };
    let now = run.finished;
    let mut episode = overload::goes_on(episode(&mut *conn, &run.tenant).await?, now);
    let mut told = None;
    if overload::is_news(&episode, &shortage.failures, now) {
        told = Some(tell(&mut *conn, (run, seq), &episode, shortage).await?);
        episode.told = Some(now);
    }
    sqlx::query(SET_EPISODE)
        .bind(run.tenant.as_str())
        .bind(episode.since.nanos())
        .bind(episode.last.nanos())
        .bind(i64::from(episode.late))
        .bind(episode.told.map(Timestamp::nanos))
        .execute(conn)
        .await?;
    Ok(told)
}

async fn tell(
    conn: &mut SqliteConnection,
    (run, seq): (&Run, i64),
    episode: &Episode,
    shortage: &Shortage,
) -> Result<Overload, Fault> {
    let now = run.finished;
    let from = overload::told_from(episode, now).minus(HOUR);
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as(LATE_HUNTS).bind(from.nanos()).bind(run.tenant.as_str()).fetch_all(&mut *conn).await?;
    let late = |(hunt, runs, worst): (String, i64, i64)| {
        Ok::<_, Fault>(LateHunt { hunt, by: Duration::from_nanos(unsigned(worst)?), runs: unsigned(runs)? })
    };
    let late = rows.into_iter().map(late).collect::<Result<Vec<_>, _>>()?;
    let told = overload::overload(episode, late, &shortage.waiting, shortage.full.clone(), now);
    let deliveries = route::plan_trouble(&run.run, &shortage.failures.to, About::Overload);
    if deliveries.is_empty() {
        return Ok(told);
    }
    let body = serde_json::to_string(&told).map_err(|_| Fault::Misuse("the notice is no JSON"))?;
    sqlx::query(ADD_NOTICE).bind(seq).bind(body).execute(&mut *conn).await?;
    for delivery in deliveries {
        sqlx::query(ADD_DELIVERY)
            .bind(delivery.delivery.as_str())
            .bind(seq)
            .bind(delivery.channel.as_str())
            .bind(0)
            .bind(now.nanos())
            .bind(pack_told(&[]))
            .execute(&mut *conn)
            .await?;
    }
    Ok(told)
}

/// What was told of overload with a run.
pub(super) async fn load(conn: &mut SqliteConnection, seq: i64) -> Result<Overload, Fault> {
    let body: Option<String> = sqlx::query_scalar(LOAD_NOTICE).bind(seq).fetch_optional(conn).await?;
    let body = body.ok_or_else(|| Fault::Bad(format!("what was told of overload with run {seq} is gone")))?;
    serde_json::from_str(&body).map_err(|error| Fault::Bad(format!("a stored notice has a fault: {error}")))
}
