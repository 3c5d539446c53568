//! How the columns that an operator makes are called.

use std::borrow::Cow;

use super::super::catalogue::{self, Naming, Returns};
use super::super::problem::Code;
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Item, Name};
use super::super::types::Type;
use super::Binder;
use super::scope::{Column, Table, Value, unique};

/// The name of a column that bears none in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// The name of a column: used as it stands.
    Own(Cow<'a, str>),
    /// Made from the expression: gets a number where it is taken.
    Made(Cow<'a, str>),
    /// None: `Column1`, `print_0`.
    None,
}

/// The columns that an operator makes, one by one.
#[derive(Debug)]
pub(super) struct Output<'a> {
    /// So far, in order.
    columns: Vec<Column<'a>>,
    /// Names given by this operator itself.
    given: Vec<Cow<'a, str>>,
    /// It began with a table's columns.
    over: bool,
    /// How many columns tell the groups of a `summarize` apart.
    marked: usize,
    open: bool,
}

/// Nearly all operators make fewer columns.
const ROOM: usize = 12;

impl<'a> Output<'a> {
    /// From no columns: `project`, `summarize`.
    pub(super) fn empty(open: bool) -> Self {
        Self { columns: Vec::with_capacity(ROOM), given: Vec::new(), over: false, marked: 0, open }
    }

    /// On top of a table's columns: `extend`.
    pub(super) fn over(table: &Table<'a>) -> Self {
        let mut columns = Vec::with_capacity(table.columns.len() + ROOM);
        columns.extend_from_slice(&table.columns);
        Self { columns, given: Vec::new(), over: true, marked: 0, open: table.open }
    }

    /// Done.
    pub(super) fn table(self) -> Table<'a> {
        Table { open: self.open, ..Table::of(self.columns) }
    }

    /// What is there now tells the groups apart.
    pub(super) fn mark(&mut self) {
        self.marked = self.columns.len();
    }

    /// Whether a name is one of those that tell the groups apart.
    pub(super) fn is_marked(&self, name: &str) -> bool {
        self.columns.iter().take(self.marked).any(|column| column.name == name)
    }

    /// There may be others.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// Adds a column under the name that stands in the text; false where this operator gave it already.
    pub(super) fn own(&mut self, name: impl Into<Cow<'a, str>>, ty: Type) -> bool {
        let name = name.into();
        if self.given.contains(&name) {
            return false;
        }
        self.made(name.clone(), ty);
        self.given.push(name);
        true
    }

    /// Adds a column under a made name: on top of a table it takes the place of one of that name,
    /// else it gets a number where the name is taken.
    pub(super) fn made(&mut self, name: Cow<'a, str>, ty: Type) {
        if self.over
            && let Some(old) = self.columns.iter_mut().find(|column| column.name == name)
        {
            old.ty = ty;
            return;
        }
        let name = unique(&self.columns, name);
        self.columns.push(Column { name, ty });
    }

    /// Adds a column that a conversion makes under its argument's name: false where this operator gave
    /// that name already to a column of the same type.
    pub(super) fn converted(&mut self, name: Cow<'a, str>, ty: Type) -> bool {
        let same = |column: &Column<'a>| column.name == name && column.ty == ty;
        if self.given.contains(&name) && self.columns.iter().any(same) {
            return false;
        }
        self.given.push(name.clone());
        self.made(name, ty);
        true
    }

    /// Adds a column without a name.
    pub(super) fn unnamed(&mut self, ty: Type) {
        self.made(unique_column(&self.columns), ty);
    }
}

/// `Column1`, `Column2`: the first that is free.
fn unique_column<'a>(columns: &[Column<'a>]) -> Cow<'a, str> {
    let free = (1..=columns.len() + 1)
        .map(|number| format!("Column{number}"))
        .find(|name| !columns.iter().any(|column| column.name == *name));
    Cow::Owned(free.unwrap_or_default())
}

impl<'t, 'a> Binder<'t, 'a> {
    /// Adds what an item of a list makes to the output.
    pub(super) fn add(&mut self, output: &mut Output<'a>, item: &'t Item<'a>, value: &Value<'a>) {
        let ty = match value {
            Value::Scalar(ty) => *ty,
            Value::Unknown => Type::Unknown,
            Value::Table(_) | Value::Graph(_) | Value::Database { .. } => {
                self.error_hint(
                    Code::Tabular,
                    item.expr.span,
                    "a single value must stand here, and this is a table",
                    "wrap it in toscalar(…)",
                );
                Type::Unknown
            }
        };
        match several(&item.expr) {
            Some(values) => self.add_several(output, item, &values),
            None => self.add_type(output, item, ty),
        }
    }

    fn add_several(&mut self, output: &mut Output<'a>, item: &'t Item<'a>, values: &[(String, Type)]) {
        if let ([name], false) = (item.names.as_slice(), item.tuple) {
            let ty = values.first().map_or(Type::Unknown, |(_, ty)| *ty);
            return self.add_named(output, *name, ty);
        }
        for (at, (made, ty)) in values.iter().enumerate() {
            match item.names.get(at) {
                Some(name) => self.add_named(output, *name, *ty),
                None if item.names.is_empty() => output.made(made.clone().into(), *ty),
                None => {}
            }
        }
        // More names than values.
        for name in item.names.iter().skip(values.len()) {
            self.add_named(output, *name, Type::Unknown);
        }
    }

    /// Adds a column of a type under the item's name.
    pub(super) fn add_type(&mut self, output: &mut Output<'a>, item: &'t Item<'a>, ty: Type) {
        match item.names.as_slice() {
            [name] if !item.tuple => self.add_named(output, *name, ty),
            [] => match self.made_name(&item.expr) {
                Named::Own(name) => {
                    let call = matches!(item.expr.kind, ExprKind::Call { .. });
                    let fits = if call { output.converted(name.clone(), ty) } else { output.own(name.clone(), ty) };
                    if !fits {
                        self.twice(&name, item.span);
                    }
                }
                Named::Made(name) => output.made(name, ty),
                Named::None => output.unnamed(ty),
            },
            names => {
                if ty != Type::Unknown {
                    let span = names.iter().map(|name| name.span).reduce(Span::to).unwrap_or(item.span);
                    self.error(Code::Syntax, span, "the expression has one value, and several names are given");
                }
                for name in names {
                    self.add_named(output, *name, Type::Unknown);
                }
            }
        }
    }

    /// Adds a column under the name that the text gives.
    pub(super) fn add_named(&mut self, output: &mut Output<'a>, name: Name<'a>, ty: Type) {
        if !name.text.is_empty() && !output.own(name.text, ty) {
            self.twice(name.text, name.span);
        }
    }

    /// Tells that a column is there already.
    pub(super) fn twice(&mut self, name: &str, span: Span) {
        self.error_hint(
            Code::Duplicate,
            span,
            format!("the column `{name}` is there already"),
            "remove one of the two, or give one another name",
        );
    }

    /// The name of a column that bears none in the text.
    pub(super) fn made_name(&self, expr: &Expr<'a>) -> Named<'a> {
        match &expr.kind {
            ExprKind::Name(name) => Named::Own(name.text.into()),
            ExprKind::Paren(inner) => self.made_name(inner),
            ExprKind::Member { .. } | ExprKind::Index { .. } => path(expr).map_or(Named::None, |path| {
                if path.contains('_') { Named::Made(path.into()) } else { Named::Own(path.into()) }
            }),
            ExprKind::Call { name, args } => self.call_name(name.text, args),
            _ => Named::None,
        }
    }

    /// The column whose name stands as a text in the first argument.
    fn column_in_text(&self, args: &[Item<'a>]) -> Option<Cow<'a, str>> {
        let ExprKind::Literal(literal) = &args.first()?.expr.kind else { return None };
        let name = literal.text.trim_matches(['"', '\'']);
        self.row.table.as_ref()?.column(name).map(|column| column.name.clone())
    }

    fn call_name(&self, name: &'a str, args: &[Item<'a>]) -> Named<'a> {
        let function = if self.row.aggregate { catalogue::aggregate(name) } else { None };
        let Some(function) = function.or_else(|| catalogue::function(name)) else { return Named::None };
        let first = args.first().and_then(|arg| label(&arg.expr));
        let joined = |prefix: &str, first: Option<String>| format!("{prefix}{}", first.unwrap_or_default());
        let only = || if args.len() == 1 { first.clone() } else { None };
        match function.naming {
            Naming::None => Named::None,
            Naming::NameAndFirst => Named::Made(joined(&format!("{name}_"), first).into()),
            Naming::NameAndOnly => Named::Made(joined(&format!("{name}_"), only()).into()),
            Naming::Prefix(prefix) => Named::Made(joined(prefix, first).into()),
            Naming::PrefixAndOnly(prefix) => Named::Made(joined(prefix, only()).into()),
            Naming::Fixed(prefix) => Named::Made(prefix.into()),
            Naming::FirstIfColumn => self.column_in_text(args).map_or(Named::None, Named::Own),
            // Only what a conversion makes takes its argument's name for its own.
            // A name for the argument is a name for the whole.
            Naming::First | Naming::Only if args.first().is_some_and(|arg| !arg.names.is_empty()) => {
                let given = args.first().and_then(|arg| arg.names.first());
                given.map_or(Named::None, |given| Named::Own(given.text.into()))
            }
            Naming::First if !converts(name) => match args.first().map(|arg| self.made_name(&arg.expr)) {
                Some(Named::Own(name) | Named::Made(name)) => Named::Made(name),
                _ => Named::None,
            },
            Naming::First => match args.first().map(|arg| self.made_name(&arg.expr)) {
                Some(Named::Own(name)) => Named::Own(name),
                Some(Named::Made(name)) => Named::Made(name),
                _ => Named::None,
            },
            Naming::Only => match args {
                [arg] => self.made_name(&arg.expr),
                _ => Named::None,
            },
        }
    }
}

/// The values of a call that gives several: what follows the call's name in each column's, and its type.
fn several(expr: &Expr<'_>) -> Option<Vec<(String, Type)>> {
    match &expr.kind {
        ExprKind::Paren(inner) => several(inner),
        ExprKind::Call { name, args } => {
            let function = catalogue::function(name.text)?;
            match &function.signatures.first()?.returns {
                Returns::Tuple(values) => {
                    let of = args.first().and_then(|arg| label(&arg.expr)).unwrap_or_default();
                    Some(values.iter().map(|(suffix, ty)| (format!("{}_{of}_{suffix}", name.text), *ty)).collect())
                }
                Returns::Sorted if args.len() > 1 => {
                    let named = |(at, arg): (usize, &Item<'_>)| {
                        let of = label(&arg.expr).unwrap_or_else(|| format!("array{at}"));
                        (format!("{of}_sorted"), Type::DYNAMIC)
                    };
                    Some(args.iter().enumerate().map(named).collect())
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a function turns a value into another type and is called as its argument is.
fn converts(function: &str) -> bool {
    matches!(
        function,
        "tostring"
            | "toint"
            | "tolong"
            | "todouble"
            | "toreal"
            | "todecimal"
            | "tobool"
            | "toboolean"
            | "todatetime"
            | "totimespan"
            | "toguid"
    )
}

/// `x.a[0]["b"]` as `x_a_0_b`.
fn path(expr: &Expr<'_>) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.to_owned()),
        ExprKind::Paren(inner) => path(inner),
        ExprKind::Member { object, member } => {
            let member = path(member)?;
            match &object.kind {
                // A side of a join, or the part of a call's value.
                ExprKind::Name(name) if name.text.starts_with('$') => Some(member),
                _ => Some(path(object).map_or_else(|| member.clone(), |object| format!("{object}_{member}"))),
            }
        }
        ExprKind::Index { object, index } => {
            let key = match &index.kind {
                ExprKind::Literal(literal) => literal.text.trim_matches(['"', '\'', '@']).to_owned(),
                _ => String::new(),
            };
            Some(path(object).map_or_else(|| key.clone(), |object| format!("{object}_{key}")))
        }
        ExprKind::Call { args, .. } => args.first().and_then(|arg| path(&arg.expr)),
        _ => None,
    }
}

/// How an argument stands in the name of its aggregate.
fn label(expr: &Expr<'_>) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Member { .. } | ExprKind::Index { .. } => path(expr),
        ExprKind::Paren(inner) => label(inner),
        // Functions that keep their argument's name, such as tostring().
        ExprKind::Call { name, args } => {
            let keeps = catalogue::function(name.text).is_some_and(|function| {
                matches!(function.naming, Naming::FirstIfColumn | Naming::First | Naming::Only)
            });
            if keeps { args.first().and_then(|arg| label(&arg.expr)) } else { None }
        }
        _ => None,
    }
}
