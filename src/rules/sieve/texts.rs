//! The texts of a value: what can be asked for by `--seen`.
//!
//! A text in a column of texts or GUIDs is one; of a dynamic, each text at any depth that isn't a name. Case doesn't
//! count: hashes, hosts and accounts are written either way.

use crate::model::row::ColumnType;
use crate::rules::identity::json;

/// The longest text, in bytes as it is written.
const LONGEST: usize = 4096;
/// How deep JSON in a text is looked into.
const DEEPEST: usize = 8;

/// Whether values of such columns have texts at all. Times and numbers are asked for by `--where`.
pub(super) const fn has_texts(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::String | ColumnType::Guid | ColumnType::Dynamic | ColumnType::Other(_))
}

/// A text without its case, trimmed.
pub(super) fn fold(text: &[u8], out: &mut Vec<u8>) {
    let text = text.trim_ascii();
    if text.is_ascii() {
        out.extend_from_slice(text);
        out.make_ascii_lowercase();
    } else {
        out.extend_from_slice(String::from_utf8_lossy(text).to_lowercase().as_bytes());
    }
}

/// Hands on each text of a value, folded.
#[derive(Debug, Default)]
pub(super) struct Texts {
    folded: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl Texts {
    /// `value` is valid JSON. Breaks off once `each` says true, and says whether it did.
    pub(super) fn any(&mut self, kind: &ColumnType, value: &[u8], each: &mut impl FnMut(&[u8]) -> bool) -> bool {
        match (kind, value) {
            (ColumnType::Dynamic, _) => self.strings(value, 0, each),
            (_, [b'"', raw @ .., b'"']) => self.text(raw, None, each),
            _ => false,
        }
    }

    /// A string by its inside; `depth` where what is in it may be JSON itself.
    fn text(&mut self, raw: &[u8], depth: Option<usize>, each: &mut impl FnMut(&[u8]) -> bool) -> bool {
        if raw.is_empty() || (raw.len() > LONGEST && depth.is_none()) {
            return false;
        }
        // Most have no escape and no JSON inside.
        if memchr::memchr(b'\\', raw).is_none() && !matches!(raw.first(), Some(b'{' | b'[' | b' ')) {
            self.folded.clear();
            fold(raw, &mut self.folded);
            return raw.len() <= LONGEST && !self.folded.is_empty() && each(&self.folded);
        }
        let mut text = self.spare.pop().unwrap_or_default();
        text.clear();
        json::decode(raw, &mut text);
        let is_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
        let found = match depth {
            Some(depth) if is_json && depth < DEEPEST => self.strings(&text, depth + 1, each),
            _ if text.len() > LONGEST => false,
            _ => {
                self.folded.clear();
                fold(&text, &mut self.folded);
                !self.folded.is_empty() && each(&self.folded)
            }
        };
        self.spare.push(text);
        found
    }

    /// The strings in any JSON text, but for names.
    fn strings(&mut self, text: &[u8], depth: usize, each: &mut impl FnMut(&[u8]) -> bool) -> bool {
        let mut rest = text;
        while let Some((inside, after)) = json::next_string(rest) {
            rest = after;
            let is_name = after.trim_ascii_start().first() == Some(&b':');
            if !is_name && self.text(inside, Some(depth), each) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(kind: &ColumnType, value: &str) -> Vec<String> {
        let mut all = Vec::new();
        let each = &mut |text: &[u8]| {
            all.push(String::from_utf8(text.to_vec()).unwrap());
            false
        };
        assert!(!Texts::default().any(kind, value.as_bytes(), each));
        all
    }

    #[test]
    fn texts_are_found_at_any_depth_and_names_are_not() {
        let (string, dynamic) = (ColumnType::String, ColumnType::Dynamic);
        assert_eq!(texts(&string, r#"" PowerShell.EXE\n""#), ["powershell.exe"]);
        assert_eq!(texts(&string, r#""{\"a\":\"b\"}""#), [r#"{"a":"b"}"#]);
        assert_eq!(texts(&string, "\"\u{c4}rger\""), ["\u{e4}rger"]);
        assert_eq!(texts(&dynamic, r#"{"Name":"A","list":[1,"b",{"x" : "c"}]}"#), ["a", "b", "c"]);
        assert_eq!(texts(&dynamic, r#""{\"Name\":\"A\\\"q\",\"n\":{\"m\":\"z\"}}""#), ["a\"q", "z"]);
        assert_eq!(texts(&dynamic, r#""plain""#), ["plain"]);
        for nothing in ["null", "\"\"", "1", "{}", "[]"] {
            assert!(texts(&string, nothing).is_empty() && texts(&dynamic, nothing).is_empty(), "{nothing}");
        }
    }
}
