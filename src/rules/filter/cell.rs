//! One value of a row, as it is compared.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::glob::{fold, folded};

/// What a value is, in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value: null, `{}` (which Graph writes for null), or no such column.
    Nothing,
    /// A string.
    Text,
    /// A number.
    Number,
    /// true or false.
    Truth,
    /// An object or a list.
    Nested,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    pub(super) kind: Kind,
    /// A string's content; else the JSON text; empty for nothing.
    pub(super) text: Cow<'a, str>,
}

impl<'a> Cell<'a> {
    pub(super) const NOTHING: Self = Self { kind: Kind::Nothing, text: Cow::Borrowed("") };

    /// A value of JSON text. Half a surrogate pair, which JSON allows and Unicode doesn't, becomes U+FFFD,
    /// one for each of its bytes: the rest of such a text must still be found.
    pub(super) fn of(raw: &'a str) -> Self {
        let kind = match raw.as_bytes() {
            [b'"', ..] => return Self { kind: Kind::Text, text: content(raw) },
            [b'{', inner @ .., b'}'] if inner.trim_ascii().is_empty() => Kind::Nothing,
            b"null" | [] => Kind::Nothing,
            [b'{' | b'[', ..] => Kind::Nested,
            [b't' | b'f', ..] => Kind::Truth,
            _ => Kind::Number,
        };
        if kind == Kind::Nothing { Self::NOTHING } else { Self { kind, text: Cow::Borrowed(raw) } }
    }

    pub(super) fn text(text: String) -> Self {
        Self { kind: Kind::Text, text: Cow::Owned(text) }
    }
}

/// The JSON text of a member, by its name, or of an element, by its number from 0. Goes into a value
/// that is a string too, if that spells an object or a list, as the older API sends it.
pub(super) fn member<'a>(raw: &Cow<'a, str>, name: &Name) -> Option<Cow<'a, str>> {
    let inner = match raw {
        Cow::Borrowed(raw) if raw.starts_with('"') => content(raw),
        Cow::Owned(raw) if raw.starts_with('"') => Cow::Owned(content(raw).into_owned()),
        raw => raw.clone(),
    };
    match inner {
        Cow::Borrowed(text) => find(text, name).map(Cow::Borrowed),
        Cow::Owned(text) => find(&text, name).map(|found| Cow::Owned(found.to_owned())),
    }
}

fn find<'a>(text: &'a str, name: &Name) -> Option<&'a str> {
    if text.trim_start().starts_with('[') {
        return element(text, name.exact.parse().ok()?);
    }
    columns(text, std::slice::from_ref(name)).pop().flatten()
}

/// A name that is looked for.
#[derive(Debug)]
pub(super) struct Name {
    exact: String,
    folded: String,
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        Self { exact: name.to_owned(), folded: folded(name) }
    }
}

/// The JSON text of each of the members of `text`, an object, that `names` name: exactly, else without
/// regard to case. All `None` where it is no object. Doubles count as their last, as in most readers.
pub(super) fn columns<'a>(text: &'a str, names: &[Name]) -> Vec<Option<&'a str>> {
    let mut found: Vec<(bool, Option<&'a str>)> = vec![(false, None); names.len()];
    let read = each_member(text, |key, value| {
        for (name, (is_exact, place)) in names.iter().zip(&mut found) {
            if name.exact == key {
                (*is_exact, *place) = (true, Some(value));
            } else if place.is_none() && !*is_exact && key.chars().map(fold).eq(name.folded.chars()) {
                *place = Some(value);
            }
        }
    });
    let is_object = read.is_ok();
    found.into_iter().map(|(_, value)| value.filter(|_| is_object)).collect()
}

/// Does something with each member of an object, a row or a bag, in its order: its name and the JSON text
/// of its value.
pub fn each_member<'a>(text: &'a str, each: impl FnMut(&str, &'a str)) -> Result<(), serde_json::Error> {
    struct Members<F>(F);
    impl<'de, F: FnMut(&str, &'de str)> Visitor<'de> for Members<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(Text(key)) = map.next_key()? {
                let value: &'de RawValue = map.next_value()?;
                (self.0)(&key, value.get());
            }
            Ok(())
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Members(each))?;
    reader.end()
}

/// The JSON text of an element of a list.
fn element(text: &str, number: usize) -> Option<&str> {
    struct Elements(usize);
    impl<'de> Visitor<'de> for Elements {
        type Value = Option<&'de str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            for _ in 0..self.0 {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            let found: Option<&'de RawValue> = seq.next_element()?;
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(found.map(RawValue::get))
        }
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = reader.deserialize_seq(Elements(number)).ok()?;
    reader.end().ok().and(found)
}

/// What a JSON string holds.
fn content(raw: &str) -> Cow<'_, str> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        _ => serde_json::from_str::<Text<'_>>(raw).map_or(Cow::Borrowed(raw), |text| text.0),
    }
}

/// A JSON string read as bytes, which lets halves of surrogate pairs pass.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(String::from_utf8_lossy(bytes))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes).map(Text)
    }
}
