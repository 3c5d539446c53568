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

/// The inside of a string that is one text, and no JSON; as it is written.
pub(super) fn plain<'a>(kind: &ColumnType, value: &'a [u8]) -> Option<&'a [u8]> {
    match value {
        [b'"', raw @ .., b'"'] if *kind != ColumnType::Dynamic && has_texts(kind) && raw.len() <= LONGEST => Some(raw),
        _ => None,
    }
}

/// A text without its case, trimmed. Writes over `text`, which is of no use afterwards.
pub(super) fn fold(text: &mut Vec<u8>) -> &[u8] {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return text.trim_ascii();
    }
    *text = String::from_utf8_lossy(text.trim_ascii()).to_lowercase().into_bytes();
    text
}

/// Hands on each text of a value, folded.
#[derive(Debug, Default)]
pub(super) struct Texts {
    decoded: Vec<u8>,
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
        let Self { decoded, .. } = self;
        decoded.clear();
        json::decode(raw, decoded);
        let is_json = matches!(decoded.trim_ascii_start().first(), Some(b'{' | b'['));
        if let Some(depth) = depth.filter(|depth| is_json && *depth < DEEPEST) {
            // Its strings are decoded in turn, so it makes room.
            let text = std::mem::replace(decoded, self.spare.pop().unwrap_or_default());
            let found = self.strings(&text, depth + 1, each);
            self.spare.push(text);
            return found;
        }
        if decoded.len() > LONGEST {
            return false;
        }
        let folded = fold(decoded);
        !folded.is_empty() && each(folded)
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
