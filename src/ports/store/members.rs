//! What a run's result held: for comparing any two runs, and for showing one.

use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use super::pack::unpack_bitmap;
use super::rows::rows_as_of;
use crate::model::hit::Ordinal;
use crate::model::id::{HitId, HuntId, RunId};

pub(super) const FIND_RUN: &str = "SELECT seq, track, members FROM run WHERE run = ?1";
pub(super) const DEFINITION: &str = "SELECT definition FROM hunt_version WHERE hunt = ?1 AND hash = ?2";

impl Store {
    /// The hits that a run's result held; `None` for an unknown and for a failed run, which has no
    /// result. Two runs of one hunt on one tenant are compared by these sets.
    pub async fn members(&self, run: &RunId) -> Result<Option<RoaringBitmap>, StoreError> {
        let mut read = self.read().await?;
        let members = self.told(find(&mut read, run).await)?.and_then(|(.., members)| members);
        self.told(members.map(|members| unpack_bitmap(&members)).transpose())
    }

    /// The rows that `wanted` had in `run`'s result, as far as they are still stored: by ordinal, and
    /// several where several rows bore one key.
    pub async fn rows_as_of(
        &self,
        run: &RunId,
        wanted: &RoaringBitmap,
    ) -> Result<Vec<(Ordinal, HitId, Box<RawValue>)>, StoreError> {
        let mut read = self.read().await?;
        let Some((seq, track, _)) = self.told(find(&mut read, run).await)? else {
            return Ok(Vec::new());
        };
        let rows = self.told(rows_as_of(&mut read, (track, seq), wanted).await)?;
        let mut rows: Vec<_> =
            rows.into_values().flatten().map(|row| (row.record.ordinal, row.hit, row.text)).collect();
        // Stable, so that rows of one hit stay in their order.
        rows.sort_by_key(|(ordinal, ..)| *ordinal);
        Ok(rows)
    }

    /// The definition that runs of `hunt` with this `hunt_version` ran, as YAML.
    pub async fn definition(&self, hunt: &HuntId, version: &str) -> Result<Option<String>, StoreError> {
        let mut read = self.read().await?;
        let found = sqlx::query_scalar(DEFINITION).bind(hunt.as_str()).bind(version).fetch_optional(&mut *read).await;
        self.told(found.map_err(Fault::from))
    }
}

/// A run's `seq`, its track, and its members packed.
type Found = (i64, i64, Option<Vec<u8>>);

async fn find(conn: &mut SqliteConnection, run: &RunId) -> Result<Option<Found>, Fault> {
    Ok(sqlx::query_as(FIND_RUN).bind(run.as_str()).fetch_optional(conn).await?)
}
