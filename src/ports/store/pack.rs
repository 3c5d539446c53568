//! Packed values: many small things in one BLOB.
//!
//! Each begins with a version byte and the CRC-32 of the rest (little-endian); counts, ordinals and
//! lengths are LEB128. Whatever a file holds, unpacking ends with a value or [`Fault::Bad`].

use std::collections::HashMap;

use flate2::Crc;
use roaring::RoaringBitmap;

use super::fault::Fault;
use crate::model::hit::{Fingerprint, HitDelta, HitKind, Ordinal, RowRecord};
use crate::model::id::HitId;
use crate::model::time::Timestamp;

/// The one version so far.
const VERSION: u8 = 1;
/// The flag beside a delta's kind: an event time follows.
const HAS_TIME: u8 = 8;

/// Suppressed groups: the group's hash and until when.
pub(super) type Suppressions = HashMap<[u8; 16], Timestamp>;

fn seal(payload: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(payload);
    let mut sealed = Vec::with_capacity(payload.len() + 5);
    sealed.push(VERSION);
    sealed.extend_from_slice(&crc.sum().to_le_bytes());
    sealed.extend_from_slice(payload);
    sealed
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        // The low seven bits, and the mark that more follow.
        out.push(low | 0x80);
    }
}

/// A packed value while it is read.
struct Bytes<'a> {
    rest: &'a [u8],
    /// What it should be, for the message.
    what: &'static str,
}

impl<'a> Bytes<'a> {
    fn open(what: &'static str, sealed: &'a [u8]) -> Result<Self, Fault> {
        let mut bytes = Self { rest: sealed, what };
        let [version] = bytes.array()?;
        if version != VERSION {
            return Err(bytes.bad("an unknown version"));
        }
        let sum = u32::from_le_bytes(bytes.array()?);
        let mut crc = Crc::new();
        crc.update(bytes.rest);
        if crc.sum() == sum { Ok(bytes) } else { Err(bytes.bad("a wrong checksum")) }
    }

    fn bad(&self, why: &str) -> Fault {
        Fault::Bad(format!("stored {} have {why}", self.what))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| self.bad("a wrong length"))?;
        self.rest = rest;
        Ok(*head)
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.bad("a number without end"))
    }

    fn ordinal(&mut self) -> Result<Ordinal, Fault> {
        Ordinal::try_from(self.number()?).map_err(|_| self.bad("an ordinal out of range"))
    }

    /// A count of things of at least `size` bytes each: never more than the rest can hold, so that
    /// memory is taken only for what is there.
    fn count(&mut self, size: usize) -> Result<usize, Fault> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > self.rest.len() / size { Err(self.bad("a wrong count")) } else { Ok(count) }
    }

    fn kind(&self, code: u8) -> Result<Option<HitKind>, Fault> {
        match code {
            0 => Ok(None),
            _ => match HitKind::ALL.get(usize::from(code) - 1) {
                Some(kind) => Ok(Some(*kind)),
                None => Err(self.bad("an unknown kind")),
            },
        }
    }

    fn told_kind(&mut self) -> Result<HitKind, Fault> {
        let [code] = self.array()?;
        self.kind(code)?.ok_or_else(|| self.bad("no kind"))
    }

    fn time(&mut self) -> Result<Timestamp, Fault> {
        Ok(Timestamp::from_nanos(i64::from_le_bytes(self.array()?)))
    }

    fn end(self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("more than they should")) }
    }
}

/// A kind as a byte: its place in the reference's order, from 1. Fixed by the file format.
fn code(kind: HitKind) -> u8 {
    match kind {
        HitKind::New => 1,
        HitKind::Changed => 2,
        HitKind::Gone => 3,
        HitKind::Returned => 4,
    }
}

pub(super) fn pack_deltas(deltas: &[HitDelta]) -> Vec<u8> {
    let mut out = Vec::with_capacity(deltas.len() * 50);
    put_number(&mut out, deltas.len() as u64);
    for delta in deltas {
        out.extend_from_slice(&delta.hit.0);
        put_number(&mut out, u64::from(delta.ordinal));
        let flag = if delta.event_time.is_some() { HAS_TIME } else { 0 };
        out.push(delta.kind.map_or(0, code) | flag);
        if let Some(time) = delta.event_time {
            out.extend_from_slice(&time.nanos().to_le_bytes());
        }
        put_number(&mut out, delta.rows.len() as u64);
        for row in &delta.rows {
            out.extend_from_slice(&row.0);
        }
    }
    seal(&out)
}

/// Hands each delta to `each`, in order; a damaged BLOB hands on none that the checksum covers.
pub(super) fn unpack_deltas(sealed: &[u8], mut each: impl FnMut(HitDelta)) -> Result<(), Fault> {
    let mut bytes = Bytes::open("hits", sealed)?;
    for _ in 0..bytes.count(23)? {
        let hit = HitId(bytes.array()?);
        let ordinal = bytes.ordinal()?;
        let [flags] = bytes.array()?;
        let kind = bytes.kind(flags & !HAS_TIME)?;
        let event_time = if flags & HAS_TIME == 0 { None } else { Some(bytes.time()?) };
        let rows = (0..bytes.count(16)?).map(|_| Ok(Fingerprint(bytes.array()?))).collect::<Result<Vec<_>, Fault>>()?;
        each(HitDelta { hit, ordinal, kind, rows, event_time });
    }
    bytes.end()
}

pub(super) fn pack_records(records: &[RowRecord]) -> Vec<u8> {
    let mut out = Vec::with_capacity(records.len() * 25);
    put_number(&mut out, records.len() as u64);
    for record in records {
        put_number(&mut out, u64::from(record.ordinal));
        out.push(code(record.kind));
        out.extend_from_slice(&record.hit.0);
    }
    seal(&out)
}

pub(super) fn unpack_records(sealed: &[u8]) -> Result<Vec<RowRecord>, Fault> {
    let mut bytes = Bytes::open("row records", sealed)?;
    let records = (0..bytes.count(22)?)
        .map(|_| Ok(RowRecord { ordinal: bytes.ordinal()?, kind: bytes.told_kind()?, hit: HitId(bytes.array()?) }))
        .collect::<Result<_, Fault>>()?;
    bytes.end()?;
    Ok(records)
}

pub(super) fn pack_told(told: &[(Ordinal, HitKind)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(told.len() * 4);
    put_number(&mut out, told.len() as u64);
    for (ordinal, kind) in told {
        put_number(&mut out, u64::from(*ordinal));
        out.push(code(*kind));
    }
    seal(&out)
}

pub(super) fn unpack_told(sealed: &[u8]) -> Result<Vec<(Ordinal, HitKind)>, Fault> {
    let mut bytes = Bytes::open("deliveries", sealed)?;
    let told =
        (0..bytes.count(2)?).map(|_| Ok((bytes.ordinal()?, bytes.told_kind()?))).collect::<Result<_, Fault>>()?;
    bytes.end()?;
    Ok(told)
}

/// Sorted, so that equal sets are equal bytes.
pub(super) fn pack_suppressions(suppressions: &Suppressions) -> Vec<u8> {
    let mut sorted: Vec<_> = suppressions.iter().collect();
    sorted.sort_unstable();
    let mut out = Vec::with_capacity(sorted.len() * 24 + 4);
    put_number(&mut out, sorted.len() as u64);
    for (group, until) in sorted {
        out.extend_from_slice(group);
        out.extend_from_slice(&until.nanos().to_le_bytes());
    }
    seal(&out)
}

pub(super) fn unpack_suppressions(sealed: &[u8]) -> Result<Suppressions, Fault> {
    let mut bytes = Bytes::open("suppressions", sealed)?;
    let suppressions =
        (0..bytes.count(24)?).map(|_| Ok((bytes.array()?, bytes.time()?))).collect::<Result<_, Fault>>()?;
    bytes.end()?;
    Ok(suppressions)
}

/// In the portable format of Roaring, runs compressed.
pub(super) fn pack_bitmap(bitmap: &RoaringBitmap) -> Vec<u8> {
    let mut small = bitmap.clone();
    small.optimize();
    let mut out = Vec::with_capacity(small.serialized_size());
    // A Vec takes all that it is given.
    let written = small.serialize_into(&mut out);
    debug_assert!(written.is_ok(), "a Vec refused bytes");
    seal(&out)
}

pub(super) fn unpack_bitmap(sealed: &[u8]) -> Result<RoaringBitmap, Fault> {
    let mut bytes = Bytes::open("sets of hits", sealed)?;
    let bitmap =
        RoaringBitmap::deserialize_from(&mut bytes.rest).map_err(|error| bytes.bad(&format!("a fault: {error}")))?;
    bytes.end()?;
    Ok(bitmap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deltas() -> impl Strategy<Value = Vec<HitDelta>> {
        let kind = prop::option::of(prop::sample::select(HitKind::ALL.to_vec()));
        let rows = prop::collection::vec(any::<[u8; 16]>().prop_map(Fingerprint), 0..3);
        let time = prop::option::of(any::<i64>().prop_map(Timestamp::from_nanos));
        let delta = (any::<[u8; 20]>().prop_map(HitId), any::<u32>(), kind, rows, time)
            .prop_map(|(hit, ordinal, kind, rows, event_time)| HitDelta { hit, ordinal, kind, rows, event_time });
        prop::collection::vec(delta, 0..20)
    }

    fn unpacked(sealed: &[u8]) -> Result<Vec<HitDelta>, Fault> {
        let mut all = Vec::new();
        unpack_deltas(sealed, |delta| all.push(delta))?;
        Ok(all)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_comes_back(deltas in deltas(), ordinals in prop::collection::btree_set(any::<u32>(), 0..50)) {
            prop_assert_eq!(unpacked(&pack_deltas(&deltas)).unwrap(), deltas.clone());
            let told: Vec<_> = deltas.iter().filter_map(|d| Some((d.ordinal, d.kind?))).collect();
            prop_assert_eq!(unpack_told(&pack_told(&told)).unwrap(), told.clone());
            let records: Vec<_> = deltas.iter()
                .filter_map(|d| Some(RowRecord { ordinal: d.ordinal, kind: d.kind?, hit: d.hit })).collect();
            prop_assert_eq!(unpack_records(&pack_records(&records)).unwrap(), records);
            let bitmap: RoaringBitmap = ordinals.into_iter().collect();
            prop_assert_eq!(unpack_bitmap(&pack_bitmap(&bitmap)).unwrap(), bitmap);
            let groups: Suppressions = deltas.iter().flat_map(|d| &d.rows)
                .map(|row| (row.0, Timestamp::from_seconds(i64::from(row.0[0])))).collect();
            prop_assert_eq!(unpack_suppressions(&pack_suppressions(&groups)).unwrap(), groups);
        }

        #[test]
        fn a_changed_byte_is_seen(deltas in deltas(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut sealed = pack_deltas(&deltas);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(matches!(unpacked(&sealed), Err(Fault::Bad(_))));
        }

        /// Behind a right checksum too: a fault of an older version of ours must not end in a panic.
        #[test]
        fn any_payload_is_survived(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let sealed = seal(&payload);
            drop((unpacked(&sealed), unpack_told(&sealed), unpack_records(&sealed)));
            drop((unpack_bitmap(&sealed), unpack_suppressions(&sealed)));
        }
    }

    #[test]
    fn cut_short_or_too_long_is_bad() {
        let delta =
            HitDelta { hit: HitId([1; 20]), ordinal: 300, kind: Some(HitKind::New), rows: vec![], event_time: None };
        let sealed = pack_deltas(&[delta]);
        for end in 0..sealed.len() {
            assert!(unpacked(&sealed[..end]).is_err(), "{end}");
        }
        assert!(unpack_told(&seal(&[0, 0])).is_err());
        // A count that only memory could answer.
        assert!(unpack_told(&seal(&[0xff, 0xff, 0xff, 0xff, 0x7f])).is_err());
    }
}
