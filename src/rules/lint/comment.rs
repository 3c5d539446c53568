//! L038: lines that YAML joined, so that a comment swallows what comes after it.

use std::ops::Range;

use super::{At, Note, Subject};
use crate::rules::kql::span::Span;

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let query = subject.hunt.query.as_str();
    if !query.contains("//") {
        return;
    }
    let one_line = !query.trim().contains('\n');
    if subject.keeps_lines() && !one_line {
        return;
    }
    for comment in comments(query) {
        let text = query.get(comment.clone()).unwrap_or_default();
        let Some(swallowed) = operator(text) else { continue };
        let (Ok(start), Ok(end)) = (u32::try_from(comment.start), u32::try_from(comment.end)) else { return };
        let message = format!("a comment swallows the rest of its line, with `{}`", swallowed.escape_debug());
        let hint = if subject.keeps_lines() {
            "begin a new line after the comment"
        } else {
            "YAML has joined the lines: write the query as a block after `|`"
        };
        notes.push(Note::new("L038", At::Query(Span::new(start, end)), message).hint(hint));
    }
}

/// The first operator in a comment: `| where …`.
fn operator(comment: &str) -> Option<&str> {
    const WORDS: [&str; 24] = [
        "where",
        "filter",
        "extend",
        "project",
        "summarize",
        "join",
        "union",
        "distinct",
        "sort",
        "order",
        "take",
        "limit",
        "top",
        "count",
        "mv-expand",
        "mvexpand",
        "mv-apply",
        "parse",
        "evaluate",
        "lookup",
        "invoke",
        "project-away",
        "project-rename",
        "project-reorder",
    ];
    let pipe = comment.match_indices('|').find_map(|(at, _)| {
        let rest = comment.get(at..)?;
        let after = rest.get(1..)?.trim_start();
        let word: &str = after.split(|c: char| !c.is_ascii_lowercase() && c != '-').next()?;
        WORDS.contains(&word).then_some(rest)
    });
    pipe.map(|rest| rest.char_indices().nth(40).map_or(rest, |(end, _)| rest.get(..end).unwrap_or(rest)).trim())
}

/// The comments of a query, to the ends of their lines.
fn comments(query: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = query.get(at..).filter(|rest| !rest.is_empty()) {
        let line = || rest.find('\n').unwrap_or(rest.len());
        let length = if rest.starts_with("//") {
            found.push(at..at + line());
            line()
        } else if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| rest.starts_with(fence)) {
            rest.get(3..).and_then(|inner| inner.find(fence)).map_or(rest.len(), |end| end + 6)
        } else if rest.starts_with(['"', '\'']) {
            let verbatim = query.get(..at).is_some_and(|before| before.ends_with('@'));
            string(rest, verbatim).unwrap_or_else(line).max(1)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += length;
    }
    found
}

/// The length of a string; nothing where it has no end in its line.
fn string(text: &str, verbatim: bool) -> Option<usize> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next()?;
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return None,
            '\\' if !verbatim => {
                chars.next();
            }
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_told_from_strings() {
        let query = "A // one | take 1\n| where B == \"http://x\" and C == @'\\' // two\n| where D == 'it\\'s //' //";
        let found: Vec<_> = comments(query).into_iter().map(|range| &query[range]).collect();
        assert_eq!(found, ["// one | take 1", "// two", "//"]);
        assert_eq!(operator("// one | take 1 | where é"), Some("| take 1 | where é"));
        assert_eq!(operator("// this | that"), None);
    }
}
