//! Unpacks a body piece by piece.
//!
//! huntd does this itself, and not by reqwest, for two reasons: `deflate` is zlib by the standard
//! and raw deflate by many servers, and reqwest knows the first alone; and a small piece can unpack
//! to a huge one, which is held off here by feeding a little at a time.

use std::io::Write;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Packed bytes taken at once: deflate grows at most 1032 times, so this gives 4 MiB at most.
const STEP: usize = 4096;

/// What a request says it takes.
pub(super) const ACCEPTED: &str = "gzip, deflate";

/// A body's encoding, and the work done so far.
#[derive(Debug)]
pub(super) enum Inflate {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// Nothing has come yet that tells which of the two it is.
    Deflate,
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Raw(Box<DeflateDecoder<Vec<u8>>>),
}

/// An encoding that wasn't asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is packed as `{0}`, which huntd doesn't take")]
pub(super) struct UnknownEncoding(String);

/// What is packed is damaged, or ends early, or has bytes behind its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its packed form is damaged or incomplete")]
pub(super) struct Damaged;

impl Inflate {
    /// For the value of `Content-Encoding`; none is plain.
    pub(super) fn of(encoding: Option<&str>) -> Result<Self, UnknownEncoding> {
        let encoding = encoding.unwrap_or_default();
        let mut names = encoding
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
        let made = match names.next().map(str::to_ascii_lowercase).as_deref() {
            None => Self::Plain,
            Some("gzip" | "x-gzip") => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Some("deflate") => Self::Deflate,
            Some(_) => return Err(UnknownEncoding(encoding.to_owned())),
        };
        match names.next() {
            None => Ok(made),
            Some(_) => Err(UnknownEncoding(encoding.to_owned())),
        }
    }

    /// Unpacks some of `piece` into `out`, which is emptied first; says how many bytes it took.
    pub(super) fn step(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<usize, Damaged> {
        out.clear();
        if matches!(self, Self::Plain) {
            out.extend_from_slice(piece);
            return Ok(piece.len());
        }
        if let (Self::Deflate, Some(first)) = (&self, piece.first()) {
            *self = Self::sniffed(*first);
        }
        let step = piece.get(..STEP).unwrap_or(piece);
        self.write(step)?;
        self.hand_over(out);
        Ok(step.len())
    }

    /// Says that the body is over; what was still inside comes out.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Damaged> {
        out.clear();
        match self {
            Self::Plain => Ok(()),
            Self::Deflate => Err(Damaged),
            Self::Gzip(inner) => inner.try_finish().map_err(|_| Damaged),
            Self::Zlib(inner) => inner.try_finish().map_err(|_| Damaged),
            Self::Raw(inner) => inner.try_finish().map_err(|_| Damaged),
        }?;
        self.hand_over(out);
        Ok(())
    }

    /// A zlib stream begins with method 8 (RFC 1950); in raw deflate these bits would be a stored
    /// block with padding that isn't zero, which no packer writes.
    fn sniffed(first: u8) -> Self {
        if first & 0x0f == 8 {
            Self::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
        } else {
            Self::Raw(Box::new(DeflateDecoder::new(Vec::new())))
        }
    }

    fn write(&mut self, mut step: &[u8]) -> Result<(), Damaged> {
        while !step.is_empty() {
            let took = match self {
                Self::Plain | Self::Deflate => step.len(),
                Self::Gzip(inner) => inner.write(step).map_err(|_| Damaged)?,
                Self::Zlib(inner) => inner.write(step).map_err(|_| Damaged)?,
                Self::Raw(inner) => inner.write(step).map_err(|_| Damaged)?,
            };
            if took == 0 {
                return Err(Damaged);
            }
            step = step.get(took..).unwrap_or_default();
        }
        // The decoders hold back up to 32 KiB; a slow answer's rows are wanted as they come.
        match self {
            Self::Plain | Self::Deflate => Ok(()),
            Self::Gzip(inner) => inner.flush().map_err(|_| Damaged),
            Self::Zlib(inner) => inner.flush().map_err(|_| Damaged),
            Self::Raw(inner) => inner.flush().map_err(|_| Damaged),
        }
    }

    fn hand_over(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Plain | Self::Deflate => {}
            Self::Gzip(inner) => std::mem::swap(inner.get_mut(), out),
            Self::Zlib(inner) => std::mem::swap(inner.get_mut(), out),
            Self::Raw(inner) => std::mem::swap(inner.get_mut(), out),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn packed(how: &str, text: &[u8], level: u32) -> Vec<u8> {
        let level = Compression::new(level);
        let write = |into: &mut dyn Write| into.write_all(text).unwrap();
        match how {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                write(&mut encoder);
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                write(&mut encoder);
                encoder.finish().unwrap()
            }
            _ => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                write(&mut encoder);
                encoder.finish().unwrap()
            }
        }
    }

    fn unpacked(encoding: &str, body: &[u8], size: usize) -> Result<Vec<u8>, Damaged> {
        let (mut inflate, mut all, mut out) = (Inflate::of(Some(encoding)).unwrap(), Vec::new(), Vec::new());
        for mut piece in body.chunks(size.max(1)) {
            while !piece.is_empty() {
                let took = inflate.step(piece, &mut out)?;
                assert!(out.len() <= 1100 * STEP);
                all.extend_from_slice(&out);
                piece = &piece[took..];
            }
        }
        inflate.finish(&mut out)?;
        all.extend_from_slice(&out);
        Ok(all)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_form_in_any_pieces(text in prop::collection::vec(any::<u8>(), 0..3000), size in 1_usize..9000, level in 0_u32..10) {
            for (how, encoding) in [("gzip", "gzip"), ("zlib", "deflate"), ("raw", "deflate")] {
                let made = unpacked(encoding, &packed(how, &text, level), size);
                prop_assert_eq!(made.as_ref(), Ok(&text), "{}", how);
            }
            prop_assert_eq!(unpacked("identity", &text, size), Ok(text));
        }
    }

    #[test]
    fn what_is_cut_or_damaged_or_longer_is_refused() {
        let text = b"rows and rows and rows ".repeat(50);
        for (how, encoding) in [("gzip", "x-gzip"), ("zlib", "Deflate"), ("raw", "deflate")] {
            let body = packed(how, &text, 6);
            for end in 0..body.len() {
                assert_eq!(unpacked(encoding, &body[..end], 10), Err(Damaged), "{how} cut at {end}");
            }
            assert_eq!(unpacked(encoding, &[&body[..], b"junk"].concat(), 10), Err(Damaged), "{how} with a tail");
        }
        let mut body = packed("gzip", &text, 6);
        let crc = body.len() - 6;
        body[crc] ^= 1;
        assert_eq!(unpacked("gzip", &body, 10), Err(Damaged));
        assert_eq!(unpacked("gzip", &text, 10), Err(Damaged));
    }

    #[test]
    fn a_bomb_comes_in_steps() {
        let text = vec![0; 50 << 20];
        assert_eq!(unpacked("gzip", &packed("gzip", &text, 9), 1 << 20).unwrap().len(), text.len());
    }

    #[test]
    fn encodings_that_were_not_asked_for() {
        for encoding in ["br", "gzip, gzip", "gzip, br", "zstd"] {
            assert!(Inflate::of(Some(encoding)).is_err(), "{encoding}");
        }
        for encoding in [None, Some(""), Some("identity"), Some(" identity , ")] {
            assert!(matches!(Inflate::of(encoding), Ok(Inflate::Plain)), "{encoding:?}");
        }
    }
}
