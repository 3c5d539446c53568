//! The ledger of event time in the database.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::leap::FORGET_LEAP;
use super::runs::name_fault;
use super::track::Counters;
use crate::model::coverage::{CoverageNote, Fate, Stretch};
use crate::model::id::RunId;
use crate::model::time::{Timestamp, Window};
use crate::rules::coverage::Coverage;

pub(super) const LOAD_COVERAGE: &str =
    "SELECT start, stop, fate, run, why, told FROM coverage WHERE track = ?1 ORDER BY start";
pub(super) const DROP_STRETCH: &str = "DELETE FROM coverage WHERE track = ?1 AND start = ?2";
pub(super) const ADD_STRETCH: &str = "INSERT INTO coverage (track, start, stop, fate, run, why, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT (track, start) DO UPDATE SET stop = excluded.stop, fate = excluded.fate, run = excluded.run, \
     why = excluded.why, told = excluded.told";
pub(super) const SET_ORIGIN: &str = "UPDATE track SET origin = ?2 WHERE track = ?1";

pub(super) const UNCOVER: [&str; 3] = [
    "DELETE FROM coverage WHERE fate = 'covered' AND start >= ?1",
    "UPDATE coverage SET stop = ?1 WHERE fate = 'covered' AND stop > ?1",
    "UPDATE track SET origin = ?1 WHERE origin > ?1",
];

impl Store {
    /// Takes back what every track says to have covered after `after`: the clock was wrong. The leap of the clock that
    /// made it wrong is forgotten with it.
    pub async fn uncover(&self, after: Timestamp) -> Result<(), StoreError> {
        let mut write = self.begin().await?;
        let result = async {
            for statement in UNCOVER {
                sqlx::query(statement).bind(after.nanos()).execute(&mut write.conn).await?;
            }
            sqlx::query(FORGET_LEAP).execute(&mut write.conn).await?;
            Ok(())
        };
        let result = result.await;
        self.told(write.end(result).await)
    }
}

/// The ledger of a track, whose event time is owed from `origin` on.
pub(super) async fn load(
    conn: &mut SqliteConnection,
    track: i64,
    origin: Option<Timestamp>,
) -> Result<Coverage, Fault> {
    let rows = sqlx::query(LOAD_COVERAGE).bind(track).fetch_all(conn).await?;
    let stretches = rows.iter().map(stretch_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Coverage::new(origin, stretches))
}

fn stretch_of(row: &SqliteRow) -> Result<Stretch, Fault> {
    let fate: String = row.try_get("fate")?;
    let at = |column: &str| row.try_get::<i64, _>(column).map(Timestamp::from_nanos);
    Ok(Stretch {
        window: Window { from: at("start")?, to: at("stop")? },
        fate: Fate::parse(&fate).ok_or_else(|| Fault::Bad(format!("event time has the fate {fate}")))?,
        run: RunId::new(row.try_get::<String, _>("run")?).map_err(name_fault)?,
        why: row.try_get("why")?,
        told: row.try_get::<Option<String>, _>("told")?.map(RunId::new).transpose().map_err(name_fault)?,
    })
}

/// Notes down what a run says, on what stands there now: another process may have noted in between. Writes only
/// what has moved: mostly the end of one stretch.
pub(super) async fn note(
    conn: &mut SqliteConnection,
    before: &Counters,
    run: &RunId,
    notes: &[CoverageNote],
) -> Result<(), Fault> {
    if notes.is_empty() {
        return Ok(());
    }
    let (track, before) = (before.track, load(&mut *conn, before.track, before.origin).await?);
    let after = before.noted(notes, run);
    if after.origin() != before.origin() {
        let origin = after.origin().map(Timestamp::nanos);
        sqlx::query(SET_ORIGIN).bind(track).bind(origin).execute(&mut *conn).await?;
    }
    let starts = |at: Timestamp| after.stretches().iter().any(|stretch| stretch.window.from == at);
    for stretch in before.stretches().iter().filter(|stretch| !starts(stretch.window.from)) {
        sqlx::query(DROP_STRETCH).bind(track).bind(stretch.window.from.nanos()).execute(&mut *conn).await?;
    }
    for stretch in after.stretches().iter().filter(|stretch| !before.stretches().contains(stretch)) {
        sqlx::query(ADD_STRETCH)
            .bind(track)
            .bind(stretch.window.from.nanos())
            .bind(stretch.window.to.nanos())
            .bind(stretch.fate.as_str())
            .bind(stretch.run.as_str())
            .bind(stretch.why.as_deref())
            .bind(stretch.told.as_ref().map(RunId::as_str))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
