//! Which stored rows hold a text: by the sieves of their blocks.
//!
//! A sieve lies beside its block until there are [`GROUP`] of one length. Those then lie together, turned: the first lane
//! of each, then the second of each. A question asks one lane of each sieve, and so reads one BLOB of a group, not all of
//! it: over ten million hits some forty.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;

use super::columns::Known;
use super::fault::{Fault, signed};
use super::pack::unpack_records;
use super::rows::unpack_block;
use crate::rules::sieve::{LANE, Probe};

/// Sieves in a group.
const GROUP: usize = 256;
/// Lanes in a group at most, by the numbers of their BLOBs: a block's texts need far fewer.
const MOST_LANES: i64 = 1 << 24;

pub(super) const ADD_SIEVE: &str = "INSERT INTO block_sieve (block, lanes, bits) VALUES (?1, ?2, ?3)";
pub(super) const FULL_LENGTHS: &str = "SELECT lanes FROM block_sieve GROUP BY lanes HAVING count(*) >= ?1";
pub(super) const OF_LENGTH: &str = "SELECT block, bits FROM block_sieve WHERE lanes = ?1 ORDER BY block LIMIT ?2";
pub(super) const DROP_SIEVES: &str = "DELETE FROM block_sieve WHERE block IN (SELECT value FROM json_each(?1))";
pub(super) const ADD_GROUP: &str = "INSERT INTO sieve_group (lanes, blocks) VALUES (?1, ?2) RETURNING sieve_group";
pub(super) const ADD_LANE: &str = "INSERT INTO sieve_lane (lane, bits) VALUES (?1, ?2)";
/// All that lie beside their blocks: fewer than a group of each length.
pub(super) const LOOSE: &str = "SELECT block, bits FROM block_sieve ORDER BY block";
/// A few bytes for a quarter of a million rows.
pub(super) const GROUPS: &str = "SELECT sieve_group, lanes, blocks FROM sieve_group ORDER BY sieve_group";
pub(super) const ONE_LANE: &str = "SELECT bits FROM sieve_lane WHERE lane = ?1";
pub(super) const RUN_OF: &str = "SELECT run FROM block WHERE block = ?1";
pub(super) const BLOCK: &str = "SELECT schema, records, body FROM block WHERE block = ?1";
pub(super) const DROP_LANES: &str = "DELETE FROM sieve_lane WHERE lane >= ?1 AND lane < ?2";
pub(super) const DROP_GROUP: &str = "DELETE FROM sieve_group WHERE sieve_group = ?1";
pub(super) const IS_THERE: &str =
    "SELECT EXISTS (SELECT 1 FROM block WHERE block IN (SELECT value FROM json_each(?1)))";

/// Keeps the sieve of a block.
pub(super) async fn add(conn: &mut SqliteConnection, block: i64, sieve: &[u8]) -> Result<(), Fault> {
    if !sieve.is_empty() {
        let lanes = signed((sieve.len() / LANE) as u64);
        sqlx::query(ADD_SIEVE).bind(block).bind(lanes).bind(sieve).execute(conn).await?;
    }
    Ok(())
}

/// Lays sieves together, where there are enough of one length.
pub(super) async fn lay_together(conn: &mut SqliteConnection) -> Result<(), Fault> {
    let most = signed(GROUP as u64);
    loop {
        let full: Vec<i64> = sqlx::query_scalar(FULL_LENGTHS).bind(most).fetch_all(&mut *conn).await?;
        if full.is_empty() {
            return Ok(());
        }
        for lanes in full {
            let sieves: Vec<(i64, Vec<u8>)> =
                sqlx::query_as(OF_LENGTH).bind(lanes).bind(most).fetch_all(&mut *conn).await?;
            let blocks: Vec<u8> = sieves.iter().flat_map(|(block, _)| block.to_le_bytes()).collect();
            let group: i64 = sqlx::query_scalar(ADD_GROUP).bind(lanes).bind(blocks).fetch_one(&mut *conn).await?;
            for lane in 0..lanes {
                let start = usize::try_from(lane).unwrap_or(0) * LANE;
                let of = |sieve: &(i64, Vec<u8>)| sieve.1.get(start..start + LANE).unwrap_or(&[0; LANE]).to_vec();
                let bits: Vec<u8> = sieves.iter().flat_map(of).collect();
                sqlx::query(ADD_LANE).bind(place(group, lane)).bind(bits).execute(&mut *conn).await?;
            }
            let list = super::runs::json_list(&sieves.iter().map(|(block, _)| *block).collect::<Vec<_>>());
            sqlx::query(DROP_SIEVES).bind(list).execute(&mut *conn).await?;
        }
    }
}

/// Takes groups away of which no block is left.
pub(super) async fn drop_empty_groups(conn: &mut SqliteConnection) -> Result<(), Fault> {
    let groups: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(GROUPS).fetch_all(&mut *conn).await?;
    for (group, _, blocks) in groups {
        let list = super::runs::json_list(&blocks_of(&blocks));
        let is_there: bool = sqlx::query_scalar(IS_THERE).bind(list).fetch_one(&mut *conn).await?;
        if !is_there {
            sqlx::query(DROP_LANES).bind(place(group, 0)).bind(place(group + 1, 0)).execute(&mut *conn).await?;
            sqlx::query(DROP_GROUP).bind(group).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

/// The blocks that may hold the text, by the run that stored them.
pub(super) async fn blocks(conn: &mut SqliteConnection, probe: &Probe) -> Result<BTreeMap<i64, Vec<i64>>, Fault> {
    let mut found: Vec<i64> = Vec::new();
    let groups: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(GROUPS).fetch_all(&mut *conn).await?;
    for (group, lanes, blocks) in groups {
        let lane = probe.lane(usize::try_from(lanes).unwrap_or(0));
        let lane = place(group, signed(lane as u64));
        let bits: Option<Vec<u8>> = sqlx::query_scalar(ONE_LANE).bind(lane).fetch_optional(&mut *conn).await?;
        let bits = bits.ok_or_else(|| Fault::Bad("a group of sieves lacks a lane".to_owned()))?;
        let may_hold = bits.chunks(LANE).map(|lane| probe.may_be_in_lane(lane));
        found.extend(blocks_of(&blocks).into_iter().zip(may_hold).filter(|(_, may)| *may).map(|(block, _)| block));
    }
    let loose: Vec<(i64, Vec<u8>)> = sqlx::query_as(LOOSE).fetch_all(&mut *conn).await?;
    found.extend(loose.iter().filter(|(_, bits)| probe.may_be_in(bits)).map(|(block, _)| *block));
    let mut by_run: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for block in found {
        // One that isn't there any more is past its retention.
        if let Some(run) = sqlx::query_scalar(RUN_OF).bind(block).fetch_optional(&mut *conn).await? {
            by_run.entry(run).or_default().push(block);
        }
    }
    Ok(by_run)
}

/// The hits of which a row in these blocks holds the text.
pub(super) async fn hits(
    conn: &mut SqliteConnection,
    blocks: &[i64],
    probe: &Probe,
    schemas: &mut Known,
) -> Result<RoaringBitmap, Fault> {
    let mut hits = RoaringBitmap::new();
    for block in blocks {
        let (schema, records, body): (i64, Vec<u8>, Vec<u8>) =
            sqlx::query_as(BLOCK).bind(block).fetch_one(&mut *conn).await?;
        let (schema, records) = (schemas.schema(&mut *conn, schema).await?, unpack_records(&records)?);
        let rows = unpack_block(&schema, records.len(), &body)?;
        hits.extend(
            probe
                .rows(&schema, records.len(), |row, column| rows.value(row, column))
                .into_iter()
                .filter_map(|row| records.get(row))
                .map(|record| record.ordinal),
        );
    }
    Ok(hits)
}

/// The number of a lane's BLOB.
fn place(group: i64, lane: i64) -> i64 {
    group * MOST_LANES + lane
}

fn blocks_of(packed: &[u8]) -> Vec<i64> {
    packed.as_chunks::<8>().0.iter().map(|block| i64::from_le_bytes(*block)).collect()
}
