//! How far back every read of a query looks from the clock, where that is certain.
//!
//! Steps from one time to another are laid by this: too long a span leaves events out that nobody
//! asks for again. So each place that reads the clock must be accounted for: it stands in a bound
//! such as `Timestamp > ago(1d)` on the event's own time, or in a name that is used in such bounds
//! alone. Anything else about the clock, and any time written out, gives no answer.

use std::cell::Cell;
use std::time::Duration;

use super::super::asof::Clock;
use super::super::schema::Schema;
use super::super::span::Span;
use super::super::tree::{
    Binary, Expr, ExprKind, Function, Item, LetValue, Operator, ParsePart, Query, Setting, Stage, StatementKind,
    Wrapper,
};
use super::super::types::Type;
use super::super::walk::{Node, Nodes, nodes, within};
use super::length::length;
use super::reach::{DEEP, Lets};

/// How many tables are looked at in all: names that use each other could give any number.
const STEPS: u32 = 5_000;

/// How far back from the clock each read of a table of events looks at least; up to the clock itself.
/// `None` where it can't be told for certain.
#[must_use]
pub fn back(query: &Query<'_>, schema: &Schema) -> Option<Duration> {
    let lets = Lets::of(query);
    let reader =
        Reader { lets: &lets, schema, clock: Clock::of(query), inner: inner_names(query), steps: Cell::new(STEPS) };
    let mut found = Found { shortest: None, spans: Vec::new() };
    for node in nodes(query) {
        match node {
            Node::Expr(Expr { kind: ExprKind::Pipe { source, stages }, .. }) => reader.pipe(source, stages, &mut found),
            Node::Expr(Expr { kind: ExprKind::Literal(literal), .. }) if literal.ty == Type::Datetime => return None,
            Node::Expr(Expr { kind: ExprKind::Missing | ExprKind::Other | ExprKind::Wildcard(_), .. })
            | Node::Stage(Stage {
                kind: Operator::Search { .. } | Operator::Find { .. } | Operator::Broken | Operator::Other,
                ..
            }) => return None,
            _ => {}
        }
    }
    let shortest = found.shortest.filter(|shortest| !shortest.is_zero())?;
    reader.is_all_told(query, &found.spans).then_some(shortest)
}

/// Bounds that were found.
struct Found {
    /// The shortest of all.
    shortest: Option<Duration>,
    /// Where they stand.
    spans: Vec<Span>,
}

struct Reader<'l, 't, 'a> {
    lets: &'l Lets<'t, 'a>,
    schema: &'l Schema,
    clock: Clock,
    /// Names with another meaning in places: parameters, names inside functions, columns that are made.
    inner: Vec<&'a str>,
    /// How many tables it will look at yet.
    steps: Cell<u32>,
}

impl<'t, 'a> Reader<'_, 't, 'a> {
    /// Finds the bounds in a pipe's own filters, as long as rows bear their event's own time.
    fn pipe(&self, source: &'t Expr<'a>, stages: &'t [Stage<'a>], found: &mut Found) {
        for time in ["Timestamp", "TimeGenerated", "ActivityTimestamp"] {
            if !self.has_time(source, time, 0) {
                continue;
            }
            for stage in stages {
                if let Operator::Where { predicate, .. } = &stage.kind {
                    self.filter(predicate, time, found);
                }
                if !self.keeps_time(stage, time, 0) {
                    break;
                }
            }
        }
    }

    /// Finds the bounds that must all hold.
    fn filter(&self, predicate: &'t Expr<'a>, time: &str, found: &mut Found) {
        let is_time = |expr: &Expr<'_>| matches!(&expr.kind, ExprKind::Name(name) if name.text == time);
        let mut rest = vec![predicate];
        while let Some(expr) = rest.pop() {
            let low = match &expr.kind {
                ExprKind::Paren(inner) => {
                    rest.push(inner);
                    continue;
                }
                ExprKind::Binary { op: Binary::And, left, right, .. } => {
                    rest.extend([&**left, &**right]);
                    continue;
                }
                ExprKind::Binary { op: Binary::Greater | Binary::GreaterEqual, left, right, .. } if is_time(left) => {
                    self.before_now(right, 0)
                }
                ExprKind::Binary { op: Binary::Less | Binary::LessEqual, left, right, .. } if is_time(right) => {
                    self.before_now(left, 0)
                }
                ExprKind::Binary { op: Binary::Less | Binary::LessEqual, left, right, .. } if is_time(left) => {
                    self.upper(right, expr.span, found);
                    continue;
                }
                ExprKind::Binary { op: Binary::Greater | Binary::GreaterEqual, left, right, .. } if is_time(right) => {
                    self.upper(left, expr.span, found);
                    continue;
                }
                ExprKind::Between { not: false, value, low, high, .. } if is_time(value) && self.is_now(high, 0) => {
                    self.before_now(low, 0)
                }
                _ => continue,
            };
            if let Some(low) = low {
                found.shortest = Some(found.shortest.map_or(low, |shortest| shortest.min(low)));
                found.spans.push(expr.span);
            }
        }
    }

    /// An upper bound of now cuts nothing off.
    fn upper(&self, high: &Expr<'a>, span: Span, found: &mut Found) {
        if self.is_now(high, 0) {
            found.spans.push(span);
        }
    }

    /// What a name stands for, where it can mean nothing else.
    fn meant(&self, name: &str) -> Option<&'t Expr<'a>> {
        let is_column = |name: &str| self.schema.tables().any(|table| table.column(name).is_some());
        match self.lets.get(name)? {
            // A column goes before a name of the query's own.
            LetValue::Expr(expr) if !self.inner.contains(&name) && !is_column(name) => Some(expr),
            _ => None,
        }
    }

    fn is_now(&self, expr: &Expr<'a>, deep: u32) -> bool {
        match &expr.kind {
            _ if deep > DEEP => false,
            ExprKind::Paren(inner) => self.is_now(inner, deep + 1),
            ExprKind::Name(name) => self.meant(name.text).is_some_and(|expr| self.is_now(expr, deep + 1)),
            ExprKind::Call { name, args } => name.text == "now" && args.is_empty() && self.clock.is_own(expr),
            _ => false,
        }
    }

    /// How long before now a moment is, at least.
    fn before_now(&self, expr: &Expr<'a>, deep: u32) -> Option<Duration> {
        if deep > DEEP {
            return None;
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.before_now(inner, deep + 1),
            ExprKind::Name(name) => self.before_now(self.meant(name.text)?, deep + 1),
            ExprKind::Call { name, args } => match (name.text, args.as_slice()) {
                ("now", []) if self.clock.is_own(expr) => Some(Duration::ZERO),
                ("now", [Item { expr: Expr { kind: ExprKind::Unary { minus: true, operand }, .. }, .. }])
                    if self.clock.is_own(expr) =>
                {
                    self.length(operand, deep + 1)
                }
                ("ago", [span]) if self.clock.is_own(expr) => self.length(&span.expr, deep + 1),
                // They round down: it is earlier, by how much depends.
                ("startofday" | "startofweek" | "startofmonth" | "startofyear", [of]) | ("bin" | "floor", [of, _]) => {
                    self.before_now(&of.expr, deep + 1)
                }
                ("todatetime", [of]) => self.before_now(&of.expr, deep + 1),
                _ => None,
            },
            ExprKind::Binary { op: Binary::Subtract, left, right, .. } => {
                self.before_now(left, deep + 1)?.checked_add(self.length(right, deep + 1)?)
            }
            ExprKind::Binary { op: Binary::Add, left, right, .. } => {
                self.before_now(left, deep + 1)?.checked_sub(self.length(right, deep + 1)?)
            }
            _ => None,
        }
    }

    fn length(&self, expr: &Expr<'a>, deep: u32) -> Option<Duration> {
        length(expr, &|name| self.meant(name), deep)
    }

    /// Whether a table's rows bear in `time` the time of the event that they come from.
    fn has_time(&self, expr: &'t Expr<'a>, time: &str, deep: u32) -> bool {
        if deep > DEEP || self.steps.get() == 0 {
            return false;
        }
        self.steps.set(self.steps.get() - 1);
        match &expr.kind {
            ExprKind::Name(name) => match self.lets.get(name.text) {
                Some(_) => self.meant(name.text).is_some_and(|expr| self.has_time(expr, time, deep + 1)),
                None => {
                    !self.inner.contains(&name.text)
                        && self.schema.table(name.text).is_some_and(|table| table.time.as_deref() == Some(time))
                }
            },
            ExprKind::Paren(inner) | ExprKind::Wrapped { wrapper: Wrapper::Materialize, inner } => {
                self.has_time(inner, time, deep + 1)
            }
            ExprKind::Pipe { source, stages } => {
                self.has_time(source, time, deep + 1)
                    && stages.iter().all(|stage| self.keeps_time(stage, time, deep + 1))
            }
            ExprKind::Source(stage) => match &stage.kind {
                Operator::Union { tables, .. } => tables.iter().all(|table| self.has_time(table, time, deep + 1)),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether rows still bear their event's time behind an operator.
    fn keeps_time(&self, stage: &'t Stage<'a>, time: &str, deep: u32) -> bool {
        let leaves = |items: &[Item<'_>]| !items.iter().any(|item| gives(item, time));
        match &stage.kind {
            Operator::Where { .. }
            | Operator::Lookup { .. }
            | Operator::Sort { .. }
            | Operator::As { .. }
            | Operator::ProjectReorder(_)
            // Without the column the service refuses the filter.
            | Operator::ProjectAway(_)
            | Operator::ProjectKeep(_) => true,
            Operator::Extend(items) | Operator::Project(items) | Operator::ProjectRename(items) => leaves(items),
            Operator::Distinct { columns, .. } => leaves(columns),
            Operator::MvExpand { columns, .. } => columns.iter().all(|column| leaves(std::slice::from_ref(&column.item))),
            Operator::Parse { pattern, .. } => {
                !pattern.iter().any(|part| matches!(part, ParsePart::Column { name, .. } if name.text == time))
            }
            Operator::ParseKv { columns, .. } => !columns.iter().any(|column| column.name.text == time),
            // Columns of the right table come under another name where the left one has theirs.
            Operator::Join { settings, .. } => !gives_right_rows(settings),
            Operator::Union { tables, .. } => tables.iter().all(|table| self.has_time(table, time, deep + 1)),
            Operator::Invoke(call) => matches!(&call.kind, ExprKind::Call { name, .. } if name.text == "FileProfile"),
            _ => false,
        }
    }

    /// Whether the clock is read in these bounds alone, or in names that are used in them alone.
    fn is_all_told(&self, query: &Query<'a>, bounds: &[Span]) -> bool {
        let told = |span: Span| bounds.iter().any(|bound| bound.start <= span.start && span.end <= bound.end);
        // Names are declared before they are used.
        let mut of_clock: Vec<&str> = Vec::new();
        for statement in &query.statements {
            let reads = |node: Node<'_, '_>| match node {
                Node::Expr(Expr { kind: ExprKind::Name(name), span }) => of_clock.contains(&name.text) && !told(*span),
                Node::Expr(Expr { kind: ExprKind::Call { name, .. }, span }) => {
                    (self.clock.read(node).is_some() || of_clock.contains(&name.text)) && !told(*span)
                }
                _ => false,
            };
            if !Nodes::from(Node::Statement(statement)).any(reads) {
                continue;
            }
            match &statement.kind {
                StatementKind::Let { name, .. } => of_clock.push(name.text),
                _ => return false,
            }
        }
        true
    }
}

/// Whether an item makes a column of that name anew. One without a name is called after what is in it:
/// `bin(Timestamp, 1h)`.
pub(super) fn gives(item: &Item<'_>, time: &str) -> bool {
    let speaks =
        |node: Node<'_, '_>| matches!(node, Node::Expr(Expr { kind: ExprKind::Name(name), .. }) if name.text == time);
    match &item.expr.kind {
        ExprKind::Name(_) if item.names.is_empty() => false,
        _ if item.names.is_empty() => within(&item.expr).any(speaks),
        _ => item.names.iter().any(|name| name.text == time),
    }
}

/// Whether a join gives rows that come of the right table alone.
pub(super) fn gives_right_rows(settings: &[Setting<'_>]) -> bool {
    settings.iter().filter(|setting| setting.name.text == "kind").any(|setting| match &setting.value.kind {
        ExprKind::Name(name) => name.text.starts_with("right") || name.text == "fullouter",
        _ => true,
    })
}

/// Names that mean something else in places than in the query's own `let`s.
fn inner_names<'a>(query: &Query<'a>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for node in nodes(query) {
        match node {
            Node::Function(Function { params, statements, .. }) => {
                names.extend(params.iter().map(|param| param.name.text));
                names.extend(statements.iter().filter_map(|statement| match &statement.kind {
                    StatementKind::Let { name, .. } => Some(name.text),
                    _ => None,
                }));
            }
            Node::Stage(stage) => columns_made(stage, &mut names),
            _ => {}
        }
    }
    names
}

fn columns_made<'a>(stage: &Stage<'a>, names: &mut Vec<&'a str>) {
    let mut of_items =
        |items: &[Item<'a>]| names.extend(items.iter().flat_map(|item| item.names.iter().map(|name| name.text)));
    match &stage.kind {
        Operator::Extend(items)
        | Operator::Project(items)
        | Operator::ProjectRename(items)
        | Operator::Print(items)
        | Operator::Serialize(items) => of_items(items),
        Operator::Summarize { aggregates, by, .. } => {
            of_items(aggregates);
            of_items(by.as_deref().unwrap_or_default());
        }
        Operator::Distinct { columns, .. } => of_items(columns),
        Operator::MvExpand { columns, .. } | Operator::MvApply { columns, .. } => {
            names.extend(columns.iter().flat_map(|column| column.item.names.iter().map(|name| name.text)));
        }
        Operator::Parse { pattern, .. } => names.extend(pattern.iter().filter_map(|part| match part {
            ParsePart::Column { name, .. } => Some(name.text),
            _ => None,
        })),
        Operator::ParseKv { columns, .. }
        | Operator::Datatable { columns, .. }
        | Operator::Externaldata { columns, .. } => names.extend(columns.iter().map(|column| column.name.text)),
        Operator::Evaluate { schema: Some(columns), .. } => {
            names.extend(columns.iter().flatten().map(|column| column.name.text));
        }
        Operator::As { name, .. } | Operator::Range { name, .. } => names.push(name.text),
        _ => {}
    }
}
