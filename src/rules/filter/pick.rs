//! The values of chosen columns, out of one hit.

use std::borrow::Cow;

use super::cell::{Cell, Name, columns, member};
use super::own::Own;
use super::tree::Column;
use crate::model::hit::Hit;

/// Where a column stands.
#[derive(Debug)]
enum Place {
    /// With huntd.
    Own(Own),
    /// In the row: which of the picker's names, and the members from there on.
    Row(usize, Vec<Name>),
}

/// Takes the values of the same columns out of hit after hit, reading each row once.
#[derive(Debug)]
pub struct Picker {
    places: Vec<Place>,
    /// The row's columns that are looked for.
    names: Vec<Name>,
}

/// What a hit has under a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// A value of huntd's own.
    Own(String),
    /// JSON, as the row has it.
    Json(Cow<'a, str>),
    /// No such column.
    Missing,
}

impl Picker {
    /// For these columns.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        let mut picker = Self { places: Vec::new(), names: Vec::new() };
        for column in columns {
            let place = match (column.own(), column.in_row().split_first()) {
                (Some(own), _) => Place::Own(own),
                (None, Some((first, rest))) => {
                    picker.names.push(Name::new(first));
                    Place::Row(picker.names.len() - 1, rest.iter().map(|name| Name::new(name)).collect())
                }
                (None, None) => continue,
            };
            picker.places.push(place);
        }
        picker
    }

    /// The values, one a column.
    #[must_use]
    pub fn pick<'a>(&self, hit: &'a Hit) -> Vec<Found<'a>> {
        let row = if self.names.is_empty() { Vec::new() } else { columns(hit.row.get(), &self.names) };
        let value = |place: &Place| match place {
            Place::Own(own) => Found::Own(own.of(hit)),
            Place::Row(at, rest) => {
                let first = row.get(*at).copied().flatten().map(Cow::Borrowed);
                let found = rest.iter().fold(first, |raw, name| raw.and_then(|raw| member(&raw, name)));
                found.map_or(Found::Missing, Found::Json)
            }
        };
        self.places.iter().map(value).collect()
    }
}

impl Found<'_> {
    /// As it is compared.
    pub(super) fn cell(&self) -> Cell<'_> {
        match self {
            Found::Own(text) => Cell::text(text.clone()),
            Found::Json(raw) => Cell::of(raw),
            Found::Missing => Cell::NOTHING,
        }
    }
}
