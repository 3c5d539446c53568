//! The binder: what each name of a query means, and of which type each value is.
//!
//! It walks the tree once, keeping the columns of the table that flows through a pipe, and tells of
//! what the service would refuse. It is silent about what follows from an error that it told already:
//! an unknown value fits everywhere. Where not even the official analyser is sure, it warns at most.
//!
//! Source of the rules: the public KQL reference, <https://learn.microsoft.com/kusto/query/>.

mod call;
mod constant;
mod expectation;
mod expression;
mod fitting;
mod join;
mod names;
mod output;
mod pipe;
mod plugins;
mod reshape;
mod scope;
mod sources;
mod statement;
mod summarize;
mod unions;
mod wording;

use std::collections::HashSet;

pub use scope::Column;
use scope::{Local, Table, Value};

use super::problem::{Code, Problem};
use super::schema::Schema;
use super::span::Span;
use super::tree::Query;
use super::types::Type;

/// What the binder found.
#[derive(Debug, Default)]
pub struct Bound<'a> {
    /// Its problems, in the order of the walk.
    pub problems: Vec<Problem>,
    /// The columns that come out, where they are known; `None` where they can't be.
    pub columns: Option<Vec<Column<'a>>>,
}

/// Binds a tree.
#[must_use]
pub fn bind<'a>(query: &Query<'a>, schema: &'a Schema) -> Bound<'a> {
    let mut binder = Binder::new(schema);
    let result = binder.statements(&query.statements);
    let columns = match result {
        Some(Value::Table(table)) if !table.open => Some(table.columns.to_vec()),
        _ => None,
    };
    Bound { problems: binder.problems, columns }
}

/// How deep functions of the query's own are followed into each other.
const CALLS_DEEP: u32 = 8;
/// How often in all: a query of functions that call each other twice must not take for ever.
const CALLS: u32 = 256;

/// The walk.
struct Binder<'t, 'a> {
    schema: &'a Schema,
    problems: Vec<Problem>,
    /// Names that were told to be unknown: once is enough.
    told: HashSet<(Code, &'a str)>,
    /// Names of the query's own, the nearest last.
    locals: Vec<Local<'t, 'a>>,
    /// The rows whose columns can be named here.
    row: Row<'a>,
    /// The tables that the query has named: for hints.
    tables: Vec<&'a str>,
    /// What an operator without a source works on, inside `mv-apply` and its like.
    context: Option<Table<'a>>,
    /// The names that the operator under way gives: it doesn't see them itself.
    making: Vec<&'a str>,
    /// Walking something that was walked before: nothing is told.
    silent: u32,
    /// Calls of functions under way, and in all.
    calls: (u32, u32),
}

/// The columns that can be named at a place.
#[derive(Debug, Clone, Default)]
struct Row<'a> {
    /// The table whose columns are meant by bare names.
    table: Option<Table<'a>>,
    /// Only aggregates may name them: in a `summarize`, in front of `by`.
    aggregate: bool,
    /// `$left` and `$right`.
    sides: Option<(Table<'a>, Table<'a>)>,
    /// Names with columns of their own: steps of a scan, nodes and edges of a graph.
    qualified: Vec<(&'a str, Table<'a>)>,
}

impl<'a> Binder<'_, 'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            problems: Vec::new(),
            told: HashSet::new(),
            locals: Vec::new(),
            row: Row::default(),
            tables: Vec::new(),
            context: None,
            making: Vec::new(),
            silent: 0,
            calls: (0, 0),
        }
    }

    /// Tells a problem.
    fn tell(&mut self, problem: Problem) {
        if self.silent == 0 {
            self.problems.push(problem);
        }
    }

    /// Tells an error.
    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        if self.silent == 0 {
            self.problems.push(Problem::error(code, span, message));
        }
    }

    /// Tells an error, with how to mend it.
    fn error_hint(&mut self, code: Code, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        if self.silent == 0 {
            self.problems.push(Problem::error(code, span, message).hint(hint));
        }
    }

    /// Works with the columns of a table in reach.
    fn with_table<T>(&mut self, table: &Table<'a>, work: impl FnOnce(&mut Self) -> T) -> T {
        self.with_row(Row { table: Some(table.clone()), ..Row::default() }, work)
    }

    /// Works with other columns in reach.
    fn with_row<T>(&mut self, row: Row<'a>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.row, row);
        let done = work(self);
        self.row = outer;
        done
    }

    /// Whether a value of a type can stand where a bool must.
    fn must_be_bool(&mut self, ty: Type, span: Span, what: &str) {
        if !matches!(ty, Type::Bool | Type::Unknown) {
            let hint = match ty {
                Type::Dynamic(_) => "compare it, or wrap it in tobool()",
                Type::String => "compare it: `== \"…\"`, `has \"…\"`, or isnotempty()",
                _ => "compare it with something: `==`, `>`, `in`",
            };
            self.error_hint(Code::Type, span, format!("{what} must be a condition (bool), and this is a {ty}"), hint);
        }
    }

    /// Whether a value of a type can stand where a whole number must.
    fn must_be_integer(&mut self, ty: Type, span: Span, what: &str) {
        if !ty.is_integer() && !matches!(ty, Type::Unknown | Type::Dynamic(_)) {
            self.error(Code::Type, span, format!("{what} must be a whole number, and this is a {ty}"));
        }
    }
}
