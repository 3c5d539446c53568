//! One value of a simulated event, as it is before a dialect writes it.

use serde::Deserialize;
use serde_json::Value;

use super::moment::Moment;
use crate::model::time::Timestamp;

/// A column's KQL type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text; never null, as in KQL.
    String,
    /// An instant in ticks of 100 ns.
    DateTime,
    /// 64 bits.
    Long,
    /// 32 bits.
    Int,
    /// A double.
    Real,
    /// True or false.
    Bool,
    /// A GUID.
    Guid,
    /// Any JSON value.
    Dynamic,
}

impl Kind {
    /// The literal in the answer's schema.
    #[must_use]
    pub const fn schema_type(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::DateTime => "DateTime",
            Self::Long => "Int64",
            Self::Int => "Int32",
            Self::Real => "Double",
            Self::Bool => "SByte",
            Self::Guid => "Guid",
            Self::Dynamic => "Object",
        }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing there.
    Null,
    /// Text, also a GUID.
    Text(String),
    /// An instant.
    Time(Timestamp),
    /// A long or an int.
    Whole(i64),
    /// A double; may be no finite number.
    Real(f64),
    /// A bool.
    Bool(bool),
    /// A dynamic that isn't null.
    Dynamic(Value),
}

/// What a row's placeholders stand for.
#[derive(Debug, Clone, Copy)]
pub struct Fill {
    /// The scenario's start.
    pub start: Timestamp,
    /// Event time.
    pub at: Timestamp,
    /// `{arrived}`: when queries begin to find the event.
    pub arrived: Timestamp,
    /// `{n}`: the number of the event in its stream, from 0.
    pub n: u64,
    /// `{hash}`: 16 hexadecimal digits that differ from event to event.
    pub hash: u64,
}

impl Fill {
    fn text(&self, template: &str) -> String {
        if !template.contains('{') {
            return template.to_owned();
        }
        template
            .replace("{n}", &self.n.to_string())
            .replace("{hash}", &format!("{:016x}", self.hash))
            .replace("{at}", &self.at.to_string())
            .replace("{arrived}", &self.arrived.to_string())
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, member)| (name.clone(), self.value(member))).collect())
            }
            other => other.clone(),
        }
    }
}

/// The cell that a scenario's `value` stands for in a column of `kind`; the error says what would fit.
pub fn cell(kind: Kind, value: &Value, fill: &Fill) -> Result<Cell, String> {
    if kind == Kind::Dynamic {
        return Ok(if value.is_null() { Cell::Null } else { Cell::Dynamic(fill.value(value)) });
    }
    let text = match value {
        Value::Null if kind == Kind::String => return Ok(Cell::Text(String::new())),
        Value::Null => return Ok(Cell::Null),
        Value::String(text) => fill.text(text),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Err(format!("a list or a map only fits in a dynamic column: {value}"));
        }
    };
    let bad = |what: &str| format!("`{text}` is no {what}");
    match kind {
        Kind::String | Kind::Guid => Ok(Cell::Text(text)),
        Kind::DateTime => {
            Moment::parse(&text).map(|moment| Cell::Time(moment.resolve(fill.start))).ok_or_else(|| bad("datetime"))
        }
        Kind::Long => text.parse().map(Cell::Whole).map_err(|_| bad("long")),
        Kind::Int => text.parse::<i32>().map(|number| Cell::Whole(number.into())).map_err(|_| bad("int")),
        Kind::Real => text.parse().map(Cell::Real).map_err(|_| bad("real")),
        Kind::Bool => text.parse().map(Cell::Bool).map_err(|_| bad("bool")),
        Kind::Dynamic => Err(bad("value")),
    }
}

/// A well mixed number out of a few: the simulator's only source of chance, so that the same seed
/// gives the same answers (splitmix64's finisher).
#[must_use]
pub fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state: u64, part| {
        let mut word = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    })
}

/// A GUID out of any number.
#[must_use]
pub fn guid(word: u64) -> String {
    let other = mix(&[word, 1]);
    let (high, low) = (format!("{word:016x}"), format!("{other:016x}"));
    let part = |text: &str, range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-a{}-{}",
        part(&high, 0..8),
        part(&high, 8..12),
        part(&high, 13..16),
        part(&low, 1..4),
        part(&low, 4..16)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILL: Fill =
        Fill { start: Timestamp::EPOCH, at: Timestamp::EPOCH, arrived: Timestamp::from_seconds(2), n: 7, hash: 0xab };

    #[test]
    fn values_take_their_columns_type() {
        let cases = [
            (Kind::String, json!(5), Cell::Text("5".into())),
            (Kind::String, json!(null), Cell::Text(String::new())),
            (Kind::Long, json!("{n}"), Cell::Whole(7)),
            (Kind::Long, json!(9_007_199_254_740_993_i64), Cell::Whole(9_007_199_254_740_993)),
            (Kind::Bool, json!(true), Cell::Bool(true)),
            (Kind::Real, json!(4.5), Cell::Real(4.5)),
            (Kind::DateTime, json!("1s"), Cell::Time(Timestamp::from_seconds(1))),
            (Kind::DateTime, json!("{arrived}"), Cell::Time(Timestamp::from_seconds(2))),
            (Kind::DateTime, json!(null), Cell::Null),
            (Kind::Dynamic, json!({"a": ["x{n}"]}), Cell::Dynamic(json!({"a": ["x7"]}))),
            (Kind::Dynamic, json!(null), Cell::Null),
            (Kind::String, json!("e-{n}-{hash}"), Cell::Text("e-7-00000000000000ab".into())),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(cell(kind, &value, &FILL), Ok(expected), "{value}");
        }
        for (kind, value) in [(Kind::Int, json!(4_000_000_000_i64)), (Kind::Bool, json!(1)), (Kind::String, json!([1]))]
        {
            assert!(cell(kind, &value, &FILL).is_err(), "{value}");
        }
    }

    #[test]
    fn guids_look_like_guids() {
        assert_eq!(guid(0).len(), 36);
        assert_ne!(guid(1), guid(2));
    }
}
