//! How late rows arrive, table by table.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteConnection;

use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, signed, unsigned};
use crate::model::id::TenantName;
use crate::model::lateness::Lateness;

pub(super) const ADD_LATENESS: &str = "INSERT INTO lateness (tenant, table_name, bucket, rows) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (tenant, table_name, bucket) DO UPDATE SET rows = rows + excluded.rows";
pub(super) const LOAD_LATENESS: &str =
    "SELECT table_name, bucket, rows FROM lateness WHERE tenant = ?1 ORDER BY table_name, bucket";

impl Store {
    /// How late the rows of each table arrived on `tenant`, by the names of the tables that were measured.
    pub async fn lateness(&self, tenant: &TenantName) -> Result<BTreeMap<String, Lateness>, StoreError> {
        let mut read = self.read().await?;
        self.told(load(&mut read, tenant).await)
    }
}

async fn load(conn: &mut SqliteConnection, tenant: &TenantName) -> Result<BTreeMap<String, Lateness>, Fault> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(LOAD_LATENESS).bind(tenant.as_str()).fetch_all(conn).await?;
    let mut all: BTreeMap<String, Lateness> = BTreeMap::new();
    for (table, bucket, rows) in rows {
        let mut counts = [0; Lateness::BUCKETS];
        let place = usize::try_from(bucket).ok().and_then(|bucket| counts.get_mut(bucket));
        *place.ok_or_else(|| Fault::Bad(format!("lateness has the bucket {bucket}")))? = unsigned(rows)?;
        all.entry(table).or_default().add(&Lateness::from_counts(counts));
    }
    Ok(all)
}

/// Adds what a run measured.
pub(super) async fn note(
    conn: &mut SqliteConnection,
    tenant: &TenantName,
    table: &str,
    lateness: &Lateness,
) -> Result<(), Fault> {
    for (bucket, count) in (0_i64..).zip(lateness.counts()).filter(|(_, count)| **count > 0) {
        let add = sqlx::query(ADD_LATENESS).bind(tenant.as_str()).bind(table).bind(bucket).bind(signed(*count));
        add.execute(&mut *conn).await?;
    }
    Ok(())
}
