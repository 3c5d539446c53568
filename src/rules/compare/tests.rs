use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::model::hit::Ordinal;
use crate::model::id::{HitId, HuntId, RunId, TenantName};
use crate::rules::render::visible::is_hidden;

fn side(rows: &[(Ordinal, &str)]) -> Side {
    let row = |(ordinal, text): &(Ordinal, &str)| {
        let id = HitId([u8::try_from(*ordinal).unwrap(); 20]);
        (*ordinal, id, RawValue::from_string((*text).to_owned()).unwrap())
    };
    Side::new(rows.iter().map(row).collect())
}

/// What became of hits 0 to 9, in short.
fn said(before: &[(Ordinal, &str)], held: (&[Ordinal], &[Ordinal]), after: &[(Ordinal, &str)]) -> Vec<String> {
    let held = (|at: Ordinal| held.0.contains(&at), |at: Ordinal| held.1.contains(&at));
    let all = changes(0..10, held, (side(before), side(after)));
    all.iter().map(|change| text(change, 100)).collect()
}

#[test]
fn what_came_went_and_changed() {
    let before = [(0, r#"{"D":"a","N":1}"#), (1, r#"{"D":"b","N":1}"#), (2, r#"{"D":"c","N":1,"Old":"x"}"#)];
    let after = [(0, r#"{"D":"a","N":1}"#), (2, r#"{"D":"c","N":2,"L":""}"#), (3, r#"{"D":"d","N":1}"#)];
    insta::assert_snapshot!(said(&before, (&[0, 1, 2], &[0, 2, 3]), &after).join("\n"), @r"
    - gone     010101010101  D=b  N=1
    ~ changed  020202020202  D=c
        N    1 -> 2
        Old  x -> (nothing)
    + new      030303030303  D=d  N=1
    ");
}

#[test]
fn what_is_nothing_is_no_change() {
    for (before, after) in [
        (r#"{"A":null,"B":1}"#, r#"{"B":1}"#),
        (r#"{"B":1}"#, r#"{"A":"","B":1}"#),
        (r#"{"A":{},"B":1}"#, r#"{"A":null,"B":1}"#),
        (r#"{"A":"x","B":1}"#, r#"{"B":1,"A":"\u0078"}"#),
    ] {
        assert_eq!(said(&[(0, before)], (&[0], &[0]), &[(0, after)]), Vec::<String>::new(), "{before} {after}");
    }
}

#[test]
fn rows_past_their_retention_are_said_to_be_so() {
    insta::assert_snapshot!(said(&[(2, r#"{"A":1}"#)], (&[0, 2, 3], &[1, 2, 3]), &[]).join("\n"), @r"
    - gone     -             its rows are past their retention
    + new      -             its rows are past their retention
    ~ changed  020202020202  A=1
        a row of it is past its retention
    ~ changed  -             its rows are past their retention
        a row of it is past its retention
    ");
}

#[test]
fn several_rows_of_a_key_are_told_apart() {
    let before = [(0, r#"{"K":1,"V":1}"#), (0, r#"{"K":1,"V":2}"#)];
    let after = [(0, r#"{"K":1,"V":2}"#), (0, r#"{"K":1,"V":3}"#), (0, r#"{"K":1,"V":4}"#)];
    insta::assert_snapshot!(said(&before, (&[0], &[0]), &after).join("\n"), @r"
    ~ changed  000000000000  K=1
        V  1 -> 3
    ~ changed  000000000000  K=1  V=4
        a further row of this key
    ");
}

#[test]
fn a_line_for_a_script() {
    let all =
        changes(0..3, (|at| at == 0, |_| true), (side(&[(0, r#"{"A":1.50}"#)]), side(&[(0, r#"{"A":2}"#), (2, "{}")])));
    let (hunt, tenant) = (HuntId::new("h").unwrap(), TenantName::new("t").unwrap());
    let (from, to) = (RunId::new("r1").unwrap(), RunId::new("r2").unwrap());
    let lines: Vec<_> = all.iter().map(|change| line(change, &hunt, &tenant, (&from, &to))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"hit":"0000000000000000000000000000000000000000","hunt":"h","tenant":"t","kind":"changed","from":"r1","to":"r2","changed":["A"],"expired":false,"before":{"A":1.50},"row":{"A":2}}
    {"hit":null,"hunt":"h","tenant":"t","kind":"new","from":"r1","to":"r2","changed":[],"expired":true,"before":null,"row":null}
    {"hit":"0202020202020202020202020202020202020202","hunt":"h","tenant":"t","kind":"new","from":"r1","to":"r2","changed":[],"expired":false,"before":null,"row":{}}
    "#);
}

proptest! {
    #[test]
    fn a_row_is_the_same_as_itself_and_nothing_acts_on_the_terminal(
        cells in proptest::collection::btree_map(any::<String>(), any::<String>(), 1..5), other in any::<String>(),
    ) {
        let row = serde_json::to_string(&cells).unwrap();
        prop_assert_eq!(said(&[(0, &row)], (&[0], &[0]), &[(0, &row)]), Vec::<String>::new());
        let mut changed = cells.clone();
        let first = cells.keys().next().unwrap().clone();
        changed.insert(first.clone(), other.clone());
        let after = serde_json::to_string(&changed).unwrap();
        let said = said(&[(0, &row)], (&[0], &[0]), &[(0, &after)]);
        prop_assert!(said.iter().all(|text| !text.replace('\n', "").contains(is_hidden)));
        let value = |text: &str| if text == "{}" { String::new() } else { text.to_owned() };
        prop_assert_eq!(said.is_empty(), value(&cells[&first]) == value(&other));
    }
}
