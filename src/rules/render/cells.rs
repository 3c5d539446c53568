//! A row taken apart into its cells, values unchanged.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Columns that tell an analyst most, for hunts that name no entities.
const TELLING: [&str; 14] = [
    "Timestamp",
    "TimeGenerated",
    "DeviceName",
    "AccountUpn",
    "AccountName",
    "FileName",
    "ProcessCommandLine",
    "InitiatingProcessFileName",
    "RemoteUrl",
    "RemoteIP",
    "SenderFromAddress",
    "RecipientEmailAddress",
    "Subject",
    "SHA256",
];

/// A cell: its column, and its value as the JSON text that the API sent.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The column's name, as a JSON string's content where it could be read.
    name: &'a str,
    /// The value, JSON.
    raw: &'a str,
}

/// The cells of a row, in its order.
#[derive(Debug)]
pub struct Cells<'a> {
    cells: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Cells<'a> {
    /// Takes a row apart. What is no object, or has a column's name that isn't Unicode, is one cell
    /// named `row`: shown as it stands rather than not at all.
    #[must_use]
    pub fn of(row: &'a RawValue) -> Self {
        let cells = serde_json::from_str::<Pairs<'a>>(row.get())
            .map_or_else(|_| vec![(Cow::Borrowed("row"), Cow::Borrowed(row.get()))], |pairs| pairs.0);
        Self { cells }
    }

    /// The cells, in the row's order.
    pub fn iter(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(|(name, raw)| Cell { name, raw })
    }

    /// The cells with `entities` first, in their order (without regard to case); where the hunt
    /// names none, the columns that usually tell most.
    #[must_use]
    pub fn entities_first(&self, entities: &[String]) -> Vec<Cell<'_>> {
        let rank = |name: &str| {
            if entities.is_empty() {
                return telling(name);
            }
            entities.iter().position(|entity| entity.eq_ignore_ascii_case(name)).unwrap_or(usize::MAX)
        };
        let mut cells: Vec<_> = self.iter().collect();
        cells.sort_by_key(|cell| rank(cell.name));
        cells
    }
}

impl<'a> Cell<'a> {
    /// The column's name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Whether the value is a JSON string, or holds others: text that somebody chose.
    #[must_use]
    pub fn is_text(&self) -> bool {
        is_text(self.raw)
    }

    /// The value as text: a string's content, nothing for null, numbers and nested values as their
    /// JSON text.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        text_of(self.raw)
    }
}

/// How much a column usually tells an analyst: the less the number, the more.
#[must_use]
pub fn telling(name: &str) -> usize {
    TELLING.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(usize::MAX)
}

/// Whether a JSON value is a string, or holds others: text that somebody chose.
#[must_use]
pub fn is_text(raw: &str) -> bool {
    raw.starts_with(['"', '{', '['])
}

/// A JSON value as text: a string's content, nothing for null, numbers and nested values as their JSON
/// text.
#[must_use]
pub fn text_of(raw: &str) -> Cow<'_, str> {
    if raw == "null" {
        return Cow::Borrowed("");
    }
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(raw);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    // A lone surrogate is valid JSON and no Unicode: such a value is shown as JSON spells it.
    serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// An object's members in order, doubles and all.
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let raw: &'de RawValue = map.next_value()?;
                    pairs.push((Cow::Owned(name), Cow::Borrowed(raw.get())));
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Members).map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn values_keep_their_spelling() {
        let row = row(r#"{"a":1.10,"b":18446744073709551616,"c":"x\ny","d":null,"e":{"k":[1, 2]},"f":true,"g":"p"}"#);
        let cells = Cells::of(&row);
        let texts: Vec<_> = cells.iter().map(|cell| (cell.name(), cell.text().into_owned())).collect();
        let expected = [
            ("a", "1.10"),
            ("b", "18446744073709551616"),
            ("c", "x\ny"),
            ("d", ""),
            ("e", r#"{"k":[1, 2]}"#),
            ("f", "true"),
            ("g", "p"),
        ];
        assert_eq!(texts, expected.map(|(name, text)| (name, text.to_owned())));
    }

    #[test]
    fn broken_unicode_is_shown_as_json_spells_it() {
        let lone = row(r#"{"a":"x\ud800"}"#);
        assert_eq!(Cells::of(&lone).iter().next().unwrap().text(), r"x\ud800");
        let name = row(r#"{"\ud800":"x"}"#);
        assert_eq!(Cells::of(&name).iter().next().unwrap().text(), r#"{"\ud800":"x"}"#);
        let list = row("[1]");
        assert_eq!(Cells::of(&list).iter().next().unwrap().name(), "row");
    }

    #[test]
    fn entities_come_first_and_the_rest_keeps_its_order() {
        let row = row(r#"{"z":1,"DeviceName":"d","y":2,"Timestamp":"t"}"#);
        let cells = Cells::of(&row);
        let order = |entities: &[&str]| {
            let entities: Vec<_> = entities.iter().map(|&name| name.to_owned()).collect();
            cells.entities_first(&entities).iter().map(Cell::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&[]), "Timestamp DeviceName z y");
        assert_eq!(order(&["Y", "devicename", "missing"]), "y DeviceName z Timestamp");
    }
}
