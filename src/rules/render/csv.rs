//! The hits as CSV (RFC 4180: commas, CRLF, quotes doubled), for spreadsheets and scripts.
//!
//! The columns are `hit`, `kind`, `first_seen`, `last_seen`, then the rows' own, each where it is
//! first met. A text that a spreadsheet would take for a formula has `'` set before it; numbers stay
//! as they are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::model::hit::Hit;

use super::cells::{Cell, Cells};

/// The columns that every file has.
const OWN: [&str; 4] = ["hit", "kind", "first_seen", "last_seen"];

/// All `hits` as one file.
#[must_use]
pub fn table(hits: &[Hit]) -> Vec<u8> {
    let rows: Vec<Cells<'_>> = hits.iter().map(|hit| Cells::of(&hit.row)).collect();
    let columns = Columns::of(&rows);
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    let mut record = ::csv::StringRecord::new();
    let mut write = |record: &::csv::StringRecord| {
        // Writing to memory can't fail, and each record has as many fields as the first.
        drop(writer.write_record(record));
    };
    for name in OWN {
        record.push_field(name);
    }
    for name in &columns.names {
        record.push_field(&defused(name));
    }
    write(&record);
    for (hit, row) in hits.iter().zip(&rows) {
        record.clear();
        record.push_field(&hit.hit.to_string());
        record.push_field(hit.kind.as_str());
        record.push_field(&hit.first_seen.to_string());
        record.push_field(&hit.last_seen.to_string());
        let cells: HashMap<&str, Cell<'_>> = row.iter().map(|cell| (cell.name(), cell)).collect();
        for name in &columns.names {
            record.push_field(&cells.get(name).map(field).unwrap_or_default());
        }
        write(&record);
    }
    writer.into_inner().unwrap_or_default()
}

/// The rows' column names, in the order in which they are first met.
struct Columns<'a> {
    names: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(rows: &'a [Cells<'a>]) -> Self {
        let mut seen = HashSet::new();
        let all = rows.iter().flat_map(Cells::iter).map(|cell| cell.name());
        Self { names: all.filter(|name| seen.insert(*name)).collect() }
    }
}

fn field(cell: &Cell<'_>) -> String {
    let text = cell.text();
    if cell.is_text() { defused(&text) } else { text.into_owned() }
}

/// One record, with its line end. `true` with a field says that it is a text that somebody chose.
#[must_use]
pub fn record<'a>(fields: impl IntoIterator<Item = (Cow<'a, str>, bool)>) -> String {
    let mut out = String::new();
    for (number, (text, is_text)) in fields.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let text = if is_text { Cow::Owned(defused(&text)) } else { text };
        // A blank at an end is dropped by some readers.
        let quotes = text.contains([',', '"', '\r', '\n']) || text.trim() != text;
        if quotes {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&text);
        }
    }
    // An empty line would be no record.
    out.push_str(if out.is_empty() { "\"\"\r\n" } else { "\r\n" });
    out
}

/// The text with `'` before it where a spreadsheet would compute it: the leading characters that
/// OWASP names (CSV Injection), their full-width twins, and a line feed.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn columns_are_the_union_in_order() {
        let rows = [r#"{"a":1,"b":"x,\"y\"\r\nz"}"#, r#"{"c":{"k":1},"a":null}"#, "{}"];
        let hits: Vec<_> = rows.iter().zip(1..).map(|(row, number)| samples::hit(number, row)).collect();
        let bytes = table(&hits);
        let records = read(&bytes);
        assert_eq!(records[0], ["hit", "kind", "first_seen", "last_seen", "a", "b", "c"]);
        assert_eq!(records[1][4..], ["1", "x,\"y\"\r\nz", ""]);
        assert_eq!(records[2][4..], ["", "", r#"{"k":1}"#]);
        assert_eq!(records[3][4..], ["", "", ""]);
        assert_eq!(records[1][0], "01".repeat(20));
        assert!(String::from_utf8(bytes).unwrap().starts_with("hit,kind,first_seen,last_seen,a,b,c\r\n"));
    }

    #[test]
    fn records_are_read_back_as_they_were() {
        let texts = ["a", "", "x,y", "say \"hi\"", "two\r\nlines", " blank", "\n", "-5", "ü"];
        let fields = texts.map(|text| (Cow::Borrowed(text), false));
        assert_eq!(read(record(fields).as_bytes()), [texts]);
        assert_eq!(record([(Cow::Borrowed(""), true)]), "\"\"\r\n");
        let text = record([(Cow::Borrowed("=1+1"), true), (Cow::Borrowed("-5"), false), (Cow::Borrowed("\n=1"), true)]);
        assert_eq!(text, "'=1+1,-5,\"'\n=1\"\r\n");
    }

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        let records = read(&table(&[samples::hit(1, samples::HOSTILE)]));
        for (name, value) in records[0].iter().zip(&records[1]) {
            let computed = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
            assert!(!computed || name == "Number", "{name}: {value}");
            assert!(!name.starts_with('='), "{name}");
        }
        assert_eq!(records[1].last().unwrap(), "-5");
        assert!(records[1].contains(&"'=cmd|'/c calc'!A0".to_owned()));
    }
}
