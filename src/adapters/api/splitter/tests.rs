//! The splitter against `serde_json`, over documents cut at every byte.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// What a splitter made of a body.
#[derive(Debug, Default, PartialEq)]
struct Made {
    rows: Vec<Vec<u8>>,
    schema: Option<Schema>,
    cpu: Option<Duration>,
}

fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Made, Malformed> {
    let (mut splitter, mut made) = (Splitter::default(), Made::default());
    for mut piece in pieces {
        while !piece.is_empty() {
            let mut chunk = RowChunk::default();
            let took = splitter.feed(&Bytes::copy_from_slice(piece), &mut chunk)?;
            made.rows.extend(chunk.iter().map(<[u8]>::to_vec));
            made.schema = splitter.take_schema().or(made.schema);
            piece = &piece[took..];
        }
    }
    let whole = splitter.finish()?;
    assert_eq!(whole.rows, made.rows.len() as u64);
    made.cpu = whole.cpu;
    Ok(made)
}

/// The same by `serde_json`, with the whole body in memory.
fn by_serde(body: &[u8]) -> Option<(Vec<Vec<u8>>, Schema)> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    let find = |keys: [&str; 2]| keys.into_iter().find_map(|key| members.get(key).copied());
    let rows: Vec<&RawValue> = serde_json::from_str(find(["results", "Results"])?.get()).ok()?;
    let columns: Value = serde_json::from_str(find(["schema", "Schema"])?.get()).ok()?;
    Some((rows.iter().map(|row| row.get().as_bytes().to_vec()).collect(), schema(&columns)?))
}

fn at_every_cut(body: &[u8]) {
    let (rows, schema) = by_serde(body).unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(body)));
    let whole = split([body]).unwrap();
    assert_eq!((&whole.rows, whole.schema.as_ref()), (&rows, Some(&schema)));
    for cut in 0..=body.len() {
        let (left, right) = body.split_at(cut);
        assert_eq!(split([left, right]).as_ref(), Ok(&whole), "cut at {cut}");
    }
    assert_eq!(split(body.chunks(1)).as_ref(), Ok(&whole), "byte by byte");
    assert_eq!(split(body.chunks(7)).as_ref(), Ok(&whole), "by sevens");
}

/// Every beginning of a good body is refused: a connection that breaks off is never a short result.
fn no_beginning_passes(body: &[u8]) {
    for end in 0..body.len() {
        let cut = split([&body[..end]]);
        assert!(matches!(cut, Err(Malformed::Cut { .. })), "cut at {end} gave {cut:?}");
    }
}

const GRAPH: &str = r##"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults",
 "schema":[{"name":"CveId","type":"String"},{"name":"IsExploitAvailable","type":"SByte"},{"name":"CvssScore","type":"Double"}],
 "results":[{"CveId":"CVE-2026-33829","IsExploitAvailable@odata.type":"#SByte","IsExploitAvailable":1,"CvssScore":4.3},
 {"NodeProperties":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","rawData":{"tags@odata.type":"#Collection(String)","tags":[]}}}]}"##;

const DEFENDER: &str = r#"{"Stats":{"ExecutionTime":4.621215,"resource_usage":{"cpu":{"user":"00:00:19.0468750","total cpu":"00:00:19.0625000"},"memory":{"peak_per_node":236822432}},"dataset_statistics":[{"table_row_count":2}]},
"Schema":[{"Name":"Timestamp","Type":"DateTime"}],"Results":[{"Timestamp":"2024-03-26T09:39:50.7688641Z"}]}"#;

#[test]
fn both_dialects_at_every_cut() {
    for body in [GRAPH, DEFENDER] {
        at_every_cut(body.as_bytes());
        no_beginning_passes(body.as_bytes());
    }
    assert_eq!(split([DEFENDER.as_bytes()]).unwrap().cpu, Some(Duration::from_micros(19_062_500)));
    assert_eq!(split([GRAPH.as_bytes()]).unwrap().cpu, None);
}

#[test]
fn no_text_of_a_row_fools_it() {
    let rows = [
        r#"{"a":"\"Results\":[{\"x\":1}]"}"#,
        r#"{"results":[{"y":2}],"schema":[],"error":{"code":"x"},"Stats":1}"#,
        r#"{"a":"}]}","b":"{\"results\":[","c":"\\","d":"\\\"","e":"\\\\"}"#,
        r#"{"a":"\u0022}]}\u005c","]":"[","}":"{"}"#,
        r#"{"a":{"b":[{"c":[[],{}]},"]}"]},"":""}"#,
        r#"{"n":-1.5e+300,"t":true,"f":false,"z":null,"l":9223372036854775807}"#,
        "{}",
        "{ \"a\" : [ 1 , 2 ] }",
    ];
    let schema = r#"[{"name":"\"results\":[{","type":"String"},{"Name":"]}","Type":"Object","x":[{}]}]"#;
    for (first, second) in [("schema", "results"), ("Schema", "Results")] {
        let (list, odd) = (rows.join(" , "), r#""x\"results\":[":{"results":[1]},"y":-1e5,"z":[null]"#);
        at_every_cut(format!(r#" {{ {odd}, "{first}" : {schema} , "{second}" : [ {list} ] }} "#).as_bytes());
        at_every_cut(format!("{{\"{second}\":[{list}],{odd},\n\"{first}\":{schema}}}\r\n\t ").as_bytes());
    }
}

#[test]
fn keys_are_compared_once_unescaped() {
    at_every_cut(br#"{"re\u0073ults":[{"a":1}],"\u0073chema":[]}"#);
    assert_eq!(split([&br#"{"results":[],"schema":[],"re\u0073ults":[]}"#[..]]), Err(Malformed::Twice("results")));
}

#[test]
fn bodies_that_are_no_whole_answer() {
    let unexpected = |at, wanted| Malformed::Unexpected { at, wanted };
    let cases: [(&str, Malformed); 24] = [
        ("", Malformed::Cut { at: 0 }),
        ("<html>502 Bad Gateway</html>", unexpected(0, "the `{` of a JSON object")),
        ("[]", unexpected(0, "the `{` of a JSON object")),
        ("{}", Malformed::Lacks("schema")),
        (r#"{"schema":[]}"#, Malformed::Lacks("results")),
        (r#"{"results":[]}"#, Malformed::Lacks("schema")),
        (r#"{"schema":[],"results":null}"#, unexpected(23, "the `[` of the rows")),
        (r#"{"schema":[],"results":{}}"#, unexpected(23, "the `[` of the rows")),
        (r#"{"schema":[],"results":[1]}"#, unexpected(24, "the `{` of a row")),
        (r#"{"schema":[],"results":[{},]}"#, unexpected(27, "the `{` of a row")),
        (r#"{"schema":[],"results":[{} {}]}"#, unexpected(27, "`,` or `]`")),
        (r#"{"schema":[],"results":[{]}]}"#, unexpected(25, "a value or the bracket that closes it")),
        (r#"{"schema":[],"results":[]}x"#, unexpected(26, "the end of the body")),
        (r#"{"schema":[],"results":[]}{}"#, unexpected(26, "the end of the body")),
        (r#"{"schema":[],"results":[],}"#, unexpected(26, "the `\"` of a key")),
        (r#"{"schema":[],"schema":[]}"#, Malformed::Twice("schema")),
        (r#"{"schema":[],"Schema":[]}"#, Malformed::Twice("schema")),
        (r#"{"schema":null}"#, Malformed::BadMember { at: 14, what: "schema" }),
        (r#"{"schema":[{"name":1,"type":"String"}]}"#, Malformed::BadMember { at: 38, what: "schema" }),
        (r#"{"schema":[{"name":"a"}]}"#, Malformed::BadMember { at: 24, what: "schema" }),
        (r#"{"x":nul,"schema":[]}"#, Malformed::BadMember { at: 8, what: "JSON" }),
        (r#"{"x":,"schema":[]}"#, unexpected(5, "a value or the bracket that closes it")),
        (r#"{"x" 1}"#, unexpected(5, "the `:` behind a key")),
        (r#"{"x":[1 2]}"#, Malformed::BadMember { at: 10, what: "JSON" }),
    ];
    for (body, wanted) in cases {
        for size in [1, 3, 1000] {
            assert_eq!(split(body.as_bytes().chunks(size)).unwrap_err(), wanted, "{body} by {size}");
        }
    }
}

#[test]
fn an_error_member_is_seen_at_once_and_null_is_none() {
    let mut splitter = Splitter::default();
    let body = br#"{"results":[{"a":1}],"error":{"code":"PartialError"},"schema""#;
    splitter.feed(&Bytes::from_static(body), &mut RowChunk::default()).unwrap();
    assert_eq!(splitter.error().and_then(|error| error["code"].as_str()), Some("PartialError"));
    at_every_cut(br#"{"error":null,"results":[],"schema":[]}"#);
}

#[test]
fn chunks_stay_small_and_one_long_row_passes() {
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(3 * CHUNK_BYTES));
    let rows = [vec!["{\"b\":1}".to_owned(); 1000], vec![long.clone(), long], vec!["{}".to_owned(); 10]].concat();
    let body = format!(r#"{{"schema":[],"results":[{}]}}"#, rows.join(","));
    let (mut splitter, mut rest, mut count) = (Splitter::default(), Bytes::from(body), 0);
    while !rest.is_empty() {
        let mut chunk = RowChunk::default();
        let took = splitter.feed(&rest, &mut chunk).unwrap();
        assert!(chunk.len() <= CHUNK_ROWS && chunk.byte_len() <= 4 * CHUNK_BYTES);
        count += chunk.len();
        rest = rest.slice(took..);
    }
    assert_eq!((count, splitter.finish().unwrap().rows), (1012, 1012));
}

#[test]
fn what_is_too_long_is_refused_or_dropped() {
    let filler = vec![b'x'; 1 << 20];
    let with = |head: &'static [u8], times: usize, tail: &'static [u8]| {
        split(std::iter::once(head).chain(std::iter::repeat_n(&filler[..], times)).chain([tail]))
    };
    let row = Malformed::TooLong { what: "row", mebibytes: 64 };
    assert_eq!(with(br#"{"schema":[],"results":[{"a":""#, 65, br#""}]}"#), Err(row));
    let member = Malformed::TooLong { what: "member", mebibytes: 4 };
    assert_eq!(with(br#"{"schema":[{"name":""#, 5, b""), Err(member.clone()));
    assert_eq!(with(b"{\"", 5, b""), Err(member));
    assert!(with(br#"{"schema":[],"results":[],"x":""#, 5, br#""}"#).is_ok());
}

/// JSON texts with odd strings, white space and depth.
fn json() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        proptest::sample::select(vec![
            r#""\"Results\":[{""#,
            r#""]}""#,
            r#""\\""#,
            r#""\\\"""#,
            r#""\u0022,\u007d""#,
            r#""results""#,
            r#""error""#,
            r#""\ud83d\ude00""#,
            r#""schema""#,
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        string.clone(),
        any::<i64>().prop_map(|number| number.to_string()),
        proptest::sample::select(vec!["true", "null", "-0.5e-7", "{}", "[]", "[ ]"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(" ,"))),
            object(string.clone(), inner),
        ]
    })
}

fn object(
    key: impl Strategy<Value = String> + Clone,
    value: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = String> + Clone {
    prop::collection::vec((key, value), 0..4).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn row() -> impl Strategy<Value = String> {
    let key = any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap());
    prop::collection::vec((key, json()), 0..4).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_document_is_cut_as_serde_json_reads_it(
        rows in prop::collection::vec(row(), 0..4),
        names in prop::collection::vec(any::<String>(), 0..3),
        other in json(),
        order in Just(vec![0_usize, 1, 2]).prop_shuffle(),
        capitals in any::<bool>(),
    ) {
        let columns: Vec<Value> = names.iter().map(|name| serde_json::json!({"name": name, "type": "String"})).collect();
        let (schema, results) = if capitals { ("Schema", "Results") } else { ("schema", "results") };
        let members = [
            format!("\"{schema}\":{}", Value::from(columns)),
            format!("\"{results}\":[{}]", rows.join(",\n")),
            format!("\"@odata.context\":{other}"),
        ];
        let body = order.iter().map(|at| members[*at].clone()).collect::<Vec<_>>().join(", ");
        let body = format!("{{{body}}}");
        at_every_cut(body.as_bytes());
        no_beginning_passes(body.as_bytes());
    }

    #[test]
    fn damaged_documents_never_panic_and_never_gain_rows(
        at in 0..GRAPH.len(), byte in any::<u8>(), size in 1_usize..50,
    ) {
        let mut body = GRAPH.as_bytes().to_vec();
        body[at] = byte;
        if let Ok(made) = split(body.chunks(size)) {
            prop_assert!(made.rows.len() <= 3);
        }
    }
}
