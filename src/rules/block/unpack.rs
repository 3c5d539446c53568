//! Blocks into rows.

use std::io::Read;

use super::BLOCK_BYTES;
use crate::model::limits::BODY_CAP;
use crate::model::row::Schema;

/// Why a stored block can't be read. All mean a damaged database.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Its body isn't what zstd has written.
    #[error("stored rows have a fault: {0}")]
    Damaged(String),
    /// Values and records differ in number.
    #[error("stored rows have another count than their records: {values} values, not {rows} rows of {columns} columns")]
    Count {
        /// How many values the body has.
        values: usize,
        /// How many rows it should have.
        rows: usize,
        /// How many columns they have.
        columns: usize,
    },
}

/// The values of a block's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    text: String,
    ends: Vec<usize>,
    /// `"name":` of each column, as JSON.
    labels: Vec<String>,
    count: usize,
}

impl Rows {
    /// How many there are: as many as the block has records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value of a row in a column, both by place: JSON as the API sent it, null where it sent none.
    #[must_use]
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        if row >= self.count || column >= self.labels.len() {
            return None;
        }
        let at = column * self.count + row;
        let start = if at == 0 { 0 } else { self.ends.get(at - 1)? + 1 };
        self.text.get(start..*self.ends.get(at)?)
    }

    /// A row: one JSON object with every column of the schema, in its order.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<String> {
        let mut out = String::from("{");
        for (column, label) in self.labels.iter().enumerate() {
            if column > 0 {
                out.push(',');
            }
            out.push_str(label);
            out.push_str(self.value(row, column)?);
        }
        out.push('}');
        (row < self.count).then_some(out)
    }

    /// All of them, in the order of the records.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        (0..self.len()).map_while(|at| self.get(at))
    }
}

/// The rows of a block with the columns of `schema` and `rows` records.
pub fn unpack(schema: &Schema, rows: usize, body: &[u8]) -> Result<Rows, BlockError> {
    let damaged = |why: String| BlockError::Damaged(why);
    let decoder = zstd::stream::read::Decoder::new(body).map_err(|error| damaged(error.to_string()))?;
    let mut text = String::new();
    // No block is longer than one row as long as the longest answer behind rows that don't yet close
    // the block, so a damaged one can't fill the memory.
    let mut limited = decoder.take(BODY_CAP + BLOCK_BYTES as u64 + 1);
    limited.read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;
    if limited.limit() == 0 {
        return Err(damaged("it is longer than any answer".to_owned()));
    }
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    let columns = schema.columns.len();
    if Some(ends.len()) != rows.checked_mul(columns) {
        return Err(BlockError::Count { values: ends.len(), rows, columns });
    }
    Ok(Rows { text, ends, labels: schema.columns.iter().map(|column| label(&column.name)).collect(), count: rows })
}

/// A column's name and what stands between it and its value, in a row's JSON.
fn label(name: &str) -> String {
    format!("{}:", serde_json::Value::from(name))
}
