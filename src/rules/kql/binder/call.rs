//! Calls of functions.

use std::rc::Rc;

use super::super::catalogue::{self, Accepts, Form, Function, Param, Signature};
use super::super::problem::{Code, Problem};
use super::super::tree::{ExprKind, Item, Name, ParamKind};
use super::super::types::Type;
use super::Binder;
use super::expectation::{expectation, shape};
use super::fitting::{
    Argument, bounds, commons, is_literal, literal_text, misfit, param_for, returned, shared, takes, type_fits,
};
use super::scope::{LocalKind, Table, UserFunction, Value};

impl<'t, 'a> Binder<'t, 'a> {
    /// What a call gives.
    pub(super) fn call(&mut self, name: Name<'a>, args: &'t [Item<'a>]) -> Value<'a> {
        if let Some(kind) =
            self.locals.iter().rev().find(|local| local.name == name.text).map(|local| local.kind.clone())
        {
            return match kind {
                LocalKind::Function(function) => self.call_own(name, &function, args, None),
                // A name of a value with parentheses behind: `let` of a query may be called so.
                LocalKind::Value { value: Value::Table(table), .. } if args.is_empty() => Value::Table(table),
                LocalKind::Value { value: Value::Unknown, .. } => self.walk(args),
                LocalKind::Value { .. } => self.call_built_in(name, args),
            };
        }
        if self.schema.function(name.text).is_some() {
            return self.call_of_schema(name, None, args);
        }
        self.call_built_in(name, args)
    }

    /// Walks arguments of what isn't known.
    fn walk(&mut self, args: &'t [Item<'a>]) -> Value<'a> {
        for arg in args {
            self.value(&arg.expr);
        }
        Value::Unknown
    }

    /// `table("…")`, `database("…")`, `cluster("…")` and their like.
    fn call_entity(&mut self, name: Name<'a>, args: &'t [Item<'a>]) -> Option<Value<'a>> {
        match name.text {
            "table" => {
                let text = args.first().and_then(|arg| match &arg.expr.kind {
                    ExprKind::Literal(literal) if literal.ty == Type::String => {
                        Some(literal.text.trim_matches(['"', '\'']))
                    }
                    _ => None,
                });
                for arg in args {
                    self.value(&arg.expr);
                }
                let Some(text) = text else { return Some(Value::Table(Table::unknown())) };
                let span = args.first().map_or(name.span, |arg| arg.span);
                Some(self.table_name(Name { text, span }))
            }
            "database" | "cluster" => {
                self.walk(args);
                Some(Value::Database { own: false })
            }
            "workspace" | "app" | "resource" | "adx" | "arg" if self.schema.workspace() => {
                self.walk(args);
                Some(Value::Database { own: false })
            }
            "external_table" | "materialized_view" | "stored_query_result" => {
                self.walk(args);
                Some(Value::Table(Table::unknown()))
            }
            "graph" | "entity_group" => {
                self.walk(args);
                Some(Value::Unknown)
            }
            _ => None,
        }
    }

    fn call_built_in(&mut self, name: Name<'a>, args: &'t [Item<'a>]) -> Value<'a> {
        if let Some(value) = self.call_entity(name, args) {
            return value;
        }
        let aggregating = self.row.aggregate;
        let aggregate = catalogue::aggregate(name.text);
        if let Some(function) = aggregate.filter(|_| aggregating) {
            let aggregate = std::mem::replace(&mut self.row.aggregate, false);
            let ty = self.check(name, function, args);
            self.row.aggregate = aggregate;
            return Value::Scalar(ty);
        }
        if let Some(function) = catalogue::function(name.text) {
            return Value::Scalar(self.check(name, function, args));
        }
        if aggregate.is_some() {
            self.error_hint(
                Code::Aggregate,
                name.span,
                format!("the aggregate `{}` can't stand here", name.text),
                "aggregates stand in `summarize`; name the result there, and use the name here",
            );
            self.silently(|binder| binder.walk(args));
            return Value::Unknown;
        }
        let tabular = self.row.table.is_none();
        self.unknown_function(name, aggregating, tabular);
        self.row.aggregate = false;
        self.walk(args);
        self.row.aggregate = aggregating;
        if tabular { Value::Unknown } else { Value::Scalar(Type::Unknown) }
    }

    /// Checks a call of a built-in function; what it returns.
    pub(super) fn check(&mut self, name: Name<'a>, function: &'static Function, args: &'t [Item<'a>]) -> Type {
        if let Some(instead) = function.retired {
            self.tell(
                Problem::warning(Code::Retired, name.span, format!("`{}` is retired", name.text))
                    .hint(format!("use {}", instead.replace('|', " or "))),
            );
        }
        let given = self.arguments(function, args);
        if !self.count_fits(name, function, given.len()) {
            let first = function.signatures.first();
            return first.map_or(Type::Unknown, |signature| returned(signature, &given));
        }
        let fitting: Vec<&'static Signature> =
            function.signatures.iter().filter(|signature| takes(signature, given.len())).collect();
        let best = fitting.iter().find(|signature| misfit(signature, &given).is_none());
        if let Some(signature) = best {
            return self.common(name, signature, &given);
        }
        match fitting.as_slice() {
            [only] => {
                if let Some((at, param)) = misfit(only, &given) {
                    self.wrong_argument(name, at, param, &given);
                }
                returned(only, &given)
            }
            several => {
                // The version that the arguments fit the furthest is the one that was meant.
                let meant =
                    several.iter().max_by_key(|signature| misfit(signature, &given).map_or(usize::MAX, |(at, _)| at));
                if let Some(meant) = meant {
                    if let Some((at, param)) = misfit(meant, &given) {
                        self.wrong_argument(name, at, param, &given);
                    }
                    return returned(meant, &given);
                }
                Type::Unknown
            }
        }
    }

    fn arguments(&mut self, function: &'static Function, args: &'t [Item<'a>]) -> Vec<Argument<'a>> {
        let mut given = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            let param = function
                .signatures
                .first()
                .and_then(|signature| param_for(signature, at, args.len(), arg.names.first().map(|name| name.text)));
            let tabular = param.is_some_and(|param| param.accepts == Accepts::Tabular);
            let aggregate = param.is_some_and(|param| param.form == Form::Aggregate);
            let star = matches!(arg.expr.kind, ExprKind::Star);
            let outer = self.row.aggregate;
            self.row.aggregate |= aggregate;
            let first = given.first().and_then(|first: &Argument<'a>| match &first.value {
                Value::Table(table) => Some(table.clone()),
                _ => None,
            });
            let value = match (&arg.expr.kind, first) {
                (ExprKind::Star, _) => Value::Unknown,
                _ if tabular => Value::Table(self.table(&arg.expr)),
                // A column of the table that the first argument is.
                (_, Some(table)) if param.is_some_and(|param| param.form == Form::ColumnOf0) => {
                    self.with_table(&table, |binder| binder.value(&arg.expr))
                }
                _ => self.value(&arg.expr),
            };
            self.row.aggregate = outer;
            let names_type = match &arg.expr.kind {
                ExprKind::TypeOf(columns) => match columns.as_slice() {
                    [Some(column)] => Some(column.ty),
                    _ => Some(Type::Unknown),
                },
                _ => None,
            };
            given.push(Argument {
                value,
                span: arg.span,
                constant: self.is_constant(&arg.expr),
                literal: is_literal(&arg.expr),
                given: arg.names.first().map(|name| name.text),
                name: matches!(arg.expr.kind, ExprKind::Name(_) | ExprKind::Missing),
                text: literal_text(&arg.expr),
                star,
                names_type,
            });
        }
        given
    }

    fn count_fits(&mut self, name: Name<'a>, function: &Function, count: usize) -> bool {
        if function.signatures.iter().any(|signature| takes(signature, count)) {
            return true;
        }
        if function.name == "case" && count >= 3 {
            self.error_hint(
                Code::Arity,
                name.span,
                "`case` takes pairs of a condition and a value, and one value for all else",
                "add the value for all else at the end: case(condition, value, …, otherwise)",
            );
            return false;
        }
        let least = function.signatures.iter().map(|signature| bounds(signature).0).min().unwrap_or(0);
        let most = function.signatures.iter().map(|signature| bounds(signature).1).max().unwrap_or(0);
        let takes = match (least, most) {
            (0, 0) => "no argument".to_owned(),
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) if most > 1000 => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let shape = function.signatures.last().map(|signature| shape(function.name, signature)).unwrap_or_default();
        self.error_hint(
            Code::Arity,
            name.span,
            format!("`{}` takes {takes}, and {count} {} given", name.text, if count == 1 { "is" } else { "are" }),
            format!("it is {shape}"),
        );
        false
    }

    fn wrong_argument(&mut self, name: Name<'a>, at: usize, param: &Param, given: &[Argument<'a>]) {
        let Some(argument) = given.get(at) else { return };
        let ty = argument.ty();
        let (expected, hint) = expectation(param, ty);
        let message = if let Value::Table(_) = argument.value {
            format!("`{}` takes {expected} as `{}`, and this is a table", name.text, param.name)
        } else if type_fits(param, argument) {
            format!("`{}` takes {expected} as `{}`", name.text, param.name)
        } else {
            format!("`{}` takes {expected} as `{}`, and this is a {ty}", name.text, param.name)
        };
        let literal = matches!(param.form, Form::Constant | Form::Literal | Form::LiteralNotEmpty);
        let code = if literal && type_fits(param, argument) { Code::Constant } else { Code::Type };
        let problem = Problem::error(code, argument.span, message);
        self.tell(match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    /// What a fitting call returns; the arguments that must agree are looked at together.
    fn common(&mut self, name: Name<'a>, signature: &'static Signature, given: &[Argument<'a>]) -> Type {
        let ty = returned(signature, given);
        if let Some(shared) = shared(signature)
            && catalogue::common(shared, commons(signature, given)).is_none()
        {
            self.error_hint(
                Code::Type,
                name.span,
                format!("the values of `{}` must be of one type", name.text),
                "turn them into the same type, for instance with tostring()",
            );
        }
        ty
    }

    /// A call of a function of the query's own. `input`: what `invoke` gives first.
    pub(super) fn call_own(
        &mut self,
        name: Name<'a>,
        function: &Rc<UserFunction<'t, 'a>>,
        args: &'t [Item<'a>],
        input: Option<Table<'a>>,
    ) -> Value<'a> {
        let params = &function.tree.params;
        let aggregate = std::mem::replace(&mut self.row.aggregate, false);
        let mut given: Vec<Option<Value<'a>>> = vec![None; params.len()];
        let first = usize::from(input.is_some());
        if let (Some(slot), Some(table)) = (given.first_mut(), input) {
            *slot = Some(Value::Table(table));
        }
        let mut extra = 0;
        for (at, arg) in args.iter().enumerate() {
            let named = arg.names.first().and_then(|name| params.iter().position(|param| param.name.text == name.text));
            let place = named.unwrap_or(at + first);
            let tabular = params.get(place).is_some_and(|param| !matches!(param.kind, ParamKind::Scalar(_)));
            let value = if tabular { Value::Table(self.table(&arg.expr)) } else { self.value(&arg.expr) };
            if !tabular && place < params.len() && matches!(value, Value::Table(_)) {
                self.error_hint(
                    Code::Tabular,
                    arg.span,
                    "a single value must stand here, and this is a table",
                    "wrap it in toscalar(…)",
                );
            }
            match given.get_mut(place) {
                Some(slot) => *slot = Some(value),
                None => extra += 1,
            }
        }
        self.row.aggregate = aggregate;
        let missing =
            params.iter().zip(&given).filter(|(param, given)| given.is_none() && param.default.is_none()).count();
        if missing > 0 || extra > 0 {
            let needed = params.iter().filter(|param| param.default.is_none()).count();
            let takes =
                if needed == params.len() { format!("{needed}") } else { format!("{needed} to {}", params.len()) };
            let names: Vec<&str> = params.iter().map(|param| param.name.text).collect();
            self.error_hint(
                Code::Arity,
                name.span,
                format!(
                    "`{}` takes {takes} argument{}, and {} are given",
                    name.text,
                    if params.len() == 1 { "" } else { "s" },
                    args.len() + first
                ),
                format!("it is declared as {}({})", name.text, names.join(", ")),
            );
            return function.result.clone();
        }
        self.has_columns(name, function, &given);
        self.call_user(function, given)
    }

    /// Whether the tables given have the columns that the declaration asks for.
    fn has_columns(&mut self, name: Name<'a>, function: &UserFunction<'t, 'a>, given: &[Option<Value<'a>>]) {
        for (param, value) in function.tree.params.iter().zip(given) {
            let (ParamKind::Table(columns), Some(Value::Table(table))) = (&param.kind, value) else { continue };
            if let Some(column) = columns.iter().find(|column| table.type_of(column.name.text).is_none()) {
                self.error_hint(
                    Code::Column,
                    name.span,
                    format!("`{}` needs a column `{}`, and the table has none", name.text, column.name.text),
                    "keep the column, or make it with `extend` before the call",
                );
            }
        }
    }
}
