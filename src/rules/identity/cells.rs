//! The canonical forms of a row's cells, one by one: for what asks which columns make rows differ.

use std::collections::HashMap;

use super::canonical::{Canon, Cell};
use super::json;
use super::reader::RowError;
use crate::model::row::{ColumnType, Schema};

/// Reads the cells of rows that were stored. Two cells of a column have the same form exactly when identity takes
/// them for the same value.
#[derive(Debug)]
pub struct CellReader {
    columns: Vec<(ColumnType, bool)>,
    places: HashMap<Vec<u8>, usize>,
    canon: Canon,
    name: Vec<u8>,
    form: Vec<u8>,
}

impl CellReader {
    /// A reader of rows with the columns of `schema`, of which those in `sets` hold arrays without order.
    #[must_use]
    pub fn new(schema: &Schema, sets: &[String]) -> Self {
        let is_set = |name: &str| sets.iter().any(|set| set.eq_ignore_ascii_case(name));
        let mut places = HashMap::new();
        for (at, column) in schema.columns.iter().enumerate() {
            places.entry(column.name.to_ascii_lowercase().into_bytes()).or_insert(at);
        }
        // A column's own spelling goes before another's that differs in case.
        places.extend(schema.columns.iter().enumerate().map(|(at, column)| (column.name.clone().into_bytes(), at)));
        let columns = schema.columns.iter().map(|column| (column.kind.clone(), is_set(&column.name))).collect();
        Self { columns, places, canon: Canon::default(), name: Vec::new(), form: Vec::new() }
    }

    /// Hands the place of each column that holds something, and the form of its value, to `each`.
    pub fn read(&mut self, row: &str, mut each: impl FnMut(usize, &[u8])) -> Result<(), RowError> {
        let Self { columns, places, canon, name, form } = self;
        let done = json::each_member(row, |key, value| {
            name.clear();
            json::decode(key.of(row.as_bytes()), name);
            let at = places.get(name.as_slice()).or_else(|| {
                name.make_ascii_lowercase();
                places.get(name.as_slice())
            });
            let Some((at, (kind, set))) = at.and_then(|at| Some((*at, columns.get(*at)?))) else { return Ok(()) };
            form.clear();
            if canon.column(kind, *set, Cell { text: value.of(row.as_bytes()), is_plain: false }, form) {
                each(at, form);
            }
            Ok(())
        });
        done.map_err(|error| RowError::NotJson(error.to_string()))?
    }
}
