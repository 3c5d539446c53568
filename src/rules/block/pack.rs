//! Rows into blocks.

use std::fmt;
use std::io;

use zstd::bulk::Compressor;

use super::{BLOCK_BYTES, BLOCK_ROWS};
use crate::model::hit::{RowBlock, RowRecord};

/// zstd's level: at 3, rows take a sixth of their size at some 470 MB/s; higher levels win little.
const LEVEL: i32 = 3;

/// Takes rows one by one; holds one block's text, and the compressed blocks before it.
pub struct Packer {
    compressor: Compressor<'static>,
    records: Vec<RowRecord>,
    text: Vec<u8>,
    blocks: Vec<RowBlock>,
}

impl Packer {
    /// An empty one; fails only for lack of memory.
    pub fn new() -> io::Result<Self> {
        let compressor = Compressor::new(LEVEL)?;
        Ok(Self { compressor, records: Vec::new(), text: Vec::new(), blocks: Vec::new() })
    }

    /// Adds a row, whose text `write` appends: one JSON object without a line feed.
    pub fn add(&mut self, record: RowRecord, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        write(&mut self.text);
        self.text.push(b'\n');
        self.records.push(record);
        if self.records.len() >= BLOCK_ROWS || self.text.len() >= BLOCK_BYTES {
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
        let body = self.compressor.compress(&self.text)?;
        self.text.clear();
        self.text.shrink_to(2 * BLOCK_BYTES);
        self.blocks.push(RowBlock { records: std::mem::take(&mut self.records), body });
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
