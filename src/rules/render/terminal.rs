//! Hits on a terminal.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use crate::model::delivery::NoticeHunt;
use crate::model::hit::{Hit, HitKind};
use crate::model::hunt::Severity;

use super::cells::Cells;
use super::tally::Tally;
use super::visible::{cut, short, visible};

/// Text from a row, safe to print: no control character, no escape sequence, nothing that hides or
/// turns text around. Spelt out, not dropped.
#[must_use]
pub fn terminal_safe(text: &str) -> String {
    visible(text).into_owned()
}

/// How a listing is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The terminal's width in characters; lines are cut to it, down to 40.
    pub width: usize,
    /// Whether ANSI colours are wanted (16 colours, no others).
    pub colour: bool,
    /// The most hits that are listed; the rest is counted.
    pub most: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { width: 100, colour: false, most: 20 }
    }
}

/// The longest value in a listing.
const VALUE: usize = 60;

/// A headline and a line a hit: its kind, the begin of its id, and as many cells as fit, entities
/// first. Ends with a line feed; empty for no hits.
///
/// `tally` counts all hits that are meant; `hits` are the first of them, and need be no more than
/// `layout.most`.
#[must_use]
pub fn listing(hunt: &NoticeHunt, tally: &Tally, hits: &[Hit], layout: &Layout) -> String {
    let Some(first) = hits.first() else {
        return String::new();
    };
    let paint = |code: &str, text: &str| {
        if layout.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let severity = paint(severity_code(hunt.severity), &format!("[{}]", hunt.severity));
    let name = paint("1", &short(&hunt.name, 120));
    let mut out = format!("{severity} {tally}: {name} ({})\n", visible(&first.tenant));
    let shown = hits.iter().take(layout.most);
    let more = tally.total().saturating_sub(shown.len() as u64);
    for hit in shown {
        let (mark, code) = mark(hit.kind);
        let kind = paint(code, &format!("{mark} {:<8}", hit.kind.as_str()));
        let id: String = hit.hit.to_string().chars().take(12).collect();
        let cells = cells(&hit.row, &hunt.entities, &[], layout.width.max(40).saturating_sub(28));
        // Writing to a String can't fail.
        writeln!(out, "  {kind} {}  {cells}", paint("2", &id)).unwrap_or_default();
    }
    if more > 0 {
        writeln!(out, "  + {more} more: huntd hits --run {}", visible(&first.run)).unwrap_or_default();
    }
    out
}

/// `DeviceName=ws-01  AccountUpn=…`, those of `entities` first and without those in `but`, in at most `width` characters.
pub(in crate::rules) fn cells(row: &RawValue, entities: &[String], but: &[String], width: usize) -> String {
    let row = Cells::of(row);
    let mut out = String::new();
    for cell in row.entities_first(entities) {
        let text = cell.text();
        if text.is_empty() || but.iter().any(|name| name == cell.name()) {
            continue;
        }
        if !out.is_empty() {
            out.push_str("  ");
        }
        out.push_str(&short(cell.name(), VALUE));
        out.push('=');
        out.push_str(&short(&text, VALUE));
        if cut(&out, width).1 > 0 {
            return short(&out, width);
        }
    }
    out
}

/// A kind's sign and its colour, as the number of an ANSI code.
pub(in crate::rules) const fn mark(kind: HitKind) -> (char, &'static str) {
    match kind {
        HitKind::New => ('+', "32"),
        HitKind::Changed => ('~', "33"),
        HitKind::Gone => ('-', "31"),
        HitKind::Returned => ('>', "36"),
    }
}

const fn severity_code(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "1;31",
        Severity::Medium => "33",
        Severity::Low => "34",
        Severity::Informational => "2",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::visible::is_hidden;
    use super::*;

    #[test]
    fn a_line_a_hit() {
        let mut notice = samples::notice(&[
            r#"{"ProcessCommandLine":"powershell -enc AA==","DeviceName":"ws-01","Empty":""}"#,
            r#"{"DeviceName":"ws-02","Note":"a long text that has to be cut because the terminal is narrow"}"#,
            "{}",
        ]);
        samples::kinds(&mut notice, &[HitKind::New, HitKind::Returned]);
        let layout = Layout { width: 80, most: 2, ..Layout::default() };
        insta::assert_snapshot!(listing(&notice.hunt, &Tally::of(&notice.hits), notice.hits.first(), &layout), @r"
        [high] 2 new, 1 returned: Encoded PowerShell (contoso)
          + new      010101010101  DeviceName=ws-01  ProcessCommandLine=powershell -en…
          > returned 020202020202  DeviceName=ws-02  Note=a long text that has to be c…
          + 1 more: huntd hits --run 20261124T161300Z-3fa9c1d2
        ");
        assert_eq!(listing(&notice.hunt, &Tally::of(&Vec::new().into()), &[], &layout), "");
    }

    /// A run of 100,000 hits is counted by the run, and only the first hits are read.
    #[test]
    fn hits_that_are_not_at_hand_are_counted() {
        let mut notice = samples::notice(&["{}", "{}", "{}"]);
        (notice.run.new, notice.run.changed) = (1_231, 3);
        let text = listing(&notice.hunt, &Tally::of_run(&notice.run), notice.hits.first(), &Layout::default());
        assert!(text.starts_with("[high] 1231 new, 3 changed: "), "{text}");
        assert!(text.ends_with("\n  + 1231 more: huntd hits --run 20261124T161300Z-3fa9c1d2\n"), "{text}");
    }

    #[test]
    fn only_our_own_codes_reach_the_terminal() {
        let mut notice = samples::notice(&[samples::HOSTILE]);
        notice.hunt.name = "a\u{1b}]0;x\u{7}".to_owned();
        let tally = Tally::of(&notice.hits);
        let layout = Layout { width: 2_000, ..Layout::default() };
        let plain = listing(&notice.hunt, &tally, notice.hits.first(), &layout);
        assert!(!plain.replace('\n', "").contains(is_hidden), "{plain}");
        let coloured = listing(&notice.hunt, &tally, notice.hits.first(), &Layout { colour: true, ..layout });
        let ours = coloured.replace("\u{1b}[0m", "");
        let ours =
            ["1;31", "1", "32", "2"].iter().fold(ours, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
        assert_eq!(ours, plain);
    }
}
