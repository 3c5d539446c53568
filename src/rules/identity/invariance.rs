//! The same event, however it is written, is the same hit; another event never is; and nobody who
//! writes rows can hide one behind another.

use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{any_json, facts, form, made, meant, names, reader, schema, text};
use super::{IdentityError, IdentityRule, RowFacts};

const COLUMNS: [(&str, &str); 6] = [
    ("Timestamp", "DateTime"),
    ("FileName", "String"),
    ("IsAdmin", "SByte"),
    ("ReportId", "Int64"),
    ("Score", "Double"),
    ("AdditionalFields", "Object"),
];

/// What happened, apart from any encoding. `None` is a null.
#[derive(Debug, Clone)]
struct Event {
    /// Seconds of a day, and ticks of 100 ns.
    time: Option<(u32, u32)>,
    file: String,
    admin: Option<bool>,
    report: Option<i64>,
    /// In halves.
    score: Option<i32>,
    bag: Value,
}

impl Event {
    /// By this two events are the same: docs/identity.md.
    fn meaning(&self) -> impl PartialEq + use<> {
        (self.time, self.file.clone(), self.admin, self.report, self.score, meant(&self.bag))
    }
}

/// How it is written.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, drawn at random")]
struct Style {
    graph: bool,
    order: Vec<usize>,
    spaced: bool,
    /// Nulls are left out.
    sparse: bool,
    /// `1.0` for 1.
    pointed: bool,
    /// Seven digits of fraction, also of a whole second.
    precise: bool,
    /// The older API: true and false for 1 and 0.
    words: bool,
    /// The older API: a dynamic as JSON text.
    text_bag: bool,
}

fn any_event() -> impl Strategy<Value = Event> {
    let near = prop_oneof![Just(9_007_199_254_740_992_i64), Just(i64::MAX - 1), Just(-1)];
    let long = prop_oneof![any::<i64>(), (near, 0..2_i64).prop_map(|(base, step)| base + step)];
    let time = (0..3_u32, prop_oneof![Just(0), Just(5), Just(5_000_000), 0..10_000_000_u32]);
    let bag = any_json().prop_filter("a dynamic's own value is a bag, a list or nothing", |value| {
        (value.is_object() || value.is_array() || value.is_null()) && !value.to_string().contains("@odata")
    });
    (of(time), "[ab\"\\\\é\u{0}]{0,2}", of(any::<bool>()), of(long), of(-2..3_i32), bag)
        .prop_map(|(time, file, admin, report, score, bag)| Event { time, file, admin, report, score, bag })
}

fn any_style() -> impl Strategy<Value = Style> {
    let order = Just((0..COLUMNS.len()).collect::<Vec<_>>()).prop_shuffle();
    (order, any::<[bool; 7]>()).prop_map(|(order, [graph, spaced, sparse, pointed, precise, words, text_bag])| Style {
        graph,
        order,
        spaced,
        sparse,
        pointed,
        precise,
        words,
        text_bag,
    })
}

fn instant((second, ticks): (u32, u32), precise: bool) -> String {
    let fraction = if ticks == 0 && !precise { String::new() } else { format!(".{ticks:07}") };
    format!("2024-03-26T09:39:{second:02}{fraction}Z")
}

/// A value of a dynamic, as Graph writes it.
fn graph_bag(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let own = ("@odata.type".to_owned(), json!("#microsoft.graph.security.dynamicColumnValue"));
            let beside = |(name, value): (&String, &Value)| {
                let list = value.is_array().then(|| (format!("{name}@odata.type"), json!("#Collection(String)")));
                list.into_iter().chain([(name.clone(), graph_bag(value))]).collect::<Vec<_>>()
            };
            std::iter::once(own).chain(members.iter().rev().flat_map(beside)).collect()
        }
        Value::Array(items) => items
            .iter()
            .map(|item| if item.is_object() || item.is_array() { item.to_string().into() } else { graph_bag(item) })
            .collect(),
        Value::String(text) if text.len() == 10 => format!("{text}T00:00:00.0000000Z").into(),
        other => other.clone(),
    }
}

fn written(event: &Event, style: &Style) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let pretty = |value: &Value| {
        if style.spaced { serde_json::to_string_pretty(value).unwrap() } else { value.to_string() }
    };
    let null = Some(if style.graph { "{}" } else { "null" }.to_owned());
    let bag = match &event.bag {
        Value::Null => null.clone(),
        bag if style.graph => Some(pretty(&graph_bag(bag))),
        bag if style.text_bag => Some(quoted(&pretty(bag))),
        bag => Some(pretty(bag)),
    };
    let bool_of =
        |value: bool| if style.words && !style.graph { value.to_string() } else { u8::from(value).to_string() };
    let point = if style.pointed { ".0" } else { "" };
    let score = |halves: i32| format!("{}{}", f64::from(halves) / 2.0, if halves % 2 == 0 { point } else { "" });
    let values = [
        event.time.map(|time| quoted(&instant(time, style.precise))).or(null),
        Some(quoted(&event.file)),
        event.admin.map(bool_of),
        event.report.map(|report| format!("{report}{point}")),
        event.score.map(score),
        bag,
    ];
    let sidecars = [None, None, Some("#SByte"), Some("#Int64"), None, None];
    let colon = if style.spaced { " : " } else { ":" };
    let mut members = Vec::new();
    for at in &style.order {
        let name = COLUMNS[*at].0;
        if let (Some(of), true, Some(_)) = (sidecars[*at], style.graph, &values[*at]) {
            members.push(format!("\"{name}@odata.type\"{colon}\"{of}\""));
        }
        match &values[*at] {
            Some(value) => members.push(format!("\"{name}\"{colon}{value}")),
            None if style.sparse => {}
            None => members.push(format!("\"{name}\"{colon}null")),
        }
    }
    if style.spaced { format!(" {{\n{} }}\t", members.join(" ,\r\n ")) } else { format!("{{{}}}", members.join(",")) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn however_it_is_written_it_is_the_same(event in any_event(), one in any_style(), two in any_style()) {
        let mut reader = reader(&COLUMNS);
        let (one, two) = (written(&event, &one), written(&event, &two));
        prop_assert_eq!(facts(&mut reader, &one), facts(&mut reader, &two), "{}\n{}", one, two);
    }

    #[test]
    fn a_row_is_another_exactly_when_a_value_is(
        event in any_event(), other in any_event(), taken in any::<[bool; 6]>(), one in any_style(), two in any_style(),
    ) {
        let [time, file, admin, report, score, bag] = taken;
        let mut near = event.clone();
        if time { near.time = other.time; }
        if file { near.file.clone_from(&other.file); }
        if admin { near.admin = other.admin; }
        if report { near.report = event.report.map(|report| report ^ 1); }
        if score { near.score = other.score; }
        if bag { near.bag = other.bag; }
        let mut reader = reader(&COLUMNS);
        let same = event.meaning() == near.meaning();
        let (event, near) = (facts(&mut reader, &written(&event, &one)), facts(&mut reader, &written(&near, &two)));
        prop_assert_eq!(event.hit == near.hit, same);
        prop_assert_eq!(event == near, same);
    }
}

fn keyed(key: &[&str], columns: &[(&str, &str)], rows: &[&str]) -> Vec<RowFacts> {
    let rule = IdentityRule { key: Some(names(key)), ..IdentityRule::default() };
    let mut reader = made(&rule, &schema(columns)).unwrap();
    rows.iter().map(|row| facts(&mut reader, row)).collect()
}

#[test]
fn what_looks_like_an_annotation_and_is_no_type_is_kept_and_counts() {
    let plain = form("Object", r#"{"a":1}"#);
    for of in
        ["#evil.exe", "#Int65", "#Collection(evil)", "#Collection(Collection(Int64))", "#microsoft.graph.evil", "#"]
    {
        let value = json!({"a": 1, "a@odata.type": of}).to_string();
        assert_ne!(form("Object", &value), plain, "{value}");
        let row = format!("{{\"AdditionalFields\":{value}}}");
        assert!(text(&mut reader(&COLUMNS), &row).contains(of), "{row}");
        let own = json!({"a": 1, "@odata.type": of}).to_string();
        assert_ne!(form("Object", &own), plain, "{own}");
    }
    for of in ["#Int64", "#SByte", "#Guid", "#Double", "#Collection(Int64)", "#DateTimeOffset"] {
        let value = json!({"a": 1, "a@odata.type": of}).to_string();
        assert_eq!(form("Object", &value), plain, "{value}");
    }
}

#[test]
fn a_key_that_is_nothing_hides_no_row_behind_another() {
    let rows = [
        r#"{"FileName":"","ReportId":1}"#,
        r#"{"FileName":null,"ReportId":2}"#,
        r#"{"FileName":"x","ReportId":1}"#,
        r#"{"FileName":"x","ReportId":2}"#,
        r#"{"ReportId":2.0}"#,
        "{}",
    ];
    let [first, second, named, changed, again, empty] = keyed(&["FileName"], &COLUMNS, &rows)[..] else { panic!() };
    assert_ne!(first.hit, second.hit);
    assert_eq!((second.hit, second.fingerprint), (again.hit, again.fingerprint));
    assert_eq!(named.hit, changed.hit);
    assert_ne!(named.fingerprint, changed.fingerprint);
    assert!([first, second, named].iter().all(|other| other.hit != empty.hit));
    // One column of the key is enough.
    let half = keyed(&["FileName", "IsAdmin"], &COLUMNS, &[r#"{"IsAdmin":0,"ReportId":1}"#, r#"{"IsAdmin":0}"#]);
    assert_eq!(half[0].hit, half[1].hit);
}

#[test]
fn a_column_whose_name_looks_like_an_escape_takes_no_other_columns_value() {
    let columns = [(r"a\u0062", "String"), ("ab", "String")];
    let both = keyed(&["ab"], &columns, &[r#"{"a\u0062":"1"}"#, r#"{"ab":"1"}"#, r#"{"a\\u0062":"1"}"#]);
    assert_eq!(both[0], both[1]);
    assert_ne!(both[1].hit, both[2].hit);
}

#[test]
fn a_name_that_fits_several_columns_is_no_key() {
    // Who writes rows may name columns, where a query unpacks a bag.
    let columns = [("DEVICEID", "String"), ("DeviceId", "String")];
    let rule = |key: &str| IdentityRule { key: Some(names(&[key])), ..IdentityRule::default() };
    let error = made(&rule("deviceid"), &schema(&columns)).unwrap_err();
    assert!(matches!(error, IdentityError::Ambiguous { .. }));
    assert_eq!(
        error.to_string(),
        "`key` names `deviceid`, and the result has several such columns that differ in case: DEVICEID, DeviceId"
    );
    let rows = keyed(&["DeviceId"], &columns, &[r#"{"DeviceId":"a","DEVICEID":"b"}"#, r#"{"DeviceId":"a"}"#]);
    assert_eq!(rows[0].hit, rows[1].hit);
}

/// How a dynamic with these elements is written: as itself, as a text, with its containers as texts.
fn listed(elements: &[Value], style: u8) -> String {
    let all = Value::from(elements.to_vec());
    match style {
        0 => all.to_string(),
        1 => serde_json::to_string_pretty(&all).unwrap(),
        2 => Value::from(all.to_string()).to_string(),
        _ => graph_bag(&all).to_string(),
    }
}

/// The facts of rows with `Names` and `Path`, of which the first is a set.
fn of_sets(names_and_paths: &[(String, String)]) -> Vec<RowFacts> {
    let rule = IdentityRule { sets: names(&["names", "Nowhere"]), ..IdentityRule::default() };
    let mut reader = made(&rule, &schema(&[("Names", "Object"), ("Path", "Object")])).unwrap();
    let row = |(names, path): &(String, String)| format!("{{\"Names\":{names},\"Path\":{path}}}");
    names_and_paths.iter().map(|pair| facts(&mut reader, &row(pair))).collect()
}

/// Elements, and the same in another order.
fn any_elements() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    let element =
        any_json().prop_filter("annotations have tests of their own", |value| !value.to_string().contains("@odata"));
    proptest::collection::vec(element, 0..6)
        .prop_flat_map(|elements| (Just(elements.clone()), Just(elements).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_order_in_a_set_does_not_count_and_all_else_does(
        (elements, shuffled) in any_elements(), (other, _) in any_elements(), styles in (0..4_u8, 0..4_u8), drop in any::<prop::sample::Index>(),
    ) {
        let path = || "[]".to_owned();
        let meaning = |elements: &[Value]| {
            let mut all: Vec<String> = elements.iter().map(|element| meant(element).to_string()).collect();
            all.sort();
            all
        };
        let mut fewer = elements.clone();
        let mut twice = elements.clone();
        if !elements.is_empty() {
            let at = drop.index(elements.len());
            twice.push(fewer.remove(at));
        }
        let write = |elements: &[Value], style| (listed(elements, style), path());
        let rows = [
            write(&elements, styles.0), write(&shuffled, styles.1), write(&other, styles.1), write(&fewer, styles.1), write(&twice, styles.1),
        ];
        let [first, again, other_row, fewer_row, twice_row] = of_sets(&rows)[..] else { panic!() };
        prop_assert_eq!(first, again);
        for (row, what) in [(other_row, &other), (fewer_row, &fewer), (twice_row, &twice)] {
            prop_assert_eq!(first.hit == row.hit, meaning(&elements) == meaning(what), "{:?} {:?}", elements, what);
            prop_assert_eq!(first == row, first.hit == row.hit);
        }
    }

    #[test]
    fn in_other_columns_and_inside_a_set_order_counts((elements, shuffled) in any_elements()) {
        let same = elements.iter().map(meant).collect::<Vec<_>>() == shuffled.iter().map(meant).collect::<Vec<_>>();
        let (one, two) = (listed(&elements, 0), listed(&shuffled, 0));
        let empty = || "[]".to_owned();
        let plain = of_sets(&[(empty(), one.clone()), (empty(), two.clone())]);
        prop_assert_eq!(plain[0].hit == plain[1].hit, same);
        let inside = of_sets(&[(format!("[{one}]"), empty()), (format!("[{two}]"), empty())]);
        prop_assert_eq!(inside[0].hit == inside[1].hit, same);
        let bag = of_sets(&[(format!("{{\"a\":{one}}}"), empty()), (format!("{{\"a\":{two}}}"), empty())]);
        prop_assert_eq!(bag[0].hit == bag[1].hit, same);
    }
}

#[test]
fn a_set_is_known_by_its_columns_name() {
    let of = |sets: &str, columns: &[(&str, &str)], row: &str| {
        let rule = IdentityRule { sets: names(&[sets]), ..IdentityRule::default() };
        facts(&mut made(&rule, &schema(columns)).unwrap(), row).hit
    };
    let (one, two) = (r#"{"Names":["a","b"]}"#, r#"{"Names":["b","a"]}"#);
    for sets in ["Names", "names"] {
        assert_eq!(of(sets, &[("Names", "Object")], one), of(sets, &[("Names", "Object")], two));
    }
    // A name that fits two columns means none; and a text is no set.
    let twins = [("NAMES", "Object"), ("Names", "Object")];
    assert_ne!(of("names", &twins, one), of("names", &twins, two));
    assert_eq!(of("Names", &twins, one), of("Names", &twins, two));
    let texts = (r#"{"Names":"[1,2]"}"#, r#"{"Names":"[2,1]"}"#);
    assert_ne!(of("Names", &[("Names", "String")], texts.0), of("Names", &[("Names", "String")], texts.1));
}
