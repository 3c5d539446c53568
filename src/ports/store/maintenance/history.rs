//! Whether the history of a hunt on a tenant agrees with itself: its steps, what its runs say of them, and which hits
//! their results held.

use roaring::RoaringBitmap;
use sqlx::sqlite::SqliteConnection;

use super::check::{Checked, Complaint, MEND_RUN, MEND_TRACK, Tell};
use crate::model::hit::{HitKind, Ordinal};
use crate::ports::store::fault::Fault;
use crate::ports::store::pack::{unpack_bitmap, unpack_deltas};
use crate::ports::store::track::memory;

/// Of half a megabyte each.
pub(in crate::ports::store) const DELTAS_AFTER: &str = "SELECT delta, run, next_ordinal, has_gone, packed FROM delta WHERE track = ?1 AND delta > ?2 ORDER BY delta LIMIT 4";
pub(in crate::ports::store) const LAID: &str = "SELECT laid_ordinal FROM track WHERE track = ?1";
pub(in crate::ports::store) const SAID: &str =
    "SELECT run, track, new, changed, gone, returned, members FROM run WHERE seq = ?1";
/// Runs that found something, of which no step is there.
pub(in crate::ports::store) const STEPLESS: &str = "SELECT seq, run FROM run WHERE track = ?1 AND steps > 0 \
     AND seq > ?2 AND new + changed + gone + returned > 0 \
     AND NOT EXISTS (SELECT 1 FROM delta WHERE delta.run = run.seq) ORDER BY seq LIMIT 64";
pub(in crate::ports::store) const RESULTS_AFTER: &str =
    "SELECT seq, run, members FROM run WHERE track = ?1 AND seq > ?2 AND members IS NOT NULL ORDER BY seq LIMIT 32";

/// What the steps of a run say.
#[derive(Debug, Default)]
struct Steps {
    run: i64,
    /// By kind, in the order of [`HitKind::ALL`].
    counts: [i64; 4],
    /// Hits that its result held.
    met: RoaringBitmap,
    gone: RoaringBitmap,
}

/// A track's history, while its steps are read.
#[derive(Debug, Default)]
struct Replay {
    known: RoaringBitmap,
    /// The ordinal after all hits that were ever known.
    next: i64,
    /// That ordinal as of each run that found new ones: the run, and the ordinal.
    grown: Vec<(i64, i64)>,
    /// The ordinal up to which steps are laid together: before it they don't say all that happened.
    laid: i64,
    /// A step can't be read: what depends on it is not told as well.
    is_broken: bool,
}

/// Hands on what is wrong with the history of a track, which says that so many hits are known.
pub(super) async fn check(
    conn: &mut SqliteConnection,
    (track, name, hits): (i64, &str, i64),
    tell: &mut Tell<'_>,
) -> Result<(), Fault> {
    let mut complain = |place: &str, why: String, mend: &'static str| {
        tell(Checked::Complaint(Complaint { what: format!("{place}: {why}"), mend }));
    };
    let laid: i64 = sqlx::query_scalar(LAID).bind(track).fetch_one(&mut *conn).await?;
    let mut replay = Replay { laid, ..Replay::default() };
    let (mut after, mut steps) = (i64::MIN, Steps::default());
    loop {
        let page: Vec<(i64, i64, i64, bool, Vec<u8>)> =
            sqlx::query_as(DELTAS_AFTER).bind(track).bind(after).fetch_all(&mut *conn).await?;
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        for (_, run, next, has_gone, packed) in page {
            if run != steps.run {
                let ended = std::mem::replace(&mut steps, Steps { run, ..Steps::default() });
                compare(&mut *conn, track, &ended, replay.is_broken, &mut complain).await?;
            }
            if let Some(why) = replay.take(&packed, (next, has_gone), &mut steps) {
                complain(name, why, MEND_TRACK);
            }
        }
    }
    compare(&mut *conn, track, &steps, replay.is_broken, &mut complain).await?;
    if replay.is_broken {
        return Ok(());
    }
    if replay.next != hits {
        let why = format!("its history isn't whole: {hits} hits should be known, and {} are", replay.next);
        complain(name, why, MEND_TRACK);
    }
    stepless(&mut *conn, track, &mut complain).await?;
    results(&mut *conn, track, &replay, &mut complain).await?;
    let memory = memory(conn, track).await?;
    // Where they can't be read, that is told by who reads all that a run starts from.
    let held = memory.and_then(|(held, _)| unpack_bitmap(&held).ok()).unwrap_or_default();
    if let Some(ordinal) = (held - &replay.known).min() {
        complain(name, format!("it holds back hit {ordinal}, which isn't known"), MEND_TRACK);
    }
    Ok(())
}

impl Replay {
    /// Takes some steps; says what is wrong with them.
    fn take(&mut self, packed: &[u8], (next, has_gone): (i64, bool), steps: &mut Steps) -> Option<String> {
        let (mut odd, mut gone_here): (Option<(Ordinal, HitKind)>, bool) = (None, false);
        let is_laid = next <= self.laid;
        let mut reached = self.next.max(self.laid);
        let read = unpack_deltas(packed, |step| {
            let (ordinal, is_new) = (step.state.ordinal, step.kind == Some(HitKind::New));
            let was_known = !self.known.insert(ordinal);
            reached += i64::from(is_new);
            if was_known == is_new && (is_new || i64::from(ordinal) >= self.laid) {
                odd = odd.or(step.kind.map(|kind| (ordinal, kind)));
            }
            if let Some(kind) = step.kind {
                let place = HitKind::ALL.iter().position(|one| *one == kind);
                steps.counts.get_mut(place.unwrap_or(0)).into_iter().for_each(|count| *count += 1);
                gone_here |= kind == HitKind::Gone;
                let set = if kind == HitKind::Gone { &mut steps.gone } else { &mut steps.met };
                set.insert(ordinal);
            }
        });
        if self.is_broken {
            return None;
        }
        let wrong = match (read, odd) {
            (Err(Fault::Bad(why)), _) => Some(why),
            (Err(_), _) => Some("its steps can't be read".to_owned()),
            (Ok(()), Some((ordinal, HitKind::New))) => Some(format!("hit {ordinal} is new, and was known")),
            (Ok(()), Some((ordinal, kind))) => Some(format!("hit {ordinal} is {kind}, and was never new")),
            (Ok(()), None)
                if reached != next && !is_laid
                    || next < self.next
                    || self.known.max().is_some_and(|last| i64::from(last) >= next) =>
            {
                Some(format!(
                    "its history isn't whole: {next} hits should be known by run {}, and {reached} are",
                    steps.run
                ))
            }
            (Ok(()), None) if gone_here && !has_gone => Some("hits are gone, and it isn't marked".to_owned()),
            (Ok(()), None) => None,
        };
        self.is_broken = wrong.is_some();
        self.next = next;
        match self.grown.last_mut() {
            // Laid steps are of runs after the one before, and nobody knows of which.
            Some((_, known)) if *known == next || steps.run == 0 => *known = next,
            _ => self.grown.push((steps.run, next)),
        }
        wrong
    }

    /// The ordinal after all hits that were known once a run was committed.
    fn known_by(&self, run: i64) -> i64 {
        let at = self.grown.partition_point(|(grown, _)| *grown <= run);
        at.checked_sub(1).and_then(|at| self.grown.get(at)).map_or(0, |(_, next)| *next).max(self.laid)
    }
}

type Complain<'a> = dyn FnMut(&str, String, &'static str) + Send + 'a;

/// What a run says of itself: its id, its track, how many hits are new, changed, gone and returned, and which it held.
type Said = (String, i64, i64, i64, i64, i64, Option<Vec<u8>>);

/// That a run says of itself what its steps say. A run past its retention says nothing any more.
async fn compare(
    conn: &mut SqliteConnection,
    track: i64,
    steps: &Steps,
    is_broken: bool,
    complain: &mut Complain<'_>,
) -> Result<(), Fault> {
    if is_broken {
        return Ok(());
    }
    let found: Option<Said> = sqlx::query_as(SAID).bind(steps.run).fetch_optional(conn).await?;
    let Some((run, of, new, changed, gone, returned, members)) = found else { return Ok(()) };
    let place = format!("run {run}");
    if of != track {
        complain(&place, "its steps are of another hunt".to_owned(), MEND_RUN);
        return Ok(());
    }
    let said = [new, changed, gone, returned];
    if said != steps.counts {
        let list = |counts: &[i64; 4]| {
            let named = HitKind::ALL.iter().zip(counts).map(|(kind, count)| format!("{count} {kind}"));
            named.collect::<Vec<_>>().join(", ")
        };
        complain(&place, format!("it says {}, and its steps {}", list(&said), list(&steps.counts)), MEND_RUN);
    }
    // Members that can't be read are told with the results.
    let Some(Ok(members)) = members.map(|members| unpack_bitmap(&members)) else { return Ok(()) };
    if let Some(ordinal) = (&steps.met - &members).min() {
        complain(&place, format!("its result should hold hit {ordinal}, and doesn't"), MEND_RUN);
    }
    if let Some(ordinal) = (&steps.gone & &members).min() {
        complain(&place, format!("hit {ordinal} is gone, and in its result"), MEND_RUN);
    }
    Ok(())
}

async fn stepless(conn: &mut SqliteConnection, track: i64, complain: &mut Complain<'_>) -> Result<(), Fault> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, String)> = sqlx::query_as(STEPLESS).bind(track).bind(after).fetch_all(&mut *conn).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (_, run) in page {
            complain(&format!("run {run}"), "it found hits, and none of its steps is there".to_owned(), MEND_TRACK);
        }
    }
}

/// That each result held hits that were known by then.
async fn results(
    conn: &mut SqliteConnection,
    track: i64,
    replay: &Replay,
    complain: &mut Complain<'_>,
) -> Result<(), Fault> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, String, Vec<u8>)> =
            sqlx::query_as(RESULTS_AFTER).bind(track).bind(after).fetch_all(&mut *conn).await?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = *last;
        for (seq, run, members) in page {
            match unpack_bitmap(&members) {
                Ok(members) => {
                    let unknown = members.max().filter(|last| i64::from(*last) >= replay.known_by(seq));
                    if let Some(ordinal) = unknown {
                        complain(
                            &format!("run {run}"),
                            format!("its result holds hit {ordinal}, which wasn't known"),
                            MEND_RUN,
                        );
                    }
                }
                Err(Fault::Bad(why)) => complain(&format!("run {run}"), why, MEND_RUN),
                Err(other) => return Err(other),
            }
        }
    }
}
