//! A query within bounds: held to a window, counted, and in parts.
//!
//! All of it is edits of the text, laid over the same tree, so that they go together with each other
//! and with a time to ask as of; every other byte stays. Each gives `None` where the text isn't
//! understood, or where it isn't certain that the query would mean the same.

use std::time::Duration;

use super::asof::write_as_of;
use super::catalogue;
use super::edits::Edits;
use super::facts::is_plain_call;
use super::parser::parse;
use super::schema::Schema;
use super::tree::{
    Expr, ExprKind, Function, Item, LetValue, Name, Operator, Query, Setting, Stage, Statement, StatementKind,
};
use super::walk::{Node, nodes};
use crate::model::time::{Timestamp, Window};

/// A query on its way to another text. Steps may come in any order; what goes to the query's end
/// (`counted`, `part`) stands there in the order of the calls.
#[derive(Debug, Clone)]
pub struct Rewriting<'q, 'a> {
    text: &'a str,
    query: &'q Query<'a>,
    edits: Edits,
}

impl<'q, 'a> Rewriting<'q, 'a> {
    /// Of a text and its tree.
    #[must_use]
    pub fn of(text: &'a str, query: &'q Query<'a>) -> Self {
        Self { text, query, edits: Edits::default() }
    }

    /// As of a time: see [`super::asof`].
    #[must_use]
    pub fn as_of(mut self, at: Timestamp) -> Self {
        write_as_of(self.query, at, &mut self.edits);
        self
    }

    /// With a bound on its time behind each table of events that it reads, for an API that is given no
    /// time span: `[from, to)`, to the tick of 100 ns that the service counts in. Tables without a time
    /// column are left alone. `None` where a table may be read that isn't bounded: one that isn't known,
    /// `table(…)`, `union Device*`, `search`, `find`; and where a bound would change what comes out:
    /// `union withsource=…` gives the name of a table only where it stands alone.
    #[must_use]
    pub fn within(mut self, schema: &Schema, window: Window) -> Option<Self> {
        Bounds { schema, own: own_names(self.query), window, edits: &mut self.edits }.query(self.query)?;
        Some(self)
    }

    /// How many rows it has, as one row with the column `Count`.
    #[must_use]
    pub fn counted(self) -> Option<Self> {
        self.ending("count".to_owned())
    }

    /// The `n`th of `of` parts of its rows, `n` from 0, by a hash over the whole row. The parts add up
    /// to the whole as long as rows stay as they are between the calls.
    #[must_use]
    pub fn part(self, n: u32, of: u32) -> Option<Self> {
        (n < of).then(|| self.ending(format!("where hash(tostring(pack_all()), {of}) == {n}"))).flatten()
    }

    /// With one more operator at the end. A `render` has no meaning for an API, and nothing may stand
    /// behind it: the operator takes its place.
    fn ending(mut self, operator: String) -> Option<Self> {
        let mut results = self.query.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Query(expr) => Some(expr),
            _ => None,
        });
        let (Some(result), None) = (results.next(), results.next()) else { return None };
        let last = match &result.kind {
            ExprKind::Pipe { stages, .. } => stages.last(),
            ExprKind::Source(stage) => Some(&**stage),
            ExprKind::Name(_) | ExprKind::Call { .. } | ExprKind::Member { .. } | ExprKind::Paren(_) => None,
            // A value has no rows.
            _ => return None,
        };
        match last.map(|stage| (&stage.kind, stage.span)) {
            Some((Operator::Render { .. }, span)) => self.edits.replace(span, operator),
            // They give several results.
            Some((Operator::Fork(_) | Operator::Facet { .. } | Operator::Consume(_), _)) => return None,
            // On a line of its own: nothing in front of it can take it for more of itself.
            _ => self.edits.insert(result.span.end, format!("\n| {operator}")),
        }
        Some(self)
    }

    /// The text; `None` where it isn't understood, before or now.
    #[must_use]
    pub fn done(self) -> Option<String> {
        let clean = |text: &str| !parse(text).problems.iter().any(|problem| problem.code.is_of_syntax());
        if !clean(self.text) {
            return None;
        }
        self.edits.applied(self.text).filter(|text| clean(text))
    }
}

/// The query held to a window: [`Rewriting::within`].
#[must_use]
pub fn within(text: &str, query: &Query<'_>, schema: &Schema, window: Window) -> Option<String> {
    Rewriting::of(text, query).within(schema, window)?.done()
}

/// The query with its rows counted: [`Rewriting::counted`].
#[must_use]
pub fn counted(text: &str, query: &Query<'_>) -> Option<String> {
    Rewriting::of(text, query).counted()?.done()
}

/// A part of the query's rows: [`Rewriting::part`].
#[must_use]
pub fn part(text: &str, query: &Query<'_>, n: u32, of: u32) -> Option<String> {
    Rewriting::of(text, query).part(n, of)?.done()
}

/// Lays bounds on tables.
struct Bounds<'e, 'a> {
    schema: &'e Schema,
    /// Names of the query's own.
    own: Vec<&'a str>,
    window: Window,
    edits: &'e mut Edits,
}

impl<'a> Bounds<'_, 'a> {
    /// `None` where a table of events may stay without.
    fn query(&mut self, query: &Query<'a>) -> Option<()> {
        // Of a name that is a table's as well it isn't plain which is meant where.
        if self.own.iter().any(|name| self.schema.table(name).is_some()) {
            return None;
        }
        for node in nodes(query) {
            match node {
                Node::Statement(statement) => self.statement(statement)?,
                Node::Function(Function { result, .. }) => self.value(result.as_deref()?)?,
                Node::Expr(expr) => self.inside(expr)?,
                Node::Stage(stage) => self.stage(stage)?,
            }
        }
        Some(())
    }

    fn statement(&mut self, statement: &Statement<'a>) -> Option<()> {
        match &statement.kind {
            StatementKind::Query(expr) => self.table(expr, true),
            StatementKind::Let { value: LetValue::Expr(expr), .. } => self.value(expr),
            StatementKind::Let { value: LetValue::Function(_), .. }
            | StatementKind::Set { .. }
            | StatementKind::QueryParameters(_) => Some(()),
            StatementKind::Alias { .. } | StatementKind::Pattern { .. } | StatementKind::Restrict(_) => None,
        }
    }

    /// Tables that stand in an expression, beside what is told of its parts.
    fn inside(&mut self, expr: &Expr<'a>) -> Option<()> {
        match &expr.kind {
            ExprKind::Missing | ExprKind::Other | ExprKind::Wildcard(_) => None,
            ExprKind::Pipe { source, .. } => self.table(source, true),
            ExprKind::Wrapped { inner, .. } => self.value(inner),
            // A column may bear a table's name, and a table may be unknown.
            ExprKind::In { items, .. } => match items.as_slice() {
                [item] => match &bare(item).kind {
                    ExprKind::Name(name) => self.own.contains(&name.text).then_some(()),
                    _ => Some(()),
                },
                _ => Some(()),
            },
            ExprKind::Call { name, args } if !self.own.contains(&name.text) => {
                let reads = self.schema.function(name.text).is_some() && name.text != "FileProfile";
                (reads_no_table(name.text) && !reads && !args.iter().any(|arg| self.is_table(&arg.expr))).then_some(())
            }
            ExprKind::Call { args, .. } => self.args(args),
            _ => Some(()),
        }
    }

    fn args(&mut self, args: &[Item<'a>]) -> Option<()> {
        for arg in args {
            if self.is_table(&arg.expr) {
                self.table(&arg.expr, false)?;
            }
        }
        Some(())
    }

    fn stage(&mut self, stage: &Stage<'a>) -> Option<()> {
        match &stage.kind {
            Operator::Union { settings, tables } => {
                let named = |setting: &Setting<'_>| matches!(setting.name.text, "withsource" | "with_source");
                if settings.iter().any(named) {
                    return None;
                }
                tables.iter().try_for_each(|table| self.table(table, false))
            }
            Operator::Join { right, .. } | Operator::Lookup { right, .. } => self.table(right, false),
            Operator::Search { .. }
            | Operator::Find { .. }
            | Operator::MakeGraph { .. }
            | Operator::Broken
            | Operator::Other => None,
            _ => Some(()),
        }
    }

    /// A value or a table.
    fn value(&mut self, expr: &Expr<'a>) -> Option<()> {
        match &bare(expr).kind {
            ExprKind::Name(name) if self.schema.table(name.text).is_some() => self.table(expr, true),
            // `let x = T;` of a table that isn't known: or of anything else that is told of elsewhere.
            ExprKind::Name(name) if !self.own.contains(&name.text) => None,
            ExprKind::Member { .. } | ExprKind::Star => None,
            _ => Some(()),
        }
    }

    /// What stands in a table's place. `open`: an operator may follow it there without parentheses.
    fn table(&mut self, expr: &Expr<'a>, open: bool) -> Option<()> {
        let open = open || matches!(expr.kind, ExprKind::Paren(_));
        let inner = bare(expr);
        match &inner.kind {
            ExprKind::Name(name) if self.own.contains(&name.text) => Some(()),
            ExprKind::Name(name) => self.name(*name, open),
            ExprKind::Call { name, .. } if self.own.contains(&name.text) => Some(()),
            ExprKind::Pipe { .. } | ExprKind::Source(_) | ExprKind::Wrapped { .. } => Some(()),
            _ => None,
        }
    }

    fn name(&mut self, name: Name<'a>, open: bool) -> Option<()> {
        let table = self.schema.table(name.text)?;
        let Some(time) = table.time.as_deref() else { return Some(()) };
        let (from, to) = (tick(self.window.from), tick(self.window.to));
        let bound = format!(" | where {time} >= datetime({from}) and {time} < datetime({to})");
        if open {
            self.edits.insert(name.span.end, bound);
        } else {
            self.edits.insert(name.span.start, "(".to_owned());
            self.edits.insert(name.span.end, format!("{bound})"));
        }
        Some(())
    }

    /// Whether a bare name is that of a table.
    fn is_table(&self, expr: &Expr<'a>) -> bool {
        matches!(&bare(expr).kind, ExprKind::Name(name) if self.schema.table(name.text).is_some())
    }
}

/// Functions that read no table but the one that flows into them.
fn reads_no_table(name: &str) -> bool {
    let of_rows = matches!(name, "prev" | "next" | "rand" | "new_guid" | "FileProfile") || name.starts_with("row_");
    of_rows || is_plain_call(name) || catalogue::plugin(name).is_some()
}

/// Without parentheses around it.
fn bare<'t, 'a>(expr: &'t Expr<'a>) -> &'t Expr<'a> {
    let mut bare = expr;
    while let ExprKind::Paren(inner) = &bare.kind {
        bare = inner;
    }
    bare
}

/// The first tick at a time or after it. Events lie on ticks: so a bound that is rounded up, whichever
/// it is, has the same events on either side.
fn tick(at: Timestamp) -> Timestamp {
    const TICK: Duration = Duration::from_nanos(100);
    let floor = at.floor_to(TICK);
    if floor == at { at } else { floor.plus(TICK) }
}

/// Names that a query gives: of its `let`s, its functions' parameters, and with `as`.
fn own_names<'a>(query: &Query<'a>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for node in nodes(query) {
        match node {
            Node::Statement(Statement { kind: StatementKind::Let { name, .. }, .. })
            | Node::Stage(Stage { kind: Operator::As { name, .. }, .. }) => names.push(name.text),
            Node::Function(function) => names.extend(function.params.iter().map(|param| param.name.text)),
            _ => {}
        }
    }
    names
}
