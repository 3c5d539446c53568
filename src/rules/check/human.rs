//! Findings for a person: message, place, the line with a caret under it, and the hint.
//!
//! What stands in a file is hostile: it reaches the terminal without any control character and
//! without marks that turn the direction of text.

use std::path::{Path, PathBuf};

use crate::model::place::{Finding, Level, Place};

/// A file's text, by its path as it was given; `None` where it isn't at hand.
pub type Source<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// How many columns a tab takes.
const TAB: usize = 4;
/// The widest part of a line that is shown.
const WIDEST: usize = 140;
/// How much of a long line is shown before the place.
const BEFORE: usize = 40;

/// Renders findings, an empty line after each.
#[must_use]
pub fn render(findings: &[Finding], source: Source<'_>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    // Findings come by file, so each file is looked up once.
    let mut open: Option<(PathBuf, Option<String>)> = None;
    for finding in findings {
        if open.as_ref().is_none_or(|(file, _)| *file != finding.file) {
            open = Some((finding.file.clone(), source(&finding.file)));
        }
        let text = open.as_ref().and_then(|(_, text)| text.as_deref());
        out.push_str(&one(finding, text, paint));
        out.push('\n');
    }
    out
}

/// `2 hunts, 1 error, 0 warnings`, for the end.
#[must_use]
pub fn summary(findings: &[Finding], hunts: usize) -> String {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let parts = [some(hunts, "hunt"), some(count(Level::Error), "error"), some(count(Level::Warning), "warning")];
    parts.join(", ")
}

fn one(finding: &Finding, text: Option<&str>, paint: Paint) -> String {
    let place = finding.place;
    let level = paint.level(finding.level, &format!("{}[{}]", finding.level, finding.code));
    let mut out = format!("{level}{}\n", paint.bold(&format!(": {}", visible(&finding.message))));
    let margin = place.end_line.max(place.line).to_string().len();
    let bar = |number: &str, rest: &str| {
        let edge = paint.dim(&format!("{number:>margin$} |"));
        if rest.is_empty() { format!(" {edge}\n") } else { format!(" {edge} {rest}\n") }
    };
    let file = visible(&finding.file.display().to_string());
    let arrow = paint.dim(&format!(" {:margin$}-->", ""));
    out.extend([arrow, format!(" {file}:{}:{}\n", place.line, place.column)]);
    let mut last = 0;
    for (number, line) in text.into_iter().flat_map(|text| marked_lines(text, place)) {
        // Between the first and the last there may be many.
        let gap = if last == 0 { "" } else { "…" };
        if last == 0 || number > last + 1 {
            out.push_str(&bar("", gap));
        }
        last = number;
        let start = if number == place.line {
            place.column as usize
        } else {
            line.chars().take_while(|c| c.is_whitespace()).count() + 1
        };
        let end =
            if number == place.end_line { place.end_column as usize } else { line.trim_end().chars().count() + 1 };
        let (shown, before, under) = excerpt(line, start, end);
        let carets = paint.level(finding.level, &"^".repeat(under));
        out.push_str(&bar(&number.to_string(), &shown));
        out.push_str(&bar("", &format!("{}{carets}", " ".repeat(before))));
    }
    let notes = [("hint", finding.hint.as_deref()), ("hunt", finding.hunt.as_deref())];
    for (word, note) in notes.into_iter().filter_map(|(word, note)| Some((word, note?))) {
        let edge = format!(" {:margin$} {} ", "", paint.dim("="));
        out.extend([edge, paint.bold(word), format!(": {}\n", visible(note))]);
    }
    out
}

/// The lines that a place marks, those that are blank aside: the first two and the last.
fn marked_lines(text: &str, place: Place) -> Vec<(u32, &str)> {
    // A place that ends before the first character of a line doesn't mark it.
    let reach = if place.end_column <= 1 && place.end_line > place.line { place.end_line - 1 } else { place.end_line };
    let numbers = [place.line, place.line.saturating_add(1), reach];
    let mut lines: Vec<(u32, &str)> = Vec::new();
    for number in numbers.into_iter().filter(|number| *number == place.line || *number <= reach) {
        let Some(line) = nth_line(text, number) else { continue };
        let again = lines.iter().any(|(known, _)| *known == number);
        if !again && (number == place.line || !line.trim().is_empty()) {
            lines.push((number, line));
        }
    }
    lines
}

/// The line of that number; ends of lines are those of YAML: LF, CR LF, or CR alone.
fn nth_line(text: &str, number: u32) -> Option<&str> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    for _ in 1..number {
        let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes())?;
        let after = rest.get(end..)?;
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..))?;
    }
    rest.split(['\n', '\r']).next()
}

/// What of a line is shown, the width before the place, and the width under the place (at least
/// one). Columns count from 1; `to` is exclusive.
fn excerpt(line: &str, from: usize, to: usize) -> (String, usize, usize) {
    let from = from.saturating_sub(1);
    let to = to.saturating_sub(1).max(from + 1);
    let whole: usize = line.chars().map(width_of).sum();
    let skip = if whole > WIDEST { from.saturating_sub(BEFORE) } else { 0 };
    let (mut shown, mut width, mut before, mut under) = (String::new(), 0, 0, 0);
    if skip > 0 {
        shown.push('…');
        (width, before) = (1, 1);
    }
    for (index, c) in line.chars().enumerate().skip(skip) {
        let cells = width_of(c);
        if width + cells > WIDEST {
            shown.push('…');
            break;
        }
        show(c, &mut shown);
        width += cells;
        if index < from {
            before += cells;
        } else if index < to {
            under += cells;
        }
    }
    (shown.trim_end().to_owned(), before, under.max(1))
}

/// A character as it is shown.
fn show(c: char, out: &mut String) {
    if c == '\t' {
        out.extend([' '; TAB]);
    } else if is_unsafe(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// How many cells a character takes as it is shown.
fn width_of(c: char) -> usize {
    if c == '\t' {
        TAB
    } else if is_unsafe(c) {
        c.escape_unicode().len()
    } else {
        cells(c)
    }
}

/// A text without anything that acts on a terminal.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, marks that turn the direction of text, and line separators.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c), 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB)
}

/// Cells of a character in a terminal: two for the wide East Asian ones and emoji, none for
/// combining marks (the main blocks of Unicode's East Asian Width).
fn cells(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// Colours, where they are wanted.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("34", text)
    }

    fn level(self, level: Level, text: &str) -> String {
        let code = match level {
            Level::Error => "1;31",
            Level::Warning => "1;33",
            Level::Info => "1;36",
        };
        self.with(code, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check::sample;

    fn shown(line: &str, from: u32, to: u32) -> Vec<String> {
        let mut finding = sample();
        finding.place = Place::in_line(1, from, to);
        let text = render(&[finding], &|_| Some(line.to_owned()), false);
        text.lines().skip(3).take(2).map(str::to_owned).collect()
    }

    #[test]
    fn a_finding_in_full() {
        let text = render(&[sample()], &|_| Some("id: a\r\nschedule: \"* *\"\r\n".to_owned()), false);
        let expected = r#"error[H005]: 50%: wrong\nline
  --> hunts/a,b.yaml:2:11
   |
 2 | schedule: "* *"
   |           ^^^^^
   = hint: mend it
   = hunt: a

"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        for (line, from, to, expected, caret) in [
            ("\ta: b", 5, 6, " 1 |     a: b", "   |        ^"),
            ("漢字: x", 5, 6, " 1 | 漢字: x", "   |       ^"),
            ("漢字: x", 1, 3, " 1 | 漢字: x", "   | ^^^^"),
            ("e\u{301}: x", 5, 6, " 1 | e\u{301}: x", "   |    ^"),
            ("a\u{1b}[31m: x", 9, 10, " 1 | a\\u{1b}[31m: x", "   |              ^"),
            ("a: \u{202e}x", 4, 5, " 1 | a: \\u{202e}x", "   |    ^^^^^^^^"),
            ("a:", 3, 3, " 1 | a:", "   |   ^"),
            ("", 1, 1, " 1 |", "   | ^"),
        ] {
            assert_eq!(shown(line, from, to), [expected, caret], "{line:?}");
        }
    }

    #[test]
    fn a_place_may_cross_lines() {
        let mut finding = sample();
        let lines = "a:\n  | where x and\n    y\n\n  z (\n  w\n";
        let shown = |from: (u32, u32), to: (u32, u32), finding: &mut Finding| {
            finding.place = Place { line: from.0, column: from.1, end_line: to.0, end_column: to.1 };
            let text = render(std::slice::from_ref(finding), &|_| Some(lines.to_owned()), false);
            text.lines().skip(3).filter(|line| line.contains('|')).map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        let two = [" 2 |   | where x and", "   |     ^^^^^^^^^^^", " 3 |     y", "   |     ^"].join("\n");
        assert_eq!(shown((2, 5), (3, 6), &mut finding), two);
        let many = [two.as_str(), "   | …", " 5 |   z (", "   |   ^^^"].join("\n");
        assert_eq!(shown((2, 5), (5, 6), &mut finding), many);
        assert_eq!(shown((3, 5), (4, 1), &mut finding), [" 3 |     y", "   |     ^"].join("\n"));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}here{}", "a".repeat(500), "b".repeat(500));
        let [text, caret] = shown(&line, 501, 505).try_into().unwrap();
        assert!(text.chars().count() < 160, "{text}");
        let at = caret.find('^').unwrap();
        assert_eq!(text.chars().skip(at).take(4).collect::<String>(), "here");
    }

    #[test]
    fn no_control_character_reaches_the_terminal() {
        let mut finding = sample();
        finding.message = "\u{1b}[2J\u{7}".to_owned();
        finding.file = "\u{1b}]0;x\u{7}".into();
        let text = render(&[finding], &|_| Some("\n\u{9b}31m\n".to_owned()), false);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(render(&[sample()], &|_| None, true).starts_with("\u{1b}[1;31merror[H005]"));
    }

    #[test]
    fn lines_end_as_in_yaml() {
        let text = "\u{feff}a\rb\r\nc\n";
        let lines: Vec<_> = (1..=5).map(|number| nth_line(text, number)).collect();
        assert_eq!(lines, [Some("a"), Some("b"), Some("c"), Some(""), None]);
    }

    #[test]
    fn the_summary_counts() {
        let warning = Finding { level: Level::Warning, ..sample() };
        assert_eq!(summary(&[sample(), warning.clone()], 1), "1 hunt, 1 error, 1 warning");
        assert_eq!(summary(&[sample(), sample(), warning.clone(), warning], 3), "3 hunts, 2 errors, 2 warnings");
        assert_eq!(summary(&[], 0), "0 hunts, 0 errors, 0 warnings");
    }
}
