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

/// The rows' columns that were met, each where it was first.
#[derive(Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Columns {
    /// Takes in the columns of one more row.
    pub fn meet(&mut self, hit: &Hit) {
        for cell in Cells::of(&hit.row).iter() {
            if !self.seen.contains(cell.name()) {
                self.seen.insert(cell.name().to_owned());
                self.names.push(cell.name().to_owned());
            }
        }
    }
}

/// Writes a file record by record, so that no more than one hit need be in memory.
#[derive(Debug)]
pub struct Table {
    names: Vec<String>,
}

impl Table {
    /// Of hits whose columns were all met.
    #[must_use]
    pub fn new(columns: Columns) -> Self {
        Self { names: columns.names }
    }

    /// The first record: the columns' names.
    #[must_use]
    pub fn heading(&self) -> String {
        let own = OWN.into_iter().map(|name| (Cow::Borrowed(name), false));
        written(own.chain(self.names.iter().map(|name| (Cow::Borrowed(name.as_str()), true))), Blanks::AsTheyAre)
    }

    /// A hit's record.
    #[must_use]
    pub fn record(&self, hit: &Hit) -> String {
        let row = Cells::of(&hit.row);
        let cells: HashMap<&str, Cell<'_>> = row.iter().map(|cell| (cell.name(), cell)).collect();
        let own =
            [hit.hit.to_string(), hit.kind.as_str().to_owned(), hit.first_seen.to_string(), hit.last_seen.to_string()];
        let field = |name: &String| {
            cells.get(name.as_str()).map_or_else(Default::default, |cell| (cell.text(), cell.is_text()))
        };
        let own = own.into_iter().map(|text| (Cow::Owned(text), false));
        written(own.chain(self.names.iter().map(field)), Blanks::AsTheyAre)
    }
}

/// One record, with its line end. `true` with a field says that it is a text that somebody chose.
#[must_use]
pub fn record<'a>(fields: impl IntoIterator<Item = (Cow<'a, str>, bool)>) -> String {
    written(fields, Blanks::Quoted)
}

/// What becomes of a field that begins or ends with a blank.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// It is quoted, as some readers drop blanks.
    Quoted,
    /// It stays as it is: so the attachments of mails have always been, and a repeat must be the same to the letter.
    AsTheyAre,
}

fn written<'a>(fields: impl IntoIterator<Item = (Cow<'a, str>, bool)>, blanks: Blanks) -> String {
    let mut out = String::new();
    for (number, (text, is_text)) in fields.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        let text = if is_text { Cow::Owned(defused(&text)) } else { text };
        let quotes = text.contains([',', '"', '\r', '\n']) || (blanks == Blanks::Quoted && text.trim() != text);
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

    fn table(hits: &[Hit]) -> String {
        let mut columns = Columns::default();
        for hit in hits {
            columns.meet(hit);
        }
        let table = Table::new(columns);
        hits.iter().fold(table.heading(), |text, hit| text + &table.record(hit))
    }

    /// The same by the `csv` crate, with all rows at once.
    fn by_the_crate(hits: &[Hit]) -> String {
        let rows: Vec<Cells<'_>> = hits.iter().map(|hit| Cells::of(&hit.row)).collect();
        let mut names: Vec<&str> = Vec::new();
        for cell in rows.iter().flat_map(Cells::iter) {
            if !names.contains(&cell.name()) {
                names.push(cell.name());
            }
        }
        let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
        let heads = OWN.iter().map(|name| (*name).to_owned()).chain(names.iter().map(|name| defused(name)));
        writer.write_record(heads).unwrap();
        for (hit, row) in hits.iter().zip(&rows) {
            let mut record = vec![hit.hit.to_string(), hit.kind.to_string()];
            record.extend([hit.first_seen, hit.last_seen].map(|at| at.to_string()));
            record.extend(names.iter().map(|name| {
                let cell = row.iter().filter(|cell| cell.name() == *name).last();
                let plain = |cell: Cell<'_>| cell.text().into_owned();
                cell.map_or_else(String::new, |cell| if cell.is_text() { defused(&cell.text()) } else { plain(cell) })
            }));
            writer.write_record(record).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn records_one_by_one_are_those_of_the_crate_to_the_letter() {
        let rows = [
            samples::HOSTILE,
            r#"{"a":1.50,"b":" x ","c":"\t","d":"=1, \"q\"\r\nz","e":null,"f":{"k":[1]}}"#,
            r#"{"g,":"","a":"\n","b":"x\ud800","a":"twice","kind":"forged"}"#,
            r#"{"\ud800":"x"}"#,
            r#"{"":" ","=h":"ü"}"#,
            "[1, 2]",
            "{}",
        ];
        let hits: Vec<_> = rows.iter().zip(1..).map(|(row, number)| samples::hit(number, row)).collect();
        assert_eq!(table(&hits), by_the_crate(&hits));
        for hit in &hits {
            assert_eq!(table(std::slice::from_ref(hit)), by_the_crate(std::slice::from_ref(hit)));
        }
        assert_eq!(table(&[]), "hit,kind,first_seen,last_seen\r\n");
    }

    #[test]
    fn columns_are_the_union_in_order() {
        let rows = [r#"{"a":1,"b":"x,\"y\"\r\nz"}"#, r#"{"c":{"k":1},"a":null}"#, "{}"];
        let hits: Vec<_> = rows.iter().zip(1..).map(|(row, number)| samples::hit(number, row)).collect();
        let bytes = table(&hits);
        let records = read(bytes.as_bytes());
        assert_eq!(records[0], ["hit", "kind", "first_seen", "last_seen", "a", "b", "c"]);
        assert_eq!(records[1][4..], ["1", "x,\"y\"\r\nz", ""]);
        assert_eq!(records[2][4..], ["", "", r#"{"k":1}"#]);
        assert_eq!(records[3][4..], ["", "", ""]);
        assert_eq!(records[1][0], "01".repeat(20));
        assert!(bytes.starts_with("hit,kind,first_seen,last_seen,a,b,c\r\n"));
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
        let records = read(table(&[samples::hit(1, samples::HOSTILE)]).as_bytes());
        for (name, value) in records[0].iter().zip(&records[1]) {
            let computed = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
            assert!(!computed || name == "Number", "{name}: {value}");
            assert!(!name.starts_with('='), "{name}");
        }
        assert_eq!(records[1].last().unwrap(), "-5");
        assert!(records[1].contains(&"'=cmd|'/c calc'!A0".to_owned()));
    }
}
