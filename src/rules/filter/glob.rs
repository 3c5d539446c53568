//! Texts with `*` for any characters and `?` for one.

use std::fmt;
use std::str::Chars;

/// What a character of a glob stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Itself.
    Char(char),
    /// Any one character: `?`.
    One,
    /// Any characters, or none: `*`.
    Many,
}

/// A text that may hold `*` and `?`. `[*]`, `[?]` and `[[]` stand for the characters themselves: a
/// backslash would read every Windows path wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pieces: Vec<Piece>,
}

impl Glob {
    /// Reads a glob; every text is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let mut ahead = rest.clone();
            let piece = match c {
                '*' => Piece::Many,
                '?' => Piece::One,
                '[' => match (ahead.next(), ahead.next()) {
                    (Some(meant @ ('*' | '?' | '[')), Some(']')) => {
                        rest = ahead;
                        Piece::Char(meant)
                    }
                    _ => Piece::Char('['),
                },
                c => Piece::Char(c),
            };
            if piece != Piece::Many || pieces.last() != Some(&Piece::Many) {
                pieces.push(piece);
            }
        }
        Self { pieces }
    }

    /// The text that it is, where it has neither `*` nor `?`.
    #[must_use]
    pub fn plain(&self) -> Option<String> {
        let char_of = |piece: &Piece| if let Piece::Char(c) = piece { Some(*c) } else { None };
        self.pieces.iter().map(char_of).collect()
    }

    /// The glob that matches in any case.
    pub(super) fn folded(&self) -> Self {
        let folded = |piece: &Piece| if let Piece::Char(c) = piece { Piece::Char(fold(*c)) } else { *piece };
        Self { pieces: self.pieces.iter().map(folded).collect() }
    }

    /// Whether the whole text matches; `as_read` is done to each of its characters first. Takes time in
    /// proportion to the text, times the longest part between two `*` at worst.
    pub(super) fn matches(&self, text: &str, as_read: fn(char) -> char) -> bool {
        let (mut rest, mut at) = (text.chars(), 0);
        // Where to go on when what comes after the last `*` doesn't fit: an earlier one need never be
        // taken up again, as the last can take whatever that would.
        let mut back: Option<(usize, Chars<'_>)> = None;
        loop {
            let mut ahead = rest.clone();
            let fits = match (self.pieces.get(at), ahead.next()) {
                (None, None) => return true,
                (Some(Piece::Many), _) => {
                    at += 1;
                    if at == self.pieces.len() {
                        return true;
                    }
                    back = Some((at, rest.clone()));
                    continue;
                }
                (Some(Piece::One), Some(_)) => true,
                (Some(Piece::Char(wanted)), Some(c)) => *wanted == as_read(c),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if fits {
                (rest, at) = (ahead, at + 1);
                continue;
            }
            let Some((resume, from)) = &mut back else { return false };
            if from.next().is_none() {
                return false;
            }
            (rest, at) = (from.clone(), *resume);
        }
    }
}

/// As it is written, without quotes.
impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Many => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
                Piece::Char(c @ ('*' | '?' | '[')) => write!(f, "[{c}]")?,
                Piece::Char(c) => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// The character that stands for all its cases.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        // The Greek sigma at the end of a word is a sigma.
        (Some('ς'), None) => 'σ',
        (Some(lower), None) => lower,
        _ => c,
    }
}

/// The character itself.
pub(super) fn same(c: char) -> char {
    c
}

/// The text in no case.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(pieces: &[Piece], text: &[char]) -> bool {
        match (pieces.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((Piece::Many, after)), _) => {
                naive(after, text) || text.split_first().is_some_and(|(_, rest)| naive(pieces, rest))
            }
            (Some((Piece::One, after)), Some((_, rest))) => naive(after, rest),
            (Some((Piece::Char(wanted), after)), Some((c, rest))) => wanted == c && naive(after, rest),
            _ => false,
        }
    }

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("srv-*", "srv-01", true),
            ("srv-*", "xsrv-01", false),
            ("*enc*", "powershell -enc AA==", true),
            ("?", "", false),
            ("?", "日", true),
            ("a?c", "abc", true),
            (r"C:\Windows\*", r"C:\Windows\System32", true),
            ("[*]", "*", true),
            ("[*]", "x", false),
            ("[?]*", "?x", true),
            ("[[][*]]", "[*]", true),
            ("[abc]", "[abc]", true),
            ("[abc]", "a", false),
            ("a**b", "ab", true),
            ("*a*b", "aabab", true),
            ("*a*b", "aababx", false),
        ] {
            assert_eq!(Glob::new(glob).matches(text, same), expected, "{glob} {text}");
        }
    }

    #[test]
    fn case_is_folded_char_by_char() {
        for (glob, text) in
            [("ÄRGER*", "ärgerlich"), ("ΟΔΟΣ", "οδος"), ("ΟΔΟΣ", "οδοσ"), ("straẞe", "STRAßE"), ("İ", "İ")]
        {
            assert!(Glob::new(glob).folded().matches(text, fold), "{glob} {text}");
        }
        assert!(!Glob::new("ab").matches("AB", same));
    }

    #[test]
    fn many_stars_take_no_time() {
        let glob = Glob::new(&format!("{}b", "*a".repeat(2_000)));
        assert!(!glob.matches(&"a".repeat(50_000), same));
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_matcher(glob in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let glob = Glob::new(&glob);
            prop_assert_eq!(glob.matches(&text, same), naive(&glob.pieces, &text.chars().collect::<Vec<_>>()));
        }

        #[test]
        fn what_is_written_is_read_again(text in r"[\[\]*?ab]{0,12}") {
            let glob = Glob::new(&text);
            prop_assert_eq!(Glob::new(&glob.to_string()), glob);
        }

        #[test]
        fn any_text_can_be_written(text in any::<String>()) {
            let glob = Glob { pieces: text.chars().map(Piece::Char).collect() };
            prop_assert_eq!(glob.plain(), Some(text.clone()));
            prop_assert_eq!(Glob::new(&glob.to_string()), glob.clone());
            prop_assert!(glob.matches(&text, same));
            prop_assert!(glob.folded().matches(&text, fold));
        }
    }
}
