//! Causes of trouble: what the database knows of them, which are there, and what is told.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;

use super::columns::column_names;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::pack::pack_told;
use super::runs::name_fault;
use crate::model::config::Failures;
use crate::model::id::{ChannelName, DeliveryId, HuntId, TenantName};
use crate::model::time::Timestamp;
use crate::model::trouble::{Backlog, Failing, OpenTrouble, Trouble, TroubleKind, Warning};
use crate::rules::trouble::{self, Channels, DELIVERY_LATE, Step};

pub(super) const FAILING: &str = "SELECT hunt, tenant, failures_in_row, failing_as, error \
     FROM track INDEXED BY track_failing LEFT JOIN run ON run.seq = track.last_run \
     WHERE failures_in_row > 0 ORDER BY hunt, tenant";
/// Of those that were tried, as one that wasn't may be on its way.
pub(super) const WAITING: &str = "SELECT channel, count(*), min(created), max(error) FROM delivery \
     WHERE state = 'pending' AND attempts > 0 AND created < ?1 AND error IS NOT NULL GROUP BY channel";
pub(super) const GIVEN_UP: &str = "SELECT channel, count(*), min(created), max(error) FROM delivery \
     WHERE state = 'failed' AND created > ?1 GROUP BY channel";
pub(super) const OPEN: &str = "SELECT body, since, told FROM trouble ORDER BY key";
pub(super) const SET: &str = "INSERT INTO trouble (key, body, since, told) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (key) DO UPDATE SET body = excluded.body, since = excluded.since, told = excluded.told";
pub(super) const CLOSE: &str = "DELETE FROM trouble WHERE key = ?1";
pub(super) const ADD_DELIVERY: &str = "INSERT INTO delivery (delivery, run, channel, state, hits, created, \
     next_attempt, touched, told) VALUES (?1, NULL, ?2, 'pending', 0, ?3, ?3, ?3, ?4) \
     ON CONFLICT (delivery) DO NOTHING RETURNING seq";
pub(super) const ADD_WARNING: &str = "INSERT INTO warning (delivery, body) VALUES (?1, ?2)";
pub(super) const LOAD_WARNING: &str =
    "SELECT body FROM delivery JOIN warning ON warning.delivery = seq WHERE delivery.delivery = ?1";
pub(super) const OLD_WARNINGS: &str = "DELETE FROM delivery WHERE run IS NULL AND state <> 'pending' AND created < ?1";

/// The hunts of which a result was committed since then.
pub(super) const RAN_SINCE: &str = "SELECT DISTINCT hunt, tenant FROM run JOIN track USING (track) WHERE started > ?1";
/// How many rows the last complete results held, newest first. Failed and partial ones say nothing of it.
pub(super) const ROWS_LATELY: &str = "SELECT rows FROM run JOIN track USING (track) \
     WHERE hunt = ?1 AND tenant = ?2 AND status = 'ok' AND trigger = 'schedule' ORDER BY started DESC LIMIT ?3";
/// The columns of the last rows that were stored, and of those before; and whether the hunt is another since.
pub(super) const COLUMNS_LATELY: &str = "SELECT columns, version FROM track JOIN block USING (track) \
     JOIN run ON run.seq = block.run JOIN row_schema USING (schema) \
     WHERE hunt = ?1 AND tenant = ?2 ORDER BY block DESC LIMIT 2";
/// Hunts that began before then, and never found anything on any tenant.
pub(super) const NEVER_FIRED: &str = "SELECT hunt FROM track GROUP BY hunt \
     HAVING max(next_ordinal) = 0 AND min(coalesce(origin, ?1)) < ?1 AND max(complete_runs) > 0 ORDER BY hunt";

/// A delivery that was given up is trouble for so long: then it has been told, or nobody reads it.
const GIVEN_UP_FOR: std::time::Duration = std::time::Duration::from_hours(24);

/// A look at the causes of trouble.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The kinds of which it is known what is there.
    pub judged: &'a BTreeSet<TroubleKind>,
    /// When causes are news.
    pub failures: &'a Failures,
    /// Who may be told.
    pub channels: &'a Channels,
    /// As of when.
    pub at: Timestamp,
}

impl Store {
    /// The hunts that fail, by hunt and tenant.
    pub async fn failing(&self) -> Result<Vec<Failing>, StoreError> {
        type Row = (String, String, i64, Option<String>, Option<String>);
        let mut read = self.read().await?;
        let rows: Result<Vec<Row>, _> = sqlx::query_as(FAILING).fetch_all(&mut *read).await;
        let of = |(hunt, tenant, row, class, error): Row| {
            Ok(Failing {
                hunt: HuntId::new(hunt).map_err(name_fault)?,
                tenant: TenantName::new(tenant).map_err(name_fault)?,
                row: unsigned(row)?,
                class: class.unwrap_or_default(),
                error: error.unwrap_or_default(),
            })
        };
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(of).collect()))
    }

    /// The channels with deliveries that were tried in vain, and still wait or were given up lately.
    pub async fn backlogs(&self, now: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        let mut read = self.read().await?;
        self.told(backlogs(&mut read, now).await)
    }

    /// The hunts of which a run was committed since then.
    pub async fn ran_since(&self, since: Timestamp) -> Result<Vec<(HuntId, TenantName)>, StoreError> {
        let mut read = self.read().await?;
        let rows: Result<Vec<(String, String)>, _> =
            sqlx::query_as(RAN_SINCE).bind(since.nanos()).fetch_all(&mut *read).await;
        let of = |(hunt, tenant): (String, String)| {
            Ok((HuntId::new(hunt).map_err(name_fault)?, TenantName::new(tenant).map_err(name_fault)?))
        };
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(of).collect()))
    }

    /// How many rows the last complete scheduled results of a hunt held, newest first, at most so many.
    pub async fn rows_lately(&self, hunt: &HuntId, tenant: &TenantName, most: u32) -> Result<Vec<u64>, StoreError> {
        let mut read = self.read().await?;
        let query = sqlx::query_scalar(ROWS_LATELY).bind(hunt.as_str()).bind(tenant.as_str()).bind(most);
        let rows: Result<Vec<i64>, _> = query.fetch_all(&mut *read).await;
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(unsigned).collect()))
    }

    /// The columns of a hunt's last stored rows, and of those that were stored before them by the same version of the
    /// hunt; none where there are no such two.
    pub async fn columns_lately(
        &self,
        hunt: &HuntId,
        tenant: &TenantName,
    ) -> Result<Option<[Vec<String>; 2]>, StoreError> {
        let mut read = self.read().await?;
        let query = sqlx::query_as(COLUMNS_LATELY).bind(hunt.as_str()).bind(tenant.as_str());
        let rows: Result<Vec<(String, i64)>, _> = query.fetch_all(&mut *read).await;
        self.told(rows.map_err(Fault::from).and_then(|rows| match &rows[..] {
            [(now, version), (before, other)] if version == other && now != before => {
                Ok(Some([column_names(before)?, column_names(now)?]))
            }
            _ => Ok(None),
        }))
    }

    /// Hunts that began before then and never found anything.
    pub async fn never_fired(&self, since: Timestamp) -> Result<Vec<HuntId>, StoreError> {
        let mut read = self.read().await?;
        let rows: Result<Vec<String>, _> =
            sqlx::query_scalar(NEVER_FIRED).bind(since.nanos()).fetch_all(&mut *read).await;
        let of = |hunt: String| HuntId::new(hunt).map_err(name_fault);
        self.told(rows.map_err(Fault::from).and_then(|rows| rows.into_iter().map(of).collect()))
    }

    /// The causes that are there, by key.
    pub async fn troubles(&self) -> Result<Vec<OpenTrouble>, StoreError> {
        let mut read = self.read().await?;
        self.told(open(&mut read).await)
    }

    /// Keeps which causes are there, plans what is told of them, and returns that. The decision is made on what stands
    /// in the database by now: another process may have told it.
    pub async fn note_troubles(&self, now: &[Trouble], look: Look<'_>) -> Result<Vec<Warning>, StoreError> {
        let mut read = self.read().await?;
        let before = self.told(open(&mut read).await)?;
        drop(read);
        // Most looks change nothing, and take no lock.
        if steps(&before, now, look).is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.begin().await?;
        let result = note(&mut write.conn, now, look).await;
        self.told(write.end(result).await)
    }

    /// What a delivery tells that is of no run; none where it is of one.
    pub async fn warning(&self, delivery: &DeliveryId) -> Result<Option<Warning>, StoreError> {
        let mut read = self.read().await?;
        let found: Result<Option<String>, _> =
            sqlx::query_scalar(LOAD_WARNING).bind(delivery.as_str()).fetch_optional(&mut *read).await;
        let of = |body: String| serde_json::from_str(&body).map_err(|error| bad(&error));
        self.told(found.map_err(Fault::from).and_then(|found| found.map(of).transpose()))
    }
}

/// The steps that change something.
fn steps(open: &[OpenTrouble], now: &[Trouble], look: Look<'_>) -> Vec<Step> {
    let steps = trouble::news(open, now.to_vec(), look.judged, look.failures, look.at);
    let changes = |step: &Step| step.keep.as_ref().is_none_or(|keep| !open.contains(keep));
    steps.into_iter().filter(changes).collect()
}

async fn note(conn: &mut SqliteConnection, now: &[Trouble], look: Look<'_>) -> Result<Vec<Warning>, Fault> {
    let open = open(&mut *conn).await?;
    let mut told = Vec::new();
    for Step { keep, key, tell } in steps(&open, now, look) {
        match keep {
            Some(OpenTrouble { trouble, since, told }) => {
                let body = serde_json::to_string(&trouble).map_err(|error| bad(&error))?;
                let query = sqlx::query(SET).bind(&key).bind(body).bind(since.nanos());
                query.bind(told.map(Timestamp::nanos)).execute(&mut *conn).await?;
            }
            None => {
                sqlx::query(CLOSE).bind(&key).execute(&mut *conn).await?;
            }
        }
        let Some(warning) = tell else { continue };
        for (channel, warning) in trouble::plan(&warning, look.channels) {
            add(&mut *conn, &channel, &warning).await?;
        }
        told.push(warning);
    }
    Ok(told)
}

async fn add(conn: &mut SqliteConnection, channel: &ChannelName, warning: &Warning) -> Result<(), Fault> {
    let added: Option<i64> = sqlx::query_scalar(ADD_DELIVERY)
        .bind(warning.delivery(channel).as_str())
        .bind(channel.as_str())
        .bind(warning.at.nanos())
        .bind(pack_told(&[]))
        .fetch_optional(&mut *conn)
        .await?;
    let Some(seq) = added else { return Ok(()) };
    let body = serde_json::to_string(warning).map_err(|error| bad(&error))?;
    sqlx::query(ADD_WARNING).bind(seq).bind(body).execute(conn).await?;
    Ok(())
}

async fn open(conn: &mut SqliteConnection) -> Result<Vec<OpenTrouble>, Fault> {
    let rows: Vec<(String, i64, Option<i64>)> = sqlx::query_as(OPEN).fetch_all(conn).await?;
    let of = |(body, since, told): (String, i64, Option<i64>)| {
        Ok(OpenTrouble {
            trouble: serde_json::from_str(&body).map_err(|error| bad(&error))?,
            since: Timestamp::from_nanos(since),
            told: told.map(Timestamp::from_nanos),
        })
    };
    rows.into_iter().map(of).collect()
}

async fn backlogs(conn: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Backlog>, Fault> {
    type Row = (String, i64, i64, Option<String>);
    let waiting: Vec<Row> =
        sqlx::query_as(WAITING).bind(now.minus(DELIVERY_LATE).nanos()).fetch_all(&mut *conn).await?;
    let given_up: Vec<Row> =
        sqlx::query_as(GIVEN_UP).bind(now.minus(GIVEN_UP_FOR).nanos()).fetch_all(&mut *conn).await?;
    let mut all: Vec<Backlog> = Vec::new();
    let both = waiting.into_iter().map(|row| (row, true)).chain(given_up.into_iter().map(|row| (row, false)));
    for ((channel, count, oldest, error), waits) in both {
        let (channel, oldest) = (ChannelName::new(channel).map_err(name_fault)?, Timestamp::from_nanos(oldest));
        let place = all.iter().position(|one| one.channel == channel).unwrap_or(all.len());
        if place == all.len() {
            all.push(Backlog { channel, waiting: 0, failed: 0, oldest, error: None });
        }
        let Some(one) = all.get_mut(place) else { continue };
        if waits {
            one.waiting = unsigned(count)?;
        } else {
            one.failed = unsigned(count)?;
        }
        one.oldest = one.oldest.min(oldest);
        one.error = one.error.take().or(error);
    }
    Ok(all)
}

fn bad(error: &serde_json::Error) -> Fault {
    Fault::Bad(format!("a stored cause of trouble has a fault: {error}"))
}
