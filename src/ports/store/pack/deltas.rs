//! Steps of hits, packed by columns: all places, then all ids, and so on. What is the same for all takes a byte.

use super::{Bytes, code, put_marks, put_number, put_signed, seal};
#[cfg(test)]
use crate::model::hit::HitDelta;
use crate::model::hit::{Fingerprint, HitKind, Ordinal, RawHash};
use crate::model::id::HitId;
use crate::model::known::{KnownHit, Step};
use crate::model::time::Timestamp;
use crate::ports::store::fault::Fault;

/// None has it; or, of rows, each has one that the hit's id says all of.
const NONE: u8 = 0;
/// Each has one.
const ONE: u8 = 1;
/// Each says whether, or how many, it has.
const SOME: u8 = 2;

/// Event times are mostly written to a tenth of a microsecond.
const TICK: i64 = 100;

/// Packs the steps of [`Deltas`](crate::model::known::Deltas), or some of them.
pub(in crate::ports::store) fn pack_deltas<'a>(steps: impl Iterator<Item = Step<'a>> + Clone) -> Vec<u8> {
    let mut out = Vec::new();
    put_marks(&mut out, steps.clone().map(|step| (step.state.ordinal, step.kind.map_or(0, code))));
    for step in steps.clone() {
        out.extend_from_slice(&step.state.hit.0);
    }
    put_times(&mut out, steps.clone());
    put_rows(&mut out, steps.clone());
    if steps.clone().all(|step| step.state.raw == RawHash::NONE) {
        out.push(NONE);
    } else {
        out.push(ONE);
        for step in steps {
            out.extend_from_slice(&step.state.raw.0);
        }
    }
    seal(&out)
}

fn put_times<'a>(out: &mut Vec<u8>, steps: impl Iterator<Item = Step<'a>> + Clone) {
    let times = steps.map(|step| step.state.event_time);
    let form = match (times.clone().all(|time| time.is_none()), times.clone().all(|time| time.is_some())) {
        (true, _) => NONE,
        (_, true) => ONE,
        _ => SOME,
    };
    out.push(form);
    if form == SOME {
        out.extend(times.clone().map(|time| u8::from(time.is_some())));
    }
    if form != NONE {
        let nanos = times.flatten().map(Timestamp::nanos);
        let tick = if nanos.clone().all(|nanos| nanos % TICK == 0) { TICK } else { 1 };
        out.extend_from_slice(&tick.to_le_bytes());
        let mut before = 0;
        for nanos in nanos {
            put_signed(out, (nanos / tick).wrapping_sub(before));
            before = nanos / tick;
        }
    }
}

fn put_rows<'a>(out: &mut Vec<u8>, steps: impl Iterator<Item = Step<'a>> + Clone) {
    let rows = steps.map(|step| step.state.rows);
    if rows.clone().all(|rows| rows == [Fingerprint::OF_KEY]) {
        out.push(NONE);
        return;
    }
    let each_has_one = rows.clone().all(|rows| rows.len() == 1);
    out.push(if each_has_one { ONE } else { SOME });
    for rows in rows {
        if !each_has_one {
            put_number(out, rows.len() as u64);
        }
        for row in rows {
            out.extend_from_slice(&row.0);
        }
    }
}

/// Hands each step to `each`, in order; a damaged BLOB hands on none that the checksum covers.
pub(in crate::ports::store) fn unpack_deltas(sealed: &[u8], mut each: impl FnMut(Step<'_>)) -> Result<(), Fault> {
    let mut bytes = Bytes::open("hits", sealed)?;
    let mut marks: Vec<(Ordinal, Option<HitKind>)> = Vec::new();
    bytes.marks(|ordinal, kind| marks.push((ordinal, kind)))?;
    let ids = bytes.take(marks.len().saturating_mul(20))?.as_chunks::<20>().0;
    let times = times(&mut bytes, marks.len())?;
    let contents = rows(&mut bytes, marks.len())?;
    let raws = match bytes.array()? {
        [NONE] => &[],
        [ONE] => bytes.take(marks.len() * 16)?.as_chunks::<16>().0,
        _ => return Err(bytes.bad("an unknown form")),
    };
    bytes.end()?;
    for (at, (ordinal, kind)) in marks.into_iter().enumerate() {
        let state = KnownHit {
            hit: HitId(ids.get(at).copied().unwrap_or_default()),
            ordinal,
            rows: contents.of(at),
            event_time: times.get(at).copied().flatten(),
            raw: RawHash(raws.get(at).copied().unwrap_or_default()),
            present: kind != Some(HitKind::Gone),
        };
        each(Step { kind, state });
    }
    Ok(())
}

/// Hands on the place, the kind and the id of each step alone, in order, and reads no more of it than that: for a search
/// through all there is. The checksum is of the whole.
pub(in crate::ports::store) fn unpack_ids(
    sealed: &[u8],
    mut each: impl FnMut(Ordinal, Option<HitKind>, &HitId),
) -> Result<(), Fault> {
    let mut bytes = Bytes::open("hits", sealed)?;
    let mut marks: Vec<(Ordinal, Option<HitKind>)> = Vec::new();
    bytes.marks(|ordinal, kind| marks.push((ordinal, kind)))?;
    let ids = bytes.take(marks.len().saturating_mul(20))?.as_chunks::<20>().0;
    for ((ordinal, kind), id) in marks.into_iter().zip(ids) {
        each(ordinal, kind, &HitId(*id));
    }
    Ok(())
}

fn times(bytes: &mut Bytes<'_>, count: usize) -> Result<Vec<Option<Timestamp>>, Fault> {
    let [form] = bytes.array()?;
    let has: Option<&[u8]> = match form {
        NONE => return Ok(Vec::new()),
        ONE => None,
        SOME => Some(bytes.take(count)?),
        _ => return Err(bytes.bad("an unknown form")),
    };
    let tick = i64::from_le_bytes(bytes.array()?);
    let mut before = 0_i64;
    let mut times = Vec::with_capacity(count);
    for at in 0..count {
        if has.is_some_and(|has| has.get(at) == Some(&0)) {
            times.push(None);
            continue;
        }
        before = before.wrapping_add(bytes.signed()?);
        times.push(Some(Timestamp::from_nanos(before.wrapping_mul(tick))));
    }
    Ok(times)
}

/// The rows of each step.
enum Rows {
    OfKey,
    Each(Vec<Fingerprint>),
    Several(Vec<Vec<Fingerprint>>),
}

impl Rows {
    fn of(&self, at: usize) -> &[Fingerprint] {
        static OF_KEY: [Fingerprint; 1] = [Fingerprint::OF_KEY];
        match self {
            Self::OfKey => &OF_KEY,
            Self::Each(rows) => rows.get(at).map(std::slice::from_ref).unwrap_or_default(),
            Self::Several(rows) => rows.get(at).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

fn rows(bytes: &mut Bytes<'_>, count: usize) -> Result<Rows, Fault> {
    match bytes.array()? {
        [NONE] => Ok(Rows::OfKey),
        [ONE] => {
            let rows = bytes.take(count.saturating_mul(16))?.as_chunks::<16>().0;
            Ok(Rows::Each(rows.iter().map(|row| Fingerprint(*row)).collect()))
        }
        [SOME] => {
            let mut several = Vec::with_capacity(count);
            for _ in 0..count {
                let rows = (0..bytes.count(16)?).map(|_| Ok(Fingerprint(bytes.array()?)));
                several.push(rows.collect::<Result<Vec<_>, Fault>>()?);
            }
            Ok(Rows::Several(several))
        }
        _ => Err(bytes.bad("an unknown form")),
    }
}

/// The steps of a BLOB, each on its own: for tests, and where there are few.
#[cfg(test)]
fn unpacked(sealed: &[u8]) -> Result<Vec<HitDelta>, Fault> {
    let mut all = Vec::new();
    unpack_deltas(sealed, |step| all.push(HitDelta::from(step)))?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deltas() -> impl Strategy<Value = Vec<HitDelta>> {
        let kind = prop::option::of(prop::sample::select(HitKind::ALL.to_vec()));
        let rows = prop_oneof![
            Just(vec![Fingerprint::OF_KEY]),
            prop::collection::vec(any::<[u8; 16]>().prop_map(Fingerprint), 0..3)
        ];
        let nanos = prop_oneof![any::<i64>(), (0..1000_i64).prop_map(|ticks| ticks * TICK)];
        let time = prop::option::of(nanos.prop_map(Timestamp::from_nanos));
        let raw = prop_oneof![Just(RawHash::NONE), any::<[u8; 16]>().prop_map(RawHash)];
        let delta = (any::<[u8; 20]>().prop_map(HitId), any::<u32>(), kind, rows, time, raw).prop_map(
            |(hit, ordinal, kind, rows, event_time, raw)| HitDelta { hit, ordinal, kind, rows, event_time, raw },
        );
        prop::collection::vec(delta, 0..20)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_packed_comes_back(deltas in deltas()) {
            let sealed = pack_deltas(deltas.iter().map(HitDelta::step));
            let mut ids = Vec::new();
            unpack_ids(&sealed, |ordinal, kind, hit| ids.push((ordinal, kind, *hit))).unwrap();
            let said: Vec<_> = deltas.iter().map(|delta| (delta.ordinal, delta.kind, delta.hit)).collect();
            prop_assert_eq!(ids, said);
            prop_assert_eq!(unpacked(&sealed).unwrap(), deltas);
        }

        #[test]
        fn a_changed_byte_is_seen(deltas in deltas(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut sealed = pack_deltas(deltas.iter().map(HitDelta::step));
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(matches!(unpacked(&sealed), Err(Fault::Bad(_))));
            prop_assert!(matches!(unpack_ids(&sealed, |_, _, _| ()), Err(Fault::Bad(_))));
        }

        #[test]
        fn any_payload_is_survived(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            drop((unpacked(&seal(&payload)), unpack_ids(&seal(&payload), |_, _, _| ())));
        }
    }

    #[test]
    fn new_hits_of_the_default_key_take_little() {
        let delta = |ordinal: u32| HitDelta {
            hit: HitId([1; 20]),
            ordinal,
            kind: Some(HitKind::New),
            rows: vec![Fingerprint::OF_KEY],
            event_time: Some(Timestamp::from_seconds(1_790_000_000 + i64::from(ordinal % 1000))),
            raw: RawHash([1; 16]),
        };
        let deltas: Vec<HitDelta> = (0..10_000).map(delta).collect();
        let length = pack_deltas(deltas.iter().map(HitDelta::step)).len();
        assert!(length < 10_000 * (20 + 16 + 5), "{length}");
    }
}
