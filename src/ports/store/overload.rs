//! Tenants on which more is due than fits: how far that has come, and which of their hunts ran late.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, Row};

use super::cost::{HOUR, whole};
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::runs::name_fault;
use crate::model::id::{HuntId, TenantName};
use crate::model::overload::{Episode, LateHunt, LateRun, Punctuality};
use crate::model::run::Run;
use crate::model::time::Timestamp;
use crate::rules::overload;

pub(super) const ADD_LATE: &str = "INSERT INTO run_late (run, first, nanos, missed) VALUES (?1, ?2, ?3, ?4)";
pub(super) const LOAD_EPISODE: &str = "SELECT since, last, late FROM overload WHERE tenant = ?1";
/// A row a tenant at most.
pub(super) const EPISODES: &str = "SELECT tenant, since, last, late FROM overload";
pub(super) const SET_EPISODE: &str = "INSERT INTO overload (tenant, since, last, late) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (tenant) DO UPDATE SET since = excluded.since, last = excluded.last, late = excluded.late";
/// By the index of late hours, and not by all hours.
pub(super) const LATE_HUNTS: &str = "SELECT hunt, sum(late_runs), max(late_nanos) FROM spending INDEXED BY spending_late \
     CROSS JOIN track USING (track) WHERE hour > ?1 AND late_runs > 0 AND tenant = ?2 GROUP BY track ORDER BY hunt";
/// Of those that were late at all, how many runs that were.
pub(super) const LATE_SUMS: &str = "SELECT hunt, tenant, sum(runs), sum(late_runs), max(late_nanos) FROM spending \
     CROSS JOIN track USING (track) WHERE hour > ?1 AND trigger = 'schedule' \
     AND track IN (SELECT track FROM spending INDEXED BY spending_late WHERE hour > ?1 AND late_runs > 0) \
     GROUP BY track ORDER BY hunt, tenant";

impl Store {
    /// How far the overload of each tenant has come that ever had one; it may be over.
    pub async fn episodes(&self) -> Result<BTreeMap<TenantName, Episode>, StoreError> {
        let mut read = self.read().await?;
        let rows: Result<Vec<(String, i64, i64, i64)>, _> = sqlx::query_as(EPISODES).fetch_all(&mut *read).await;
        let of = |(tenant, since, last, late): (String, i64, i64, i64)| {
            Ok((TenantName::new(tenant).map_err(name_fault)?, episode((since, last, late))?))
        };
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(of).collect()))
    }

    /// The hunts of a tenant of which runs were late since then, by hunt. By the hour, as [`costs`](Self::costs).
    pub async fn late_hunts(&self, tenant: &TenantName, since: Timestamp) -> Result<Vec<LateHunt>, StoreError> {
        let mut read = self.read().await?;
        let query = sqlx::query_as(LATE_HUNTS).bind(since.minus(HOUR).nanos()).bind(tenant.as_str());
        let rows: Result<Vec<(String, i64, i64)>, _> = query.fetch_all(&mut *read).await;
        let of = |(hunt, runs, worst): (String, i64, i64)| {
            let (hunt, by) = (HuntId::new(hunt).map_err(name_fault)?, Duration::from_nanos(unsigned(worst)?));
            Ok(LateHunt { hunt, by, runs: unsigned(runs)? })
        };
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(of).collect()))
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

/// Notes that a run was late, and how far its tenant's overload has come with it: on what stands in the database by now,
/// as another process may have noted one.
pub(super) async fn note(conn: &mut SqliteConnection, run: &Run, seq: i64, late: &LateRun) -> Result<(), Fault> {
    sqlx::query(ADD_LATE)
        .bind(seq)
        .bind(late.first.nanos())
        .bind(whole(late.by))
        .bind(i64::from(late.missed))
        .execute(&mut *conn)
        .await?;
    let found: Option<(i64, i64, i64)> =
        sqlx::query_as(LOAD_EPISODE).bind(run.tenant.as_str()).fetch_optional(&mut *conn).await?;
    let before = found.map(episode).transpose()?;
    let episode = overload::goes_on(before.as_ref(), run.finished);
    sqlx::query(SET_EPISODE)
        .bind(run.tenant.as_str())
        .bind(episode.since.nanos())
        .bind(episode.last.nanos())
        .bind(i64::from(episode.late))
        .execute(conn)
        .await?;
    Ok(())
}

fn episode((since, last, late): (i64, i64, i64)) -> Result<Episode, Fault> {
    Ok(Episode { since: Timestamp::from_nanos(since), last: Timestamp::from_nanos(last), late: unsigned(late)? })
}
