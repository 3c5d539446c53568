//! From where on hunts are served, of many at once: a start asks for all of them.

use sqlx::sqlite::SqliteConnection;

use super::database::Store;
use super::error::StoreError;
use super::fault::Fault;
use crate::model::id::{HuntId, TenantName};
use crate::model::time::Timestamp;

/// From where on a hunt is served on a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The latest tick that was served, else the moment when it was first asked for.
    pub from: Timestamp,
    /// Whether any event time is owed: none is before the first run, and so none can be missing.
    pub owes: bool,
}

/// So many pairs go into one statement.
const AT_ONCE: usize = 1000;

/// Pairs as a JSON array of arrays.
pub(super) const SERVED_FROM: &str = "SELECT track.last_due, track.origin IS NOT NULL FROM json_each(?1) AS pair \
     LEFT JOIN track ON track.hunt = pair.value ->> 0 AND track.tenant = pair.value ->> 1 ORDER BY pair.key";
/// Of one: for each of many rows SQLite would look for children without a parent, in tables that have no index for it.
pub(super) const BEGIN_AT: &str = "INSERT INTO track (hunt, tenant, last_due) VALUES (?1, ?2, ?3) \
     ON CONFLICT (hunt, tenant) DO UPDATE SET last_due = excluded.last_due WHERE last_due IS NULL";

impl Store {
    /// From which tick on each hunt is served on its tenant, in the order of `pairs`. The moment when one was first
    /// asked for is kept, so that a tick in a later downtime is missed and not unknown.
    pub async fn served_from_each(
        &self,
        pairs: &[(&HuntId, &TenantName)],
        now: Timestamp,
    ) -> Result<Vec<Served>, StoreError> {
        let mut read = self.read().await?;
        let known = self.told(look(&mut read, pairs).await)?;
        drop(read);
        if let Some(all) = known.iter().copied().collect() {
            return Ok(all);
        }
        let unknown: Vec<_> =
            known.iter().zip(pairs).filter(|(known, _)| known.is_none()).map(|(_, pair)| *pair).collect();
        let mut write = self.begin().await?;
        let result = begin_at(&mut write.conn, &unknown, now).await;
        let made = self.told(write.end(result).await)?;
        let mut made = made.into_iter();
        Ok(known.into_iter().filter_map(|known| known.or_else(|| made.next())).collect())
    }
}

/// None for one that was never asked for.
async fn look(conn: &mut SqliteConnection, pairs: &[(&HuntId, &TenantName)]) -> Result<Vec<Option<Served>>, Fault> {
    let mut all = Vec::with_capacity(pairs.len());
    for some in pairs.chunks(AT_ONCE) {
        let rows: Vec<(Option<i64>, bool)> = sqlx::query_as(SERVED_FROM).bind(json(some)).fetch_all(&mut *conn).await?;
        all.extend(rows.into_iter().map(|(last, owes)| {
            let from = Timestamp::from_nanos(last?);
            Some(Served { from, owes })
        }));
    }
    Ok(all)
}

async fn begin_at(
    conn: &mut SqliteConnection,
    pairs: &[(&HuntId, &TenantName)],
    now: Timestamp,
) -> Result<Vec<Served>, Fault> {
    for (hunt, tenant) in pairs {
        let begin = sqlx::query(BEGIN_AT).bind(hunt.as_str()).bind(tenant.as_str());
        begin.bind(now.nanos()).execute(&mut *conn).await?;
    }
    let known = look(conn, pairs).await?.into_iter().collect::<Option<_>>();
    known.ok_or(Fault::Misuse("a track isn't there right after it was made"))
}

fn json(pairs: &[(&HuntId, &TenantName)]) -> String {
    let pairs = pairs.iter().map(|(hunt, tenant)| serde_json::json!([hunt.as_str(), tenant.as_str()]));
    serde_json::Value::Array(pairs.collect()).to_string()
}
