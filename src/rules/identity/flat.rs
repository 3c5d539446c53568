//! The members of a row, in one quick pass.
//!
//! Nearly every row is one line of JSON whose names have no escapes. Such a row is checked and taken apart here; of any
//! other, and of one with a fault, this says only that it isn't such a row, and [`json`] reads it with `serde_json`. What
//! is accepted here, `serde_json` accepts, with the same places (fuzzed in the tests below).

use super::json::{self, Span};
use super::stop::string_stop;

/// A member of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// The place of its name, between the quotes.
    pub(super) name: Span,
    /// The place of its value.
    pub(super) value: Span,
    /// The value is a string that means what its bytes say: it has no escapes.
    pub(super) is_plain: bool,
}

/// Collects the members. False where `row` isn't such a row; `members` then holds nothing of use.
pub(super) fn members(row: &str, members: &mut Vec<Member>) -> bool {
    members.clear();
    // Strings have no control characters then, and nothing but blanks stands between tokens.
    !has_control(row) && Flat { row, at: 0 }.walk(members).is_some()
}

/// Asked of many bytes at once: a loop that may end at each takes as long as all the rest.
fn has_control(row: &str) -> bool {
    row.as_bytes().chunks(64).any(|some| some.iter().fold(0, |found, byte| found | u8::from(*byte < b' ')) != 0)
}

struct Flat<'a> {
    row: &'a str,
    at: usize,
}

impl Flat<'_> {
    fn walk(&mut self, members: &mut Vec<Member>) -> Option<()> {
        self.take(b'{')?;
        if self.next() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                self.take(b'"')?;
                let name = self.name()?;
                self.take(b':')?;
                let (value, is_plain) = self.value()?;
                members.push(Member { name, value, is_plain });
                match self.next()? {
                    b',' => self.at += 1,
                    b'}' => break self.at += 1,
                    _ => return None,
                }
            }
        }
        (self.next().is_none() && self.at == self.row.len()).then_some(())
    }

    fn byte(&self) -> Option<u8> {
        self.row.as_bytes().get(self.at).copied()
    }

    /// The next byte that isn't blank.
    fn next(&mut self) -> Option<u8> {
        while self.byte()? == b' ' {
            self.at += 1;
        }
        self.byte()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then(|| self.at += 1)
    }

    /// A name whose opening quote was taken.
    fn name(&mut self) -> Option<Span> {
        let start = self.at;
        let end = start + string_stop(self.row.as_bytes().get(start..)?)?;
        self.at = end + 1;
        (self.row.as_bytes().get(end) == Some(&b'"')).then_some(Span { start, end })
    }

    fn value(&mut self) -> Option<(Span, bool)> {
        let first = self.next()?;
        let start = self.at;
        let mut is_plain = false;
        match first {
            b'"' => is_plain = self.string()?,
            b'{' | b'[' => self.container()?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        Some((Span { start, end: self.at }, is_plain))
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.row.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    /// Whether the string here has no escape.
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut is_plain = true;
        loop {
            let found = string_stop(self.row.as_bytes().get(self.at..)?)?;
            self.at += found + 1;
            if self.row.as_bytes().get(self.at - 1) == Some(&b'"') {
                return Some(is_plain);
            }
            is_plain = false;
            self.escape()?;
        }
    }

    /// What stands behind a backslash (RFC 8259, section 7).
    fn escape(&mut self) -> Option<()> {
        self.at += match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 1,
            b'u' => {
                let digits = self.row.as_bytes().get(self.at + 1..self.at + 5)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(5)?
            }
            _ => return None,
        };
        Some(())
    }

    /// A number (RFC 8259, section 6).
    fn number(&mut self) -> Option<()> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.byte()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte()?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// At least one digit; something stands behind the last one.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte()?.is_ascii_digit() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn container(&mut self) -> Option<()> {
        let rest = self.row.get(self.at..)?;
        let length = json::value_length(rest.as_bytes());
        json::validate(rest.get(..length)?).ok()?;
        self.at += length;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Places = Vec<(Span, Span)>;

    /// What `serde_json` finds.
    fn slow(row: &str) -> Option<Places> {
        let mut all = Vec::new();
        let each = |name, value| {
            all.push((name, value));
            Ok::<(), ()>(())
        };
        json::each_member(row, each).ok().map(|_| all)
    }

    fn quick(row: &str) -> Option<Places> {
        let mut all = Vec::new();
        let taken = members(row, &mut all);
        for Member { value, is_plain, .. } in &all {
            let value = value.of(row.as_bytes());
            assert!(!taken || *is_plain == (value.starts_with(b"\"") && !value.contains(&b'\\')), "{row}");
        }
        taken.then(|| all.iter().map(|member| (member.name, member.value)).collect())
    }

    #[test]
    fn rows_as_they_come_are_taken() {
        for row in [
            "{}",
            " { } ",
            r#"{"a":1}"#,
            r#"{"a" : -0.5e+3 , "b":[1,{"c":"]"}],"d":"x\"\\\u00e9","e":null,"f":true,"g":false,"h":{}}"#,
            "{\"\u{e4}\":\"\u{1f600}\",\"n\":0}",
        ] {
            assert_eq!(quick(row), slow(row), "{row}");
            assert!(quick(row).is_some(), "{row}");
        }
    }

    #[test]
    fn rows_with_a_fault_are_not() {
        let faulty = [
            "",
            "{",
            "[]",
            "1",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":1}}"#,
            r#"{"a":1} x"#,
            r#"{"a":01}"#,
            r#"{"a":-}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":1e}"#,
            r#"{"a":+1}"#,
            r#"{"a":truex}"#,
            r#"{"a":nul}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12g4"}"#,
            r#"{"a":"x}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":{]}"#,
            r#"{"a":[}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1 "b":2}"#,
            r"{a:1}",
            r#"{"a":NaN}"#,
            r#"{"a":1"b":2}"#,
        ];
        for row in faulty {
            assert_eq!((quick(row), slow(row)), (None, None), "{row}");
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let tokens = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\"a\"",
            "\"b\":",
            "1",
            "-",
            "0",
            ".",
            "e",
            "E+",
            "5",
            "true",
            "null",
            "false",
            " ",
            "\n",
            "\\u00e9",
            "\\n",
            "\u{e9}",
            "x",
            "\"\"",
            "{}",
            "[]",
            "{\"a\":1}",
        ];
        prop_oneof![4 => prop::sample::select(tokens.to_vec()).prop_map(str::to_owned), 1 => ".{0,3}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_taken_serde_json_takes_with_the_same_places(pieces in prop::collection::vec(piece(), 0..12)) {
            for row in [pieces.concat(), format!("{{\"k\":{}}}", pieces.concat())] {
                if let Some(places) = quick(&row) {
                    prop_assert_eq!(Some(places), slow(&row), "{}", row);
                }
            }
        }

        #[test]
        fn a_row_that_serde_json_writes_is_taken_and_one_cut_anywhere_is_not(
            values in prop::collection::vec(("[a-z]{0,3}", any::<String>(), any::<f64>()), 0..6),
        ) {
            let members: Vec<String> = values
                .iter()
                .map(|(name, text, number)| {
                    let number = serde_json::json!(number);
                    let text = serde_json::json!(text);
                    format!("{}:{},\"n\":{number},\"o\":{{\"x\":[{text}]}}", serde_json::json!(name), text)
                })
                .collect();
            let row = format!("{{{}}}", members.join(","));
            prop_assert_eq!(quick(&row), slow(&row));
            prop_assert!(quick(&row).is_some());
            for cut in (0..row.len()).filter(|cut| row.is_char_boundary(*cut)) {
                prop_assert_eq!(quick(&row[..cut]), None);
            }
        }
    }
}
