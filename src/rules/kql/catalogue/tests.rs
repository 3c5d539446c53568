use super::*;
use crate::rules::kql::tree::{Binary, Membership, TextOp, TextWord};
use crate::rules::kql::types::{Dynamic, Element};

#[test]
fn every_line_of_the_tables_is_read() {
    for (text, functions, signatures) in
        [(read::FUNCTIONS, 429, 488), (read::AGGREGATES, 61, 74), (read::PLUGINS, 47, 49)]
    {
        let table = read::table(text).unwrap();
        assert_eq!(table.len(), functions);
        assert_eq!(table.values().map(|f| f.signatures.len()).sum::<usize>(), signatures);
    }
}
