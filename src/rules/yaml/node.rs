//! The tree: scalars, lists and maps, each with its place.

use serde_json::{Map, Number, Value as Json};

use crate::model::place::Place;

/// A value of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands. A block text's place begins at its first line of text; a block list's or
    /// map's is its first character alone.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// The three kinds of value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text, a number, true, false or nothing.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file; each key once.
    Map(Vec<Entry>),
}

/// A scalar: its text as it was written, with what the text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, escapes resolved.
    pub text: String,
    /// What it means under YAML 1.2's core schema.
    pub kind: ScalarKind,
    /// How it was written.
    pub style: Style,
}

/// What a scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer or a decimal number.
    Number,
    /// Anything else, and all that is quoted.
    Text,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without marks.
    Plain,
    /// In quotation marks of either kind.
    Quoted,
    /// A block after `|`: each line stands as it is, less the indentation.
    Literal,
    /// A block after `>`: lines are joined.
    Folded,
}

/// A key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A text made by huntd, that stands for something at `place`.
    #[must_use]
    pub fn text(place: Place, text: impl Into<String>) -> Self {
        let scalar = Scalar { text: text.into(), kind: ScalarKind::Text, style: Style::Quoted };
        Self { place, value: Value::Scalar(scalar) }
    }

    /// A list made by huntd.
    #[must_use]
    pub fn list(place: Place, nodes: Vec<Self>) -> Self {
        Self { place, value: Value::List(nodes) }
    }

    /// Whether it is nothing: an empty value, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { kind: ScalarKind::Null, .. }))
    }

    /// Whether it is a list without an entry.
    #[must_use]
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.value, Value::List(nodes) if nodes.is_empty())
    }

    /// The scalar, unless it is nothing, a list or a map.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind != ScalarKind::Null => Some(scalar),
            _ => None,
        }
    }

    /// The entries of a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a map's key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What it is, for a message: `a list`, `a map`, `a number`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "nothing",
                ScalarKind::Bool(_) => "true or false",
                ScalarKind::Number => "a number",
                ScalarKind::Text => "a text",
            },
        }
    }

    /// The value as JSON. A number that JSON can't hold stays a text.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.to_json(),
            Value::List(nodes) => Json::Array(nodes.iter().map(Self::to_json).collect()),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

impl Scalar {
    /// The scalar of a plain text: its kind is read from it.
    #[must_use]
    pub(super) fn plain(text: String) -> Self {
        let kind = match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => ScalarKind::Null,
            "true" | "True" | "TRUE" => ScalarKind::Bool(true),
            "false" | "False" | "FALSE" => ScalarKind::Bool(false),
            number if is_number(number) => ScalarKind::Number,
            _ => ScalarKind::Text,
        };
        Self { text, kind, style: Style::Plain }
    }

    fn to_json(&self) -> Json {
        match self.kind {
            ScalarKind::Null => Json::Null,
            ScalarKind::Bool(is) => Json::Bool(is),
            ScalarKind::Text => Json::String(self.text.clone()),
            ScalarKind::Number => json_number(&self.text).map_or_else(|| Json::String(self.text.clone()), Json::Number),
        }
    }
}

/// Numbers of YAML 1.2's core schema, less infinity and "not a number", which JSON has no form for.
fn is_number(text: &str) -> bool {
    let hex = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit());
    let octal = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_digit(8));
    if let Some(rest) = text.strip_prefix("0x") {
        return hex(rest);
    }
    if let Some(rest) = text.strip_prefix("0o") {
        return octal(rest);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !(whole.is_empty() && fraction.is_empty());
    has_digits && digits(whole) && digits(fraction) && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

fn json_number(text: &str) -> Option<Number> {
    if let Some(rest) = text.strip_prefix("0x") {
        return u64::from_str_radix(rest, 16).ok().map(Number::from);
    }
    if let Some(rest) = text.strip_prefix("0o") {
        return u64::from_str_radix(rest, 8).ok().map(Number::from);
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = unsigned.parse::<u64>() {
        return Some(whole.into());
    }
    // `-0` is left to the decimal form, which keeps its sign.
    match unsigned.parse::<i64>() {
        Ok(whole) if whole != 0 => Some(whole.into()),
        _ => unsigned.parse::<f64>().ok().and_then(Number::from_f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_mean_what_the_core_schema_says() {
        let kind = |text: &str| Scalar::plain(text.to_owned()).kind;
        for text in ["1", "-1", "+1.5", "1.10", ".5", "5.", "1e2", "1E-3", "0x1F", "0o17", "010"] {
            assert_eq!(kind(text), ScalarKind::Number, "{text}");
        }
        for text in ["1.2.3", "0x", "1h", "yes", "e5", ".", "-", "1e", "T1059", "2026-01-02", ".inf", "٣"] {
            assert_eq!(kind(text), ScalarKind::Text, "{text}");
        }
        assert_eq!(kind("~"), ScalarKind::Null);
        assert_eq!(kind("True"), ScalarKind::Bool(true));
    }

    #[test]
    fn numbers_keep_their_value_in_json() {
        let json = |text: &str| Scalar::plain(text.to_owned()).to_json().to_string();
        for (text, expected) in
            [("9007199254740993", "9007199254740993"), ("-5", "-5"), ("1.5", "1.5"), ("0x10", "16"), ("-0", "-0.0")]
        {
            assert_eq!(json(text), expected, "{text}");
        }
    }
}
