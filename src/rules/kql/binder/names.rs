//! What a bare name means, and what is said where it means nothing.

use super::super::catalogue::{self, Kind};
use super::super::problem::{Code, Problem};
use super::super::schema::Schema;
use super::super::span::Span;
use super::super::tree::{Expr, ExprKind, Name};
use super::super::types::Type;
use super::super::words::{near, nearest};
use super::Binder;
use super::scope::{Column, LocalKind, Table, Value};
use super::wording::of_other_languages;

/// Columns that every table of a workspace has.
const EVERYWHERE: [&str; 6] = ["TimeGenerated", "TenantId", "Type", "SourceSystem", "MachineGroup", "_ResourceId"];

impl<'t, 'a> Binder<'t, 'a> {
    /// What a name gives where a value is expected: a column first, then the query's own names, then tables.
    pub(super) fn name(&mut self, name: Name<'a>) -> Value<'a> {
        if name.text.is_empty() {
            return Value::Unknown;
        }
        if let (Some(row), false) = (&self.row.table, self.row.aggregate)
            && let Some(column) = row.column(name.text)
        {
            return Value::Scalar(column.ty);
        }
        if let Some(value) = self.local(name) {
            return value;
        }
        if let (Some(row), true) = (&self.row.table, self.row.aggregate)
            && row.type_of(name.text).is_some()
        {
            self.error_hint(
                Code::Aggregate,
                name.span,
                format!("`{0}` is a column, and an aggregate must stand in front of `by`", name.text),
                format!("put it behind `by`, or write take_any({0}), make_set({0}) or the like", name.text),
            );
            return Value::Unknown;
        }
        if self.row.table.as_ref().is_some_and(|table| table.open) || self.row.sides.is_some() && self.sides_open() {
            return Value::Scalar(Type::Unknown);
        }
        if let Some(value) = self.known_table(name) {
            return value;
        }
        if self.schema.function(name.text).is_some() {
            self.error_hint(
                Code::Tabular,
                name.span,
                format!("`{}` is a function that gives a table, and no column", name.text),
                format!("write `| invoke {}(…)` and use the columns that it gives", name.text),
            );
            return Value::Unknown;
        }
        self.unknown(name);
        Value::Unknown
    }

    fn sides_open(&self) -> bool {
        self.row.sides.as_ref().is_some_and(|(left, right)| left.open || right.open)
    }

    /// A name of the query's own.
    fn local(&mut self, name: Name<'a>) -> Option<Value<'a>> {
        let local = self.locals.iter().rev().find(|local| local.name == name.text)?;
        Some(match &local.kind {
            LocalKind::Value { value, .. } => value.clone(),
            LocalKind::Function(function) => {
                let function = std::rc::Rc::clone(function);
                if function.tree.params.iter().any(|param| param.default.is_none()) {
                    self.error_hint(
                        Code::Arity,
                        name.span,
                        format!("`{}` is a function, and its arguments are missing", name.text),
                        format!("write {}(…)", name.text),
                    );
                    return Some(Value::Unknown);
                }
                self.call_user(&function, Vec::new())
            }
        })
    }

    /// What a name gives where a table is expected: columns aren't meant.
    pub(super) fn table_name(&mut self, name: Name<'a>) -> Value<'a> {
        if name.text.is_empty() {
            return Value::Unknown;
        }
        if let Some(value) = self.local(name) {
            return value;
        }
        if let Some(value) = self.known_table(name) {
            return value;
        }
        self.unknown_table(name);
        Value::Table(Table::unknown())
    }

    /// A table of the schema.
    pub(super) fn known_table(&mut self, name: Name<'a>) -> Option<Value<'a>> {
        let table = self.schema_table(name.text)?;
        if let Some(renamed) = self.schema.renamed_table(name.text) {
            let new = renamed.new.join(" or ");
            self.tell(
                Problem::warning(Code::Retired, name.span, format!("`{}` is retired", name.text))
                    .hint(format!("use {new}")),
            );
        }
        Some(Value::Table(table))
    }

    /// The columns of a table of the schema.
    pub(super) fn schema_table(&mut self, name: &str) -> Option<Table<'a>> {
        let schema: &'a Schema = self.schema;
        let table = schema.table(name)?;
        self.tables.push(&table.name);
        let mut columns: Vec<_> = table
            .columns()
            .iter()
            // Of a column that the service has under another type at times nothing is taken for sure.
            .map(|column| Column::new(&*column.name, if column.also.is_some() { Type::Unknown } else { column.ty }))
            .collect();
        let added = if schema.workspace() { &EVERYWHERE[..] } else { &[] };
        for &name in added {
            if let (Some(ty), None) = (schema.everywhere(name), table.column(name)) {
                columns.push(Column::new(name, ty));
            }
        }
        Some(Table::of(columns))
    }

    /// `database("x").Table`: another database's tables can't be known.
    pub(super) fn of_database(&mut self, own: bool, member: &'t Expr<'a>) -> Value<'a> {
        match &member.kind {
            ExprKind::Name(name) if own => self.table_name(*name),
            ExprKind::Call { name, args } => {
                for arg in args {
                    self.value(&arg.expr);
                }
                if name.text == "database" { Value::Database { own: false } } else { Value::Table(Table::unknown()) }
            }
            _ => Value::Table(Table::unknown()),
        }
    }

    /// Tells once that a name is unknown.
    fn first(&mut self, code: Code, name: &'a str) -> bool {
        self.silent == 0 && self.told.insert((code, name))
    }

    /// A name that is neither a column here nor anything else.
    fn unknown(&mut self, name: Name<'a>) {
        match self.row.table.clone() {
            Some(table) => self.unknown_column(name, &table, None),
            None if self.row.sides.is_some() => {
                self.error_hint(
                    Code::Column,
                    name.span,
                    format!("no column `{}` on both sides", name.text),
                    "write $left.Column == $right.Column",
                );
            }
            None => self.unknown_bare(name),
        }
    }

    /// A name where no columns are in reach: in a `let`, or at the start.
    fn unknown_bare(&mut self, name: Name<'a>) {
        if self.elsewhere(name.text) {
            return self.unknowable(name, "table");
        }
        if !self.first(Code::Table, name.text) {
            return;
        }
        if let Some(problem) = no_timespan(name) {
            return self.tell(problem);
        }
        let names = self.locals.iter().map(|local| local.name).chain(self.schema.tables().map(|table| &*table.name));
        let problem = Problem::error(Code::Table, name.span, format!("nothing here is called `{}`", name.text));
        let problem = match (function_hint(name), nearest(name.text, names)) {
            (Some(hint), _) => problem.hint(hint),
            (None, Some(near)) => problem.hint(format!("did you mean `{near}`?")).fix(name.span, near),
            _ => problem.hint("a text stands in quotes; a name needs a `let` before it"),
        };
        self.tell(problem);
    }

    /// No such column.
    pub(super) fn unknown_column(&mut self, name: Name<'a>, table: &Table<'a>, side: Option<&str>) {
        if name.text.is_empty() || !self.first(Code::Column, name.text) {
            return;
        }
        let maybe = |table: &&'a str| self.schema.maybe_column(table, name.text).is_some();
        if self.tables.iter().any(maybe) {
            let message = format!("the column `{}` isn't in the schema that huntd knows", name.text);
            return self.tell(
                Problem::warning(Code::Unknowable, name.span, message).hint("it may be newer; try it on a tenant"),
            );
        }
        if let Some(problem) = no_timespan(name) {
            return self.tell(problem);
        }
        if let Some(problem) = split_by_type(name, table) {
            return self.tell(problem);
        }
        let place = side.map(|side| format!(" in {side}")).unwrap_or_default();
        let problem = Problem::error(Code::Column, name.span, format!("no column `{}` here{place}", name.text));
        let problem = self.column_hint(name, table, problem);
        self.tell(problem);
    }

    fn column_hint(&self, name: Name<'a>, table: &Table<'a>, problem: Problem) -> Problem {
        if self.making.contains(&name.text) {
            return problem
                .hint(format!("`{}` is made by this same operator: make it in an `extend` before", name.text));
        }
        if let Some(hint) = function_hint(name) {
            return problem.hint(hint);
        }
        let here = table.columns.iter().map(|column| &*column.name);
        let locals = self.locals.iter().map(|local| local.name);
        if let Some(same) = here.clone().chain(locals.clone()).find(|other| other.eq_ignore_ascii_case(name.text)) {
            let (hint, same) = (format!("it is written `{same}`: names are case-sensitive"), same.to_owned());
            return problem.hint(hint).fix(name.span, same);
        }
        for known in &self.tables {
            if let Some(renamed) = self.schema.renamed_column(known, name.text) {
                let new = renamed.new.first().map_or("", |new| new.rsplit('.').next().unwrap_or(new)).to_owned();
                return problem.hint(format!("it is called `{new}` now")).fix(name.span, new);
            }
        }
        let likewise = |known: &&'a str| {
            let table = self.schema.table(known)?;
            self.schema.likewise(table, name.text)
        };
        if let Some(instead) = self.tables.iter().find_map(likewise) {
            let problem = problem.hint(format!("Defender calls it `{instead}`"));
            return if table.column(instead).is_some() { problem.fix(name.span, instead) } else { problem };
        }
        if let Some(lost) = self.lost(name.text) {
            return problem
                .hint(format!("{lost} has it, but an operator before this one leaves it out: keep it there"));
        }
        if let Some(near) = nearest(name.text, here.clone().chain(locals)) {
            return problem.hint(format!("did you mean `{near}`?")).fix(name.span, near.to_owned());
        }
        let names: Vec<&str> = here.take(9).collect();
        match names.len() {
            0 => problem,
            1..=8 => problem.hint(format!("the columns here are {}", names.join(", "))),
            _ => problem.hint("a text stands in quotes; `| getschema` shows the columns"),
        }
    }

    /// A table that the query names, and that has the column.
    fn lost(&self, column: &str) -> Option<&'a str> {
        let has = |table: &&&'a str| self.schema.table(table).is_some_and(|table| table.column(column).is_some());
        self.tables.iter().find(has).copied()
    }

    /// Whether a name may be known in a connected workspace.
    fn elsewhere(&self, name: &str) -> bool {
        if !self.schema.workspace() {
            return false;
        }
        let known = self.schema.tables().map(|table| &*table.name);
        !near(name, known) || self.schema.of_workspace(name).is_some()
    }

    fn unknowable(&mut self, name: Name<'a>, what: &str) {
        if self.first(Code::Unknowable, name.text) && self.schema.of_workspace(name.text).is_none() {
            let message = format!("huntd doesn't know the {what} `{}`", name.text);
            let hint = "that is fine where the workspace has it; `schema:` in huntd.yaml can name its columns";
            self.tell(Problem::warning(Code::Unknowable, name.span, message).hint(hint));
        }
    }

    /// No such table.
    pub(super) fn unknown_table(&mut self, name: Name<'a>) {
        if self.elsewhere(name.text) {
            return self.unknowable(name, "table");
        }
        if !self.first(Code::Table, name.text) {
            return;
        }
        let problem = Problem::error(Code::Table, name.span, format!("no table `{}`", name.text));
        let problem = self.table_hint(name, problem);
        self.tell(problem);
    }

    fn table_hint(&self, name: Name<'a>, problem: Problem) -> Problem {
        if let Some(renamed) = self.schema.renamed_table(name.text) {
            let hint = format!("it is called {} now", renamed.new.join(" or "));
            return match renamed.new.as_slice() {
                [only] => problem.hint(hint).fix(name.span, (*only).to_owned()),
                _ => problem.hint(hint),
            };
        }
        let tables = || self.schema.tables().map(|table| &*table.name);
        let names = || self.locals.iter().map(|local| local.name).chain(tables());
        if let Some(same) = names().find(|other| other.eq_ignore_ascii_case(name.text)) {
            let hint = format!("it is written `{same}`: names are case-sensitive");
            return problem.hint(hint).fix(name.span, same.to_owned());
        }
        if let Some(like) = self.schema.of_workspace(name.text) {
            return problem.hint(match like {
                [] => "that is of a Sentinel workspace: where one is connected, say `schema: {workspace: true}` in huntd.yaml".to_owned(),
                like => format!("that is of a Sentinel workspace; in Defender use {}, or say `schema: {{workspace: true}}`", like.join(" or ")),
            });
        }
        match nearest(name.text, names()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")).fix(name.span, near.to_owned()),
            None => problem.hint("tables of a Sentinel workspace need `schema: {workspace: true}` in huntd.yaml"),
        }
    }

    /// No such function.
    pub(super) fn unknown_function(&mut self, name: Name<'a>, aggregates: bool, tabular: bool) {
        if self.schema.workspace() && may_be_stored(name.text, tabular) {
            return self.unknowable(name, "function");
        }
        if !self.first(Code::Function, name.text) {
            return;
        }
        let problem = Problem::error(Code::Function, name.span, format!("no function `{}`", name.text));
        let mut names: Vec<&str> = self.locals.iter().map(|local| local.name).collect();
        for name in catalogue::names(Kind::Function) {
            names.push(name);
        }
        if aggregates {
            for name in catalogue::names(Kind::Aggregate) {
                names.push(name);
            }
        }
        let problem = if let Some(instead) = of_other_languages(name.text) {
            problem.hint(format!("in KQL that is {instead}"))
        } else if let Some(same) = names.iter().find(|other| other.eq_ignore_ascii_case(name.text)) {
            problem.hint(format!("it is written `{same}`: names are case-sensitive")).fix(name.span, (*same).to_owned())
        } else if let Some(near) = nearest(name.text, names.iter().copied()) {
            problem.hint(format!("did you mean `{near}`?")).fix(name.span, near.to_owned())
        } else if self.schema.of_workspace(name.text).is_some() {
            problem.hint("functions of a Sentinel workspace need `schema: {workspace: true}` in huntd.yaml")
        } else {
            problem
        };
        self.tell(problem);
    }

    /// The name of a column that must be one of a table's.
    pub(super) fn column_expr(&mut self, expr: &'t Expr<'a>, table: &Table<'a>) -> Option<Name<'a>> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.column_expr(inner, table),
            ExprKind::Name(name) => {
                if table.type_of(name.text).is_none() {
                    self.unknown_column(*name, table, None);
                }
                Some(*name)
            }
            ExprKind::Missing => None,
            _ => {
                self.not_a_column(expr.span);
                None
            }
        }
    }

    /// Tells that only a column's name may stand here.
    pub(super) fn not_a_column(&mut self, span: Span) {
        self.error_hint(
            Code::Column,
            span,
            "only the name of a column may stand here",
            "make the column first: `| extend Name = …`",
        );
    }
}

/// Whether a function of this name can be stored in a workspace: a misspelt built-in can't.
fn may_be_stored(name: &str, tabular: bool) -> bool {
    let built_in = catalogue::names(Kind::Function).chain(catalogue::names(Kind::Aggregate));
    let looks_built_in = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let stored = name.starts_with('_') || name.starts_with("im") || tabular || !looks_built_in;
    stored && !near(name, built_in) && of_other_languages(name).is_none()
}

/// A column that tables of a union have with different types: there is one for each type.
fn split_by_type(name: Name<'_>, table: &Table<'_>) -> Option<Problem> {
    let of = |column: &Column<'_>| {
        let ty = column.name.strip_prefix(name.text)?.strip_prefix('_')?;
        (ty == column.ty.name()).then(|| column.name.to_string())
    };
    let split: Vec<String> = table.columns.iter().filter_map(of).collect();
    (split.len() > 1).then(|| {
        let message = format!("`{}` has different types in the tables of the union", name.text);
        Problem::error(Code::Ambiguous, name.span, message)
            .hint(format!("it is there as {}; give it one type in each table before the union", split.join(" and ")))
    })
}

/// A number with a unit that KQL doesn't know.
fn no_timespan(name: Name<'_>) -> Option<Problem> {
    let digits = name.text.find(|character: char| !character.is_ascii_digit())?;
    if digits == 0 {
        return None;
    }
    let (number, unit) = name.text.split_at(digits);
    let problem =
        Problem::error(Code::Literal, name.span, format!("`{}` is no timespan: there is no unit `{unit}`", name.text));
    let days: Option<u64> = match unit {
        "w" | "week" | "weeks" => number.parse::<u64>().ok().and_then(|weeks| weeks.checked_mul(7)),
        _ => None,
    };
    Some(match days {
        Some(days) => problem.hint(format!("write {days}d")).fix(name.span, format!("{days}d")),
        None => problem.hint("units are d, h, m, s, ms, microsecond and tick; a month is about 30d, a year 365d"),
    })
}

/// What is said of a name that is a function without its parentheses, or another language's word.
fn function_hint(name: Name<'_>) -> Option<String> {
    match name.text {
        "null" | "NULL" | "Null" => Some("use isnull(…), isempty(…), or a typed null such as int(null)".to_owned()),
        "True" | "TRUE" | "False" | "FALSE" => Some("write true or false in lower case".to_owned()),
        "$left" | "$right" => Some("only the condition of a join has $left and $right".to_owned()),
        text if catalogue::function(text).is_some() || catalogue::aggregate(text).is_some() => {
            Some(format!("`{text}` is a function: write {text}(…)"))
        }
        _ => None,
    }
}
