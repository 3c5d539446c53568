//! The hunts that stood at the last load.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnection;

use super::commit::{ADD_VERSION, FIND_VERSION};
use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::runs::name_fault;
use crate::model::id::HuntId;
use crate::model::standing::{Broken, Standing, StandingVersion};

pub(super) const AFTER: &str = "SELECT standing.hunt, file, hash, commit_id, fault FROM standing JOIN hunt_version USING (version) \
     WHERE standing.hunt > ?1 ORDER BY standing.hunt LIMIT ?2";
pub(super) const PUT: &str = "INSERT INTO standing (hunt, file, version, commit_id, fault) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (hunt) DO UPDATE SET file = excluded.file, version = excluded.version, \
     commit_id = excluded.commit_id, fault = excluded.fault";
pub(super) const DROP: &str = "DELETE FROM standing WHERE hunt = ?1";

impl Store {
    /// The hunts that stood at the last load, by id.
    pub async fn standing(&self) -> Result<Vec<Standing>, StoreError> {
        self.standing_after(None, usize::MAX).await
    }

    /// The hunts that stood at the last load and come after one, by id, at most so many.
    pub async fn standing_after(&self, after: Option<&HuntId>, most: usize) -> Result<Vec<Standing>, StoreError> {
        let mut read = self.read().await?;
        let query = sqlx::query_as(AFTER).bind(after.map_or("", HuntId::as_str));
        let rows: Result<Vec<Row>, _> = query.bind(i64::try_from(most).unwrap_or(i64::MAX)).fetch_all(&mut *read).await;
        let rows = self.told(rows.map_err(Fault::from))?;
        self.told(rows.into_iter().map(standing_of).collect())
    }

    /// Keeps how hunts stand from now on: those of `put`, and no longer those of `gone`. All of them or none.
    pub async fn stand(&self, put: &[StandingVersion], gone: &[HuntId]) -> Result<(), StoreError> {
        if put.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let mut write = self.begin().await?;
        let result = stand(&mut write.conn, put, gone).await;
        self.told(write.end(result).await)
    }
}

type Row = (String, String, String, Option<String>, Option<String>);

fn standing_of((hunt, file, version, commit, fault): Row) -> Result<Standing, Fault> {
    let broken = fault.map(|fault| serde_json::from_str::<Broken>(&fault)).transpose();
    Ok(Standing {
        hunt: HuntId::new(hunt).map_err(name_fault)?,
        file: PathBuf::from(file),
        version,
        commit,
        broken: broken.map_err(|error| Fault::Bad(format!("a stored fault of a hunt can't be read: {error}")))?,
    })
}

async fn stand(conn: &mut SqliteConnection, put: &[StandingVersion], gone: &[HuntId]) -> Result<(), Fault> {
    for one in put {
        let Standing { hunt, file, version, commit, broken } = &one.standing;
        let found: Option<i64> =
            sqlx::query_scalar(FIND_VERSION).bind(hunt.as_str()).bind(version).fetch_optional(&mut *conn).await?;
        let json = |error: serde_json::Error| Fault::Bad(format!("a hunt can't be written as JSON: {error}"));
        let version: i64 = if let Some(version) = found {
            version
        } else {
            let notice = serde_json::to_string(&one.notice).map_err(json)?;
            let add = sqlx::query_scalar(ADD_VERSION).bind(hunt.as_str()).bind(version);
            add.bind(&one.definition).bind(notice).fetch_one(&mut *conn).await?
        };
        let fault = broken.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        // A name that isn't UTF-8 stands for itself well enough: it is compared with itself.
        let file = file.to_string_lossy();
        let query = sqlx::query(PUT).bind(hunt.as_str()).bind(file.as_ref()).bind(version);
        query.bind(commit.as_deref()).bind(fault).execute(&mut *conn).await?;
    }
    for hunt in gone {
        sqlx::query(DROP).bind(hunt.as_str()).execute(&mut *conn).await?;
    }
    Ok(())
}
