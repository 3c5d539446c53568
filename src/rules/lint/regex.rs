//! L036: regular expressions that RE2 refuses.
//!
//! Source: <https://github.com/google/re2/wiki/Syntax>, the syntax that the KQL reference names.

use super::query::content;
use super::{At, Note, Subject};
use crate::rules::kql::tree::{Binary, Expr, ExprKind, Item, TextWord};
use crate::rules::kql::walk::{Node, nodes};

/// Functions, and which of their arguments is a regular expression.
const FUNCTIONS: [(&str, usize); 7] = [
    ("extract", 0),
    ("extract_all", 0),
    ("extractall", 0),
    ("replace_regex", 1),
    ("replace", 0),
    ("countof", 1),
    ("regex_quote", usize::MAX),
];

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    for node in nodes(&subject.analysis.query) {
        let Node::Expr(expr) = node else { continue };
        let pattern = match &expr.kind {
            ExprKind::Binary { op: Binary::Text(op), right, .. } if op.word == TextWord::MatchesRegex => Some(&**right),
            ExprKind::Call { name, args } => argument(name.text, args),
            _ => None,
        };
        notes.extend(pattern.and_then(refused));
    }
}

fn argument<'t, 'a>(function: &str, args: &'t [Item<'a>]) -> Option<&'t Expr<'a>> {
    let (_, at) = FUNCTIONS.iter().find(|(name, _)| *name == function)?;
    // `countof` looks for plain text unless its third argument says otherwise.
    let plain = function == "countof"
        && !args.get(2).is_some_and(|kind| matches!(&kind.expr.kind, ExprKind::Literal(l) if l.text.contains("regex")));
    args.get(*at).filter(|_| !plain).map(|item| &item.expr)
}

fn refused(expr: &Expr<'_>) -> Option<Note> {
    let ExprKind::Literal(literal) = &expr.kind else { return None };
    let pattern = content(literal)?;
    let (what, hint) = fault(&pattern)?;
    let message = format!("the engine refuses this regular expression: it has no {what}");
    Some(Note::new("L036", At::Query(expr.span), message).hint(hint))
}

/// What of a pattern isn't RE2's, and what to do instead.
fn fault(pattern: &str) -> Option<(String, &'static str)> {
    let around = "filter in a second step: `| where X matches regex \"…\" and not(X matches regex \"…\")`";
    let mut chars = pattern.char_indices().peekable();
    let mut class = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, digit @ '1'..='9')) if !class => {
                    return Some((
                        format!("back-reference (`\\{digit}`)"),
                        "compare in a second step what `extract` gives",
                    ));
                }
                Some((_, 'k')) if !class && matches!(chars.peek(), Some((_, '<' | '{' | '\''))) => {
                    return Some((
                        "back-reference (`\\k`)".to_owned(),
                        "compare in a second step what `extract` gives",
                    ));
                }
                Some((_, 'Q')) => skip_quoted(&mut chars),
                Some(_) => {}
                None => {
                    return Some(("lone `\\` at its end".to_owned(), "write `\\\\`, or a verbatim string: `@\"…\"`"));
                }
            },
            '[' if !class => {
                class = true;
                // A bracket right at the start is one of the class.
                chars.next_if(|(_, c)| *c == '^');
                chars.next_if(|(_, c)| *c == ']');
            }
            ']' => class = false,
            '(' if !class => {
                let rest = pattern.get(at..).unwrap_or_default();
                for (mark, what) in [
                    ("(?=", "look-ahead"),
                    ("(?!", "look-ahead"),
                    ("(?<=", "look-behind"),
                    ("(?<!", "look-behind"),
                    ("(?>", "atomic group"),
                    ("(?(", "condition"),
                    ("(?#", "comment"),
                ] {
                    if rest.starts_with(mark) {
                        return Some((format!("{what} (`{mark}`)"), around));
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Steps over `\Q…\E`, in which nothing means anything.
fn skip_quoted(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    let mut last = ' ';
    for (_, c) in chars.by_ref() {
        if last == '\\' && c == 'E' {
            return;
        }
        last = c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_has_not_is_named() {
        for (pattern, expected) in [
            ("a(?=b)", Some("look-ahead")),
            ("(?!a)b", Some("look-ahead")),
            ("(?<=a)b", Some("look-behind")),
            ("(?<!a)b", Some("look-behind")),
            ("(?>a+)b", Some("atomic group")),
            (r"(a)\1", Some("back-reference")),
            (r"(?P<x>a)\k<x>", Some("back-reference")),
            (r"a\", Some("lone")),
            (r"(?i)powershell(\.exe)?\s+-e[nc]*", None),
            ("(?P<name>a)(?:b)", None),
            (r"[(?=]\\1[\]\1]", None),
            (r"\Q(?=\E", None),
            ("[]](?:a)[^](?=]", None),
        ] {
            let found = fault(pattern).map(|(what, _)| what);
            let fits = expected.map_or(found.is_none(), |word| found.as_ref().is_some_and(|what| what.contains(word)));
            assert!(fits, "{pattern}: {found:?}");
        }
    }
}
