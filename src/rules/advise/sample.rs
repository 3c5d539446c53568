//! Results as sets of rows, and rows as hashes of their cells.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap};
use roaring::RoaringBitmap;

use crate::model::row::Schema;
use crate::rules::identity::{CellReader, RowError};

/// How many cells a sample holds at most: some 32 MB.
pub const MOST_CELLS: usize = 4_000_000;

/// The results of a hunt.
#[derive(Debug)]
pub struct Sample {
    columns: Vec<String>,
    /// Each row that differs from all others, once; 0 for a cell that holds nothing. A row is as long as its last cell
    /// that holds something.
    rows: Vec<Arc<[u64]>>,
    places: HashMap<Arc<[u64]>, u32>,
    results: Vec<RoaringBitmap>,
    cells: usize,
    room: usize,
    /// Results that were no longer taken.
    left_out: u64,
    hasher: DefaultHashBuilder,
}

impl Default for Sample {
    fn default() -> Self {
        Self::with_room(MOST_CELLS)
    }
}

impl Sample {
    /// An empty one that takes results until it holds so many cells.
    #[must_use]
    pub fn with_room(room: usize) -> Self {
        Self {
            columns: Vec::new(),
            rows: Vec::new(),
            places: HashMap::new(),
            results: Vec::new(),
            cells: 0,
            room,
            left_out: 0,
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Takes the next result. Its columns are those of the results before, with new ones behind.
    pub fn take<T: AsRef<str>>(&mut self, schema: &Schema, sets: &[String], rows: &[T]) -> Result<(), RowError> {
        if self.cells >= self.room {
            self.left_out += 1;
            return Ok(());
        }
        self.columns = schema.columns.iter().map(|column| column.name.clone()).collect();
        let mut reader = CellReader::new(schema, sets);
        let (mut result, mut cells) = (RoaringBitmap::new(), vec![0; self.columns.len()]);
        for row in rows {
            cells.fill(0);
            let hasher = &self.hasher;
            reader.read(row.as_ref(), |at, form| {
                if let Some(cell) = cells.get_mut(at) {
                    // Odd, so that it is never that of nothing.
                    *cell = hasher.hash_one(form) | 1;
                }
            })?;
            let long = cells.iter().rposition(|cell| *cell != 0).map_or(0, |last| last + 1);
            let row = cells.get(..long).unwrap_or_default();
            let place = match self.places.get(row) {
                Some(place) => *place,
                None => self.add(row),
            };
            result.insert(place);
        }
        self.results.push(result);
        Ok(())
    }

    fn add(&mut self, row: &[u64]) -> u32 {
        let (row, place): (Arc<[u64]>, _) = (row.into(), u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        self.cells += row.len() + 4;
        self.rows.push(Arc::clone(&row));
        self.places.insert(row, place);
        place
    }

    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The results, as sets of rows.
    #[must_use]
    pub fn results(&self) -> &[RoaringBitmap] {
        &self.results
    }

    /// How many results were no longer taken, as the sample was full.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many rows there are that differ from all others.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// A cell; 0 where it holds nothing.
    pub(super) fn cell(&self, row: u32, column: usize) -> u64 {
        self.rows.get(row as usize).and_then(|row| row.get(column)).copied().unwrap_or(0)
    }

    /// A hash over the cells of some columns; none where they all hold nothing.
    pub(super) fn hash(&self, row: u32, columns: &[usize]) -> Option<u64> {
        let mut all = 0_u64;
        let mut any = false;
        for column in columns {
            let cell = self.cell(row, *column);
            any |= cell != 0;
            all = (all.rotate_left(23) ^ cell).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            all ^= all >> 29;
        }
        any.then_some(all)
    }

    /// How many values a column has, nothing among them; counted up to `most`.
    pub(super) fn values(&self, column: usize, most: usize) -> usize {
        let mut seen = hashbrown::HashSet::new();
        for row in &self.rows {
            seen.insert(row.get(column).copied().unwrap_or(0));
            if seen.len() >= most {
                break;
            }
        }
        seen.len()
    }

    /// The column of a name, in any case of letters.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column == name);
        exact.or_else(|| self.columns.iter().position(|column| column.eq_ignore_ascii_case(name)))
    }
}
