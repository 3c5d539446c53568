//! Parts of a query that several lints look for.

use crate::rules::kql::tree::{Expr, ExprKind, LetValue, Literal, Operator, Query, Stage, StatementKind};
use crate::rules::kql::types::Type;

/// The expression whose rows come out: that of the last statement with one.
pub(super) fn result<'t, 'a>(query: &'t Query<'a>) -> Option<&'t Expr<'a>> {
    query.statements.iter().rev().find_map(|statement| match &statement.kind {
        StatementKind::Query(expr) => Some(expr),
        _ => None,
    })
}

/// What a name of the query's own stands for; a function, for its result.
pub(super) fn declared<'t, 'a>(query: &'t Query<'a>, name: &str) -> Option<&'t Expr<'a>> {
    query.statements.iter().rev().find_map(|statement| match &statement.kind {
        StatementKind::Let { name: known, value: LetValue::Expr(expr) } if known.text == name => Some(expr),
        _ => None,
    })
}

/// How deep names are followed, so that one that names itself ends.
const DEEP: usize = 10;

/// A table's source and all operators that it goes through, in order: names of the query's own and
/// parentheses are followed.
pub(super) fn pipeline<'t, 'a>(query: &'t Query<'a>, expr: &'t Expr<'a>) -> (&'t Expr<'a>, Vec<&'t Stage<'a>>) {
    let (mut at, mut parts) = (expr, Vec::new());
    for _ in 0..DEEP {
        match &at.kind {
            ExprKind::Paren(inner) | ExprKind::Wrapped { inner, .. } => at = inner,
            ExprKind::Pipe { source, stages } => {
                parts.push(stages.as_slice());
                at = source;
            }
            ExprKind::Name(name) => match declared(query, name.text) {
                Some(declared) => at = declared,
                None => break,
            },
            _ => break,
        }
    }
    (at, parts.into_iter().rev().flatten().collect())
}

/// The name, where the expression is one.
pub(super) fn name<'a>(expr: &Expr<'a>) -> Option<&'a str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text),
        ExprKind::Paren(inner) => name_of_paren(inner),
        _ => None,
    }
}

fn name_of_paren<'a>(inner: &Expr<'a>) -> Option<&'a str> {
    match &inner.kind {
        ExprKind::Name(name) => Some(name.text),
        _ => None,
    }
}

/// The content of a string, where the expression is one and its escapes are simple.
pub(super) fn string(expr: &Expr<'_>) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(literal) => content(literal),
        ExprKind::Paren(inner) => string(inner),
        _ => None,
    }
}

/// What a string literal says; of several in a row, nothing is said.
pub(super) fn content(literal: &Literal<'_>) -> Option<String> {
    if literal.ty != Type::String {
        return None;
    }
    let text = literal.text.trim_start_matches(['h', 'H']);
    for fence in ["```", "~~~"] {
        if let Some(inner) = text.strip_prefix(fence).and_then(|text| text.strip_suffix(fence)) {
            return Some(inner.to_owned());
        }
    }
    let (verbatim, text) = text.strip_prefix('@').map_or((false, text), |text| (true, text));
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    if verbatim {
        let double = String::from_iter([quote, quote]);
        return Some(inner.replace(&double, quote.encode_utf8(&mut [0; 4])));
    }
    unescaped(inner, quote)
}

fn unescaped(inner: &str, quote: char) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                // What these say doesn't matter to any lint.
                'x' | 'u' | 'U' | '0'..='9' | 'a' | 'b' | 'f' | 'v' => return None,
                c => out.push(c),
            },
            c if c == quote => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// The operators of a stage's kind that need no look: the rows stay as they are.
pub(super) const fn keeps_columns(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Where { .. }
            | Operator::Take { .. }
            | Operator::Sample(_)
            | Operator::Top { .. }
            | Operator::Sort { .. }
            | Operator::As { .. }
            | Operator::Render { .. }
    )
}
