//! The hits of a notice, put aside in a form in which they can be read in the order in which they are told.
//!
//! Rows stand in blocks in the order of the results that brought them, and are told in another: to read a block for
//! each few hits would read each block many times. So each block is read once, and its rows go into a file beside the
//! database, without a name; of each hit it is known where its rows are. A few rows stay in memory.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::fault::Fault;
use super::pack::unpack_deltas;
use super::rows::{StoredRow, each_last_row, no_row, rows_of_run};
use super::seen::{FirstSeen, LastSeen};
use super::track::LOAD_DELTAS;
use crate::model::hit::{Aside, Hit, HitKind, Ordinal};
use crate::model::id::HitId;
use crate::model::run::Run;
use crate::model::severity::Severity;
use crate::model::told::{Told, ToldHits};

/// So many bytes of rows are in memory before they are put aside, and so many are given at a time, but for the last row.
const PIECE: usize = 1024 * 1024;
/// So many hits are given at a time at most.
const MOST: usize = 1_000;
/// The bytes of a hit's id, which stands before its row.
const ID: usize = 20;

/// What says the hits.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) run: &'a Run,
    pub(super) severity: Severity,
    pub(super) track: i64,
    pub(super) seq: i64,
}

/// All that `told` names, in its order, each hit with its rows.
pub(super) async fn gather(
    conn: &mut SqliteConnection,
    said: &Said<'_>,
    told: &[(Ordinal, HitKind)],
    aside: Arc<dyn Aside>,
) -> Result<Told, Fault> {
    let wanted: RoaringBitmap = told.iter().map(|(ordinal, _)| *ordinal).collect();
    if wanted.is_empty() {
        return Ok(Vec::new().into());
    }
    let mut spool = Spool { aside, put: 0, rest: Vec::new() };
    let places = put_aside(&mut *conn, said, &wanted, &mut spool).await?;
    let first = FirstSeen::load(&mut *conn, said.track).await?;
    let mut last = LastSeen::new(said.track, said.seq.saturating_add(1));
    last.resolve(conn, &wanted).await?;
    let mut rows = Vec::with_capacity(places.len());
    for (ordinal, kind) in told {
        let from = places.partition_point(|place| place.ordinal < *ordinal);
        let own = places.iter().skip(from).take_while(|place| place.ordinal == *ordinal);
        let own = own.map(|place| Row { place: *place, kind: *kind });
        // Of one that is gone the last of its rows.
        if *kind == HitKind::Gone { rows.extend(own.last()) } else { rows.extend(own) }
    }
    rows.shrink_to_fit();
    let run = said.run;
    let like = Hit {
        hit: HitId([0; ID]),
        hunt: run.hunt.to_string(),
        tenant: run.tenant.to_string(),
        kind: HitKind::New,
        run: run.run.to_string(),
        first_seen: run.started,
        last_seen: run.started,
        severity: said.severity,
        row: no_row(),
    };
    let kinds: Vec<HitKind> = rows.iter().map(|row| row.kind).collect();
    let all = Hits { like, first, last, rows, spool };
    Told::new(Arc::new(all), kinds.into_iter()).map_err(Fault::Aside)
}

/// Puts the rows of all `wanted` hits aside, and says where each is: by hit, and each hit's rows in their order.
async fn put_aside(
    conn: &mut SqliteConnection,
    said: &Said<'_>,
    wanted: &RoaringBitmap,
    spool: &mut Spool,
) -> Result<Vec<Place>, Fault> {
    let (mut places, mut left): (Vec<Place>, RoaringBitmap) = (Vec::new(), wanted.clone());
    let mut done = Ok(());
    let keep = |row: StoredRow| {
        left.remove(row.record.ordinal);
        done = spool.add(row.record.ordinal, row.hit, row.text.get()).map(|place| places.push(place));
        if done.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    rows_of_run(&mut *conn, said.seq, Some(wanted), keep).await?;
    done?;
    let (own, older) = (places.len(), left.clone());
    let keep = |row: StoredRow| {
        left.remove(row.record.ordinal);
        places.push(spool.add(row.record.ordinal, row.hit, row.text.get())?);
        Ok(())
    };
    each_last_row(&mut *conn, said.track, &older, said.seq, keep).await?;
    // They came from the back.
    places.get_mut(own..).unwrap_or_default().reverse();
    for (ordinal, hit) in ids_of(conn, said.track, &left).await? {
        left.remove(ordinal);
        places.push(spool.add(ordinal, hit, no_row().get())?);
    }
    if let Some(ordinal) = left.min() {
        return Err(Fault::Bad(format!("hit {ordinal} isn't known")));
    }
    places.sort_by_key(|place| place.ordinal);
    Ok(places)
}

/// The ids of hits whose rows are past their retention.
async fn ids_of(
    conn: &mut SqliteConnection,
    track: i64,
    wanted: &RoaringBitmap,
) -> Result<HashMap<Ordinal, HitId>, Fault> {
    let mut ids = HashMap::new();
    if wanted.is_empty() {
        return Ok(ids);
    }
    let blobs: Vec<Vec<u8>> = sqlx::query_scalar(LOAD_DELTAS).bind(track).fetch_all(conn).await?;
    for packed in blobs {
        unpack_deltas(&packed, |step| {
            if wanted.contains(step.state.ordinal) {
                ids.insert(step.state.ordinal, step.state.hit);
            }
        })?;
    }
    Ok(ids)
}

/// Where a row is.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: u32,
    ordinal: Ordinal,
}

/// A row to be told.
#[derive(Debug, Clone, Copy)]
struct Row {
    place: Place,
    kind: HitKind,
}

/// Rows, each after its hit's id: the older ones in a file, the newest in memory.
#[derive(Debug)]
struct Spool {
    aside: Arc<dyn Aside>,
    /// Where the rest begins: so many bytes are in the file.
    put: u64,
    rest: Vec<u8>,
}

impl Spool {
    fn add(&mut self, ordinal: Ordinal, hit: HitId, row: &str) -> Result<Place, Fault> {
        if self.rest.len() >= PIECE {
            let at = self.aside.put(&self.rest).map_err(Fault::Aside)?;
            if at != self.put {
                return Err(Fault::Misuse("another writes to the file that rows are put aside in"));
            }
            self.put += self.rest.len() as u64;
            self.rest.clear();
        }
        let at = self.put + self.rest.len() as u64;
        self.rest.extend_from_slice(&hit.0);
        self.rest.extend_from_slice(row.as_bytes());
        let length = u32::try_from(ID + row.len()).map_err(|_| Fault::Misuse("a row is too long"))?;
        Ok(Place { at, length, ordinal })
    }

    fn get(&self, place: Place) -> io::Result<(HitId, Box<RawValue>)> {
        let bad = || io::Error::other("a row that was put aside isn't as it was");
        let length = usize::try_from(place.length).map_err(io::Error::other)?;
        let bytes = match place.at.checked_sub(self.put) {
            None => self.aside.get(place.at, length)?,
            Some(at) => {
                let rest = usize::try_from(at).ok().and_then(|at| self.rest.get(at..)?.get(..length));
                rest.ok_or_else(bad)?.to_vec()
            }
        };
        let (id, row) = bytes.split_first_chunk::<ID>().ok_or_else(bad)?;
        let row = std::str::from_utf8(row).map_err(|_| bad())?;
        Ok((HitId(*id), RawValue::from_string(row.to_owned()).map_err(|_| bad())?))
    }
}

/// The hits of one notice.
#[derive(Debug)]
struct Hits {
    /// A hit of the run, for what all have in common.
    like: Hit,
    first: FirstSeen,
    last: LastSeen,
    /// In the order in which they are told.
    rows: Vec<Row>,
    spool: Spool,
}

impl ToldHits for Hits {
    fn read(&self, from: usize) -> io::Result<Vec<Hit>> {
        let (mut hits, mut bytes) = (Vec::new(), 0);
        for Row { place, kind } in self.rows.iter().skip(from).take(MOST) {
            if bytes >= PIECE {
                break;
            }
            let read = self.spool.get(*place);
            let (hit, row) = read
                .map_err(|error| io::Error::other(format!("hits that were put aside can't be read back: {error}")))?;
            bytes += row.get().len();
            let first_seen = self.first.of(place.ordinal).unwrap_or(self.like.first_seen);
            let last_seen = self.last.of(place.ordinal).unwrap_or(first_seen);
            hits.push(Hit { hit, kind: *kind, first_seen, last_seen, row, ..self.like.clone() });
        }
        Ok(hits)
    }
}
