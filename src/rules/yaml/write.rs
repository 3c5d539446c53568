//! Values to YAML text that reads back the same under any YAML 1.1 or 1.2 reader.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// A text without marks where that is plainly safe, else in quotation marks.
#[must_use]
pub fn word(text: &str) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if first && text.len() < 100 && text.chars().all(inner) && !reserved.iter().any(|r| text.eq_ignore_ascii_case(r)) {
        return text.to_owned();
    }
    quoted(text)
}

/// A text in double quotation marks, on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_plain(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _infallible =
                    if code <= 0xffff { write!(out, "\\u{code:04X}") } else { write!(out, "\\U{code:08X}") };
            }
        }
    }
    out.push('"');
    out
}

/// Printable for every YAML reader, and visible to a person: no control, no bidirectional mark, no
/// byte order mark, no line separator.
fn is_plain(c: char) -> bool {
    let code = u32::from(c);
    !c.is_control()
        && !matches!(code, 0x2028..=0x202E | 0x200B..=0x200F | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFF)
        && code & 0xFFFE != 0xFFFE
}

/// A text as a block after `|`, each line indented by `indent` blanks, without the key; one line in
/// quotation marks where a block can't hold it.
#[must_use]
pub fn block_text(text: &str, indent: usize) -> String {
    let sound = |c: char| c == '\n' || c == '\t' || is_plain(c);
    let body = text.strip_suffix('\n').unwrap_or(text);
    let opens_badly = text.starts_with([' ', '\t', '\n']);
    let blank_line = body.split('\n').any(|line| !line.is_empty() && line.trim_matches([' ', '\t']).is_empty());
    if text.is_empty() || opens_badly || body.ends_with('\n') || blank_line || !text.chars().all(sound) {
        return quoted(text);
    }
    let mut out = String::from(if text.ends_with('\n') { "|" } else { "|-" });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out
}

/// The longest key that is written without `?`: readers look for the colon within 1,024 characters.
const SIMPLE_KEY: usize = 100;

/// A JSON value in YAML's flow form, on one line.
#[must_use]
pub fn flow_json(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(is) => is.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(values) => format!("[{}]", values.iter().map(flow_json).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let parts = map.iter().map(|(key, value)| {
                let mark = if key.len() > SIMPLE_KEY { "? " } else { "" };
                format!("{mark}{}: {}", quoted(key), flow_json(value))
            });
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::parse::parse;
    use super::*;

    fn read_back(yaml: &str) -> Json {
        let documents = parse(yaml.as_bytes());
        assert!(documents[0].problems.is_empty(), "{yaml:?}: {:?}", documents[0].problems);
        documents[0].root.as_ref().unwrap().to_json()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn texts_survive(text in any::<String>(), lines in "([ \t]{0,3}[a-z|:#\"']{0,5}[ \t]{0,2}\n?){0,6}") {
            for text in [text, lines] {
                let yaml = format!("a: {}\nb: {}\nc: {}\n", block_text(&text, 2), quoted(&text), word(&text));
                prop_assert_eq!(read_back(&yaml), json!({"a": text, "b": text, "c": text}));
            }
        }
    }

    #[test]
    fn json_survives() {
        let value = json!({"a": [1, -2, 1.5, 1e300, null, true, "x: y"], "k".repeat(2000): {"": [{}]}, "?": []});
        assert_eq!(read_back(&flow_json(&value)), value);
    }
}
