//! L032: a filter after a join that belongs before it; L033: a join without a kind.

use std::collections::HashSet;

use super::query::{declared, keeps_columns, name, pipeline};
use super::{At, Note, Subject};
use crate::rules::kql::tree::{Binary, Expr, ExprKind, Item, Operator, Setting, Stage};
use crate::rules::kql::walk::{Node, nodes};

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    for node in nodes(&subject.analysis.query) {
        let Node::Expr(Expr { kind: ExprKind::Pipe { source, stages }, .. }) = node else { continue };
        for (at, stage) in stages.iter().enumerate() {
            let Operator::Join { settings, .. } = &stage.kind else { continue };
            let kind = kind(settings);
            if kind.is_none() {
                notes.push(without_kind(stage));
            }
            let keeps_left =
                matches!(kind, None | Some("inner" | "innerunique" | "leftouter" | "leftsemi" | "leftanti"));
            if keeps_left {
                let (before, after) = stages.split_at_checked(at).unwrap_or_default();
                let after = after.get(1..).unwrap_or_default();
                late_filters(subject, source, before, after, notes);
            }
        }
    }
}

/// The kind of a join, where it says one.
fn kind<'a>(settings: &[Setting<'a>]) -> Option<&'a str> {
    let setting = settings.iter().find(|setting| setting.name.text == "kind")?;
    name(&setting.value).or(Some(""))
}

fn without_kind(stage: &Stage<'_>) -> Note {
    let message = "a join without a kind keeps only one left row of each key, any one";
    Note::new("L033", At::Query(stage.keyword), message)
        .hint("write `join kind=inner` for every pair, or `kind=innerunique` if it is meant so")
}

/// Filters right after a join that look only at its left side.
fn late_filters<'s>(
    subject: &'s Subject<'s>,
    source: &'s Expr<'s>,
    before: &'s [Stage<'s>],
    after: &'s [Stage<'s>],
    notes: &mut Vec<Note>,
) {
    let filters: Vec<_> = after
        .iter()
        .map_while(|stage| match &stage.kind {
            Operator::Where { predicate, .. } => Some(predicate),
            _ => None,
        })
        .collect();
    if filters.is_empty() {
        return;
    }
    let Some(left) = left_columns(subject, source, before) else { return };
    for part in filters.into_iter().flat_map(conjuncts) {
        let mut names = Vec::new();
        let told = columns(part, &mut names) && names.iter().any(|name| left.contains(name));
        let constant = |name: &&str| declared(&subject.analysis.query, name).is_some();
        if told && names.iter().all(|name| left.contains(name) || constant(name)) {
            let message = "this filter looks only at the left side of the join, and comes after it";
            notes.push(
                Note::new("L032", At::Query(part.span), message)
                    .hint("put it before the join: fewer rows are then joined"),
            );
        }
    }
}

/// The parts of a condition that must all hold.
fn conjuncts<'t, 'a>(expr: &'t Expr<'a>) -> Vec<&'t Expr<'a>> {
    let (mut open, mut found) = (vec![expr], Vec::new());
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Binary { op: Binary::And, left, right, .. } => open.extend([&**right, &**left]),
            _ => found.push(expr),
        }
    }
    found
}

/// The names that an expression reads; false where it can't be told, or where it reads a table.
fn columns<'a>(expr: &Expr<'a>, out: &mut Vec<&'a str>) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Dynamic(_) | ExprKind::TypeOf(_) => true,
        ExprKind::Name(name) => {
            out.push(name.text);
            true
        }
        ExprKind::Call { args, .. } => args.iter().all(|arg| columns(&arg.expr, out)),
        ExprKind::Member { object, .. } => columns(object, out),
        ExprKind::Index { object, index } => columns(object, out) && columns(index, out),
        ExprKind::Unary { operand, .. } => columns(operand, out),
        ExprKind::Binary { left, right, .. } => columns(left, out) && columns(right, out),
        ExprKind::In { value, items, .. } => columns(value, out) && items.iter().all(|item| columns(item, out)),
        ExprKind::Between { value, low, high, .. } => columns(value, out) && columns(low, out) && columns(high, out),
        ExprKind::Paren(inner) => columns(inner, out),
        _ => false,
    }
}

/// The columns of the left side of a join; `None` where they can't be told.
fn left_columns<'s>(
    subject: &'s Subject<'s>,
    source: &'s Expr<'s>,
    before: &'s [Stage<'s>],
) -> Option<HashSet<&'s str>> {
    let (source, stages) = pipeline(&subject.analysis.query, source);
    let table = subject.world.schema.table(name(source)?)?;
    let mut columns: HashSet<&str> = table.columns().iter().map(|column| &*column.name).collect();
    for stage in stages.into_iter().chain(before) {
        match &stage.kind {
            operator if keeps_columns(operator) => {}
            Operator::Extend(items) => columns.extend(made(items)?),
            Operator::Summarize { aggregates, by, .. } => {
                let mut all = made(aggregates)?;
                all.extend(made(by.as_deref().unwrap_or_default())?);
                columns = all.into_iter().collect();
            }
            Operator::Project(items) | Operator::Distinct { columns: items, .. } => {
                columns = made(items)?.into_iter().collect();
            }
            Operator::ProjectAway(exprs) => {
                for expr in exprs {
                    columns.remove(name(expr)?);
                }
            }
            _ => return None,
        }
    }
    Some(columns)
}

/// The names that items give; `None` where one gives itself a name.
fn made<'a>(items: &[Item<'a>]) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    for item in items {
        if item.names.is_empty() {
            names.push(name(&item.expr)?);
        } else {
            names.extend(item.names.iter().map(|name| name.text));
        }
    }
    Some(names)
}
