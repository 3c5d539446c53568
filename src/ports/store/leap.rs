//! The last leap of the wall clock.

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use crate::model::time::Timestamp;
use crate::rules::schedule::Leap;
use std::time::Duration;

pub(super) const NOTE_LEAP: &str = "INSERT INTO leap (one, since, nanos) VALUES (1, ?1, ?2) \
     ON CONFLICT (one) DO UPDATE SET since = excluded.since, nanos = excluded.nanos";
pub(super) const LOAD_LEAP: &str = "SELECT since, nanos FROM leap WHERE one = 1";
pub(super) const FORGET_LEAP: &str = "DELETE FROM leap WHERE one = 1";

impl Store {
    /// The last leap of the wall clock forward, where nothing was taken back since ([`Store::uncover`]).
    pub async fn leap(&self) -> Result<Option<Leap>, StoreError> {
        let mut read = self.read().await?;
        let row = sqlx::query_as::<_, (i64, i64)>(LOAD_LEAP).fetch_optional(&mut *read).await;
        let leap = row.map_err(Fault::from).and_then(|row| {
            row.map(|(since, nanos)| {
                Ok(Leap { before: Timestamp::from_nanos(since), by: Duration::from_nanos(unsigned(nanos)?) })
            })
            .transpose()
        });
        self.told(leap)
    }

    /// Notes down a leap, in place of the one before.
    pub async fn note_leap(&self, leap: &Leap) -> Result<(), StoreError> {
        let nanos = i64::try_from(leap.by.as_nanos()).unwrap_or(i64::MAX);
        let mut write = self.begin().await?;
        let note = sqlx::query(NOTE_LEAP).bind(leap.before.nanos()).bind(nanos).execute(&mut write.conn).await;
        self.told(write.end(note.map(drop).map_err(Fault::from)).await)
    }
}
