//! What a name can mean at a place: columns, names of the query's own, tables.

use std::borrow::Cow;
use std::rc::Rc;

use super::super::span::Span;
use super::super::tree::Function;
use super::super::types::Type;

/// A column of a table at some point of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its type.
    pub ty: Type,
}

impl<'a> Column<'a> {
    /// A column.
    pub(super) fn new(name: impl Into<Cow<'a, str>>, ty: Type) -> Self {
        Self { name: name.into(), ty }
    }
}

/// How many columns are kept in mind of one table; no service's result has so many.
const WIDE: usize = 1_000;

/// A table at some point of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Table<'a> {
    /// In order.
    pub(super) columns: Rc<Vec<Column<'a>>>,
    /// There may be columns that can't be known: of a table that isn't known, or made from data.
    pub(super) open: bool,
}

impl<'a> Table<'a> {
    /// A table of which all columns are known.
    pub(super) fn of(columns: Vec<Column<'a>>) -> Self {
        Self { columns: Rc::new(columns), open: false }
    }

    /// A table of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// The column of a name.
    pub(super) fn column(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The type of a column; `Unknown` where the table may have it.
    pub(super) fn type_of(&self, name: &str) -> Option<Type> {
        match self.column(name) {
            Some(column) => Some(column.ty),
            None => self.open.then_some(Type::Unknown),
        }
    }

    /// With the column set: in its place where the table has it, else at the end.
    pub(super) fn set(&mut self, column: Column<'a>) {
        let columns = Rc::make_mut(&mut self.columns);
        match columns.iter_mut().find(|old| old.name == column.name) {
            Some(old) => *old = column,
            None => columns.push(column),
        }
    }

    /// With a column at the end, whose name gets a number where it is taken.
    pub(super) fn append(&mut self, column: Column<'a>) {
        if self.columns.len() >= WIDE {
            self.open = true;
            return;
        }
        let name = unique(&self.columns, column.name);
        Rc::make_mut(&mut self.columns).push(Column { name, ty: column.ty });
    }
}

/// The name, or the name with the first number behind it that makes it a new one.
pub(super) fn unique<'a>(columns: &[Column<'a>], name: Cow<'a, str>) -> Cow<'a, str> {
    let taken = |name: &str| columns.iter().any(|column| column.name == name);
    if !taken(&name) {
        return name;
    }
    // There are only so many columns: one of the numbers up to that count is free.
    let free = (1..=columns.len() + 1).map(|number| format!("{name}{number}")).find(|name| !taken(name));
    Cow::Owned(free.unwrap_or_default())
}

/// What an expression gives.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// One value of a type.
    Scalar(Type),
    /// Rows.
    Table(Table<'a>),
    /// A graph.
    Graph(Graph<'a>),
    /// A database or cluster: another one's tables can't be known.
    Database {
        /// It is this tenant's own.
        own: bool,
    },
    /// Whatever it is, an error was told of it already, or it can't be known.
    Unknown,
}

/// A graph: what its nodes and edges bear.
#[derive(Debug, Clone)]
pub(super) struct Graph<'a> {
    /// The columns of nodes.
    pub(super) nodes: Table<'a>,
    /// The columns of edges.
    pub(super) edges: Table<'a>,
}

/// A name of the query's own.
#[derive(Debug, Clone)]
pub(super) struct Local<'t, 'a> {
    /// The name.
    pub(super) name: &'a str,
    /// Where it was declared.
    pub(super) span: Span,
    /// What it means.
    pub(super) kind: LocalKind<'t, 'a>,
}

/// What a name of the query's own means.
#[derive(Debug, Clone)]
pub(super) enum LocalKind<'t, 'a> {
    /// A value.
    Value {
        /// Which.
        value: Value<'a>,
        /// It is known before the query runs.
        constant: bool,
    },
    /// A function.
    Function(Rc<UserFunction<'t, 'a>>),
}

/// A function of the query's own.
#[derive(Debug)]
pub(super) struct UserFunction<'t, 'a> {
    /// As it stands.
    pub(super) tree: &'t Function<'a>,
    /// What it returns, as far as its declaration says it.
    pub(super) result: Value<'a>,
    /// What it returns depends on the tables that it is given.
    pub(super) tabular: bool,
}
