//! Packed values: many small things in one BLOB.
//!
//! Each begins with a version byte and the CRC-32 of the rest (little-endian); counts, ordinals and
//! lengths are LEB128. Whatever a file holds, unpacking ends with a value or [`Fault::Bad`].

use std::collections::HashMap;

use flate2::Crc;
use roaring::RoaringBitmap;

mod deltas;

pub(super) use deltas::{pack_deltas, unpack_deltas, unpack_ids};

use super::fault::Fault;
use crate::model::hit::{HitKind, Ordinal, RowRecord};
use crate::model::time::Timestamp;

/// The one version so far.
const VERSION: u8 = 1;
/// Marks in one BLOB at most: more than any answer has rows.
const MOST_MARKS: u64 = 1 << 24;

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

    fn signed(&mut self) -> Result<i64, Fault> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// What [`put_marks`] has written. A damaged stretch can't be longer than all ordinals there are.
    fn marks(&mut self, mut each: impl FnMut(Ordinal, Option<HitKind>)) -> Result<(), Fault> {
        let (mut expected, mut left) = (0_i64, MOST_MARKS);
        for _ in 0..self.count(3)? {
            let start = expected.checked_add(self.signed()?).ok_or_else(|| self.bad("an ordinal out of range"))?;
            let [code] = self.array()?;
            let (kind, length) = (self.kind(code)?, self.number()?);
            left = left.checked_sub(length).ok_or_else(|| self.bad("a wrong count"))?;
            let bad = |_| self.bad("an ordinal out of range");
            let (first, last) =
                (Ordinal::try_from(start), i64::try_from(length).ok().and_then(|l| start.checked_add(l - 1)));
            let first = first.map_err(bad)?;
            let last = Ordinal::try_from(last.unwrap_or(-1)).map_err(bad)?;
            (first..=last).for_each(|ordinal| each(ordinal, kind));
            expected = i64::from(last) + 1;
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.bad("a wrong length"))?;
        self.rest = rest;
        Ok(head)
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

pub(super) fn pack_records(records: &[RowRecord]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    put_marks(&mut out, records.iter().map(|record| (record.ordinal, code(record.kind))));
    seal(&out)
}

pub(super) fn unpack_records(sealed: &[u8]) -> Result<Vec<RowRecord>, Fault> {
    let marks = marks_of("row records", sealed)?;
    Ok(marks.into_iter().map(|(ordinal, kind)| RowRecord { ordinal, kind }).collect())
}

pub(super) fn pack_told(told: &[(Ordinal, HitKind)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    put_marks(&mut out, told.iter().map(|(ordinal, kind)| (*ordinal, code(*kind))));
    seal(&out)
}

pub(super) fn unpack_told(sealed: &[u8]) -> Result<Vec<(Ordinal, HitKind)>, Fault> {
    marks_of("deliveries", sealed)
}

fn marks_of(what: &'static str, sealed: &[u8]) -> Result<Vec<(Ordinal, HitKind)>, Fault> {
    let mut bytes = Bytes::open(what, sealed)?;
    let mut marks = Vec::new();
    bytes.marks(|ordinal, kind| marks.push((ordinal, kind)))?;
    bytes.end()?;
    let said = |(ordinal, kind): (Ordinal, Option<HitKind>)| Some((ordinal, kind?));
    let all = marks.len();
    let marks: Vec<_> = marks.into_iter().filter_map(said).collect();
    if marks.len() == all { Ok(marks) } else { Err(Fault::Bad(format!("stored {what} have no kind"))) }
}

/// Ordinals and their kinds, as stretches in which the ordinal goes up by one and the kind stays: a hundred thousand new
/// hits are one stretch.
fn put_marks(out: &mut Vec<u8>, marks: impl Iterator<Item = (Ordinal, u8)>) {
    let mut stretches: Vec<(Ordinal, u8, u32)> = Vec::new();
    for (ordinal, kind) in marks {
        match stretches.last_mut() {
            Some((start, of, length)) if *of == kind && start.checked_add(*length) == Some(ordinal) => *length += 1,
            _ => stretches.push((ordinal, kind, 1)),
        }
    }
    put_number(out, stretches.len() as u64);
    let mut expected = 0_i64;
    for (start, kind, length) in stretches {
        put_signed(out, i64::from(start) - expected);
        out.push(kind);
        put_number(out, u64::from(length));
        expected = i64::from(start) + i64::from(length);
    }
}

/// A number of either sign: small ones are short.
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
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

    fn marks() -> impl Strategy<Value = Vec<(Ordinal, HitKind)>> {
        let kind = prop::sample::select(HitKind::ALL.to_vec());
        let ordinal = prop_oneof![0..20_u32, Just(u32::MAX), any::<u32>()];
        prop::collection::vec((ordinal, kind), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_comes_back(
            marks in marks(),
            ordinals in prop::collection::btree_set(any::<u32>(), 0..50),
            groups in prop::collection::hash_map(any::<[u8; 16]>(), any::<i64>().prop_map(Timestamp::from_nanos), 0..20),
        ) {
            prop_assert_eq!(unpack_told(&pack_told(&marks)).unwrap(), marks.clone());
            let records: Vec<_> = marks.iter().map(|(ordinal, kind)| RowRecord { ordinal: *ordinal, kind: *kind }).collect();
            prop_assert_eq!(unpack_records(&pack_records(&records)).unwrap(), records);
            let bitmap: RoaringBitmap = ordinals.into_iter().collect();
            prop_assert_eq!(unpack_bitmap(&pack_bitmap(&bitmap)).unwrap(), bitmap);
            prop_assert_eq!(unpack_suppressions(&pack_suppressions(&groups)).unwrap(), groups);
        }

        #[test]
        fn a_changed_byte_is_seen(marks in marks(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut sealed = pack_told(&marks);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(matches!(unpack_told(&sealed), Err(Fault::Bad(_))));
        }

        /// Behind a right checksum too: a fault of an older version of ours must not end in a panic.
        #[test]
        fn any_payload_is_survived(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let sealed = seal(&payload);
            drop((unpack_told(&sealed), unpack_records(&sealed), unpack_deltas(&sealed, |_| ())));
            drop((unpack_bitmap(&sealed), unpack_suppressions(&sealed)));
        }
    }

    #[test]
    fn many_alike_take_a_few_bytes() {
        let told: Vec<_> = (5..100_005).map(|ordinal| (ordinal, HitKind::New)).collect();
        assert_eq!(pack_told(&told).len(), 11);
    }

    #[test]
    fn cut_short_or_too_long_is_bad() {
        let sealed = pack_told(&[(300, HitKind::New), (7, HitKind::Gone)]);
        for end in 0..sealed.len() {
            assert!(unpack_told(&sealed[..end]).is_err(), "{end}");
        }
        assert!(unpack_told(&seal(&[0, 0])).is_err());
        // Counts that only memory could answer.
        assert!(unpack_told(&seal(&[0xff, 0xff, 0xff, 0xff, 0x7f])).is_err());
        assert!(unpack_told(&seal(&[1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x7f])).is_err());
        // No kind, where there must be one.
        assert!(unpack_told(&seal(&[1, 0, 0, 1])).is_err());
    }
}
