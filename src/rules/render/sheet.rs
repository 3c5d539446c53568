//! Hits as CSV, one after the other, with columns that are known beforehand.
//!
//! What a record promises is in [`super::csv`].

use std::borrow::Cow;
use std::collections::HashSet;

use super::cells::{is_text, text_of};
use super::csv::record;
use crate::model::hit::Hit;
use crate::rules::filter::{Column, Found, Own, Picker, Unmet, Watch, each_member};

/// The most columns of rows: rows that bring ever new ones would make a file of nothing but commas.
pub const MOST: usize = 2_000;

/// The columns of all rows that were met, each where it was first.
#[derive(Debug, Default)]
pub struct Columns {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Columns {
    /// Takes in the columns of one more row; false when they have become more than [`MOST`].
    pub fn meet(&mut self, hit: &Hit) -> bool {
        let add = |name: &str, _: &str| {
            if !self.seen.contains(name) && self.names.len() <= MOST {
                self.seen.insert(name.to_owned());
                self.names.push(name.to_owned());
            }
        };
        // A row that can't be read has no columns to show.
        each_member(hit.row.get(), add).unwrap_or_default();
        self.names.len() <= MOST
    }

    /// Whether all columns of the row were met before.
    #[must_use]
    pub fn has_all(&self, hit: &Hit) -> bool {
        let mut all = true;
        each_member(hit.row.get(), |name, _| all &= self.seen.contains(name)).unwrap_or_default();
        all
    }

    /// huntd's own columns, then those that were met.
    #[must_use]
    pub fn all(&self) -> Vec<Column> {
        let own = Own::ALL.into_iter().map(|own| Column { parts: vec![own.as_str().to_owned()] });
        own.chain(self.names.iter().map(|name| Column::of_row(name))).collect()
    }
}

/// Writes hits as records.
#[derive(Debug)]
pub struct Sheet {
    columns: Vec<Column>,
    picker: Picker,
    watch: Watch,
}

impl Sheet {
    /// A sheet of these columns.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { picker: Picker::new(&columns), watch: Watch::new(&columns), columns }
    }

    /// The first record: the columns' names, as an expression may spell them.
    #[must_use]
    pub fn heading(&self) -> String {
        record(self.columns.iter().map(|column| (Cow::Owned(heading(column)), true)))
    }

    /// A hit's record.
    pub fn record(&mut self, hit: &Hit) -> String {
        let found = self.picker.pick(hit);
        self.watch.look(hit, &found);
        record(found.iter().map(|found| match found {
            Found::Own(text) => (Cow::Borrowed(text.as_str()), true),
            Found::Json(raw) => (text_of(raw), is_text(raw)),
            Found::Missing => (Cow::Borrowed(""), false),
        }))
    }

    /// The columns that none of the hits had.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        self.watch.unmet()
    }
}

/// A column's name above its values: without quotes where it is one name, so that a reader finds it under
/// the name that the API gave.
pub(super) fn heading(column: &Column) -> String {
    if let [name] = column.parts.as_slice() { name.clone() } else { column.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn sheet(rows: &[&str]) -> String {
        let hits: Vec<Hit> = rows.iter().zip(1..).map(|(row, number)| samples::hit(number, row)).collect();
        let mut columns = Columns::default();
        assert!(hits.iter().all(|hit| columns.meet(hit)));
        assert!(hits.iter().all(|hit| columns.has_all(hit)));
        let mut sheet = Sheet::new(columns.all());
        sheet.heading() + &hits.iter().map(|hit| sheet.record(hit)).collect::<String>()
    }

    #[test]
    fn columns_are_the_union_in_order() {
        let text = sheet(&[r#"{"a b":1.50,"b":null}"#, r#"{"c":{"k":1},"a b":"x","kind":"forged"}"#, "{}"]);
        insta::assert_snapshot!(text.replace('\r', "").replace(&"01".repeat(20), "ID").replace(&"02".repeat(20), "ID").replace(&"03".repeat(20), "ID"), @r#"
        hit,hunt,tenant,kind,run,first_seen,last_seen,severity,a b,b,c,row.kind
        ID,endpoint/encoded,contoso,new,20261124T161300Z-3fa9c1d2,2026-11-24T15:40:00Z,2026-11-24T16:13:00Z,high,1.50,,,
        ID,endpoint/encoded,contoso,new,20261124T161300Z-3fa9c1d2,2026-11-24T15:40:00Z,2026-11-24T16:13:00Z,high,x,,"{""k"":1}",forged
        ID,endpoint/encoded,contoso,new,20261124T161300Z-3fa9c1d2,2026-11-24T15:40:00Z,2026-11-24T16:13:00Z,high,,,,
        "#);
    }

    #[test]
    fn formulas_are_defused_and_values_are_unchanged() {
        let text = sheet(&[samples::HOSTILE, r#"{"\ud800":1,"Half":"x\ud800"}"#]);
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let records: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        for (name, value) in records[0].iter().zip(&records[1]) {
            assert!(!value.starts_with(['=', '+', '-', '@', '\t', '\r']) || name == "Number", "{name}: {value}");
            assert!(!name.starts_with('='), "{name}");
        }
        assert!(records[1].contains(&"'=cmd|'/c calc'!A0".to_owned()) && records[1].contains(&"-5".to_owned()));
        assert_eq!(records[2].iter().rev().take(2).collect::<Vec<_>>(), ["x\\ud800", "1"]);
    }

    #[test]
    fn rows_that_bring_ever_new_columns_are_refused() {
        let mut columns = Columns::default();
        let row = |from: usize| {
            let names: Vec<String> = (from..from + 1000).map(|number| format!("\"c{number}\":1")).collect();
            samples::hit(1, &format!("{{{}}}", names.join(",")))
        };
        assert!(columns.meet(&row(0)) && columns.meet(&row(1000)) && columns.meet(&row(500)));
        assert!(!columns.has_all(&row(1001)));
        assert!(!columns.meet(&row(1001)));
    }
}
