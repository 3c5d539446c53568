//! How far back a query looks by itself.

use std::time::Duration;

use super::super::schema::Schema;
use super::super::span::Span;
use super::super::tree::{Binary, Condition, Expr, ExprKind, LetValue, Name, Operator, Query, Stage, StatementKind};
use super::super::types::Type;
use super::super::walk::{Node, Nodes, within, within_stage};
use super::length::length;
use crate::model::time::Timestamp;

/// A place where a query reads a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The table.
    pub table: &'a str,
    /// Where its name stands.
    pub span: Span,
    /// The schema has it.
    pub known: bool,
    /// Its time column; none for a table that has none, or that isn't known.
    pub time: Option<&'a str>,
    /// Since when rows are looked for, where the query says it.
    pub back: Option<Moment>,
}

/// A moment in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long before now.
    Ago(Duration),
    /// At a time.
    At(Timestamp),
}

/// How far back a query looks by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nowhere a time filter: the window that the API is given alone bounds it.
    #[default]
    Open,
    /// At most so far, everywhere.
    Back(Duration),
    /// At most so far where it filters, and without a filter of its own at other places.
    Partly(Duration),
    /// At least one place has an absolute time.
    Absolute,
    /// It reads no table that has a time.
    Timeless,
}

impl Reach {
    /// The reach of all places together.
    #[must_use]
    pub fn of(leaves: &[Leaf<'_>]) -> Self {
        let timed: Vec<&Leaf<'_>> = leaves.iter().filter(|leaf| leaf.time.is_some()).collect();
        if timed.is_empty() {
            // A table that isn't known may have a time.
            return if leaves.iter().all(|leaf| leaf.known) { Self::Timeless } else { Self::Open };
        }
        if timed.iter().any(|leaf| matches!(leaf.back, Some(Moment::At(_)))) {
            return Self::Absolute;
        }
        let spans = timed.iter().filter_map(|leaf| match leaf.back {
            Some(Moment::Ago(span)) => Some(span),
            _ => None,
        });
        match spans.max() {
            None => Self::Open,
            Some(longest) if timed.iter().all(|leaf| leaf.back.is_some()) => Self::Back(longest),
            Some(longest) => Self::Partly(longest),
        }
    }
}

/// How deep names of the query's own are followed.
pub(super) const DEEP: u32 = 12;
/// How many reads are told at most: functions that call each other could give any number.
const MOST: usize = 512;
/// How many expressions are looked at in all.
const STEPS: u32 = 20_000;

/// Names of the query's own, with what they stand for: a function stands for its result.
#[derive(Debug)]
pub(super) struct Lets<'t, 'a> {
    /// By name, each once.
    sorted: Vec<(&'a str, &'t LetValue<'a>)>,
}

impl<'t, 'a> Lets<'t, 'a> {
    /// Of a query.
    pub(super) fn of(query: &'t Query<'a>) -> Self {
        let declared = query.statements.iter().rev().filter_map(|statement| match &statement.kind {
            StatementKind::Let { name, value } => Some((name.text, value)),
            _ => None,
        });
        let mut sorted: Vec<_> = declared.collect();
        // Of several of a name the last counts, which comes first here.
        sorted.sort_by_key(|(name, _)| *name);
        sorted.dedup_by_key(|(name, _)| *name);
        Self { sorted }
    }

    /// What a name was given to.
    pub(super) fn get(&self, name: &str) -> Option<&'t LetValue<'a>> {
        let at = self.sorted.binary_search_by_key(&name, |(known, _)| *known).ok()?;
        self.sorted.get(at).map(|(_, value)| *value)
    }

    /// The expression that a name stands for.
    pub(super) fn expr(&self, name: &str) -> Option<&'t Expr<'a>> {
        match self.get(name)? {
            LetValue::Expr(expr) => Some(expr),
            LetValue::Function(function) => function.result.as_deref(),
        }
    }

    /// Whether queries may be among what the names stand for.
    fn may_read(&self, schema: &Schema) -> bool {
        self.sorted.iter().any(|(name, _)| self.expr(name).is_some_and(|expr| may_read(expr, schema)))
    }
}

/// Finds reads.
pub(super) struct Reader<'l, 't, 'a> {
    lets: &'l Lets<'t, 'a>,
    schema: &'a Schema,
    /// There may be queries inside expressions.
    nested: bool,
    deep: u32,
    /// How many expressions it will look at yet.
    steps: u32,
}

impl<'l, 't, 'a> Reader<'l, 't, 'a> {
    /// For a query of these names. `nested`: it has queries inside others.
    pub(super) fn new(lets: &'l Lets<'t, 'a>, schema: &'a Schema, nested: bool) -> Self {
        let nested = nested || lets.may_read(schema);
        Self { lets, schema, nested, deep: 0, steps: STEPS }
    }

    /// The reads of a query, in the order of the text.
    pub(super) fn all(&mut self, query: &'t Query<'a>) -> Vec<Leaf<'a>> {
        let mut all = Vec::new();
        for statement in &query.statements {
            if let StatementKind::Query(expr) = &statement.kind {
                all.extend(self.leaves(expr));
            }
        }
        all.truncate(MOST);
        all
    }

    /// There may be queries inside expressions.
    pub(super) fn is_nested(&self) -> bool {
        self.nested
    }

    /// The reads of an expression, in the order of the text.
    pub(super) fn leaves(&mut self, expr: &'t Expr<'a>) -> Vec<Leaf<'a>> {
        if self.deep > DEEP || self.steps == 0 {
            return Vec::new();
        }
        self.steps -= 1;
        self.deep += 1;
        let found = match &expr.kind {
            ExprKind::Name(name) => self.name(*name),
            ExprKind::Paren(inner) | ExprKind::Wrapped { inner, .. } => self.leaves(inner),
            ExprKind::Call { name, args } => {
                let mut found = self.name(*name);
                for arg in args {
                    found.extend(self.leaves(&arg.expr));
                }
                found
            }
            ExprKind::Pipe { source, stages } => self.pipe(source, stages),
            ExprKind::Source(stage) => self.stage(stage),
            _ if self.nested => self.reads(within(expr)),
            _ => Vec::new(),
        };
        self.deep -= 1;
        found
    }

    fn name(&mut self, name: Name<'a>) -> Vec<Leaf<'a>> {
        if self.lets.get(name.text).is_some() {
            return self.lets.expr(name.text).map(|expr| self.leaves(expr)).unwrap_or_default();
        }
        match self.schema.table(name.text) {
            Some(table) => {
                vec![Leaf { table: &table.name, span: name.span, known: true, time: table.time.as_deref(), back: None }]
            }
            None => Vec::new(),
        }
    }

    /// The reads of an expression that is a table: a name that is nothing else is a table that isn't known.
    pub(super) fn source(&mut self, expr: &'t Expr<'a>) -> Vec<Leaf<'a>> {
        let found = self.leaves(expr);
        let mut bare = expr;
        while let ExprKind::Paren(inner) = &bare.kind {
            bare = inner;
        }
        match &bare.kind {
            ExprKind::Name(name) | ExprKind::Call { name, .. }
                if found.is_empty() && self.lets.get(name.text).is_none() =>
            {
                vec![Leaf { table: name.text, span: name.span, known: false, time: None, back: None }]
            }
            _ => found,
        }
    }

    fn pipe(&mut self, source: &'t Expr<'a>, stages: &'t [Stage<'a>]) -> Vec<Leaf<'a>> {
        let mut found = self.source(source);
        let mut rows = true;
        for stage in stages {
            if let (true, Operator::Where { predicate, .. }) = (rows, &stage.kind) {
                for leaf in &mut found {
                    let back = leaf.time.and_then(|time| self.since(predicate, time));
                    leaf.back = nearer(leaf.back, back);
                }
            }
            rows &= !matches!(
                stage.kind,
                Operator::Summarize { .. } | Operator::Count { .. } | Operator::MakeSeries { .. }
            );
            found.extend(self.stage(stage));
        }
        found
    }

    /// What an operator reads beside what flows into it.
    fn stage(&mut self, stage: &'t Stage<'a>) -> Vec<Leaf<'a>> {
        match &stage.kind {
            Operator::Union { tables, .. } => tables.iter().flat_map(|table| self.source(table)).collect(),
            Operator::Join { right, condition, .. } | Operator::Lookup { right, condition, .. } => {
                let mut found = self.source(right);
                if let Condition::Where(expr) = condition {
                    found.extend(self.leaves(expr));
                }
                found
            }
            Operator::Search { tables: Some(tables), .. } | Operator::Find { tables: Some(tables), .. } => {
                tables.iter().flat_map(|table| self.leaves(table)).collect()
            }
            _ => self.inside(stage),
        }
    }

    /// Queries inside an operator's expressions.
    fn inside(&mut self, stage: &'t Stage<'a>) -> Vec<Leaf<'a>> {
        if !self.nested {
            return Vec::new();
        }
        let mut nodes = within_stage(stage);
        nodes.next();
        self.reads(nodes)
    }

    /// What queries among these nodes read; none is looked at twice.
    fn reads(&mut self, nodes: Nodes<'t, 'a>) -> Vec<Leaf<'a>> {
        let mut nodes = nodes;
        let mut found = Vec::new();
        while let Some(node) = nodes.next() {
            let Node::Expr(expr) = node else { continue };
            match &expr.kind {
                ExprKind::Pipe { .. } | ExprKind::Wrapped { .. } => {
                    found.extend(self.leaves(expr));
                    nodes.skip_inside();
                }
                ExprKind::Name(name) | ExprKind::Call { name, .. } if self.lets.get(name.text).is_some() => {
                    found.extend(self.name(*name));
                }
                // `in (T)`: the first column of a table.
                ExprKind::In { items, .. } => {
                    if let [Expr { kind: ExprKind::Name(name), .. }] = items.as_slice()
                        && self.lets.get(name.text).is_none()
                    {
                        found.extend(self.name(*name));
                    }
                }
                _ => {}
            }
            if found.len() > MOST || self.steps == 0 {
                break;
            }
        }
        found
    }

    /// Since when a predicate lets rows through, by this time column.
    fn since(&self, predicate: &Expr<'a>, time: &str) -> Option<Moment> {
        let mut back = None;
        let mut rest = vec![predicate];
        while let Some(expr) = rest.pop() {
            match &expr.kind {
                ExprKind::Paren(inner) => rest.push(inner),
                ExprKind::Binary { op: Binary::And, left, right, .. } => rest.extend([&**left, &**right]),
                ExprKind::Binary { op: Binary::Greater | Binary::GreaterEqual, left, right, .. }
                    if is_time(left, time) =>
                {
                    back = nearer(back, self.moment(right, 0));
                }
                ExprKind::Binary { op: Binary::Less | Binary::LessEqual, left, right, .. } if is_time(right, time) => {
                    back = nearer(back, self.moment(left, 0));
                }
                ExprKind::Between { not: false, value, low, .. } if is_time(value, time) => {
                    back = nearer(back, self.moment(low, 0));
                }
                _ => {}
            }
        }
        back
    }

    fn length(&self, expr: &Expr<'a>, deep: u32) -> Option<Duration> {
        length(expr, &|name| self.lets.expr(name), deep)
    }

    /// The moment that an expression gives.
    fn moment(&self, expr: &Expr<'a>, deep: u32) -> Option<Moment> {
        if deep > DEEP {
            return None;
        }
        match &expr.kind {
            ExprKind::Paren(inner) => self.moment(inner, deep + 1),
            ExprKind::Name(name) => self.moment(self.lets.expr(name.text)?, deep + 1),
            ExprKind::Literal(literal) if literal.ty == Type::Datetime => datetime(literal.text).map(Moment::At),
            ExprKind::Call { name, args } => match (name.text, args.as_slice()) {
                ("now", []) => Some(Moment::Ago(Duration::ZERO)),
                ("ago", [span]) => self.length(&span.expr, deep + 1).map(Moment::Ago),
                // Rounded down to the beginning of a day at most.
                ("startofday" | "bin" | "floor", [of, ..]) => Some(match self.moment(&of.expr, deep + 1)? {
                    Moment::Ago(span) => Moment::Ago(span.checked_add(Duration::from_hours(24))?),
                    Moment::At(time) => Moment::At(time.minus(Duration::from_hours(24))),
                }),
                ("todatetime", [of]) => self.moment(&of.expr, deep + 1),
                _ => None,
            },
            ExprKind::Binary { op: op @ (Binary::Subtract | Binary::Add), left, right, .. } => {
                let (from, span) = (self.moment(left, deep + 1)?, self.length(right, deep + 1)?);
                Some(match (from, op) {
                    (Moment::Ago(ago), Binary::Subtract) => Moment::Ago(ago.checked_add(span)?),
                    (Moment::Ago(ago), _) => Moment::Ago(ago.saturating_sub(span)),
                    (Moment::At(time), Binary::Subtract) => Moment::At(time.minus(span)),
                    (Moment::At(time), _) => Moment::At(time.plus(span)),
                })
            }
            _ => None,
        }
    }
}

/// Whether an expression may read a table: of most `let`s it is plain that they don't.
fn may_read(expr: &Expr<'_>, schema: &Schema) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Dynamic(_) => false,
        ExprKind::Call { name, args } => {
            schema.table(name.text).is_some() || args.iter().any(|arg| may_read(&arg.expr, schema))
        }
        _ => true,
    }
}

/// Of two bounds the one that lets fewer rows through.
fn nearer(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (None, other) | (other, None) => other,
        (Some(Moment::Ago(a)), Some(Moment::Ago(b))) => Some(Moment::Ago(a.min(b))),
        (Some(Moment::At(a)), Some(Moment::At(b))) => Some(Moment::At(a.max(b))),
        // Which is nearer depends on when it is asked: the text's own time is the firmer one.
        (Some(at @ Moment::At(_)), _) | (_, Some(at @ Moment::At(_))) => Some(at),
    }
}

/// Whether an expression is the time column, or a part of a table's time that filters alike.
fn is_time(expr: &Expr<'_>, time: &str) -> bool {
    match &expr.kind {
        ExprKind::Name(name) => name.text == time || name.text == "TimeGenerated",
        ExprKind::Paren(inner) => is_time(inner, time),
        _ => false,
    }
}

/// The content of `datetime(…)`.
fn datetime(text: &str) -> Option<Timestamp> {
    let inner = inner(text)?;
    let day = inner.len() == 10 && inner.is_ascii();
    let full = if day {
        format!("{inner}T00:00:00Z")
    } else {
        let zoned = inner.ends_with(['Z', 'z']) || inner.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
        format!("{}{}", inner.replacen(' ', "T", 1), if zoned { "" } else { "Z" })
    };
    Timestamp::parse(&full)
}

/// What stands between parentheses and quotes.
pub(super) fn inner(text: &str) -> Option<&str> {
    let from = text.find('(')?;
    let inside = text.get(from + 1..)?.strip_suffix(')')?;
    Some(inside.trim().trim_matches(['"', '\'']))
}
