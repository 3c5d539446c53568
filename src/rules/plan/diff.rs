//! A unified diff of line edits, as `git apply` and `patch` take it.

use std::fmt::Write as _;

/// Lines that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The first line that is replaced, from 0.
    pub line: usize,
    /// How many are; none where lines are put before it.
    pub count: usize,
    /// What stands there instead, each with its line end.
    pub lines: Vec<String>,
}

/// How many lines stand around a change.
const CONTEXT: usize = 3;

/// The text after its edits, which must be in order and lie apart.
pub(super) fn edited(text: &str, edits: &[Replacement]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        out.extend(lines.get(at..edit.line).into_iter().flatten().copied());
        out.extend(edit.lines.iter().map(String::as_str));
        at = edit.line + edit.count;
    }
    out.extend(lines.get(at..).into_iter().flatten().copied());
    out
}

/// The diff of a file whose path is `path`, below the folder where it is applied. The edits must be in order and lie
/// apart.
#[must_use]
pub fn unified(path: &str, text: &str, edits: &[Replacement]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = format!("--- {}\n+++ {}\n", name("a/", path), name("b/", path));
    let mut rest = edits;
    let mut grown: isize = 0;
    while let [first, more @ ..] = rest {
        // Changes whose surroundings touch are one hunk.
        let mut last = first;
        let mut taken = 1;
        for edit in more {
            if edit.line > last.line + last.count + 2 * CONTEXT {
                break;
            }
            (last, taken) = (edit, taken + 1);
        }
        let (hunk, after) = rest.split_at(taken);
        rest = after;
        grown = put_hunk(&mut out, &lines, hunk, grown);
    }
    out
}

/// Writes one hunk; gives by how many lines the text has grown after it.
fn put_hunk(out: &mut String, lines: &[&str], edits: &[Replacement], grown: isize) -> isize {
    let (Some(first), Some(last)) = (edits.first(), edits.last()) else { return grown };
    let from = first.line.saturating_sub(CONTEXT);
    let to = (last.line + last.count + CONTEXT).min(lines.len());
    let mut body = String::new();
    let (mut old, mut new) = (0_usize, 0_usize);
    let mut at = from;
    let keep = |body: &mut String, until: usize, at: &mut usize, old: &mut usize, new: &mut usize| {
        for line in lines.get(*at..until).into_iter().flatten() {
            put_line(body, ' ', line);
            (*old, *new) = (*old + 1, *new + 1);
        }
        *at = until;
    };
    for edit in edits {
        keep(&mut body, edit.line, &mut at, &mut old, &mut new);
        for line in lines.get(edit.line..edit.line + edit.count).into_iter().flatten() {
            put_line(&mut body, '-', line);
            old += 1;
        }
        for line in &edit.lines {
            put_line(&mut body, '+', line);
            new += 1;
        }
        at = edit.line + edit.count;
    }
    keep(&mut body, to, &mut at, &mut old, &mut new);
    let begin = from.saturating_add_signed(grown);
    // An empty side begins at the line before it.
    let start = |begin: usize, count: usize| if count == 0 { begin } else { begin + 1 };
    // Writing to a String can't fail.
    writeln!(out, "@@ -{},{old} +{},{new} @@", start(from, old), start(begin, new)).unwrap_or_default();
    out.push_str(&body);
    grown + new.cast_signed() - old.cast_signed()
}

fn put_line(out: &mut String, mark: char, line: &str) {
    out.push(mark);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// A file's name as git writes it: one with odd characters in quotation marks, one with blanks with a tab behind it.
fn name(side: &str, path: &str) -> String {
    let odd = |byte: u8| !(0x20..0x7f).contains(&byte) || matches!(byte, b'"' | b'\\');
    if !path.bytes().any(odd) {
        let tab = if path.contains(' ') { "\t" } else { "" };
        return format!("{side}{path}{tab}");
    }
    let mut out = format!("\"{side}");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            // Writing to a String can't fail.
            byte if odd(byte) => write!(out, "\\{byte:03o}").unwrap_or_default(),
            byte => out.push(char::from(byte)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: usize, count: usize, lines: &[&str]) -> Replacement {
        Replacement { line, count, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn hunks_have_their_surroundings_and_their_numbers() {
        let text: String = (1..=20).flat_map(|number: u32| [number.to_string(), "\n".to_owned()]).collect();
        let edits = [edit(1, 1, &["two\n"]), edit(4, 0, &["new\n", "er\n"]), edit(18, 1, &[])];
        let expected = "--- a/x y\t\n+++ b/x y\t\n@@ -1,7 +1,9 @@\n 1\n-2\n+two\n 3\n 4\n+new\n+er\n 5\n 6\n 7\n\
                        @@ -16,5 +18,4 @@\n 16\n 17\n 18\n-19\n 20\n";
        assert_eq!(unified("x y", &text, &edits), expected);
    }

    #[test]
    fn an_end_without_a_line_end_is_said() {
        let diff = unified("ä\"", "a\nb", &[edit(1, 1, &["b\n", "c\n"])]);
        let expected = "--- \"a/\\303\\244\\\"\"\n+++ \"b/\\303\\244\\\"\"\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n";
        assert_eq!(diff, expected);
        assert_eq!(edited("a\nb", &[edit(1, 1, &["b\n", "c\n"])]), "a\nb\nc\n");
    }
}
