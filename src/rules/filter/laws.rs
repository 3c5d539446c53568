//! What holds for every expression and every row.

use proptest::prelude::*;

use super::glob::Glob;
use super::{Column, Expr, Filter, Op, Test, Value, parse, parse_columns};
use crate::model::hit::{Hit, HitKind};
use crate::model::id::HitId;
use crate::model::severity::Severity;
use crate::model::time::Timestamp;

fn hit(row: &serde_json::Value) -> Hit {
    Hit {
        hit: HitId([1; 20]),
        hunt: "h".to_owned(),
        tenant: "t".to_owned(),
        kind: HitKind::New,
        run: "r".to_owned(),
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
        severity: Severity::High,
        row: serde_json::value::to_raw_value(row).unwrap(),
    }
}

fn passes(expressions: &[Expr], row: &serde_json::Value) -> bool {
    Filter::new(expressions, Timestamp::EPOCH).passes(&hit(row))
}

/// Names of columns: often those that the rows have, sometimes anything.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[abAB]", 1 => "[a-c .,\"'()=*]{0,4}", 1 => any::<String>(), 1 => "and|or|not|in|row|ago"]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab*?12]{0,3}", 2 => "-?[0-9]{1,2}(\\.[0-9])?", 1 => "202[0-9]-0[1-9]-1[0-9]", 1 => "[a \"'(),=<>!~\\[\\]*?\\\\]{0,6}",
        1 => any::<String>(), 1 => "true|false|ago|and|In",
    ]
}

fn test() -> impl Strategy<Value = Expr> {
    let column = || prop::collection::vec(name(), 1..3).prop_map(|parts| Column { parts });
    let glob = || text().prop_map(|text| Value::Text(Glob::new(&text)));
    let ops = prop::sample::select(vec![Op::Is, Op::Isnt, Op::Exactly, Op::NotExactly]);
    let orders = || prop::sample::select(vec![Op::Less, Op::AtMost, Op::More, Op::AtLeast]);
    let bound =
        prop_oneof!["[a-c0-9]{1,3}".prop_map(|text| Value::Text(Glob::new(&text))), "[1-9][dhms]".prop_map(Value::Ago)];
    let likes = prop::sample::select(vec![Op::Like, Op::Unlike]);
    prop_oneof![
        4 => (column(), ops, glob()).prop_map(|(column, op, value)| Test { column, op, values: vec![value] }),
        2 => (column(), orders(), bound).prop_map(|(column, op, value)| Test { column, op, values: vec![value] }),
        1 => (column(), likes, "[ab.^$ |]{0,4}")
            .prop_map(|(column, op, text)| Test { column, op, values: vec![Value::Regex(text)] }),
        1 => (column(), prop::collection::vec(glob(), 1..4))
            .prop_map(|(column, values)| Test { column, op: Op::In, values }),
    ]
    .prop_map(Expr::Test)
}

fn expr() -> impl Strategy<Value = Expr> {
    test().prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Any),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-20_i64..20).prop_map(Into::into),
        text().prop_map(Into::into),
        prop::collection::btree_map("[ab]", "[ab12]{0,2}", 0..3).prop_map(|bag| serde_json::json!(bag)),
        prop::collection::btree_map("[ab]", "[ab12]{0,2}", 0..3)
            .prop_map(|bag| serde_json::json!(bag).to_string().into()),
    ]
}

fn row() -> impl Strategy<Value = serde_json::Value> {
    prop::collection::btree_map("[abAB]", value(), 0..4).prop_map(|row| serde_json::json!(row))
}

fn not(expr: &Expr) -> Expr {
    Expr::Not(Box::new(expr.clone()))
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(expr in expr()) {
        let text = expr.to_string();
        prop_assert_eq!(parse(&text), Ok(expr), "{}", text);
    }

    #[test]
    fn columns_are_printed_as_they_are_read(parts in prop::collection::vec(prop::collection::vec(name(), 1..3), 1..4)) {
        let columns: Vec<Column> = parts.into_iter().map(|parts| Column { parts }).collect();
        let text = columns.iter().map(Column::to_string).collect::<Vec<_>>().join(",");
        prop_assert_eq!(parse_columns(&text), Ok(columns), "{}", text);
    }

    #[test]
    fn de_morgan_and_twice_not(a in expr(), b in expr(), row in row()) {
        let both = Expr::All(vec![a.clone(), b.clone()]);
        let either = Expr::Any(vec![a.clone(), b.clone()]);
        let says = |expr: &Expr| passes(std::slice::from_ref(expr), &row);
        prop_assert_eq!(says(&not(&both)), says(&Expr::Any(vec![not(&a), not(&b)])));
        prop_assert_eq!(says(&not(&either)), says(&Expr::All(vec![not(&a), not(&b)])));
        prop_assert_eq!(says(&not(&not(&a))), says(&a));
        prop_assert_eq!(passes(&[a.clone(), b.clone()], &row), says(&both));
        prop_assert_eq!(says(&both), says(&a) && says(&b));
    }

    #[test]
    fn an_operator_and_its_opposite_never_agree(a in test(), row in row()) {
        let Expr::Test(test) = a else { return Ok(()) };
        let opposite = match test.op {
            Op::Is => Op::Isnt,
            Op::Exactly => Op::NotExactly,
            Op::Like => Op::Unlike,
            _ => return Ok(()),
        };
        let other = Expr::Test(Test { op: opposite, ..test.clone() });
        prop_assert_ne!(passes(&[Expr::Test(test)], &row), passes(&[other], &row));
    }

    #[test]
    fn a_list_is_its_values_one_by_one(column in name(), texts in prop::collection::vec(text(), 1..4), row in row()) {
        let column = Column { parts: vec![column] };
        let values: Vec<Value> = texts.iter().map(|text| Value::Text(Glob::new(text))).collect();
        let is = |value: &Value| Expr::Test(Test { column: column.clone(), op: Op::Is, values: vec![value.clone()] });
        let any = values.iter().any(|value| passes(&[is(value)], &row));
        let list = Expr::Test(Test { column: column.clone(), op: Op::In, values });
        prop_assert_eq!(passes(&[list], &row), any);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in any::<String>()) {
        if let Err(problem) = parse(&text) {
            prop_assert!(text.is_char_boundary(problem.at));
            prop_assert!(problem.column() <= text.chars().count() + 1);
        }
    }

    #[test]
    fn nearly_right_texts_are_read_or_refused(text in "([ab(),.\"'=<>!~*?\\[\\] ]|AND|OR|NOT|IN|ago|[(]7d[)]|kind|row|日){0,14}", row in row()) {
        match parse(&text) {
            Ok(expr) => {
                passes(std::slice::from_ref(&expr), &row);
                prop_assert_eq!(parse(&expr.to_string()), Ok(expr));
            }
            Err(problem) => prop_assert!(text.is_char_boundary(problem.at)),
        }
    }
}
