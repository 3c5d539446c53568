//! Characters that can't be seen, or that act, made visible.
//!
//! The result has no control character, nothing that changes the direction of text, and nothing of
//! no width: what is read is what is there. A backslash is left alone, as paths are full of them, so
//! the spelling can't be read back; the exact value is in the CSV and the JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character acts on a terminal or a line, hides, or turns text around: controls (C0, DEL,
/// C1), line and paragraph separators, bidirectional controls, characters of no width, tags and the
/// variation selectors that carry hidden text (Unicode 16, general category Cc, Cf and U+E0100..).
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

/// The text with every hidden character spelt out: `\n`, `\r`, `\t`, else `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String can't fail.
            c if is_hidden(c) => write!(out, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default(),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The first `most` characters, and how many were cut off.
#[must_use]
pub fn cut(text: &str, most: usize) -> (&str, usize) {
    match text.char_indices().nth(most) {
        Some((at, _)) => {
            let (kept, rest) = text.split_at(at);
            (kept, rest.chars().count())
        }
        None => (text, 0),
    }
}

/// The text, visible, in at most `most` characters; a cut is marked by `…`.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    let (kept, _) = cut(text, most.saturating_add(1));
    let shown = visible(kept);
    match cut(&shown, most) {
        (_, 0) => shown.into_owned(),
        _ => format!("{}…", cut(&shown, most.saturating_sub(1)).0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_characters_are_spelt_out() {
        let cases = [
            ("plain ünïcode 日本", "plain ünïcode 日本"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\r\nb\tc\0", "a\\r\\nb\\tc\\u{0}"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{9b}0m\u{7f}", "\\u{9b}0m\\u{7f}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("C:\\new", "C:\\new"),
        ];
        for (text, expected) in cases {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("añb日", 2), ("añ", 2));
        assert_eq!(cut("añ", 2), ("añ", 0));
        assert_eq!(short("日本語テキスト", 4), "日本語…");
        assert_eq!(short("日本語テ", 4), "日本語テ");
        assert_eq!(short("\u{1b}\u{1b}", 8), "\\u{1b}\\…");
        assert_eq!(short("abc", 0), "…");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>(), most in 1_usize..40) {
            prop_assert!(!visible(&text).contains(is_hidden));
            let short = short(&text, most);
            prop_assert!(!short.contains(is_hidden));
            prop_assert!(short.chars().count() <= most);
        }
    }
}
