//! Stored rows in blocks: a thousand rows, or about a mebibyte of their text, compressed together.
//!
//! JSON rows of one hunt are much alike, so that a block takes a sixth of their size; a block is the
//! unit of storing, reading and retention. One row is got back by unpacking its block.

mod pack;
mod unpack;

pub use pack::Packer;
pub use unpack::{BlockError, Rows, unpack};

/// The most rows of a block.
pub const BLOCK_ROWS: usize = 1000;
/// The text at which a block is closed, in bytes. A single row may be longer.
pub const BLOCK_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hit::{HitKind, RowBlock, RowRecord};
    use crate::model::id::HitId;

    fn packed(rows: &[String]) -> Vec<RowBlock> {
        let mut packer = Packer::new().unwrap();
        for (at, row) in rows.iter().enumerate() {
            let record = RowRecord { ordinal: u32::try_from(at).unwrap(), kind: HitKind::New, hit: HitId([0; 20]) };
            packer.add(record, |out| out.extend_from_slice(row.as_bytes())).unwrap();
        }
        packer.finish().unwrap()
    }

    fn unpacked(blocks: &[RowBlock]) -> Vec<String> {
        let texts = |block| unpack(block).unwrap().iter().map(str::to_owned).collect::<Vec<_>>();
        blocks.iter().flat_map(texts).collect()
    }

    #[test]
    fn rows_come_back_in_order() {
        let rows: Vec<String> = (0..2500).map(|at| format!("{{\"a\":{at}}}")).collect();
        let blocks = packed(&rows);
        assert_eq!(blocks.iter().map(|block| block.records.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert_eq!(unpacked(&blocks), rows);
        let ordinals: Vec<u32> = blocks.iter().flat_map(|block| &block.records).map(|record| record.ordinal).collect();
        assert_eq!(ordinals, (0..2500).collect::<Vec<_>>());
        let rows = unpack(&blocks[1]).unwrap();
        assert_eq!((rows.len(), rows.get(7), rows.get(1000)), (1000, Some("{\"a\":1007}"), None));
        assert_eq!(packed(&[]), []);
    }

    #[test]
    fn long_rows_close_a_block() {
        let row = format!("\"{}\"", "x".repeat(BLOCK_BYTES / 2));
        let blocks = packed(&vec![row.clone(); 5]);
        assert_eq!(blocks.iter().map(|block| block.records.len()).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(unpacked(&blocks), vec![row; 5]);
    }

    #[test]
    fn a_damaged_block_is_said_to_be_so() {
        let mut block = packed(&["{}".to_owned(), "{}".to_owned()]).remove(0);
        block.records.pop();
        assert!(matches!(unpack(&block), Err(BlockError::Count { rows: 2, records: 1 })));
        block.body.truncate(block.body.len() / 2);
        assert!(matches!(unpack(&block), Err(BlockError::Damaged(_))));
    }
}
