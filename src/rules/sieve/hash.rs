//! The hash of a text in a sieve.
//!
//! The same on every machine and in every version, as sieves are stored. It needs no secret: two texts that share a hash
//! cost a look into a block. It is our own because one pass can then do all: most texts are short, and folding them into a
//! buffer first takes longer than hashing them.

use crate::rules::words::{each, zeros};

/// Odd, and with as many ones as zeros in no pattern: digits of pi's fraction, as Blowfish's tables begin with.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x1319_8a2e_0370_7345;
const END: u64 = 0xa409_3822_299f_31d1;

const HIGH: u64 = each(0x80);

/// The hash of a text that is folded: of its bytes as JSON would write them, so that most strings of a row can be hashed as
/// they stand there.
pub(super) fn hash(folded: &[u8]) -> u64 {
    if folded.iter().any(|byte| matches!(byte, 0..b' ' | b'"' | b'\\')) {
        return hash_written(&written(folded));
    }
    hash_written(folded)
}

fn hash_written(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks();
    let state = words.iter().fold(begin(text), |state, word| mix(state, u64::from_le_bytes(*word)));
    mix(mix(state, last(rest)), END)
}

/// A text as the inside of a JSON string, with as few and as short escapes as there can be.
fn written(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..b' ' => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

/// The hash of what `raw`, the inside of a JSON string, is once it is decoded and folded; none where that takes more than
/// the case of some letters.
pub(super) fn quick(raw: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    if raw.first().is_none_or(blank) || raw.last().is_none_or(blank) {
        return None;
    }
    let (words, rest) = raw.as_chunks();
    let (mut odd, mut escapes) = (0, 0);
    let mut state = begin(raw);
    for word in words {
        let word = u64::from_le_bytes(*word);
        (odd, escapes) = (odd | word, escapes | zeros(word ^ each(b'\\')));
        state = mix(state, lower(word));
    }
    let rest = last(rest);
    (odd, escapes) = ((odd | rest) & HIGH, escapes | zeros(rest ^ each(b'\\')));
    let is_plain = odd == 0 && (escapes == 0 || has_short_escapes(raw));
    is_plain.then(|| mix(mix(state, lower(rest)), END))
}

/// Whether all escapes are ones that [`written`] writes, and none at either end may be a blank.
fn has_short_escapes(raw: &[u8]) -> bool {
    let may_be_blank = |escape: Option<&[u8]>| matches!(escape, Some([b'\\', b'n' | b'r' | b't' | b'f']));
    if may_be_blank(raw.get(..2)) || may_be_blank(raw.get(raw.len().saturating_sub(2)..)) {
        return false;
    }
    let mut left = raw;
    while let Some(at) = memchr::memchr(b'\\', left) {
        if !matches!(left.get(at + 1), Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't')) {
            return false;
        }
        left = left.get(at + 2..).unwrap_or_default();
    }
    true
}

fn begin(text: &[u8]) -> u64 {
    SEED ^ text.len() as u64
}

/// The last bytes, fewer than eight, and zeros.
fn last(rest: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(rest) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// Both halves of the product, one laid over the other (as in wyhash).
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(FACTOR);
    let low = product & u128::from(u64::MAX);
    u64::try_from(low ^ (product >> 64)).unwrap_or(0)
}

/// Eight ASCII letters, small.
fn lower(word: u64) -> u64 {
    // The highest bit of each byte says whether it is at least `A`, or beyond `Z`: no byte carries over into the next.
    let (least, beyond) = (word.wrapping_add(each(0x80 - b'A')), word.wrapping_add(each(0x80 - b'Z' - 1)));
    word | ((least & !beyond & HIGH) >> 2)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_stay_what_they_are() {
        // A change here makes every sieve that is stored useless.
        assert_eq!((hash(b"powershell.exe"), hash(b"")), (6_507_903_644_772_476_463, 1_441_912_553_753_636_377));
    }

    #[test]
    fn texts_that_are_alike_have_hashes_that_are_not() {
        let texts = (0..200_000).map(|n| format!("host{n}.example")).chain((0..40).map(|n| "a".repeat(n)));
        let texts = texts.chain((0..40).map(|n| "\0".repeat(n)));
        let all: Vec<u64> = texts.map(|text| hash(text.as_bytes())).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len() - 1, "but for the empty one, which comes twice");
        for bit in 0..64 {
            let ones = all.iter().filter(|hash| *hash >> bit & 1 == 1).count();
            assert!((98_000..102_000).contains(&ones), "bit {bit}: {ones}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_leads_to_the_same(text in "[ -~]{0,40}|[A-Za-z0-9@\\[`{.]{0,20}|.{0,20}|[\\x00-\\x20A\\\\\"]{0,9}") {
            let raw = serde_json::Value::from(text.as_str()).to_string();
            let folded = text.trim_ascii().to_ascii_lowercase();
            if let Some(quick) = quick(&raw.as_bytes()[1..raw.len() - 1]) {
                prop_assert_eq!(quick, hash(folded.as_bytes()));
            }
            // What ends on a backslash and a letter looks like an escape at the end.
            let is_simple =
                text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\') && !text.is_empty();
            prop_assert!(!is_simple || quick(&raw.as_bytes()[1..raw.len() - 1]).is_some());
        }
    }

    #[test]
    fn what_json_may_write_otherwise_is_not_for_the_quick_way() {
        for raw in [r"\u0041", r"a\/b", r"\nx", r"x\t", r"x\u0020", " x", "x ", "", "\u{e4}"] {
            assert_eq!(quick(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!(quick(br#"C:\\Users\\U \"x\"\n y"#), Some(hash(b"c:\\users\\u \"x\"\n y")));
    }
}
