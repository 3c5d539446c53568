//! Of what kind a query's result is.

use super::super::asof::Clock;
use super::super::binder::Column;
use super::super::schema::Schema;
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Item, Operator, Query, Stage, StatementKind};
use super::super::walk::{Node, nodes};
use super::rows::{is_chance, is_plain_call};

/// Where a result is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where the operator stands.
    pub span: Span,
    /// Rows are in an order when it cuts, so that the same data give the same rows.
    pub stable: bool,
}

/// What one walk over a query says.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; any of them goes with any other")]
pub(super) struct Shape {
    pub(super) cut: Option<Cut>,
    pub(super) deterministic: bool,
    pub(super) reads_clock: bool,
    /// How many operators are dear: joins, searches over everything.
    pub(super) heavy: u32,
    /// Names of columns that hold sets, on their way through the query.
    pub(super) sets: Vec<String>,
    /// There are queries inside others.
    pub(super) nested: bool,
    /// It asks when rows arrived.
    pub(super) arrives: bool,
    /// There are functions that may look at more than their own row.
    pub(super) suspect: bool,
}

impl Shape {
    /// The shape of a query.
    pub(super) fn of(query: &Query<'_>) -> Self {
        let mut shape = Self {
            cut: None,
            deterministic: true,
            reads_clock: false,
            heavy: 0,
            sets: Vec::new(),
            nested: false,
            arrives: false,
            suspect: false,
        };
        let clock = Clock::of(query);
        let mut queries = 0;
        for node in nodes(query) {
            match node {
                Node::Expr(Expr { kind: ExprKind::Pipe { stages, .. }, .. }) => {
                    queries += 1;
                    shape.cut = shape.cut.or_else(|| cut(stages));
                }
                Node::Expr(Expr { kind: ExprKind::Wrapped { .. }, .. }) => shape.nested = true,
                Node::Expr(Expr { kind: ExprKind::Source(_), .. }) => queries += 1,
                Node::Expr(Expr { kind: ExprKind::In { items, .. }, .. }) => {
                    shape.nested |= matches!(items.as_slice(), [Expr { kind: ExprKind::Name(_), .. }]);
                }
                Node::Expr(Expr { kind: ExprKind::Call { name, .. }, .. }) => {
                    shape.reads_clock |= clock.read(node).is_some();
                    shape.call(name.text);
                }
                Node::Stage(stage) => shape.stage(stage),
                _ => {}
            }
        }
        shape.nested |= queries > 1;
        shape
    }

    fn call(&mut self, name: &str) {
        self.suspect |= !is_plain_call(name);
        self.deterministic &= !is_chance(name);
        self.arrives |= name == "ingestion_time";
    }

    fn stage(&mut self, stage: &Stage<'_>) {
        match &stage.kind {
            Operator::Join { .. } | Operator::MakeGraph { .. } => self.heavy += 1,
            Operator::Search { tables: None, .. } | Operator::Find { tables: None, .. } => self.heavy += 30,
            Operator::Sample(_) | Operator::SampleDistinct { .. } => self.deterministic = false,
            Operator::Summarize { aggregates, by, .. } => {
                self.renamed(by.as_deref().unwrap_or_default());
                self.renamed(aggregates);
                self.sets.extend(aggregates.iter().filter_map(set));
            }
            Operator::Project(items) | Operator::Extend(items) | Operator::ProjectRename(items) => self.renamed(items),
            _ => {}
        }
    }

    /// A set under another name is a set; under its name there may be something else from here on.
    fn renamed(&mut self, items: &[Item<'_>]) {
        let is_set = |item: &&Item<'_>| match &item.expr.kind {
            ExprKind::Name(old) => self.sets.iter().any(|set| names_set(set, old.text)),
            _ => false,
        };
        let (sets, others): (Vec<_>, Vec<_>) = items.iter().partition(is_set);
        let named = |item: &&Item<'_>| item.names.first().map(|name| name.text.to_owned());
        let sets: Vec<String> = sets.iter().filter_map(named).collect();
        self.sets.retain(|set| !others.iter().any(|item| item.names.iter().any(|name| name.text == set)));
        self.sets.extend(sets);
    }
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

/// Columns whose arrays have no order, of those that hold sets on their way.
pub(super) fn sets(found: &[String], columns: Option<&[Column<'_>]>) -> Vec<String> {
    let Some(columns) = columns else { return Vec::new() };
    let is_set = |column: &&Column<'_>| column.ty.is_dynamic() && found.iter().any(|set| names_set(set, &column.name));
    let mut sets: Vec<String> = columns.iter().filter(is_set).map(|column| column.name.to_string()).collect();
    sets.sort();
    sets.dedup();
    sets
}

/// Whether a column is what a name of a set means: one that ends in `_` means all that begin so.
fn names_set(set: &str, column: &str) -> bool {
    set == column || (set.ends_with('_') && column.starts_with(set))
}

/// The name of a column that holds a set. What the service makes of an expression without a name begins
/// with `set_` or `list_`.
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
