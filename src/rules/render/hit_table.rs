//! Hits as a table for a person: a line a hit, as many columns as the terminal has room for.
//!
//! The first thousand hits decide which columns there are and how wide; the table then goes on in these,
//! so that no more than that is in memory. Nothing of a row acts on the terminal; exact values are in the
//! CSV and the JSON.

use std::borrow::Cow;
use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::cells::{telling, text_of};
use super::grid::{Wish, line, widths};
use super::sheet::heading;
use super::visible::{short, visible};
use crate::model::hit::Hit;
use crate::rules::filter::{Column, Found, Own, Picker, Unmet, Watch, each_member};

/// How many hits decide.
const FIRST: usize = 1_000;
/// The longest value, in characters.
const VALUE: usize = 100;
/// The most columns of rows that are chosen for a person.
const MOST: usize = 40;
/// The least width of a value that is cut.
const LEAST: usize = 12;
/// huntd's own columns, where none are asked for.
const OWN: [Own; 4] = [Own::Kind, Own::FirstSeen, Own::Hit, Own::Hunt];

/// Lays hits out.
#[derive(Debug)]
pub struct HitTable {
    /// The places of a line.
    width: usize,
    columns: Vec<Column>,
    /// Whether columns of the rows are still to be chosen.
    chooses: bool,
    picker: Picker,
    /// Of the columns that are asked for.
    watch: Watch,
    /// The first hits' cells, until the widths are known.
    waiting: Vec<Vec<String>>,
    /// What their rows hold beside, where columns are to be chosen.
    rows: Vec<HashMap<String, String>>,
    /// Columns of rows that hold something, each where it was first met.
    met: Vec<String>,
    /// How many more than [`MOST`] a row had.
    beyond: usize,
    widths: Vec<usize>,
    is_laid: bool,
    left_out: usize,
}

impl HitTable {
    /// A table of these columns, all of which are shown; without any, of those that tell most and fit in
    /// `width` places.
    #[must_use]
    pub fn new(columns: Option<Vec<Column>>, width: usize) -> Self {
        let own = || OWN.into_iter().map(|own| Column { parts: vec![own.as_str().to_owned()] }).collect();
        let chooses = columns.is_none();
        let columns: Vec<Column> = columns.unwrap_or_else(own);
        Self {
            width,
            picker: Picker::new(&columns),
            watch: Watch::new(&columns),
            columns,
            chooses,
            waiting: Vec::new(),
            rows: Vec::new(),
            met: Vec::new(),
            beyond: 0,
            widths: Vec::new(),
            is_laid: false,
            left_out: 0,
        }
    }

    /// Takes a hit; gives the lines that can be printed, each with its end.
    pub fn add(&mut self, hit: &Hit) -> String {
        let cells = self.cells(hit);
        if self.is_laid {
            return self.line(&cells);
        }
        if self.chooses {
            self.look_at(hit);
        }
        self.waiting.push(cells);
        if self.waiting.len() < FIRST { String::new() } else { self.lay() }
    }

    /// The lines that are left, and how many columns the terminal had no room for.
    pub fn end(&mut self) -> (String, usize) {
        let lines = if self.is_laid || self.waiting.is_empty() { String::new() } else { self.lay() };
        (lines, self.left_out)
    }

    /// The columns that were asked for and that none of the hits had.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        self.watch.unmet()
    }

    fn cells(&mut self, hit: &Hit) -> Vec<String> {
        let cell = |(column, found): (&Column, Found<'_>)| match (column.own(), found) {
            (Some(Own::FirstSeen), _) => hit.first_seen.local(),
            (Some(Own::LastSeen), _) => hit.last_seen.local(),
            (Some(Own::Hit), _) => hit.hit.to_string().chars().take(12).collect(),
            (_, Found::Own(text)) => short(&text, VALUE),
            (_, Found::Json(raw)) => short(&text_of(&raw), VALUE),
            (_, Found::Missing) => String::new(),
        };
        let found = self.picker.pick(hit);
        self.watch.look(hit, &found);
        self.columns.iter().zip(found).map(cell).collect()
    }

    /// Remembers what the row holds.
    fn look_at(&mut self, hit: &Hit) {
        let mut members: Vec<(String, Cow<'_, str>)> = Vec::new();
        let add = |name: &str, raw| {
            let text = text_of(raw);
            if !text.is_empty() {
                members.push((name.to_owned(), text));
            }
        };
        // A row that can't be read has no columns to show.
        each_member(hit.row.get(), add).unwrap_or_default();
        members.sort_by_key(|(name, _)| telling(name));
        self.beyond = self.beyond.max(members.len().saturating_sub(MOST));
        members.truncate(MOST);
        for (name, _) in &members {
            if self.met.len() < 10 * MOST && !self.met.contains(name) {
                self.met.push(name.clone());
            }
        }
        self.rows.push(members.into_iter().map(|(name, text)| (name, short(&text, VALUE))).collect());
    }

    /// Decides columns and widths, and prints the head and what waited.
    fn lay(&mut self) -> String {
        let asked = self.columns.len();
        self.met.sort_by_key(|name| telling(name));
        let chosen: Vec<String> = self.met.iter().take(MOST).cloned().collect();
        self.columns.extend(chosen.iter().map(|name| Column::of_row(name)));
        let rows = std::mem::take(&mut self.rows);
        for (cells, mut row) in self.waiting.iter_mut().zip(rows) {
            cells.extend(chosen.iter().map(|name| row.remove(name).unwrap_or_default()));
        }
        let heads: Vec<String> = self.columns.iter().map(|column| visible(&heading(column)).into_owned()).collect();
        let wish = |(at, column): (usize, &Column)| {
            let cells = self.waiting.iter().filter_map(|cells| cells.get(at));
            let needs = cells.chain(heads.get(at)).map(|text| text.width()).max().unwrap_or(0).max(1);
            Wish { needs, least: if column.own().is_some() { needs } else { needs.min(LEAST) } }
        };
        let wishes: Vec<Wish> = self.columns.iter().enumerate().map(wish).collect();
        self.widths = widths(&wishes, self.width, asked);
        self.left_out = self.met.len() + self.beyond + asked - self.widths.len();
        self.columns.truncate(self.widths.len());
        self.picker = Picker::new(&self.columns);
        self.is_laid = true;
        let waiting = std::mem::take(&mut self.waiting);
        std::iter::once(&heads).chain(&waiting).map(|cells| self.line(cells)).collect()
    }

    fn line(&self, cells: &[String]) -> String {
        line(&self.widths, cells.iter().map(String::as_str)) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::visible::is_hidden;
    use super::*;
    use crate::rules::filter::parse_columns;

    fn table(columns: Option<&str>, width: usize, rows: &[&str]) -> (String, usize) {
        let mut table = HitTable::new(columns.map(|text| parse_columns(text).unwrap()), width);
        let hits = rows.iter().zip(1..).map(|(row, number)| samples::hit(number, row));
        let lines: String = hits.map(|hit| table.add(&hit)).collect();
        let (rest, left_out) = table.end();
        ((lines + &rest).replace(&samples::hit(1, "{}").first_seen.local(), "2026-11-24 15:40:00 +00:00"), left_out)
    }

    const ROWS: [&str; 3] = [
        r#"{"ReportId":1,"ProcessCommandLine":"powershell -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA","DeviceName":"ws-01","Empty":"","F":{"IsElevated":true}}"#,
        r#"{"ReportId":22,"DeviceName":"ws-02","Other":null,"Note":"日本語"}"#,
        "{}",
    ];

    #[test]
    fn as_many_columns_as_fit_the_telling_ones_first() {
        let (wide, none) = table(None, usize::MAX, &ROWS);
        let (narrow, some) = table(None, 100, &ROWS);
        insta::assert_snapshot!(format!("{wide}{none}\n{narrow}{some}"), @r#"
        kind  first_seen                  hit           hunt              DeviceName  ProcessCommandLine                                                       ReportId  F                    Note
        new   2026-11-24 15:40:00 +00:00  010101010101  endpoint/encoded  ws-01       powershell -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA  1         {"IsElevated":true}
        new   2026-11-24 15:40:00 +00:00  020202020202  endpoint/encoded  ws-02                                                                                22                             日本語
        new   2026-11-24 15:40:00 +00:00  030303030303  endpoint/encoded
        0
        kind  first_seen                  hit           hunt              DeviceName  ProcessComm…  ReportId
        new   2026-11-24 15:40:00 +00:00  010101010101  endpoint/encoded  ws-01       powershell …  1
        new   2026-11-24 15:40:00 +00:00  020202020202  endpoint/encoded  ws-02                     22
        new   2026-11-24 15:40:00 +00:00  030303030303  endpoint/encoded
        2
        "#);
        assert!(narrow.lines().all(|line| line.width() <= 100));
    }

    #[test]
    fn columns_that_are_asked_for_are_all_shown() {
        let (text, left_out) = table(Some("ReportId,kind,F.IsElevated,row.Note,devicename,Zzz"), 40, &ROWS);
        insta::assert_snapshot!(text, @"
        ReportId  kind  F.IsElevated  row.Note  devicename  Zzz
        1         new   true                    ws-01
        22        new                 日本語    ws-02
                  new
        ");
        assert_eq!(left_out, 0);
        assert_eq!(table(Some("kind"), 100, &[]), (String::new(), 0));
    }

    #[test]
    fn nothing_of_a_row_acts_on_the_terminal() {
        for columns in [None, Some("DeviceName,Bidi,\"=cmd|'/c calc'!A0\"")] {
            let (text, _) = table(columns, usize::MAX, &[samples::HOSTILE, r#"{"a\u001b[31m":"b"}"#]);
            assert!(!text.replace('\n', "").contains(is_hidden), "{text}");
            assert_eq!(text.lines().count(), 3);
        }
    }

    #[test]
    fn later_hits_go_on_in_the_columns_of_the_first() {
        let mut table = HitTable::new(None, 200);
        let first = samples::hit(1, r#"{"A":"short"}"#);
        let printed: Vec<String> = (0..FIRST).map(|_| table.add(&first)).collect();
        assert!(printed[..FIRST - 1].iter().all(String::is_empty));
        assert_eq!(printed[FIRST - 1].lines().count(), FIRST + 1);
        let late = table.add(&samples::hit(2, r#"{"B":"unseen","A":"much longer than the others"}"#));
        assert!(late.ends_with("much…\n"), "{late}");
        assert_eq!(table.end(), (String::new(), 0));
    }

    #[test]
    fn a_row_of_very_many_columns_is_cut_to_those_that_tell() {
        let names: Vec<String> = (0..5_000).map(|number| format!("\"c{number}\":1")).collect();
        let row = format!("{{{},\"DeviceName\":\"ws\"}}", names.join(","));
        let (text, left_out) = table(None, usize::MAX, &[&row]);
        assert!(text.contains("DeviceName  c0"), "{text}");
        assert_eq!((text.split_whitespace().filter(|word| word.starts_with('c')).count(), left_out), (39, 4_961));
    }
}
