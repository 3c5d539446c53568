use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::canonical::{Canon, Cell};
use super::{IdentityError, IdentityRule, RowError, RowFacts, RowReader};
use crate::model::id::{HuntId, TenantName};
use crate::model::row::{Column, ColumnType, Schema};
use crate::model::time::Timestamp;

const SECRET: [u8; 32] = [7; 32];

pub(super) fn schema(columns: &[(&str, &str)]) -> Schema {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: ColumnType::parse(kind) };
    Schema { columns: columns.iter().map(column).collect() }
}

pub(super) fn made(rule: &IdentityRule, schema: &Schema) -> Result<RowReader, IdentityError> {
    let (tenant, hunt) = (TenantName::new("contoso").unwrap(), HuntId::new("hunt").unwrap());
    RowReader::new(&tenant, &hunt, rule, schema, &SECRET)
}

pub(super) fn reader(columns: &[(&str, &str)]) -> RowReader {
    made(&IdentityRule::default(), &schema(columns)).unwrap()
}

pub(super) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn facts(reader: &mut RowReader, row: &str) -> RowFacts {
    reader.read(row.as_bytes()).unwrap_or_else(|error| panic!("{row}: {error}")).facts
}

pub(super) fn text(reader: &mut RowReader, row: &str) -> String {
    let labels: Vec<String> = reader.columns().map(|name| Value::from(name).to_string()).collect();
    let values = values(&mut reader.read(row.as_bytes()).unwrap(), labels.len());
    let members: Vec<String> = labels.iter().zip(values).map(|(label, value)| format!("{label}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// The values that would be stored.
fn values(read: &mut super::ReadRow<'_>, columns: usize) -> Vec<String> {
    let mut values = vec![Vec::new(); columns];
    read.write_values(&mut values);
    values.into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
}

/// The canonical form of a value of a type; empty for nothing.
pub(super) fn form(kind: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let cell = Cell { text: value.as_bytes(), is_plain: false };
    assert_eq!(Canon::default().column(&ColumnType::parse(kind), false, cell, &mut out), !out.is_empty());
    let has_escapes = cell.text.contains(&b'\\') || !cell.text.starts_with(b"\"");
    let mut known = Vec::new();
    Canon::default().column(&ColumnType::parse(kind), false, Cell { is_plain: !has_escapes, ..cell }, &mut known);
    assert_eq!(known, out);
    out
}

/// JSON over a small alphabet, so that equal and nearly equal values are often met.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        prop_oneof![
            "[ab]{0,2}",
            "2025-10-0[67]",
            "2025-10-06T00:00:00(Z|[.]0000000Z)",
            "[{]\"a\":[12][}]",
            "\\[\\]",
            "[{][}]"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let keys = prop_oneof!["[ab]", "a@odata[.]type"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(keys, inner, 0..3)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// docs/identity.md's rules for a dynamic, said a second time and slowly.
pub(super) fn meant(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let is_type = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('#'));
            let annotation = |key: &str| key.strip_suffix("@odata.type").is_some_and(|of| map.contains_key(of));
            let kept: Map<String, Value> = map
                .iter()
                .filter(|(key, value)| !(annotation(key) && is_type(value)))
                .map(|(key, value)| (key.clone(), meant(value)))
                .collect();
            if kept.is_empty() { Value::Null } else { Value::from(kept) }
        }
        Value::Array(elements) => elements.iter().map(meant).collect(),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inside) if inside.is_object() || inside.is_array() => meant(&inside),
            _ if text.len() >= 10 => json!({ "when": text.get(..10) }),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

mod forms {
    use super::*;

    #[test]
    fn nothing_has_one_form() {
        for kind in
            ["String", "DateTime", "Int64", "Double", "SByte", "Guid", "Object", "TimeSpan", "SqlDecimal", "Odd"]
        {
            for value in
                ["null", "{}", "\"\"", "{ }", r##"{"@odata.type":"#microsoft.graph.security.dynamicColumnValue"}"##]
            {
                assert_eq!(form(kind, value), b"", "{kind} {value}");
            }
            for value in ["0", "[]", "\" \"", "\"null\"", "false", "{\"a\":null}"] {
                assert_ne!(form(kind, value), b"", "{kind} {value}");
            }
        }
        assert_eq!(form("Object", "\"{}\""), b"");
        assert_ne!(form("String", "\"{}\""), b"");
    }

    #[test]
    fn a_column_type_says_which_texts_are_equal() {
        let same = [
            ("SByte", ["1", "true", "\"true\"", "\"True\""]),
            ("SByte", ["0", "false", "\"0\"", "0.0"]),
            ("Int64", ["9007199254740993", "\"9007199254740993\"", "9007199254740993.0", "9007199254740993e0"]),
            ("Double", ["1.0", "1", "1e0", "10e-1"]),
            ("SqlDecimal", ["\"1.50\"", "1.5", "15e-1", "\"1.5\""]),
            (
                "DateTime",
                [
                    "\"2024-02-28T04:45:11Z\"",
                    "\"2024-02-28T04:45:11.0000000Z\"",
                    "\"2024-02-28T05:45:11+01:00\"",
                    "\"2024-02-28T04:45:11\"",
                ],
            ),
            (
                "Guid",
                [
                    "\"00112233-4455-6677-8899-AABBCCDDEEFF\"",
                    "\"{00112233-4455-6677-8899-aabbccddeeff}\"",
                    "\"00112233445566778899aabbccddeeff\"",
                    "\"00112233-4455-6677-8899-aabbccddeef\\u0066\"",
                ],
            ),
            ("TimeSpan", ["\"00:00:01\"", "\"00:00:01.0000000\"", "\"PT1S\"", "\"0.00:00:01\""]),
            ("String", ["\"A/\u{e9}\"", r#""\u0041\/\u00e9""#, r#""\u0041/é""#, r#""A\/é""#]),
            (
                "Object",
                [
                    r#"{"a":1,"b":[true]}"#,
                    r#""{\"b\":[true],\"a\":1.0}""#,
                    r##"{"b@odata.type":"#Collection(Boolean)","b":[true],"a":1,"@odata.type":"#microsoft.graph.security.dynamicColumnValue"}"##,
                    r#"" {\"a\" : 1, \"b\":[ true ] } ""#,
                ],
            ),
            (
                "Object",
                [
                    r#"[{"a":"2025-10-06"}]"#,
                    r#"["{\"a\":\"2025-10-06\"}"]"#,
                    r#"[{"a":"2025-10-06T00:00:00.0000000Z"}]"#,
                    r#""[{\"a\":\"2025-10-06\"}]""#,
                ],
            ),
        ];
        for (kind, class) in same {
            for value in class {
                assert_eq!(form(kind, value), form(kind, class[0]), "{kind} {value}");
            }
        }
    }

    #[test]
    fn what_only_looks_alike_stays_apart() {
        let apart = [
            ("String", ["\"1\"", "1", "\"1.0\"", "\"01\""]),
            ("String", [r#""{\"a\":1}""#, r#"{"a":1}"#, r#""{\"a\": 1}""#, r#""{\"a\":1.0}""#]),
            ("String", ["\"a\"", "\"A\"", "\"a \"", r#""a\u0000""#]),
            ("String", [r#""\ud800""#, r#""\ud801""#, r#""\ufffd""#, r#""\\ud800""#]),
            (
                "String",
                [
                    "\"2024-02-28T04:45:11Z\"",
                    "\"2024-02-28T04:45:11.0Z\"",
                    "\"2024-02-28\"",
                    "\"2024-02-28T04:45:11+00:00\"",
                ],
            ),
            ("Int64", ["9007199254740993", "9007199254740992", "-9007199254740993", "\"x\""]),
            ("Double", ["0.1", "0.10000000000000001", "\"NaN\"", "1e999999999999999999999"]),
            (
                "DateTime",
                ["\"2024-02-30\"", "\"2024-03-01\"", "\"2024-02-28T04:45:11.1Z\"", "\"2024-02-28T04:45:11.01Z\""],
            ),
            ("Object", ["\"1\"", "1", "true", "\"true\""]),
            ("Object", ["[[],[1]]", "[[1],[]]", "[[1]]", "[1]"]),
            ("Object", [r#"{"a":"b"}"#, r#"{"a":["b"]}"#, r#"["a","b"]"#, r#"{"ab":""}"#]),
            ("Object", [r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#, r#"{"a":1}"#, r#"{"a":2}"#]),
            ("Object", [r##"{"a@odata.type":"#x"}"##, r#"{"a@odata.type":"x","a":1}"#, r#"{"a":1}"#, "{}"]),
            ("Object", [r#"{"a":null}"#, r#"{"b":null}"#, "[null]", "[]"]),
            ("Odd", ["\"2024-02-28\"", "\"[]\"", "[]", "\"2024-02-28T00:00:00Z\""]),
        ];
        for (kind, values) in apart {
            for (at, value) in values.iter().enumerate() {
                for other in &values[..at] {
                    assert_ne!(form(kind, value), form(kind, other), "{kind}: {value} and {other}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn dynamics_are_equal_exactly_by_the_written_rules(a in any_json(), b in any_json()) {
            prop_assume!(a != "" && b != "");
            let same = meant(&a) == meant(&b);
            prop_assert_eq!(form("Object", &a.to_string()) == form("Object", &b.to_string()), same);
            let text_of_a = Value::from(a.to_string()).to_string();
            if a.is_object() || a.is_array() {
                prop_assert_eq!(form("Object", &text_of_a) == form("Object", &b.to_string()), same);
            }
        }

        #[test]
        fn strings_are_equal_exactly_by_their_characters(a in "\\PC{0,3}", b in "\\PC{0,3}") {
            let (quoted_a, quoted_b) = (Value::from(a.as_str()).to_string(), Value::from(b.as_str()).to_string());
            prop_assert_eq!(form("String", &quoted_a) == form("String", &quoted_b), a == b);
            let escaped = a.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(form("String", &format!("\"{escaped}\"")), form("String", &quoted_a));
        }
    }
}

mod rows {
    use super::*;

    const COLUMNS: [(&str, &str); 4] =
        [("Timestamp", "DateTime"), ("DeviceId", "String"), ("Count", "Int64"), ("Bag", "Object")];

    const ROW: &str = r#"{"Timestamp":"2024-03-26T09:39:50.7688641Z","DeviceId":"d1","Count":3,"Bag":{"a":[1]}}"#;

    #[test]
    fn order_space_sidecars_and_case_of_keys_dont_count() {
        let mut reader = reader(&COLUMNS);
        let plain = facts(&mut reader, ROW);
        let rows = [
            r##" { "Bag" : {"a@odata.type":"#Collection(Int64)", "a":[ 1 ]}, "Count@odata.type":"#Int64","Count":3, "DeviceId":"d\u0031","Timestamp":"2024-03-26T09:39:50.7688641Z" } "##,
            r#"{"timestamp":"2024-03-26T09:39:50.7688641Z","deviceId":"d1","count":3.0,"bag":"{\"a\":[1]}"}"#,
            r#"{"Timestamp":"2024-03-26T09:39:50.7688641Z","Device\u0049d":"d1","Count":3,"Bag":{"a":[1]},"extra":5}"#,
            r#"{"deviceid":"other","Timestamp":"2024-03-26T09:39:50.7688641Z","DeviceId":"d1","Count":3,"Bag":{"a":[1]}}"#,
        ];
        for row in rows {
            assert_eq!(facts(&mut reader, row), plain, "{row}");
        }
        assert_eq!(plain.event_time, Timestamp::parse("2024-03-26T09:39:50.7688641Z"));
        assert_ne!(facts(&mut reader, &ROW.replace("d1", "d2")).hit, plain.hit);
        assert_eq!(facts(&mut reader, ROW), plain);
    }

    #[test]
    fn an_id_is_the_same_on_every_machine() {
        // A change here makes every hit of every user new.
        let id = facts(&mut reader(&COLUMNS), ROW).hit.to_string();
        assert_eq!(id, "3d8cceb0152b5b0f186f564731dae5d328ceb860");
    }

    #[test]
    fn ids_know_tenant_and_hunt_and_no_secret() {
        let rule = IdentityRule { key: Some(names(&["DeviceId"])), ..IdentityRule::default() };
        let (a, b) = (TenantName::new("a").unwrap(), HuntId::new("b").unwrap());
        let made_raw = RowReader::new(&a, &b, &rule, &schema(&COLUMNS), &[1; 32]).unwrap().raw(ROW.as_bytes());
        let made = |tenant: &str, hunt: &str, secret: u8| {
            let (tenant, hunt) = (TenantName::new(tenant).unwrap(), HuntId::new(hunt).unwrap());
            let mut reader = RowReader::new(&tenant, &hunt, &rule, &schema(&COLUMNS), &[secret; 32]).unwrap();
            assert_eq!(
                reader.raw(ROW.as_bytes()) == made_raw,
                secret == 1 && tenant.as_str() == "a" && hunt.as_str() == "b"
            );
            facts(&mut reader, ROW)
        };
        let plain = made("a", "b", 1);
        assert_ne!(made("b", "b", 1).hit, plain.hit);
        assert_ne!(made("a", "a", 1).hit, plain.hit);
        assert_eq!(made("a", "b", 2).hit, plain.hit);
        assert_ne!(made("a", "b", 2).fingerprint, plain.fingerprint);
    }

    #[test]
    fn the_key_makes_the_id_and_the_rest_the_fingerprint() {
        let rule = IdentityRule {
            key: Some(names(&["deviceid"])),
            ignore: names(&["Count", "Nowhere"]),
            suppress_by: Some(names(&["Count"])),
            sets: Vec::new(),
            arrival: None,
        };
        let mut reader = made(&rule, &schema(&COLUMNS)).unwrap();
        let plain = facts(&mut reader, ROW);
        let counted = facts(&mut reader, &ROW.replace("\"Count\":3", "\"Count\":4"));
        assert_eq!((counted.hit, counted.fingerprint), (plain.hit, plain.fingerprint));
        assert_ne!(counted.group, plain.group);
        let later = facts(&mut reader, &ROW.replace("50.7688641", "51"));
        assert_eq!((later.hit, later.group), (plain.hit, plain.group));
        assert_ne!(later.fingerprint, plain.fingerprint);
        assert_ne!(facts(&mut reader, &ROW.replace("d1", "d2")).hit, plain.hit);
    }

    #[test]
    fn without_columns_of_suppression_a_row_has_no_group() {
        for suppress_by in [None, Some(Vec::new())] {
            let rule = IdentityRule { suppress_by, ..IdentityRule::default() };
            assert_eq!(facts(&mut made(&rule, &schema(&COLUMNS)).unwrap(), ROW).group, None);
        }
    }

    #[test]
    fn a_column_that_is_nothing_is_a_column_that_isnt_there() {
        let mut wide = COLUMNS.to_vec();
        wide.insert(0, ("AddedByTheService", "String"));
        let plain = facts(&mut reader(&COLUMNS), ROW);
        assert_eq!(facts(&mut reader(&wide), ROW), plain);
        assert_eq!(facts(&mut reader(&wide), &ROW.replace("{\"Time", "{\"AddedByTheService\":\"\",\"Time")), plain);
        assert_ne!(
            facts(&mut reader(&wide), &ROW.replace("{\"Time", "{\"AddedByTheService\":\"x\",\"Time")).hit,
            plain.hit
        );
    }

    #[test]
    fn values_do_not_move_between_columns() {
        let mut reader = reader(&[("A", "String"), ("AB", "String"), ("B", "String")]);
        let rows = [r#"{"A":"x"}"#, r#"{"B":"x"}"#, r#"{"AB":"x"}"#, r#"{"A":"Bx"}"#, r#"{"A":"x","B":"x"}"#, "{}"];
        let ids: std::collections::HashSet<_> = rows.iter().map(|row| facts(&mut reader, row).hit).collect();
        assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn columns_that_differ_in_case_alone_stay_apart() {
        let mut reader = reader(&[("a", "String"), ("A", "String")]);
        let one = facts(&mut reader, r#"{"a":"1","A":"2"}"#);
        assert_eq!(facts(&mut reader, r#"{"A":"2","a":"1"}"#), one);
        assert_ne!(facts(&mut reader, r#"{"A":"1","a":"2"}"#).hit, one.hit);
        let mut odd = super::reader(&[("ab", "String"), ("AB", "String")]);
        assert_eq!(odd.read(br#"{"aB":"1"}"#).unwrap_err(), RowError::Ambiguous("aB".to_owned()));
    }

    #[test]
    fn broken_rows_are_refused() {
        let cases = [
            (r#"{"DeviceId":"a","DeviceId":"b"}"#, RowError::DoubleColumn("DeviceId".to_owned())),
            (r#"{"DeviceId":"a","Device\u0049d":"b"}"#, RowError::DoubleColumn("DeviceId".to_owned())),
            (r#"{"deviceid":"a","deviceID":"b"}"#, RowError::DoubleColumn("DeviceId".to_owned())),
            ("[1]", RowError::NotAnObject),
            ("5", RowError::NotAnObject),
        ];
        let mut reader = reader(&COLUMNS);
        for (row, want) in cases {
            assert_eq!(reader.read(row.as_bytes()).unwrap_err(), want, "{row}");
        }
        let no_json: [&[u8]; 10] = [
            b"",
            b"{",
            b"{} {}",
            b"{\"a\":01}",
            b"{\"a\":1,}",
            b"{a:1}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\x\"}",
            b"{\"a\":NaN}",
        ];
        for row in no_json {
            assert!(matches!(reader.read(row), Err(RowError::NotJson(_))), "{}", row.escape_ascii());
        }
        assert_eq!(super::reader(&[]).read(b"{}").unwrap_err(), RowError::NoColumns);
        // A row that was refused leaves nothing behind.
        assert_eq!(facts(&mut reader, ROW), facts(&mut super::reader(&COLUMNS), ROW));
    }

    #[test]
    fn a_rule_that_doesnt_fit_says_so() {
        let rule = IdentityRule { key: Some(names(&["DevicId"])), ..IdentityRule::default() };
        let error = made(&rule, &schema(&COLUMNS)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the result has no column `DevicId`, which `key` names; did you mean `DeviceId`?"
        );
        let rule = IdentityRule { suppress_by: Some(names(&["Zzzzzzzzz"])), ..IdentityRule::default() };
        let error = made(&rule, &schema(&COLUMNS)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the result has no column `Zzzzzzzzz`, which `suppress.by` names; it has Timestamp, DeviceId, Count, Bag"
        );
        let rule =
            IdentityRule { ignore: names(&["Timestamp", "deviceid", "Count", "Bag"]), ..IdentityRule::default() };
        assert_eq!(made(&rule, &schema(&COLUMNS)).unwrap_err(), IdentityError::NothingCounts);
        let twice = schema(&[("a", "String"), ("a", "String")]);
        assert!(matches!(made(&IdentityRule::default(), &twice), Err(IdentityError::DoubleColumn { .. })));
        assert!(made(&IdentityRule::default(), &schema(&[])).is_ok());
    }

    #[test]
    fn the_text_keeps_values_and_drops_what_transport_added() {
        let mut reader = reader(&COLUMNS);
        let row = "{ \"Count@odata.type\":\"#Int64\", \"Count\" : 9007199254740993.0 ,\n \"DeviceId\":\"\\u0041\\/ \\ud800\", \"Bag\":{\"@odata.type\":\"#microsoft.graph.security.dynamicColumnValue\",\"z@odata.type\":\"#Collection(String)\", \"z\":[ \"{\\\"a\\\": 1}\", {\"@odata.type\":\"#microsoft.graph.security.dynamicColumnValue\"} ],\"b\":1E+2, \"b\":null} }";
        assert_eq!(
            text(&mut reader, row),
            r#"{"Timestamp":null,"DeviceId":"\u0041\/ \ud800","Count":9007199254740993.0,"Bag":{"z":["{\"a\": 1}",{}],"b":1E+2,"b":null}}"#
        );
        assert_eq!(
            text(&mut reader, r#"{"timestamp":{},"bag":[]}"#),
            r#"{"Timestamp":{},"DeviceId":null,"Count":null,"Bag":[]}"#
        );
        let mut odd = super::reader(&[("say \"hi\"@odata.type", "String")]);
        assert_eq!(text(&mut odd, r#"{"say \"hi\"@odata.type":"x"}"#), r#"{"say \"hi\"@odata.type":"x"}"#);
    }

    #[test]
    fn huge_and_hostile_rows_are_read() {
        let mut reader = reader(&COLUMNS);
        let deep = "[".repeat(20_000) + &"]".repeat(20_000);
        let mut nested = "1".to_owned();
        for _ in 0..15 {
            nested = Value::from(format!("[{nested}]")).to_string();
        }
        let values = [
            format!("\"{}\"", "x".repeat(10 << 20)),
            format!("\"{}\"", "\\u0000".repeat(1 << 20)),
            format!("\"{}\"", "\\ud800".repeat(1000)),
            deep.clone(),
            format!("{{\"a\":{deep}}}"),
            Value::from(deep).to_string(),
            format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000)),
            nested,
            format!("1{}", "0".repeat(1 << 20)),
            "1e9999999999999999999999".to_owned(),
            format!("{{{}\"z\":0}}", "\"k\":1,".repeat(20_000)),
        ];
        let mut seen = std::collections::HashSet::new();
        for value in &values {
            for column in ["DeviceId", "Count", "Bag", "Timestamp"] {
                let row = format!("{{\"{column}\":{value}}}");
                let read = facts(&mut reader, &row);
                seen.insert((read.hit, read.fingerprint));
                let stored = text(&mut reader, &row);
                assert_eq!(facts(&mut reader, &stored), read);
            }
        }
        // In a dynamic, a text that spells an array is that array: the one equality here.
        assert_eq!(seen.len(), values.len() * 4 - 1);
    }

    proptest! {
        #[test]
        fn a_stored_text_reads_back_to_the_same(bag in any_json(), name in "\\PC{0,4}", count in any::<i64>()) {
            let mut reader = reader(&COLUMNS);
            let row = json!({"Bag": bag, "Count": count, "Count@odata.type": "#Int64", "DeviceId": name}).to_string();
            let read = facts(&mut reader, &row);
            let stored = text(&mut reader, &row);
            prop_assert_eq!(facts(&mut reader, &stored), read);
            prop_assert_eq!(text(&mut reader, &stored), stored.clone());
            let keys: Vec<String> = serde_json::from_str::<Map<String, Value>>(&stored).unwrap().keys().cloned().collect();
            prop_assert_eq!(keys, ["Timestamp", "DeviceId", "Count", "Bag"]);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(row in proptest::collection::vec(any::<u8>(), 0..60), inside in any_json()) {
            let mut reader = reader(&COLUMNS);
            if let Ok(mut read) = reader.read(&row) {
                prop_assert!(!values(&mut read, COLUMNS.len()).concat().contains('\n'));
            }
            let mut text = format!("{{\"Bag\":{inside}}}").into_bytes();
            if let Some(at) = row.first() {
                let at = usize::from(*at) % text.len();
                text[at] = row.last().copied().unwrap_or(0);
            }
            if let Ok(mut read) = reader.read(&text) {
                prop_assert!(!values(&mut read, COLUMNS.len()).concat().contains('\n'));
            }
        }
    }
}
