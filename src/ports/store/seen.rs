//! When hits were first and last seen.

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;

use super::fault::{Fault, unsigned};
use super::pack::unpack_bitmap;
use crate::model::hit::Ordinal;
use crate::model::time::Timestamp;

/// Answered by the index alone.
pub(super) const FIRST_SEEN: &str =
    "SELECT next_ordinal, started FROM delta WHERE track = ?1 AND run > 0 ORDER BY delta";
/// Of runs whose steps are laid together.
pub(super) const FIRST_SEEN_BEFORE: &str =
    "SELECT next_ordinal, started FROM share WHERE track = ?1 ORDER BY next_ordinal";
pub(super) const MEMBERS: &str = "SELECT seq, started, members FROM run \
     WHERE track = ?1 AND seq < ?2 AND members IS NOT NULL ORDER BY seq DESC LIMIT 64";

/// When each hit of a track was first seen. Ordinals are given in that order, so the end of each
/// run's share says it for all.
#[derive(Debug)]
pub(super) struct FirstSeen {
    /// The ordinal after the run's last one, and the run's start; both go up.
    shares: Vec<(u64, Timestamp)>,
}

impl FirstSeen {
    pub(super) async fn load(conn: &mut SqliteConnection, track: i64) -> Result<Self, Fault> {
        let mut rows: Vec<(i64, i64)> = sqlx::query_as(FIRST_SEEN_BEFORE).bind(track).fetch_all(&mut *conn).await?;
        rows.extend(sqlx::query_as::<_, (i64, i64)>(FIRST_SEEN).bind(track).fetch_all(conn).await?);
        // Runs that are kept may lie between those that aren't.
        rows.sort_unstable();
        let share = |(next, started)| Ok((unsigned(next)?, Timestamp::from_nanos(started)));
        Ok(Self { shares: rows.into_iter().map(share).collect::<Result<_, Fault>>()? })
    }

    pub(super) fn of(&self, ordinal: Ordinal) -> Option<Timestamp> {
        let at = self.shares.partition_point(|(next, _)| *next <= u64::from(ordinal));
        self.shares.get(at).map(|(_, started)| *started)
    }
}

/// When each hit of a track was last in a result: read from the newest run back, and only as far
/// as is asked for.
#[derive(Debug)]
pub(super) struct LastSeen {
    track: i64,
    /// Runs below this `seq` are still unread.
    below: i64,
    resolved: RoaringBitmap,
    /// When a run began, and the hits that it was the last to hold: newest first. Hits are mostly seen last by one of a
    /// few runs, so that looking through these is quick, and a hundred thousand of them take little memory.
    seen: Vec<(Timestamp, RoaringBitmap)>,
}

impl LastSeen {
    /// As of the runs with a `seq` below `below`.
    pub(super) fn new(track: i64, below: i64) -> Self {
        Self { track, below, resolved: RoaringBitmap::new(), seen: Vec::new() }
    }

    /// Reads on until all of `wanted` are found, or no run is left.
    pub(super) async fn resolve(&mut self, conn: &mut SqliteConnection, wanted: &RoaringBitmap) -> Result<(), Fault> {
        while !wanted.is_subset(&self.resolved) {
            let runs: Vec<(i64, i64, Vec<u8>)> =
                sqlx::query_as(MEMBERS).bind(self.track).bind(self.below).fetch_all(&mut *conn).await?;
            if runs.is_empty() {
                break;
            }
            for (seq, started, members) in runs {
                let fresh = unpack_bitmap(&members)? - &self.resolved;
                self.resolved |= &fresh;
                if !fresh.is_empty() {
                    self.seen.push((Timestamp::from_nanos(started), fresh));
                }
                self.below = seq;
            }
        }
        Ok(())
    }

    pub(super) fn of(&self, ordinal: Ordinal) -> Option<Timestamp> {
        self.seen.iter().find(|(_, hits)| hits.contains(ordinal)).map(|(at, _)| *at)
    }
}
