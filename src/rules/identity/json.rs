//! A walk over JSON text that `serde_json` has found valid before: places of tokens, nothing decoded.
//!
//! Values of `serde_json` itself won't do here: they round numbers, refuse lone surrogates and limit depth.
//! On text that isn't valid the walk gives wrong places, and still ends and never panics.

use std::fmt;

use memchr::memchr;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::stop::string_stop;

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) struct Span {
    /// Its first byte.
    pub(in crate::rules) start: usize,
    /// The byte after its last.
    pub(in crate::rules) end: usize,
}

impl Span {
    /// The stretch itself.
    pub(in crate::rules) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Whether `text` is one JSON value and nothing else; the reason when it isn't. Depth has no limit,
/// and a string may hold lone surrogates.
pub(in crate::rules) fn validate(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

/// `text` without the white space around it.
pub(in crate::rules) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Hands the place of each key, between its quotes, and of each value of the object that `text` is to `each`, and
/// checks on the way that it is one JSON object and nothing else: one pass does both.
pub(in crate::rules) fn each_member<E>(
    text: &str,
    each: impl FnMut(Span, Span) -> Result<(), E>,
) -> Result<Result<(), E>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let done = serde::Deserializer::deserialize_map(&mut reader, Members { text, each })?;
    if done.is_ok() {
        reader.end()?;
    }
    Ok(done)
}

struct Members<'a, F> {
    text: &'a str,
    each: F,
}

impl<'de, E, F: FnMut(Span, Span) -> Result<(), E>> Visitor<'de> for Members<'_, F> {
    type Value = Result<(), E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        // Raw texts are borrowed from `text`: their addresses are their places.
        let span = |raw: &RawValue| {
            let start = raw.get().as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
            Span { start, end: start + raw.get().len() }
        };
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let key = span(key);
            let inside = Span { start: key.start + 1, end: key.end.saturating_sub(1) };
            if let Err(error) = (self.each)(inside, span(value)) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    /// The byte here; 0 at the end, which no valid text has between tokens.
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Moves past a string whose opening quote is here; gives the place between the quotes.
    fn string(&mut self) -> Span {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            match string_stop(rest) {
                Some(offset) if rest.get(offset) == Some(&b'\\') => at += offset + 2,
                Some(offset) => {
                    at += offset;
                    break;
                }
                None => {
                    at = self.text.len();
                    break;
                }
            }
        }
        self.at = at + 1;
        Span { start, end: at }
    }

    /// Moves past the value here and gives its place, quotes or brackets included.
    fn value(&mut self) -> Span {
        let start = self.at;
        match self.byte() {
            b'"' => drop(self.string()),
            b'{' | b'[' => self.container(),
            _ => {
                while !matches!(self.byte(), b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | 0) {
                    self.at += 1;
                }
            }
        }
        Span { start, end: self.at.min(self.text.len()) }
    }

    fn container(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            match self.byte() {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    /// To the next member or element; false where there is none.
    fn next_item(&mut self) -> bool {
        self.skip_space();
        if self.byte() == b',' {
            self.at += 1;
            self.skip_space();
        }
        !matches!(self.byte(), b'}' | b']' | 0)
    }
}

/// The members of the object that `text` is: the place of each key, between its quotes, and of each
/// value.
pub(in crate::rules) fn members(text: &[u8]) -> impl Iterator<Item = (Span, Span)> {
    let mut walk = Walk { text, at: 1 };
    std::iter::from_fn(move || {
        if !walk.next_item() || walk.byte() != b'"' {
            return None;
        }
        let key = walk.string();
        walk.skip_space();
        walk.at += 1; // the colon
        walk.skip_space();
        let value = walk.value();
        (value.start < value.end).then_some((key, value))
    })
}

/// The elements of the array that `text` is.
pub(in crate::rules) fn elements(text: &[u8]) -> impl Iterator<Item = Span> {
    let mut walk = Walk { text, at: 1 };
    std::iter::from_fn(move || {
        if !walk.next_item() {
            return None;
        }
        let value = walk.value();
        (value.start < value.end).then_some(value)
    })
}

/// How long the value is that `text` begins with, as far as brackets and quotes say; 0 where none begins.
pub(in crate::rules) fn value_length(text: &[u8]) -> usize {
    Walk { text, at: 0 }.value().end
}

/// The inside of the first string in `text`, and what comes behind it.
pub(in crate::rules) fn next_string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut walk = Walk { text, at: memchr(b'"', text)? };
    let inside = walk.string();
    Some((inside.of(text), text.get(walk.at..).unwrap_or_default()))
}

/// Writes `text` without the white space between its tokens. Uses no stack, however deep it nests.
pub(in crate::rules) fn minify(text: &[u8], out: &mut Vec<u8>) {
    let mut walk = Walk { text, at: 0 };
    while walk.at < text.len() {
        walk.skip_space();
        let start = walk.at;
        if walk.byte() == b'"' {
            walk.string();
        } else {
            while walk.at < text.len() && !matches!(walk.byte(), b'"' | b' ' | b'\t' | b'\n' | b'\r') {
                walk.at += 1;
            }
        }
        out.extend_from_slice(Span { start, end: walk.at.min(text.len()) }.of(text));
    }
}

/// Writes what the string with the inside `raw` means. A lone surrogate, which UTF-8 can't say, is
/// written as UTF-8 would write it if it could (WTF-8), so that different strings stay different.
pub(in crate::rules) fn decode(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr(b'\\', raw) {
        let (plain, escape) = raw.split_at(at);
        out.extend_from_slice(plain);
        raw = decode_escape(escape, out);
    }
    out.extend_from_slice(raw);
}

/// Decodes the escape that `text` begins with; gives the rest.
fn decode_escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let byte = match text.get(1).copied() {
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return decode_unicode(text, out),
        Some(other) => other,
        None => return &[],
    };
    out.push(byte);
    text.get(2..).unwrap_or_default()
}

fn decode_unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let high = code_unit(text);
    let rest = text.get(6..).unwrap_or_default();
    if (0xD800..0xDC00).contains(&high) && rest.starts_with(b"\\u") {
        let low = code_unit(rest);
        if (0xDC00..0xE000).contains(&low) {
            push_code_point(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), out);
            return rest.get(6..).unwrap_or_default();
        }
    }
    push_code_point(high, out);
    rest
}

/// The number of the four hexadecimal digits behind `\u`.
fn code_unit(escape: &[u8]) -> u32 {
    let digits = escape.get(2..6).unwrap_or_default();
    digits.iter().fold(0, |sum, digit| sum * 16 + char::from(*digit).to_digit(16).unwrap_or(0))
}

fn push_code_point(code: u32, out: &mut Vec<u8>) {
    if let Some(c) = char::from_u32(code) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        // A surrogate: three bytes, by the pattern of UTF-8.
        let continued = |bits: u32| 0x80 | u8::try_from(bits & 0x3F).unwrap_or(0);
        out.extend_from_slice(&[0xED, continued(code >> 6), continued(code)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(raw: &str) -> Vec<u8> {
        let mut out = Vec::new();
        decode(raw.as_bytes(), &mut out);
        out
    }

    #[test]
    fn escapes_are_decoded() {
        let cases: [(&str, &[u8]); 7] = [
            (r#"a\"\\\/\b\f\n\r\tz"#, b"a\"\\/\x08\x0c\n\r\tz"),
            (r"\u0041\u00e9\u20AC", "A\u{e9}\u{20ac}".as_bytes()),
            (r"\ud83d\ude00", "\u{1f600}".as_bytes()),
            (r"\u0000", b"\0"),
            (r"\ud800", b"\xed\xa0\x80"),
            (r"\udfff\ud800x", b"\xed\xbf\xbf\xed\xa0\x80x"),
            (r"\ud800\u0041", b"\xed\xa0\x80A"),
        ];
        for (raw, meant) in cases {
            assert_eq!(decoded(raw), meant, "{raw}");
        }
        assert_ne!(decoded(r"\ud800"), decoded(r"\ud801"));
        assert_ne!(decoded(r"\ud800"), decoded(r"\ufffd"));
    }

    #[test]
    fn minify_keeps_strings_and_drops_space() {
        let mut out = Vec::new();
        minify(b" { \"a b\" : [ 1 , \"x \\\" y\" ,\n{ } ] , \"c\":null } ", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a b":[1,"x \" y",{}],"c":null}"#);
    }

    #[test]
    fn members_and_elements_have_their_places() {
        let text = br#"{ "a" : 1 , "b\"":{"c":[2,"]"]} ,"d":"}" }"#;
        let found: Vec<_> = members(text).map(|(key, value)| (key.of(text), value.of(text))).collect();
        let want: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"b\\\"", br#"{"c":[2,"]"]}"#), (b"d", b"\"}\"")];
        assert_eq!(found, want);
        let text = b"[ 1,[2 ],\"x,\" , {} ]";
        let found: Vec<_> = elements(text).map(|value| value.of(text)).collect();
        let want: [&[u8]; 4] = [b"1", b"[2 ]", b"\"x,\"", b"{}"];
        assert_eq!(found, want);
        assert_eq!(members(b"{}").count() + elements(b"[]").count(), 0);
    }

    proptest! {
        #[test]
        fn the_walk_ends_on_any_text(text in r#"[\[\]{}",:\\ 1a]{0,40}"#) {
            let bytes = text.as_bytes();
            prop_assert!(members(bytes).count() <= bytes.len());
            prop_assert!(elements(bytes).count() <= bytes.len());
            let mut out = Vec::new();
            minify(bytes, &mut out);
            prop_assert!(out.len() <= bytes.len());
        }

        #[test]
        fn minify_agrees_with_serde(value in crate::rules::identity::tests::any_json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let mut out = Vec::new();
            minify(pretty.as_bytes(), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn decode_agrees_with_serde(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(decoded(&quoted[1..quoted.len() - 1]), text.as_bytes());
        }
    }
}
