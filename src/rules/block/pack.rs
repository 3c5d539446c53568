//! Rows into blocks.

use std::fmt;
use std::io;
use std::sync::Arc;

use zstd::bulk::Compressor;

use super::{BLOCK_BYTES, BLOCK_ROWS};
use crate::model::hit::{Aside, Body, RowBlock, RowRecord};
use crate::model::row::Schema;
use crate::rules::sieve::Sifter;

/// zstd's level (docs/performance.md): level 3 takes half as long again for a twentieth less.
const LEVEL: i32 = 1;
/// Bodies that stay in memory, in bytes, before the next ones are put aside.
const IN_MEMORY: usize = 1 << 20;

/// Takes rows of one schema one by one; holds one block's values, and the blocks before it.
pub struct Packer {
    compressor: Compressor<'static>,
    schema: Arc<Schema>,
    aside: Option<Arc<dyn Aside>>,
    records: Vec<RowRecord>,
    /// The values of each column, each ended by a line feed.
    columns: Vec<Vec<u8>>,
    /// Where the values of the last row begin in them, and those of the row at hand.
    last: Vec<usize>,
    starts: Vec<usize>,
    text: Vec<u8>,
    sifter: Sifter,
    blocks: Vec<RowBlock>,
    in_memory: usize,
}

impl Packer {
    /// An empty one; fails only for lack of memory. Without `aside` all bodies stay in memory.
    pub fn new(schema: Arc<Schema>, aside: Option<Arc<dyn Aside>>) -> io::Result<Self> {
        Ok(Self {
            compressor: Compressor::new(LEVEL)?,
            columns: vec![Vec::new(); schema.columns.len()],
            last: vec![0; schema.columns.len()],
            starts: Vec::new(),
            schema,
            aside,
            records: Vec::new(),
            text: Vec::new(),
            sifter: Sifter::default(),
            blocks: Vec::new(),
            in_memory: 0,
        })
    }

    /// Adds a row. `write` appends its value of each column to that column's buffer: JSON without a line feed.
    pub fn add(&mut self, record: RowRecord, write: impl FnOnce(&mut [Vec<u8>])) -> io::Result<()> {
        self.starts.clear();
        self.starts.extend(self.columns.iter().map(Vec::len));
        write(&mut self.columns);
        let mut length = 0;
        let places = self.starts.iter().zip(&self.last);
        for ((values, of), (start, last)) in self.columns.iter_mut().zip(&self.schema.columns).zip(places) {
            let (before, value) = values.split_at(*start);
            // Columns often hold the same again and again.
            if before.get(*last..).and_then(|before| before.strip_suffix(b"\n")) != Some(value) {
                self.sifter.add(&of.kind, value);
            }
            values.push(b'\n');
            length += values.len();
        }
        std::mem::swap(&mut self.starts, &mut self.last);
        self.records.push(record);
        if self.records.len() >= BLOCK_ROWS || length >= BLOCK_BYTES {
            self.close()?;
        }
        Ok(())
    }

    /// The blocks, in order.
    pub fn finish(mut self) -> io::Result<Vec<RowBlock>> {
        self.close()?;
        Ok(self.blocks)
    }

    fn close(&mut self) -> io::Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.text.clear();
        for column in &self.columns {
            self.text.extend_from_slice(column);
        }
        let body = self.compressor.compress(&self.text)?;
        let sieve = self.sifter.sieve();
        for column in &mut self.columns {
            column.clear();
            column.shrink_to(BLOCK_BYTES / 4);
        }
        self.text.shrink_to(2 * BLOCK_BYTES);
        let body = match &self.aside {
            Some(aside) if self.in_memory >= IN_MEMORY => {
                Body::Aside { aside: Arc::clone(aside), place: aside.put(&body)?, length: body.len() }
            }
            _ => {
                self.in_memory += body.len();
                Body::Here(body)
            }
        };
        let records = std::mem::take(&mut self.records);
        self.blocks.push(RowBlock { records, schema: Arc::clone(&self.schema), body, sieve });
        Ok(())
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer")
            .field("blocks", &self.blocks.len())
            .field("open_rows", &self.records.len())
            .finish_non_exhaustive()
    }
}
