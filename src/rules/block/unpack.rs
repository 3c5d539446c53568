//! Blocks into rows.

use std::io::Read;

use super::BLOCK_BYTES;
use crate::model::hit::RowBlock;
use crate::model::limits::BODY_CAP;

/// Why a stored block can't be read. All mean a damaged database.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Its body isn't what zstd has written.
    #[error("stored rows have a fault: {0}")]
    Damaged(String),
    /// Rows and records differ in number.
    #[error("stored rows have another count than their records: {rows}, not {records}")]
    Count {
        /// How many rows the body has.
        rows: usize,
        /// How many it should have.
        records: usize,
    },
}

/// The texts of a block's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    text: String,
    ends: Vec<usize>,
}

impl Rows {
    /// How many there are: as many as the block has records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The row of the record at `at`: one JSON object.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends.get(at - 1)? + 1 };
        self.text.get(start..end)
    }

    /// All of them, in the order of the records.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|at| self.get(at))
    }
}

/// The rows of a block, one for each of its records.
pub fn unpack(block: &RowBlock) -> Result<Rows, BlockError> {
    let damaged = |why: String| BlockError::Damaged(why);
    let decoder =
        zstd::stream::read::Decoder::new(block.body.as_slice()).map_err(|error| damaged(error.to_string()))?;
    let mut text = String::new();
    // No block is longer than one row as long as the longest answer behind rows that don't yet close
    // the block, so a damaged one can't fill the memory.
    let mut limited = decoder.take(BODY_CAP + BLOCK_BYTES as u64 + 1);
    limited.read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;
    if limited.limit() == 0 {
        return Err(damaged("it is longer than any answer".to_owned()));
    }
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
    if ends.len() != block.records.len() {
        return Err(BlockError::Count { rows: ends.len(), records: block.records.len() });
    }
    Ok(Rows { text, ends })
}
