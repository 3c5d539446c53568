use super::*;
use crate::rules::kql::tree::{Binary, Membership, TextOp, TextWord};
use crate::rules::kql::types::{Dynamic, Element};

const ARRAY: Type = Type::Dynamic(Dynamic::Array(Element::Long));
const STRINGS: Type = Type::Dynamic(Dynamic::Array(Element::String));
const BAG: Type = Type::Dynamic(Dynamic::Bag);
const VALUE: Type = Type::Dynamic(Dynamic::Value(Element::String));

/// In the order of `verdicts.txt`, with the letters of the results.
const TYPES: [(char, Type); 13] = [
    ('b', Type::Bool),
    ('i', Type::Int),
    ('l', Type::Long),
    ('r', Type::Real),
    ('m', Type::Decimal),
    ('s', Type::String),
    ('t', Type::Datetime),
    ('p', Type::Timespan),
    ('g', Type::Guid),
    ('d', Type::DYNAMIC),
    ('A', ARRAY),
    ('B', BAG),
    ('V', VALUE),
];

fn letter(ty: Option<Type>) -> char {
    ty.map_or('.', |ty| TYPES.iter().find(|(_, known)| *known == ty).map_or('?', |(letter, _)| *letter))
}

fn text(word: TextWord, not: bool, case_sensitive: bool) -> Binary {
    Binary::Text(TextOp { word, not, case_sensitive })
}

fn operator(name: &str) -> Binary {
    match name {
        "or" => Binary::Or,
        "and" => Binary::And,
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "%" => Binary::Modulo,
        "<" => Binary::Less,
        "<=" => Binary::LessEqual,
        ">" => Binary::Greater,
        ">=" => Binary::GreaterEqual,
        "==" => Binary::Equal,
        "!=" => Binary::NotEqual,
        "=~" => Binary::EqualTilde,
        "!~" => Binary::NotTilde,
        "has" => text(TextWord::Has, false, false),
        "!has_cs" => text(TextWord::Has, true, true),
        "hasprefix" => text(TextWord::HasPrefix, false, false),
        "hassuffix_cs" => text(TextWord::HasSuffix, false, true),
        "contains" => text(TextWord::Contains, false, false),
        "notcontains" => text(TextWord::Contains, true, false),
        "like" => text(TextWord::Like, false, false),
        "startswith" => text(TextWord::StartsWith, false, false),
        "endswith" => text(TextWord::EndsWith, false, false),
        "matches regex" => text(TextWord::MatchesRegex, false, false),
        _ => panic!("{name}"),
    }
}

#[test]
fn every_line_of_the_tables_is_read() {
    for (text, functions, signatures) in
        [(read::FUNCTIONS, 429, 488), (read::AGGREGATES, 61, 74), (read::PLUGINS, 47, 49)]
    {
        let table = read::table(text).unwrap();
        assert_eq!(table.len(), functions);
        assert_eq!(table.values().map(|f| f.signatures.len()).sum::<usize>(), signatures);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            assert!(!lines[..at].contains(line), "twice: {line}");
        }
    }
}

#[test]
fn a_line_that_is_wrong_is_named() {
    for line in [
        "f(a:nosuch) long",
        "f(a:long",
        "f(a:long) nosuch",
        "f(a:wild long) long",
        "f(a:long{2}) long",
        "f(a) long",
        "f() rows(nosuch)",
        "f() long ~mark @first ?",
    ] {
        assert_eq!(read::table(line).unwrap_err(), line);
    }
}

#[test]
fn a_signature_is_read_whole() {
    let found = function("indexof").unwrap();
    let params: Vec<_> = found.signatures[0].params.iter().map(|p| (p.name, p.accepts, p.form, p.min, p.max)).collect();
    assert_eq!(
        params,
        [
            ("string", Accepts::Scalar, Form::Expression, 1, 1),
            ("match", Accepts::Scalar, Form::Expression, 1, 1),
            ("start", Accepts::Integer, Form::Expression, 0, 1),
            ("length", Accepts::Integer, Form::Expression, 0, 1),
            ("occurrence", Accepts::Integer, Form::Constant, 0, 1),
        ]
    );
    assert_eq!(found.signatures[0].returns, Returns::Type(Type::Long));
    assert_eq!(found.signatures[0].arity(), (2, 5));
    assert!(found.deterministic && found.constant && !found.hidden && found.retired.is_none());

    assert_eq!(function("strcat").unwrap().signatures[0].arity(), (1, 64));
    assert_eq!(function("case").unwrap().signatures[0].arity(), (3, u32::MAX));
    assert_eq!(function("datetime_diff").unwrap().signatures[0].params[0].values.len(), 11);
    assert_eq!(function("split").unwrap().signatures[0].returns, Returns::Type(STRINGS));
    assert_eq!(function("split").unwrap().naming, Naming::First);
    assert_eq!(function("replace").unwrap().retired, Some("replace_regex|replace_string"));
    assert!(!function("now").unwrap().deterministic && function("ago").unwrap().constant);
    assert!(!function("not").unwrap().constant && function("__cast").unwrap().hidden);
    assert!(function("any").unwrap().graph && !function("strcat").unwrap().graph);
    assert_eq!(function("Tolower"), None);
    assert_eq!(function("count"), None);
}

#[test]
fn aggregates_and_plugins_are_read_whole() {
    assert_eq!(aggregate("make_set").unwrap().naming, Naming::Prefix("set_"));
    assert_eq!(aggregate("make_set").unwrap().signatures[0].returns, Returns::Array0);
    assert_eq!(aggregate("makeset").unwrap().retired, Some("make_set"));
    assert_eq!(aggregate("arg_max").unwrap().signatures[0].params[1].form, Form::StarAllowed);
    // Only one way to call it is retired.
    let count = aggregate("count").unwrap();
    assert_eq!(count.retired, None);
    assert_eq!(count.signatures.iter().map(|s| s.retired).collect::<Vec<_>>(), [None, Some("countif")]);

    let rows = |name: &str| match &plugin(name).unwrap().signatures[0].returns {
        Returns::Rows(rows) => rows.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rows("bag_unpack"), [Output::InputWithout(0), Output::Open]);
    assert_eq!(rows("ipv4_lookup"), [Output::Input, Output::Looked]);
    assert_eq!(rows("python"), [Output::TypeOf(0)]);
    assert_eq!(rows("funnel_sequence")[1], Output::ColumnAs("prev", 6));
    let from = Output::Named { before: "from_", argument: 1, after: "", ty: Type::Datetime };
    assert_eq!(rows("new_activity_metrics")[0], from);
    assert!(plugin("autocluster").unwrap().signatures[0].params[0].tilde);
}

#[test]
fn what_is_proposed_is_neither_retired_nor_hidden() {
    for (kind, good, bad) in [
        (Kind::Function, "bag_pack", "pack"),
        (Kind::Function, "array_length", "__cast"),
        (Kind::Function, "strcat", "node_id"),
        (Kind::Aggregate, "make_set", "makeset"),
        (Kind::Plugin, "bag_unpack", "dax_request"),
    ] {
        assert!(names(kind).any(|name| name == good));
        assert!(!names(kind).any(|name| name == bad));
    }
    // What is to be written instead can be written.
    let retired = |table: &Known<&'static str, Function>| table.values().filter_map(|f| f.retired).collect::<Vec<_>>();
    for instead in [&CATALOGUE.functions, &CATALOGUE.aggregates, &CATALOGUE.plugins].into_iter().flat_map(retired) {
        for name in instead.split('|') {
            assert!(function(name).or_else(|| aggregate(name)).or_else(|| plugin(name)).is_some(), "{name}");
        }
    }
}

#[test]
fn a_parameter_takes_what_the_service_takes() {
    // In the order of TYPES: bool int long real decimal string datetime timespan guid dynamic array bag value.
    for (kind, verdict) in [
        (Accepts::Scalar, "+++++++++++++"),
        (Accepts::Integer, ".++.........."),
        (Accepts::Number, ".++++........"),
        (Accepts::NumberOrBool, "+++++........"),
        (Accepts::Summable, ".++++.++....."),
        (Accepts::Orderable, "++++++++....."),
        (Accepts::StringOrDynamic, ".....+...++++"),
        (Accepts::StringOrArray, ".....+...+..+"),
        (Accepts::IntegerOrArray, ".++......++.."),
        (Accepts::DynamicArray, ".........++.."),
        (Accepts::DynamicBag, ".........+.+."),
        (Accepts::NotDynamic, "+++++++++...."),
        (Accepts::NotRealOrBool, ".++.+++++++++"),
        (Accepts::RealOrDecimal, "...++........"),
        (Accepts::NotBool, ".++++++++++++"),
        (Accepts::Tabular, "............."),
        (Accepts::Type(Type::Bool), "+............"),
        (Accepts::Type(Type::Int), ".+..........."),
        (Accepts::Type(Type::Long), ".++.........."),
        (Accepts::Type(Type::Real), ".+++........."),
        (Accepts::Type(Type::String), ".....+...+..."),
        (Accepts::Type(Type::Datetime), "......+......"),
        (Accepts::Type(Type::Timespan), ".......+....."),
        (Accepts::Type(Type::Guid), "........+...."),
        (Accepts::Type(Type::DYNAMIC), ".........++++"),
        (Accepts::Common(Shared::Scalar), "+++++++++++++"),
        (Accepts::Common(Shared::Orderable), "++++++++....."),
    ] {
        let taken: String = TYPES.iter().map(|(_, ty)| if accepts(kind, *ty) { '+' } else { '.' }).collect();
        assert_eq!(taken, verdict, "{kind:?}");
        assert_eq!(accepts(kind, Type::Unknown), kind != Accepts::Tabular);
    }
    assert!(accepts(Accepts::StringOrArray, STRINGS));
    assert!(!accepts(Accepts::IntegerOrArray, STRINGS));
    assert!(accepts(Accepts::StringOrArray, array_of(Type::DYNAMIC)));
    assert!(accepts(Accepts::Type(Type::TypeOf), Type::TypeOf) && !accepts(Accepts::Type(Type::TypeOf), Type::Long));
}

#[test]
fn operators_are_defined_for_the_pairs_that_the_service_takes() {
    let mut names = "";
    let mut row = 0;
    for line in include_str!("verdicts.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(operators) = line.strip_prefix("@ ") {
            (names, row) = (operators, 0);
            continue;
        }
        for name in names.split(", ") {
            let left = TYPES[row].1;
            let made: String = TYPES.iter().map(|(_, right)| letter(binary(operator(name), left, *right))).collect();
            assert_eq!(made, line, "{} {name}", TYPES[row].0);
        }
        row += 1;
    }
    assert_eq!(row, TYPES.len());
}

#[test]
fn what_is_not_known_is_no_error() {
    let words = [operator("<"), operator("and"), operator("has"), operator("=~"), operator("==")];
    for (_, ty) in TYPES {
        for op in words {
            assert_eq!(binary(op, ty, Type::Unknown), Some(Type::Bool));
            assert_eq!(binary(op, Type::Unknown, ty), Some(Type::Bool));
        }
        assert_eq!(binary(Binary::Add, ty, Type::Unknown), Some(Type::Unknown));
        assert!(between(Type::Unknown, ty, ty) && between(ty, Type::Unknown, ty) && between(ty, ty, Type::Unknown));
    }
    assert_eq!(unary(true, Type::Unknown), Some(Type::Unknown));
    assert!(membership(Membership::HasAny, Type::Unknown));
}

#[test]
fn a_sign_stands_before_a_number_or_time() {
    let made: String = TYPES.iter().map(|(_, ty)| letter(unary(true, *ty))).collect();
    assert_eq!(made, ".llrm.tp.dABV");
}

#[test]
fn lists_are_searched_for_what_the_service_takes() {
    for (op, verdict) in [
        (Membership::In, "+++++++++++++"),
        (Membership::NotIn, "+++++++++++++"),
        (Membership::InTilde, ".....+...++++"),
        (Membership::NotInTilde, ".....+...++++"),
        (Membership::HasAny, ".....+...++++"),
        (Membership::HasAll, ".....+...++++"),
    ] {
        let taken: String = TYPES.iter().map(|(_, ty)| if membership(op, *ty) { '+' } else { '.' }).collect();
        assert_eq!(taken, verdict, "{op:?}");
    }
}

#[test]
fn a_range_is_of_one_kind() {
    // Value, low end, and the high ends that go with them.
    let mut good = std::collections::HashMap::new();
    for (value, low) in "ilrm".chars().flat_map(|value| "ilrm".chars().map(move |low| (value, low))) {
        good.insert((value, low), "ilrm");
    }
    for value in "ilrm".chars() {
        good.insert((value, 'd'), "d");
        good.insert((value, 'A'), "A");
        good.insert((value, 'B'), "B");
        good.insert((value, 'V'), "V");
        for dynamic in "dABV".chars() {
            good.insert((dynamic, value), ["i", "l", "r", "m"]["ilrm".find(value).unwrap()]);
        }
    }
    good.insert(('t', 't'), "tp");
    good.insert(('p', 'p'), "p");
    for (value, of) in TYPES {
        for (low, from) in TYPES {
            let high: String =
                TYPES.iter().filter(|(_, to)| between(of, from, *to)).map(|(letter, _)| *letter).collect();
            assert_eq!(high, good.get(&(value, low)).copied().unwrap_or_default(), "{value} {low}");
        }
    }
}

#[test]
fn values_share_a_type_where_the_service_finds_one() {
    use Shared::{Orderable, Scalar, ScalarOrDynamic};
    let dynamic = Some(Type::DYNAMIC);
    for (types, must, may) in [
        (&[Type::Int, Type::Int][..], Some(Type::Int), Some(Type::Int)),
        (&[Type::Int, Type::Long], Some(Type::Long), Some(Type::Long)),
        (&[Type::Decimal, Type::Real, Type::Int], Some(Type::Decimal), Some(Type::Decimal)),
        (&[Type::String, Type::Long], None, dynamic),
        (&[Type::String, Type::Guid], None, dynamic),
        (&[Type::Datetime, Type::Timespan], None, dynamic),
        (&[Type::Long, Type::Bool, Type::Long], None, dynamic),
        (&[Type::String, Type::DYNAMIC], None, Some(Type::String)),
        (&[BAG, Type::Bool], None, Some(Type::Bool)),
        (&[ARRAY, ARRAY], Some(ARRAY), Some(ARRAY)),
        (&[ARRAY, STRINGS], Some(array_of(Type::DYNAMIC)), Some(array_of(Type::DYNAMIC))),
        (&[ARRAY, BAG], dynamic, dynamic),
        (&[Type::Unknown, Type::String], Some(Type::String), Some(Type::String)),
        (&[Type::Unknown], Some(Type::Unknown), Some(Type::Unknown)),
        (&[], Some(Type::Unknown), Some(Type::Unknown)),
    ] {
        assert_eq!(common(Scalar, types.iter().copied()), must, "{types:?}");
        assert_eq!(common(ScalarOrDynamic, types.iter().copied()), may, "{types:?}");
    }
    assert_eq!(common(Orderable, [Type::Int, Type::Real]), Some(Type::Real));
    assert_eq!(common(Orderable, [Type::DYNAMIC, Type::DYNAMIC]), None);
}

#[test]
fn arrays_hold_what_their_parts_share() {
    assert_eq!(array_of(Type::Int), ARRAY);
    assert_eq!(array_of(Type::Decimal), array_of(Type::DYNAMIC));
    assert_eq!(array_of(VALUE), STRINGS);
    assert_eq!(array_of_common([Type::Int, Type::Real]), array_of(Type::Real));
    assert_eq!(array_of_common([Type::String, VALUE]), STRINGS);
    assert_eq!(array_of_common([Type::String, Type::DYNAMIC]), array_of(Type::DYNAMIC));
    assert_eq!(joined([STRINGS, STRINGS], false), STRINGS);
    assert_eq!(joined([STRINGS, ARRAY], false), array_of(Type::DYNAMIC));
    assert_eq!(joined([STRINGS, Type::DYNAMIC], false), Type::DYNAMIC);
    assert_eq!(joined([STRINGS, Type::DYNAMIC], true), array_of(Type::DYNAMIC));
}
