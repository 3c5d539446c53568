//! L030: case counts where it varies; L031: `contains` where `has` would do.

use super::query::{name, string};
use super::{At, Note, Subject};
use crate::rules::kql::span::Span;
use crate::rules::kql::tree::{Binary, Expr, ExprKind, Membership, TextOp, TextWord};
use crate::rules::kql::walk::{Node, nodes};

/// How names of columns end whose values come in any case.
const VARIES: [&str; 16] = [
    "FileName",
    "CommandLine",
    "FolderPath",
    "AccountName",
    "AccountUpn",
    "AccountDisplayName",
    "DeviceName",
    "AccountDomain",
    "FromDomain",
    "RemoteUrl",
    "Url",
    "EmailAddress",
    "FromAddress",
    "UserPrincipalName",
    "RegistryKey",
    "RegistryValueName",
];

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    for node in nodes(&subject.analysis.query) {
        let Node::Expr(expr) = node else { continue };
        match &expr.kind {
            ExprKind::Binary { op, op_span, left, right } => binary(*op, *op_span, left, right, notes),
            ExprKind::In { op, op_span, value, items } => list(*op, *op_span, value, items, notes),
            _ => {}
        }
    }
}

fn binary(op: Binary, span: Span, left: &Expr<'_>, right: &Expr<'_>, notes: &mut Vec<Note>) {
    match op {
        Binary::Equal | Binary::NotEqual => {
            let Some(column) = varying(left) else { return };
            let Some(value) = string(right).filter(|value| has_letters(value)) else { return };
            let (old, new) = if op == Binary::Equal { ("==", "=~") } else { ("!=", "!~") };
            let message = format!("`{column}` comes in any case, and `{old}` finds only `{}`", value.escape_debug());
            notes.push(Note::new("L030", At::Query(span), message).hint(format!("write `{new}`")).fix(span, new));
        }
        Binary::Text(TextOp { word: TextWord::Contains, not, case_sensitive }) => {
            let Some(value) = string(right).filter(|value| is_word(value)) else { return };
            let case = if case_sensitive { "_cs" } else { "" };
            let bang = if not { "!" } else { "" };
            let message = format!("`contains` reads all text for `{value}`, where `has` uses the index");
            notes.push(
                Note::new("L031", At::Query(span), message)
                    .hint(format!("write `{bang}has{case}`, unless `{value}` may stand inside of a longer word")),
            );
        }
        _ => {}
    }
}

fn list(op: Membership, span: Span, value: &Expr<'_>, items: &[Expr<'_>], notes: &mut Vec<Note>) {
    let (old, new) = match op {
        Membership::In => ("in", "in~"),
        Membership::NotIn => ("!in", "!in~"),
        _ => return,
    };
    let Some(column) = varying(value) else { return };
    if items.is_empty() || !items.iter().all(|item| string(item).is_some_and(|text| has_letters(&text))) {
        return;
    }
    let message = format!("`{column}` comes in any case, and `{old}` finds only the values as they are written");
    notes.push(Note::new("L030", At::Query(span), message).hint(format!("write `{new}`")).fix(span, new));
}

/// The column, where it is one whose case varies.
fn varying<'a>(expr: &Expr<'a>) -> Option<&'a str> {
    name(expr).filter(|name| VARIES.iter().any(|end| name.ends_with(end)))
}

fn has_letters(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

/// One word of letters and digits, of a length that the index has.
fn is_word(text: &str) -> bool {
    text.len() >= 4 && text.chars().all(|c| c.is_ascii_alphanumeric())
}
