//! Steps of runs that are past their retention: laid together, without those that later ones make good, and without hits
//! that no result holds any more.
//!
//! What is known of a hit is its last step. While a run is kept, its steps are too: they say what it found. After that
//! they only say what is known, and those of a long history would be read at the start of each run. So they are put into
//! as few pieces as hold them, which belong to no run (`run` is 0) and say nothing: each hit is there, or gone. A piece
//! takes the place of the last one that is in it: what came in between from a run that is kept is of other hits, as a
//! step goes when there is a later one of its hit.
//!
//! A hit is forgotten once no run is kept whose result held it, and no threshold holds it back. Should its row come after
//! all, it is new.

use futures_util::TryStreamExt;
use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;

use crate::model::hit::{HitDelta, HitKind, Ordinal};
use crate::ports::store::commit::DELTAS_A_BLOB;
use crate::ports::store::fault::Fault;
use crate::ports::store::pack::{pack_deltas, unpack_bitmap, unpack_deltas};
use crate::ports::store::runs::json_list;
use crate::ports::store::track::held;

/// Results that are read at a time.
const RESULTS_AT_A_TIME: i64 = 64;
/// Pieces that are read in one transaction, at most.
const PIECES_AT_A_TIME: usize = 256;

/// Among the first pieces of a track: those that are laid, and those whose run is past its retention. It is these that
/// go first, and the others need not be counted each hour.
pub(in crate::ports::store) const PAST: &str = "SELECT count(*) FILTER (WHERE run = 0), \
     count(*) FILTER (WHERE run > 0 AND NOT EXISTS (SELECT 1 FROM run WHERE run.seq = piece.run)) \
     FROM (SELECT run FROM delta WHERE track = ?1 ORDER BY delta LIMIT 2048) AS piece";
pub(in crate::ports::store) const RESULTS_SINCE: &str = "SELECT seq, members FROM run \
     WHERE track = ?1 AND seq > ?2 AND members IS NOT NULL ORDER BY seq LIMIT ?3";
pub(in crate::ports::store) const PIECES_BACK: &str = "SELECT delta, run, started, next_ordinal, packed, \
     EXISTS (SELECT 1 FROM run WHERE run.seq = delta.run) FROM delta WHERE track = ?1 AND delta < ?2 ORDER BY delta DESC";
pub(in crate::ports::store) const DROP_PIECES: &str =
    "DELETE FROM delta WHERE delta IN (SELECT value FROM json_each(?1))";
pub(in crate::ports::store) const ADD_PIECE: &str = "INSERT INTO delta (delta, track, run, started, next_ordinal, \
     has_gone, packed) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)";
/// When hits were first seen, which the steps have said.
pub(in crate::ports::store) const ADD_SHARE: &str = "INSERT INTO share (track, next_ordinal, started) VALUES (?1, ?2, ?3) \
     ON CONFLICT (track, next_ordinal) DO UPDATE SET started = min(started, excluded.started)";
pub(in crate::ports::store) const DROP_SHARES: &str = "DELETE FROM share WHERE track = ?1 AND next_ordinal <= ?2";
/// Where a hit is forgotten, a run that is under way compared with it: it is made again.
pub(in crate::ports::store) const LAY_BELOW: &str =
    "UPDATE track SET generation = generation + ?3, laid_ordinal = max(laid_ordinal, ?2) WHERE track = ?1";
pub(in crate::ports::store) const FORGET_BELOW: &str =
    "UPDATE track SET first_ordinal = min(?2, next_ordinal) WHERE track = ?1";

/// Steps of a track that are being laid together, from the last to the first.
#[derive(Debug)]
pub(super) struct Laying {
    track: i64,
    /// Hits that aren't forgotten; none where all are kept.
    wanted: Option<RoaringBitmap>,
    /// The last run whose result is in `wanted`.
    seen: i64,
    /// Hits of which a later step was met.
    later: RoaringBitmap,
    /// The first hit that a kept run moved.
    first: Option<Ordinal>,
    /// Pieces from here on are done.
    below: i64,
}

/// A piece as it stands.
struct Piece {
    delta: i64,
    run: i64,
    started: i64,
    next: i64,
    /// How many steps it has.
    length: usize,
    /// Those that no later one makes good.
    steps: Vec<HitDelta>,
}

impl Laying {
    /// Looks whether a track has so much of the past that laying it together is worth reading it; `forgets`: hits that no
    /// kept result holds go.
    pub(super) async fn of(
        conn: &mut SqliteConnection,
        track: i64,
        least: i64,
        forgets: bool,
    ) -> Result<Option<Self>, Fault> {
        let (laid, loose): (i64, i64) = sqlx::query_as(PAST).bind(track).fetch_one(&mut *conn).await?;
        // As much again as is laid: so no piece is read more than a few times.
        if loose < least.max(laid) {
            return Ok(None);
        }
        let wanted = forgets.then(RoaringBitmap::new);
        let mut laying = Self { track, wanted, seen: 0, later: RoaringBitmap::new(), first: None, below: i64::MAX };
        laying.want(conn).await?;
        Ok(Some(laying))
    }

    /// Wants what newer results hold, and what is held back by now.
    async fn want(&mut self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        let Some(wanted) = &mut self.wanted else { return Ok(()) };
        loop {
            let results: Vec<(i64, Vec<u8>)> = sqlx::query_as(RESULTS_SINCE)
                .bind(self.track)
                .bind(self.seen)
                .bind(RESULTS_AT_A_TIME)
                .fetch_all(&mut *conn)
                .await?;
            let Some((last, _)) = results.last() else { break };
            self.seen = *last;
            for (_, members) in &results {
                *wanted |= unpack_bitmap(members)?;
            }
        }
        *wanted |= held(conn, self.track).await?;
        Ok(())
    }

    /// Lays the next pieces together, inside the caller's write. False once all are done.
    pub(super) async fn step(&mut self, conn: &mut SqliteConnection) -> Result<bool, Fault> {
        self.want(conn).await?;
        let is_end_of_all = self.below == i64::MAX;
        let before = self.below;
        let pieces = self.next(conn).await?;
        let (Some(first), Some(last)) = (pieces.last(), pieces.first()) else {
            let goes_on = self.below < before;
            if !goes_on {
                self.forget(conn).await?;
            }
            return Ok(goes_on);
        };
        let is_laid = pieces.len() == 1 && first.run == 0;
        let all: usize = pieces.iter().map(|piece| piece.length).sum();
        let (mut kept, mut forgets): (Vec<HitDelta>, bool) = (Vec::new(), false);
        for step in pieces.iter().flat_map(|piece| &piece.steps) {
            if self.wanted.as_ref().is_none_or(|wanted| wanted.contains(step.ordinal)) {
                kept.push(HitDelta { kind: step.kind.filter(|kind| *kind == HitKind::Gone), ..step.clone() });
            } else {
                forgets = true;
            }
        }
        if is_laid && kept.len() == all {
            return Ok(true);
        }
        let lay = sqlx::query(LAY_BELOW).bind(self.track).bind(last.next).bind(i64::from(forgets));
        lay.execute(&mut *conn).await?;
        let numbers: Vec<i64> = pieces.iter().map(|piece| piece.delta).collect();
        sqlx::query(DROP_PIECES).bind(json_list(&numbers)).execute(&mut *conn).await?;
        // The last of all says how many hits there were, and stays for that.
        if !kept.is_empty() || is_end_of_all {
            kept.sort_unstable_by_key(|step| step.ordinal);
            sqlx::query(ADD_PIECE)
                .bind(last.delta)
                .bind(self.track)
                .bind(last.started)
                .bind(last.next)
                .bind(kept.iter().any(|step| step.kind == Some(HitKind::Gone)))
                .bind(pack_deltas(kept.iter().map(HitDelta::step)))
                .execute(&mut *conn)
                .await?;
        }
        self.share(conn, &pieces).await?;
        Ok(true)
    }

    /// From the last piece that isn't done back: as many of the past as one may hold. Those of kept runs are passed.
    async fn next(&mut self, conn: &mut SqliteConnection) -> Result<Vec<Piece>, Fault> {
        let (mut pieces, mut length): (Vec<Piece>, usize) = (Vec::new(), 0);
        let mut rows = sqlx::query_as::<_, (i64, i64, i64, i64, Vec<u8>, bool)>(PIECES_BACK)
            .bind(self.track)
            .bind(self.below)
            .fetch(conn);
        let mut passed = 0;
        while let Some((delta, run, started, next, packed, is_kept)) = rows.try_next().await? {
            let mut steps = Vec::new();
            unpack_deltas(&packed, |step| steps.push(HitDelta::from(step)))?;
            passed += 1;
            let of_piece = steps.len();
            if is_kept {
                self.later.extend(steps.iter().map(|step| step.ordinal));
                self.first = self.first.into_iter().chain(steps.iter().map(|step| step.ordinal).min()).min();
            } else if length > 0 && length + of_piece > DELTAS_A_BLOB {
                break;
            } else {
                length += of_piece;
                steps.retain(|step| self.later.insert(step.ordinal));
                pieces.push(Piece { delta, run, started, next, length: of_piece, steps });
            }
            self.below = delta;
            if passed >= PIECES_AT_A_TIME {
                break;
            }
        }
        Ok(pieces)
    }

    /// Keeps when the hits of these pieces were first seen.
    async fn share(&self, conn: &mut SqliteConnection, pieces: &[Piece]) -> Result<(), Fault> {
        for piece in pieces.iter().filter(|piece| piece.run != 0) {
            let add = sqlx::query(ADD_SHARE).bind(self.track).bind(piece.next);
            add.bind(piece.started).execute(&mut *conn).await?;
        }
        Ok(())
    }

    /// Says from which hit on some may be known.
    async fn forget(&self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        let Some(wanted) = &self.wanted else { return Ok(()) };
        let first = wanted.min().into_iter().chain(self.first).min().map_or(i64::MAX, i64::from);
        sqlx::query(DROP_SHARES).bind(self.track).bind(first).execute(&mut *conn).await?;
        sqlx::query(FORGET_BELOW).bind(self.track).bind(first).execute(conn).await?;
        Ok(())
    }
}
