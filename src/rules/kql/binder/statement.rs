//! Statements, and functions of the query's own.

use std::rc::Rc;

use super::super::problem::Code;
use super::super::tree::{Function, LetValue, Name, Param, ParamKind, Statement, StatementKind};
use super::super::types::Type;
use super::scope::{Column, Local, LocalKind, Table, UserFunction, Value};
use super::{Binder, CALLS, CALLS_DEEP, Row};

impl<'t, 'a> Binder<'t, 'a> {
    /// Walks statements; what the last query among them returns.
    pub(super) fn statements(&mut self, statements: &'t [Statement<'a>]) -> Option<Value<'a>> {
        let mut result = None;
        for statement in statements {
            match &statement.kind {
                StatementKind::Let { name, value } => self.let_statement(*name, value),
                StatementKind::Query(expr) => result = Some(self.value(expr)),
                StatementKind::QueryParameters(params) => self.params(params),
                StatementKind::Alias { name, .. } => {
                    self.declare(*name, LocalKind::Value { value: Value::Database { own: false }, constant: true });
                }
                StatementKind::Pattern { name, .. } => {
                    self.declare(*name, LocalKind::Value { value: Value::Unknown, constant: false });
                }
                StatementKind::Restrict(_) | StatementKind::Set { .. } => {}
            }
        }
        result
    }

    fn let_statement(&mut self, name: Name<'a>, value: &'t LetValue<'a>) {
        let kind = match value {
            LetValue::Expr(expr) => {
                let value = self.with_row(Row::default(), |binder| binder.value(expr));
                let constant = self.is_constant(expr);
                LocalKind::Value { value, constant }
            }
            LetValue::Function(function) => {
                let result = self.body(function, None);
                let tabular = function.params.iter().any(|param| !matches!(param.kind, ParamKind::Scalar(_)));
                LocalKind::Function(Rc::new(UserFunction { tree: function, result, tabular }))
            }
        };
        self.declare(name, kind);
    }

    /// Declares a name of the query's own.
    pub(super) fn declare(&mut self, name: Name<'a>, kind: LocalKind<'t, 'a>) {
        if name.text.is_empty() {
            return;
        }
        if self.locals.iter().any(|local| local.name == name.text && local.span != name.span) {
            self.error_hint(
                Code::Duplicate,
                name.span,
                format!("`{}` is declared already", name.text),
                "give it another name, or remove one of the two",
            );
        }
        self.locals.push(Local { name: name.text, span: name.span, kind });
    }

    /// Declares parameters by their types alone.
    fn params(&mut self, params: &'t [Param<'a>]) {
        for param in params {
            self.param(param, None);
        }
    }

    fn param(&mut self, param: &'t Param<'a>, given: Option<Value<'a>>) {
        let value = match (&param.kind, given) {
            (ParamKind::Scalar(ty), _) => Value::Scalar(*ty),
            (_, Some(value)) => value,
            (ParamKind::AnyTable, None) => Value::Table(Table::unknown()),
            (ParamKind::Table(columns), None) => {
                Value::Table(Table::of(columns.iter().map(|column| Column::new(column.name.text, column.ty)).collect()))
            }
        };
        // Not `declare`: a parameter hides a name outside.
        self.locals.push(Local {
            name: param.name.text,
            span: param.name.span,
            kind: LocalKind::Value { value, constant: true },
        });
    }

    /// Walks a function's body with its parameters, or with what a call gives them.
    fn body(&mut self, function: &'t Function<'a>, given: Option<Vec<Option<Value<'a>>>>) -> Value<'a> {
        let outer = self.locals.len();
        let row = std::mem::take(&mut self.row);
        let context = self.context.take();
        let mut given = given.unwrap_or_default().into_iter();
        for param in &function.params {
            self.param(param, given.next().flatten());
        }
        let inner = self.statements(&function.statements);
        let result = match &function.result {
            Some(expr) => self.value(expr),
            None => inner.unwrap_or(Value::Unknown),
        };
        self.locals.truncate(outer);
        self.row = row;
        self.context = context;
        result
    }

    /// What a function of the query's own returns for these arguments.
    pub(super) fn call_user(
        &mut self,
        function: &Rc<UserFunction<'t, 'a>>,
        given: Vec<Option<Value<'a>>>,
    ) -> Value<'a> {
        if !function.tabular {
            return function.result.clone();
        }
        if self.calls.0 >= CALLS_DEEP || self.calls.1 >= CALLS {
            return match &function.result {
                Value::Table(_) => Value::Table(Table::unknown()),
                other => other.clone(),
            };
        }
        self.calls = (self.calls.0 + 1, self.calls.1 + 1);
        self.silent += 1;
        let result = self.body(function.tree, Some(given));
        self.silent -= 1;
        self.calls.0 -= 1;
        result
    }

    /// The type that a literal parameter default must not break.
    pub(super) fn scalar_or_unknown(value: &Value<'a>) -> Type {
        match value {
            Value::Scalar(ty) => *ty,
            _ => Type::Unknown,
        }
    }
}
