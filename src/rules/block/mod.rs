//! Stored rows in blocks: a thousand rows, or about a mebibyte of their values, compressed together.
//!
//! A block holds its rows column by column: all values of the first column, then all of the second. Values of one
//! column are alike, and the columns' names needn't be in it: so a block takes a seventh of its rows' JSON, and
//! compressing it half the time. A block is the unit of storing, reading and retention; one row is got back by
//! unpacking its block.

mod pack;
mod unpack;

pub use pack::Packer;
pub use unpack::{BlockError, Rows, unpack};

/// The most rows of a block.
pub const BLOCK_ROWS: usize = 1000;
/// The values at which a block is closed, in bytes. A single row may be longer.
pub const BLOCK_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::model::hit::{Aside, Body, HitKind, RowBlock, RowRecord};
    use crate::model::row::{Column, ColumnType, Schema};

    fn schema() -> Arc<Schema> {
        let column = |name: &str| Column { name: name.to_owned(), kind: ColumnType::String };
        Arc::new(Schema { columns: vec![column("a"), column("b\"c")] })
    }

    fn packed_aside(rows: &[String], aside: Option<Arc<dyn Aside>>) -> Vec<RowBlock> {
        let mut packer = Packer::new(schema(), aside).unwrap();
        for (at, row) in rows.iter().enumerate() {
            let record = RowRecord { ordinal: u32::try_from(at).unwrap(), kind: HitKind::New };
            let write = |columns: &mut [Vec<u8>]| {
                columns[0].extend_from_slice(row.as_bytes());
                columns[1].extend_from_slice(b"null");
            };
            packer.add(record, write).unwrap();
        }
        packer.finish().unwrap()
    }

    fn packed(rows: &[String]) -> Vec<RowBlock> {
        packed_aside(rows, None)
    }

    fn rows_of(block: &RowBlock) -> Rows {
        unpack(&block.schema, block.records.len(), &block.body.bytes().unwrap()).unwrap()
    }

    fn unpacked(blocks: &[RowBlock]) -> Vec<String> {
        blocks.iter().flat_map(|block| rows_of(block).iter().collect::<Vec<_>>()).collect()
    }

    fn json(values: &[String]) -> Vec<String> {
        values.iter().map(|value| format!("{{\"a\":{value},\"b\\\"c\":null}}")).collect()
    }

    #[test]
    fn rows_come_back_in_order() {
        let rows: Vec<String> = (0..2500).map(|at| at.to_string()).collect();
        let blocks = packed(&rows);
        assert_eq!(blocks.iter().map(|block| block.records.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert_eq!(unpacked(&blocks), json(&rows));
        let ordinals: Vec<u32> = blocks.iter().flat_map(|block| &block.records).map(|record| record.ordinal).collect();
        assert_eq!(ordinals, (0..2500).collect::<Vec<_>>());
        let rows = rows_of(&blocks[1]);
        assert_eq!((rows.len(), rows.value(7, 0), rows.value(7, 1)), (1000, Some("1007"), Some("null")));
        assert_eq!((rows.value(1000, 0), rows.value(0, 2), rows.get(1000)), (None, None, None));
        assert_eq!(packed(&[]), []);
    }

    #[test]
    fn long_rows_close_a_block() {
        let row = format!("\"{}\"", "x".repeat(BLOCK_BYTES / 2));
        let blocks = packed(&vec![row.clone(); 5]);
        assert_eq!(blocks.iter().map(|block| block.records.len()).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(unpacked(&blocks), json(&vec![row; 5]));
    }

    #[derive(Debug, Default)]
    struct Shelf(Mutex<Vec<u8>>);

    impl Aside for Shelf {
        fn put(&self, bytes: &[u8]) -> io::Result<u64> {
            let mut kept = self.0.lock().unwrap();
            let place = kept.len() as u64;
            kept.extend_from_slice(bytes);
            Ok(place)
        }

        fn get(&self, place: u64, length: usize) -> io::Result<Vec<u8>> {
            let place = usize::try_from(place).unwrap();
            Ok(self.0.lock().unwrap()[place..place + length].to_vec())
        }
    }

    #[test]
    fn beyond_a_mebibyte_bodies_are_put_aside() {
        let random = |at: usize| {
            let mut state = at as u64 + 1;
            let letters = (0..100_000).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'a' + u8::try_from(state >> 60).unwrap())
            });
            format!("\"{}\"", letters.collect::<String>())
        };
        let rows: Vec<String> = (0..60).map(random).collect();
        let shelf = Arc::new(Shelf::default());
        let blocks = packed_aside(&rows, Some(Arc::clone(&shelf) as Arc<dyn Aside>));
        let aside: Vec<bool> = blocks.iter().map(|block| matches!(block.body, Body::Aside { .. })).collect();
        assert!(!aside[0] && aside.last() == Some(&true), "{aside:?}");
        assert_eq!(unpacked(&blocks), json(&rows));
        assert_eq!(blocks, packed(&rows));
    }

    #[test]
    fn a_damaged_block_is_said_to_be_so() {
        let block = packed(&["1".to_owned(), "2".to_owned()]).remove(0);
        let body = block.body.bytes().unwrap();
        let count = unpack(&block.schema, 1, &body);
        assert!(matches!(count, Err(BlockError::Count { values: 4, rows: 1, columns: 2 })), "{count:?}");
        assert!(matches!(unpack(&block.schema, 2, &body[..body.len() / 2]), Err(BlockError::Damaged(_))));
        assert!(unpack(&block.schema, usize::MAX, &body).is_err());
    }
}
