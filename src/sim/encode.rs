//! Rows and envelopes as each dialect writes them.
//!
//! Graph writes OData: 64-bit numbers, bools, GUIDs and lists have a `Name@odata.type` beside them,
//! bools are 0 and 1, a null instant or dynamic is `{}`, a bag carries its type inside, and an object
//! in a list is JSON text. The older API writes plain JSON.

use serde::Serialize;
use serde_json::Value;

use super::bodies::Dialect;
use super::cell::{Cell, Kind};
use super::scenario::Wire;
use crate::model::time::Timestamp;

const BAG: &str = "#microsoft.graph.security.dynamicColumnValue";

/// Adds `value` as JSON; a Vec takes every byte.
pub fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).unwrap_or_default();
}

/// An instant: seven digits of fraction, or none at all in a column's whole second.
fn instant(at: Timestamp, always: bool) -> String {
    let time = at.chrono();
    let ticks = time.timestamp_subsec_nanos() / 100;
    let fraction = if ticks == 0 && !always { String::new() } else { format!(".{ticks:07}") };
    format!("{}{fraction}Z", time.format("%Y-%m-%dT%H:%M:%S"))
}

/// The schema of an answer, with its key.
#[must_use]
pub fn schema(dialect: Dialect, columns: &[(String, Kind)]) -> Vec<u8> {
    let (key, name, kind) = match dialect {
        Dialect::Graph => ("schema", "name", "type"),
        Dialect::Defender => ("Schema", "Name", "Type"),
    };
    let list: Vec<Value> =
        columns.iter().map(|(column, of)| serde_json::json!({name: column, kind: of.schema_type()})).collect();
    let mut out = format!("\"{key}\":").into_bytes();
    json(&mut out, &list);
    out
}

/// Adds one row.
pub fn row(out: &mut Vec<u8>, dialect: Dialect, wire: Wire, columns: &[(String, Kind)], cells: &[Cell]) {
    out.push(b'{');
    let mut first = true;
    for ((name, kind), cell) in columns.iter().zip(cells) {
        if wire.sparse && *cell == Cell::Null {
            continue;
        }
        match dialect {
            Dialect::Graph => graph_cell(out, &mut first, wire, (name, *kind), cell),
            Dialect::Defender => {
                key(out, &mut first, name, "");
                older_cell(out, wire, cell);
            }
        }
    }
    out.push(b'}');
}

fn key(out: &mut Vec<u8>, first: &mut bool, name: &str, suffix: &str) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    json(out, &format!("{name}{suffix}"));
    out.push(b':');
}

fn sidecar(out: &mut Vec<u8>, first: &mut bool, name: &str, of: &str) {
    key(out, first, name, "@odata.type");
    json(out, &of);
}

fn graph_cell(out: &mut Vec<u8>, first: &mut bool, wire: Wire, (name, kind): (&str, Kind), cell: &Cell) {
    let of = match (kind, cell) {
        (Kind::Long, Cell::Whole(_)) => Some("#Int64"),
        (Kind::Bool, Cell::Bool(_)) => Some("#SByte"),
        (Kind::Guid, Cell::Text(_)) => Some("#Guid"),
        (_, Cell::Dynamic(value)) => list_type(value),
        _ => None,
    };
    if let Some(of) = of.filter(|_| wire.sidecars) {
        sidecar(out, first, name, of);
    }
    key(out, first, name, "");
    match (kind, cell) {
        (Kind::DateTime | Kind::Dynamic, Cell::Null) => out.extend_from_slice(b"{}"),
        (_, Cell::Dynamic(value)) => graph_value(out, wire, value),
        _ => scalar(out, cell, false),
    }
}

fn list_type(value: &Value) -> Option<&'static str> {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_i64) => Some("#Collection(Int64)"),
        Value::Array(_) => Some("#Collection(String)"),
        Value::Number(number) if number.is_i64() => Some("#Int64"),
        _ => None,
    }
}

/// A value inside a dynamic column.
fn graph_value(out: &mut Vec<u8>, wire: Wire, value: &Value) {
    match value {
        Value::Object(members) => {
            out.push(b'{');
            let mut first = true;
            if wire.sidecars {
                key(out, &mut first, "@odata.type", "");
                json(out, &BAG);
            }
            for (name, member) in members {
                if let Some(of) = list_type(member).filter(|_| wire.sidecars) {
                    sidecar(out, &mut first, name, of);
                }
                key(out, &mut first, name, "");
                graph_value(out, wire, member);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                match item {
                    Value::Object(_) | Value::Array(_) => json(out, &item.to_string()),
                    other => graph_value(out, wire, other),
                }
            }
            out.push(b']');
        }
        Value::String(text) => json(out, &redated(text)),
        other => json(out, other),
    }
}

/// Text that looks like a date comes out of a bag as an instant of seven digits.
fn redated(text: &str) -> String {
    let date_only = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let whole = if date_only { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_or_else(|| text.to_owned(), |at| instant(at, true))
}

fn older_cell(out: &mut Vec<u8>, wire: Wire, cell: &Cell) {
    match cell {
        Cell::Dynamic(value) if wire.older_text => json(out, &value.to_string()),
        Cell::Dynamic(value) => json(out, value),
        other => scalar(out, other, wire.older_bools),
    }
}

fn scalar(out: &mut Vec<u8>, cell: &Cell, bools: bool) {
    match cell {
        Cell::Null | Cell::Dynamic(_) => out.extend_from_slice(b"null"),
        Cell::Text(text) => json(out, text),
        Cell::Time(at) => json(out, &instant(*at, false)),
        Cell::Whole(number) => json(out, number),
        Cell::Real(number) if number.is_finite() => json(out, number),
        Cell::Real(number) if number.is_nan() => json(out, &"NaN"),
        Cell::Real(number) => json(out, &if *number > 0.0 { "Infinity" } else { "-Infinity" }),
        Cell::Bool(truth) if bools => json(out, truth),
        Cell::Bool(truth) => json(out, &u8::from(*truth)),
    }
}

/// What stands before the schema and the rows.
#[must_use]
pub fn opening(dialect: Dialect, rows: u64, cpu: std::time::Duration) -> Vec<u8> {
    match dialect {
        Dialect::Graph => {
            br#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults","#.to_vec()
        }
        Dialect::Defender => {
            let span = format!(
                "{:02}:{:02}:{:02}.{:07}",
                cpu.as_secs() / 3600,
                cpu.as_secs() / 60 % 60,
                cpu.as_secs() % 60,
                cpu.subsec_nanos() / 100
            );
            let stats = serde_json::json!({
                "ExecutionTime": cpu.as_secs_f64(),
                "resource_usage": {
                    "cache": {"memory": {"hits": 12, "misses": 3, "total": 15}, "disk": {"hits": 0, "misses": 0, "total": 0}},
                    "cpu": {"user": span, "kernel": "00:00:00", "total cpu": span},
                    "memory": {"peak_per_node": 236_822_432},
                },
                "dataset_statistics": [{"table_row_count": rows, "table_size": rows * 51}],
            });
            format!("{{\"Stats\":{stats},").into_bytes()
        }
    }
}

/// The key of the rows.
#[must_use]
pub const fn rows_key(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::Graph => b"\"results\":[",
        Dialect::Defender => b"\"Results\":[",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Cell {
        Cell::Time(Timestamp::parse(text).unwrap())
    }

    fn written(dialect: Dialect, wire: Wire, kind: Kind, cell: Cell) -> String {
        let mut out = Vec::new();
        row(&mut out, dialect, wire, &[("X".to_owned(), kind)], &[cell]);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_type_as_each_dialect_writes_it() {
        let cases = [
            (Kind::String, Cell::Text("a\"\u{1}".into()), r#"{"X":"a\"\u0001"}"#, r#"{"X":"a\"\u0001"}"#),
            (
                Kind::DateTime,
                at("2024-03-26T09:39:50.7688641Z"),
                r#"{"X":"2024-03-26T09:39:50.7688641Z"}"#,
                r#"{"X":"2024-03-26T09:39:50.7688641Z"}"#,
            ),
            (
                Kind::DateTime,
                at("2024-02-28T04:45:11.5Z"),
                r#"{"X":"2024-02-28T04:45:11.5000000Z"}"#,
                r#"{"X":"2024-02-28T04:45:11.5000000Z"}"#,
            ),
            (
                Kind::DateTime,
                at("2024-02-28T04:45:11Z"),
                r#"{"X":"2024-02-28T04:45:11Z"}"#,
                r#"{"X":"2024-02-28T04:45:11Z"}"#,
            ),
            (Kind::DateTime, Cell::Null, r#"{"X":{}}"#, r#"{"X":null}"#),
            (Kind::Dynamic, Cell::Null, r#"{"X":{}}"#, r#"{"X":null}"#),
            (
                Kind::Long,
                Cell::Whole(9_007_199_254_740_993),
                r##"{"X@odata.type":"#Int64","X":9007199254740993}"##,
                r#"{"X":9007199254740993}"#,
            ),
            (Kind::Long, Cell::Null, r#"{"X":null}"#, r#"{"X":null}"#),
            (Kind::Int, Cell::Whole(5), r#"{"X":5}"#, r#"{"X":5}"#),
            (Kind::Real, Cell::Real(4.3), r#"{"X":4.3}"#, r#"{"X":4.3}"#),
            (Kind::Bool, Cell::Bool(true), r##"{"X@odata.type":"#SByte","X":1}"##, r#"{"X":1}"#),
            (Kind::Guid, Cell::Text("g".into()), r##"{"X@odata.type":"#Guid","X":"g"}"##, r#"{"X":"g"}"#),
        ];
        for (kind, cell, graph, older) in cases {
            assert_eq!(written(Dialect::Graph, Wire::default(), kind, cell.clone()), graph);
            assert_eq!(written(Dialect::Defender, Wire::default(), kind, cell), older);
        }
    }

    /// The literals follow the capture of an exposure graph node that docs/api.md tells of.
    #[test]
    fn dynamics_as_graph_writes_them() {
        let cases = [
            (json!({}), r##"{"X":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue"}}"##),
            (json!([]), r##"{"X@odata.type":"#Collection(String)","X":[]}"##),
            (json!(["a", {"b": 1}]), r##"{"X@odata.type":"#Collection(String)","X":["a","{\"b\":1}"]}"##),
            (
                json!({"on": true, "level": 0, "tags": [], "in": {"made": "2026-07-14T14:34:38Z", "day": "2025-10-06"}}),
                r##"{"X":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","on":true,"level@odata.type":"#Int64","level":0,"tags@odata.type":"#Collection(String)","tags":[],"in":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","made":"2026-07-14T14:34:38.0000000Z","day":"2025-10-06T00:00:00.0000000Z"}}}"##,
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(written(Dialect::Graph, Wire::default(), Kind::Dynamic, Cell::Dynamic(value)), expected);
        }
        let bare = Wire { sidecars: false, ..Wire::default() };
        assert_eq!(written(Dialect::Graph, bare, Kind::Dynamic, Cell::Dynamic(json!({"n": 1}))), r#"{"X":{"n":1}}"#);
    }

    #[test]
    fn the_older_api_has_two_ways_each() {
        let wire = Wire { older_bools: true, older_text: true, sparse: true, ..Wire::default() };
        let value = Cell::Dynamic(json!({"a": [1]}));
        assert_eq!(written(Dialect::Defender, Wire::default(), Kind::Dynamic, value.clone()), r#"{"X":{"a":[1]}}"#);
        assert_eq!(written(Dialect::Defender, wire, Kind::Dynamic, value), r#"{"X":"{\"a\":[1]}"}"#);
        assert_eq!(written(Dialect::Defender, wire, Kind::Bool, Cell::Bool(false)), r#"{"X":false}"#);
        assert_eq!(written(Dialect::Defender, wire, Kind::Long, Cell::Null), "{}");
    }
}
