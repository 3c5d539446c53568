//! Of what kind a query's result is.

use super::super::binder::Column;
use super::super::catalogue;
use super::super::schema::Schema;
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Item, Operator, Query, Stage, StatementKind};
use super::super::walk::{Node, nodes};
use super::reach::Reader;

/// Where a result is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where the operator stands.
    pub span: Span,
    /// Rows are in an order when it cuts, so that the same data give the same rows.
    pub stable: bool,
}

/// What the shape of a query says.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) cut: Option<Cut>,
    pub(super) deterministic: bool,
    pub(super) row_wise: bool,
    /// How many operators are dear: joins, searches over everything.
    pub(super) heavy: u32,
}

pub(super) fn shape<'a>(query: &Query<'a>, schema: &'a Schema) -> Shape {
    let mut shape = Shape { deterministic: true, ..Shape::default() };
    for node in nodes(query) {
        match node {
            Node::Expr(Expr { kind: ExprKind::Pipe { stages, .. }, .. }) => {
                if let (None, Some(cut)) = (&shape.cut, cut(stages)) {
                    shape.cut = Some(cut);
                }
            }
            Node::Expr(Expr { kind: ExprKind::Call { name, .. }, .. }) => {
                // The clock is no chance: a run has one time.
                let clock = matches!(name.text, "now" | "ago");
                if !clock && catalogue::function(name.text).is_some_and(|function| !function.deterministic) {
                    shape.deterministic = false;
                }
            }
            Node::Stage(stage) => {
                shape.heavy += match stage.kind {
                    Operator::Join { .. } | Operator::MakeGraph { .. } => 1,
                    Operator::Search { tables: None, .. } | Operator::Find { tables: None, .. } => 30,
                    _ => 0,
                };
                shape.deterministic &= !matches!(stage.kind, Operator::Sample(_) | Operator::SampleDistinct { .. });
            }
            _ => {}
        }
    }
    let mut reader = Reader::new(query, schema);
    let result = query.statements.iter().rev().find_map(|statement| match &statement.kind {
        StatementKind::Query(expr) => Some(expr),
        _ => None,
    });
    shape.row_wise = result.is_some_and(|expr| row_wise(expr, &mut reader, schema, 0));
    shape
}

/// The first operator of a pipe that cuts.
fn cut(stages: &[Stage<'_>]) -> Option<Cut> {
    let mut ordered = false;
    for stage in stages {
        match &stage.kind {
            Operator::Sort { .. } => ordered = true,
            Operator::Summarize { .. } | Operator::Join { .. } | Operator::Union { .. } | Operator::Distinct { .. } => {
                ordered = false;
            }
            Operator::Take { .. } => return Some(Cut { span: stage.keyword, stable: ordered }),
            Operator::Sample(_) | Operator::SampleDistinct { .. } => {
                return Some(Cut { span: stage.keyword, stable: false });
            }
            Operator::Top { .. } | Operator::TopNested(_) => return Some(Cut { span: stage.keyword, stable: true }),
            Operator::TopHitters { .. } => return Some(Cut { span: stage.keyword, stable: false }),
            _ => {}
        }
    }
    None
}

/// Whether rows come out one by one, each from one row of one table of events.
fn row_wise<'t, 'a>(expr: &'t Expr<'a>, reader: &mut Reader<'t, 'a>, schema: &'a Schema, deep: u32) -> bool {
    if deep > 12 {
        return false;
    }
    match &expr.kind {
        ExprKind::Name(name) => match reader.own(name.text) {
            Some(expr) => row_wise(expr, reader, schema, deep + 1),
            None => schema.table(name.text).is_some(),
        },
        ExprKind::Paren(inner) => row_wise(inner, reader, schema, deep + 1),
        ExprKind::Pipe { source, stages } => {
            row_wise(source, reader, schema, deep + 1)
                && stages.iter().all(|stage| row_wise_stage(stage, reader, schema, deep))
        }
        ExprKind::Source(stage) => match &stage.kind {
            Operator::Union { tables, .. } => tables.iter().all(|table| row_wise(table, reader, schema, deep + 1)),
            _ => false,
        },
        _ => false,
    }
}

fn row_wise_stage<'t, 'a>(stage: &'t Stage<'a>, reader: &mut Reader<'t, 'a>, schema: &'a Schema, deep: u32) -> bool {
    let mut plain = |expr: &'t Expr<'a>| !looks_around(expr) && !reader.reads_events(expr);
    match &stage.kind {
        Operator::Where { predicate, .. } => plain(predicate),
        Operator::Extend(items) | Operator::Project(items) => items.iter().all(|item| plain(&item.expr)),
        Operator::ProjectAway(_)
        | Operator::ProjectKeep(_)
        | Operator::ProjectReorder(_)
        | Operator::ProjectRename(_)
        | Operator::Sort { .. }
        | Operator::As { .. }
        | Operator::Render { .. } => true,
        Operator::MvExpand { columns, limit: None, .. } => columns.iter().all(|column| plain(&column.item.expr)),
        Operator::Parse { source, .. } | Operator::ParseKv { source, .. } => plain(source),
        Operator::Join { right, .. } | Operator::Lookup { right, .. } => {
            reader.source(right).iter().all(|leaf| leaf.known && leaf.time.is_none())
        }
        Operator::Union { tables, .. } => tables.iter().all(|table| row_wise(table, reader, schema, deep + 1)),
        Operator::Invoke(call) => {
            matches!(&call.kind, ExprKind::Call { name, .. } if schema.function(name.text).is_some())
        }
        _ => false,
    }
}

/// Whether an expression looks at other rows: `prev()`, `row_number()` and their like.
fn looks_around(expr: &Expr<'_>) -> bool {
    super::super::walk::within(expr).any(|node| match node {
        Node::Expr(Expr { kind: ExprKind::Call { name, .. }, .. }) => {
            matches!(
                name.text,
                "prev"
                    | "next"
                    | "row_number"
                    | "row_cumsum"
                    | "row_rank_dense"
                    | "row_rank_min"
                    | "row_window_session"
                    | "rand"
            )
        }
        _ => false,
    })
}

/// Columns whose arrays have no order.
pub(super) fn sets(query: &Query<'_>, columns: Option<&[Column<'_>]>) -> Vec<String> {
    let Some(columns) = columns else { return Vec::new() };
    let mut sets: Vec<String> = Vec::new();
    for node in nodes(query) {
        let Node::Stage(stage) = node else { continue };
        match &stage.kind {
            Operator::Summarize { aggregates, .. } => {
                for item in aggregates {
                    sets.extend(set(item));
                }
            }
            // A set under another name is a set.
            Operator::Project(items) | Operator::Extend(items) | Operator::ProjectRename(items) => {
                for item in items {
                    if let (ExprKind::Name(old), Some(new)) = (&item.expr.kind, item.names.first())
                        && sets.iter().any(|set| set == old.text)
                    {
                        sets.push(new.text.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    sets.retain(|set| columns.iter().any(|column| column.name == *set && column.ty.is_dynamic()));
    sets.sort();
    sets.dedup();
    sets
}

/// The name of a column that holds a set.
fn set(item: &Item<'_>) -> Option<String> {
    let ExprKind::Call { name, args } = &item.expr.kind else { return None };
    let prefix = match name.text {
        "make_set" | "makeset" | "make_set_if" => "set",
        // Rows come in no order, and so do the elements of a list.
        "make_list" | "makelist" | "make_list_if" | "make_list_with_nulls" => "list",
        _ => return None,
    };
    if let Some(name) = item.names.first() {
        return Some(name.text.to_owned());
    }
    let of = args.first().map(|arg| &arg.expr.kind);
    Some(match of {
        Some(ExprKind::Name(name)) => format!("{prefix}_{}", name.text),
        _ => format!("{prefix}_"),
    })
}

/// Columns that may tell the rows of the result apart, the best first.
pub(super) fn keys<'a>(
    query: &Query<'a>,
    tables: &[&'a str],
    columns: Option<&[Column<'a>]>,
    schema: &'a Schema,
) -> Vec<Vec<String>> {
    let Some(columns) = columns else { return Vec::new() };
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    let mut keys: Vec<Vec<String>> = Vec::new();
    // What the last grouping is by tells its rows apart.
    if let Some(by) = last_by(query) {
        if !by.is_empty() && by.iter().all(|name| has(name)) {
            keys.push(by);
        }
    } else {
        for table in tables.iter().filter_map(|table| schema.table(table)) {
            let key: Vec<String> = table.key.iter().map(ToString::to_string).collect();
            if !key.is_empty() && key.iter().all(|name| has(name)) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        for some in [&["Timestamp", "DeviceName", "ReportId"][..], &["Timestamp", "ReportId"][..]] {
            let key: Vec<String> = some.iter().map(|&name| name.to_owned()).collect();
            if keys.is_empty() && some.iter().all(|name| has(name)) {
                keys.push(key);
            }
        }
    }
    keys
}

/// The columns of the last grouping in the result's own pipe; `None` where rows aren't grouped.
fn last_by(query: &Query<'_>) -> Option<Vec<String>> {
    let result = query.statements.iter().rev().find_map(|statement| match &statement.kind {
        StatementKind::Query(Expr { kind: ExprKind::Pipe { stages, .. }, .. }) => Some(stages),
        _ => None,
    })?;
    result.iter().rev().find_map(|stage| match &stage.kind {
        Operator::Summarize { by, .. } | Operator::MakeSeries { by, .. } => {
            Some(names(by.as_deref().unwrap_or_default()))
        }
        Operator::Distinct { columns, .. } => Some(names(columns)),
        _ => None,
    })
}

fn names(items: &[Item<'_>]) -> Vec<String> {
    items
        .iter()
        .map(|item| match (item.names.first(), &item.expr.kind) {
            (Some(name), _) | (None, ExprKind::Name(name)) => name.text.to_owned(),
            // bin(Timestamp, 1h) is called Timestamp.
            (None, ExprKind::Call { args, .. }) => match args.first().map(|arg| &arg.expr.kind) {
                Some(ExprKind::Name(name)) => name.text.to_owned(),
                _ => String::new(),
            },
            _ => String::new(),
        })
        .collect()
}
