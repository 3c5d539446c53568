//! Where the inside of a JSON string may end.

use memchr::memchr2;

use crate::rules::words::{each, zeros};

/// So many words of eight bytes are looked into here: most strings of a row are as short, and a call takes longer.
const WORDS: usize = 4;

/// The place of the first quote or backslash.
pub(crate) fn string_stop(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for word in text.as_chunks().0.iter().take(WORDS) {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\'));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', text.get(at..)?).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_first_of_both(text in prop::collection::vec(prop_oneof![
            8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 2 => prop::sample::select(vec![0x21, 0x23, 0x5b, 0x5d, 0xa2])
        ], 0..80)) {
            prop_assert_eq!(string_stop(&text), text.iter().position(|byte| matches!(byte, b'"' | b'\\')));
        }
    }
}
