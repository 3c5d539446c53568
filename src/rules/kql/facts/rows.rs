//! Whether the rows of a result come one by one, each from one row of one table.
//!
//! Then the results of the parts of a window add up to the result of the whole. Being wrong here
//! loses hits or makes some up, so everything counts as against it that isn't known to be for it.

use super::super::catalogue;
use super::super::schema::{Schema, Table};
use super::super::tree::{
    Condition, Expr, ExprKind, Item, LetValue, Operator, Query, Setting, Stage, StatementKind, Wrapper,
};
use super::super::walk::{Node, Nodes, within};
use super::reach::Lets;

/// How deep names of the query's own are followed.
const DEEP: u32 = 12;
/// How many nodes are looked at in all: what is more counts as against it.
const STEPS: u32 = 50_000;

/// Tells whether each row comes from one row.
pub(super) struct Rows<'l, 't, 'a> {
    lets: &'l Lets<'t, 'a>,
    schema: &'a Schema,
    /// An expression may hold a query, or a function that isn't plain: else none needs a look.
    suspect: bool,
    /// How many nodes it will look at yet.
    steps: u32,
    /// The tables whose rows come out.
    feeds: Vec<&'a str>,
}

impl<'l, 't, 'a> Rows<'l, 't, 'a> {
    /// The tables whose rows come out one by one; `None` where they don't. `suspect`: the query has
    /// queries inside others, or functions that may look at more than their own row.
    pub(super) fn of(
        query: &'t Query<'a>,
        lets: &'l Lets<'t, 'a>,
        schema: &'a Schema,
        suspect: bool,
    ) -> Option<Vec<&'a str>> {
        let mut results = query.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Query(expr) => Some(expr),
            _ => None,
        });
        // Of several results nobody knows which the service gives.
        let (Some(result), None) = (results.next(), results.next()) else { return None };
        let mut rows = Self { lets, schema, suspect, steps: STEPS, feeds: Vec::new() };
        rows.table(result, 0).then_some(rows.feeds)
    }

    /// Whether a table's rows are those of tables, one by one.
    fn table(&mut self, expr: &'t Expr<'a>, deep: u32) -> bool {
        if deep > DEEP || self.steps == 0 {
            return false;
        }
        self.steps -= 1;
        match &expr.kind {
            ExprKind::Name(name) => match self.lets.get(name.text) {
                Some(LetValue::Expr(expr)) => self.table(expr, deep + 1),
                Some(LetValue::Function(_)) => false,
                None => self.schema.table(name.text).is_some_and(|table| self.feed(table)),
            },
            ExprKind::Paren(inner) | ExprKind::Wrapped { wrapper: Wrapper::Materialize, inner } => {
                self.table(inner, deep + 1)
            }
            ExprKind::Pipe { source, stages } => {
                self.table(source, deep + 1) && stages.iter().all(|stage| self.stage(stage, deep))
            }
            ExprKind::Source(stage) => match &stage.kind {
                Operator::Union { tables, .. } => tables.iter().all(|table| self.table(table, deep + 1)),
                _ => false,
            },
            _ => false,
        }
    }

    fn feed(&mut self, table: &'a Table) -> bool {
        let name = &*table.name;
        if !self.feeds.contains(&name) {
            self.feeds.push(name);
        }
        true
    }

    fn stage(&mut self, stage: &'t Stage<'a>, deep: u32) -> bool {
        match &stage.kind {
            Operator::Where { predicate, .. } => self.is_plain(predicate),
            Operator::Extend(items) | Operator::Project(items) => self.are_plain(items),
            // An order of rows is no part of a result that is compared as a set.
            Operator::ProjectAway(_)
            | Operator::ProjectKeep(_)
            | Operator::ProjectReorder(_)
            | Operator::ProjectRename(_)
            | Operator::Sort { .. }
            | Operator::As { .. }
            | Operator::Render { .. } => true,
            // A limit is of the rows that come of one row.
            Operator::MvExpand { columns, .. } => columns.iter().all(|column| self.is_plain(&column.item.expr)),
            // What is done, is done to the rows that come of one row.
            Operator::MvApply { columns, body, .. } => {
                columns.iter().all(|column| self.is_plain(&column.item.expr))
                    && body.as_deref().is_some_and(|body| self.is_quiet(body))
            }
            Operator::Parse { source, .. } | Operator::ParseKv { source, .. } => self.is_plain(source),
            Operator::Join { settings, right, condition } => {
                keeps_left(settings) && matches!(condition, Condition::On(_)) && self.is_still(right)
            }
            Operator::Lookup { right, condition, .. } => matches!(condition, Condition::On(_)) && self.is_still(right),
            Operator::Union { tables, .. } => tables.iter().all(|table| self.table(table, deep + 1)),
            Operator::Invoke(call) => match &call.kind {
                ExprKind::Call { name, args } => looks_up(name.text) && self.are_plain(args),
                _ => false,
            },
            _ => false,
        }
    }

    fn are_plain(&mut self, items: &'t [Item<'a>]) -> bool {
        items.iter().all(|item| self.is_plain(&item.expr))
    }

    /// Whether an expression looks at its own row alone, and at nothing that happens.
    fn is_plain(&mut self, expr: &'t Expr<'a>) -> bool {
        !self.suspect || self.is_quiet(expr)
    }

    /// Whether a table is the same for every part of a window.
    fn is_still(&mut self, right: &'t Expr<'a>) -> bool {
        self.is_table(right) && self.is_quiet(right)
    }

    /// Whether nothing in an expression reads a table of what happens, or looks at other rows of its
    /// own; names of the query's own are followed.
    fn is_quiet(&mut self, expr: &'t Expr<'a>) -> bool {
        let mut followed: Vec<&str> = Vec::new();
        let mut rest = vec![within(expr)];
        while let Some(nodes) = rest.pop() {
            for node in nodes {
                if self.steps == 0 {
                    return false;
                }
                self.steps -= 1;
                let quiet = match node {
                    Node::Expr(expr) => self.is_quiet_alone(expr),
                    Node::Stage(stage) => self.is_quiet_stage(stage),
                    Node::Statement(_) | Node::Function(_) => true,
                };
                if !quiet {
                    return false;
                }
                let Node::Expr(Expr { kind: ExprKind::Name(name) | ExprKind::Call { name, .. }, .. }) = node else {
                    continue;
                };
                if followed.contains(&name.text) {
                    continue;
                }
                match self.lets.get(name.text) {
                    // Outside of a pipe a name that isn't known can only be a table.
                    Some(LetValue::Expr(expr)) if self.is_unknown(expr) => return false,
                    Some(LetValue::Expr(expr)) => rest.push(within(expr)),
                    Some(LetValue::Function(function)) => rest.push(Nodes::from(Node::Function(function))),
                    None => continue,
                }
                followed.push(name.text);
            }
        }
        true
    }

    /// Without what is inside it.
    fn is_quiet_alone(&self, expr: &Expr<'a>) -> bool {
        let happens = |name: &str| self.schema.table(name).is_some_and(|table| table.time.is_some());
        match &expr.kind {
            ExprKind::Missing | ExprKind::Other => false,
            ExprKind::Name(name) => self.lets.get(name.text).is_some() || !happens(name.text),
            ExprKind::Call { name, .. } => self.lets.get(name.text).is_some() || is_plain_call(name.text),
            ExprKind::Pipe { source, .. } => self.is_table(source),
            ExprKind::Wrapped { inner, .. } => self.is_table(inner),
            _ => true,
        }
    }

    fn is_quiet_stage(&self, stage: &Stage<'a>) -> bool {
        match &stage.kind {
            Operator::Union { tables, .. } => tables.iter().all(|table| self.is_table(table)),
            Operator::Join { right, .. } | Operator::Lookup { right, .. } => self.is_table(right),
            Operator::Invoke(Expr { kind: ExprKind::Call { name, .. }, .. }) => looks_up(name.text),
            Operator::Search { .. }
            | Operator::Find { .. }
            | Operator::Invoke(_)
            | Operator::MakeGraph { .. }
            | Operator::Broken
            | Operator::Other => false,
            _ => true,
        }
    }

    /// Whether it is a bare name of nothing that is known.
    fn is_unknown(&self, expr: &Expr<'a>) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => self.lets.get(name.text).is_none() && self.schema.table(name.text).is_none(),
            ExprKind::Paren(inner) => self.is_unknown(inner),
            _ => false,
        }
    }

    /// Whether what stands in a table's place is known: a name that isn't may be a table of events.
    fn is_table(&self, expr: &Expr<'a>) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => self.lets.get(name.text).is_some() || self.schema.table(name.text).is_some(),
            ExprKind::Call { name, .. } => self.lets.get(name.text).is_some(),
            ExprKind::Paren(inner) => self.is_table(inner),
            ExprKind::Pipe { .. }
            | ExprKind::Source(_)
            | ExprKind::Wrapped { .. }
            // A value: it reads nothing by itself.
            | ExprKind::Binary { .. }
            | ExprKind::Literal(_)
            | ExprKind::Dynamic(_) => true,
            _ => false,
        }
    }
}

/// Whether a join gives each row of the left table for itself. `innerunique`, the default, keeps one
/// row of each key; the right ones and the full one give rows of the right table that met nobody.
fn keeps_left(settings: &[Setting<'_>]) -> bool {
    let mut kinds = settings.iter().filter(|setting| setting.name.text == "kind");
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    match &kind.value.kind {
        ExprKind::Name(name) => {
            matches!(name.text, "inner" | "leftouter" | "leftsemi" | "leftanti" | "leftantisemi" | "anti")
        }
        _ => false,
    }
}

/// Functions of Defender XDR that add to each row what is known of a file, whenever it is asked. Only
/// the first rows are looked up, a thousand at most: parts get more of them looked up than the whole.
fn looks_up(function: &str) -> bool {
    function == "FileProfile"
}

/// Whether a function looks at its arguments alone. What isn't known may read anything.
pub(in super::super) fn is_plain_call(name: &str) -> bool {
    let of_other_rows = matches!(name, "prev" | "next") || name.starts_with("row_");
    let of_elsewhere = matches!(
        name,
        "table"
            | "cluster"
            | "database"
            | "external_table"
            | "materialized_view"
            | "stored_query_result"
            | "entity_group"
            | "graph"
    );
    let known = || catalogue::function(name).is_some() || catalogue::aggregate(name).is_some();
    !of_other_rows && !of_elsewhere && !is_chance(name) && known()
}

/// Whether a function gives another value each time, for the same row and the same time of a run.
pub(super) fn is_chance(name: &str) -> bool {
    // A run has one time and one caller, and a row arrived once.
    let told = matches!(name, "now" | "ago" | "ingestion_time") || name.starts_with("current_");
    !told && catalogue::function(name).is_some_and(|function| !function.deterministic)
}
