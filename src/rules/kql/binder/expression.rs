//! Expressions: what each gives.

use super::super::catalogue;
use super::super::problem::{Code, Problem};
use super::super::span::Span;
use super::super::tree::{Binary, Expr, ExprKind, Json, Membership, Wrapper};
use super::super::types::{Dynamic, Element, Type};
use super::fitting::literal_text;
use super::scope::{Table, Value};
use super::{Binder, Row, wording};

impl<'t, 'a> Binder<'t, 'a> {
    /// The type of an expression that must be a scalar.
    pub(super) fn scalar(&mut self, expr: &'t Expr<'a>) -> Type {
        match self.value(expr) {
            Value::Scalar(ty) => ty,
            Value::Unknown => Type::Unknown,
            Value::Table(_) | Value::Graph(_) | Value::Database { .. } => {
                self.error_hint(
                    Code::Tabular,
                    expr.span,
                    "a single value must stand here, and this is a table",
                    "wrap it in toscalar(…), or use `in (…)` to look into a table",
                );
                Type::Unknown
            }
        }
    }

    /// The rows of an expression that must be a table.
    pub(super) fn table(&mut self, expr: &'t Expr<'a>) -> Table<'a> {
        match self.tabular(expr) {
            Value::Table(table) => table,
            Value::Unknown | Value::Graph(_) | Value::Scalar(Type::Unknown) => Table::unknown(),
            Value::Database { .. } => {
                self.error(Code::Tabular, expr.span, "a table must stand here, and this is a database");
                Table::unknown()
            }
            Value::Scalar(ty) => {
                self.error_hint(
                    Code::Tabular,
                    expr.span,
                    format!("a table must stand here, and this is a {ty}"),
                    "a query begins with a table, such as DeviceProcessEvents; `print` makes a row of values",
                );
                Table::unknown()
            }
        }
    }

    /// What an expression gives where a table is expected: a bare name is a table here, no column.
    pub(super) fn tabular(&mut self, expr: &'t Expr<'a>) -> Value<'a> {
        match &expr.kind {
            ExprKind::Name(name) => self.table_name(*name),
            ExprKind::Paren(inner) => self.tabular(inner),
            _ => self.value(expr),
        }
    }

    /// What an expression gives.
    pub(super) fn value(&mut self, expr: &'t Expr<'a>) -> Value<'a> {
        match &expr.kind {
            ExprKind::Missing | ExprKind::Other | ExprKind::Wildcard(_) | ExprKind::Star => Value::Unknown,
            ExprKind::Literal(literal) => Value::Scalar(literal.ty),
            ExprKind::Dynamic(json) => Value::Scalar(Type::Dynamic(content(*json))),
            ExprKind::TypeOf(_) => Value::Scalar(Type::TypeOf),
            ExprKind::Name(name) => self.name(*name),
            ExprKind::Call { name, args } => self.call(*name, args),
            ExprKind::Member { object, member } => self.member(object, member),
            ExprKind::Index { object, index } => Value::Scalar(self.index(object, index, expr.span)),
            ExprKind::Unary { minus, operand } => Value::Scalar(self.unary(*minus, operand, expr.span)),
            ExprKind::Binary { op, op_span, left, right } => Value::Scalar(self.binary(*op, *op_span, left, right)),
            ExprKind::In { op, op_span, value, items } => {
                self.membership(*op, *op_span, value, items);
                Value::Scalar(Type::Bool)
            }
            ExprKind::Between { not, op_span, value, low, high } => {
                let types = [self.operand(value), self.scalar(low), self.scalar(high)];
                if !catalogue::between(types[0], types[1], types[2]) {
                    let word = if *not { "!between" } else { "between" };
                    self.error_hint(
                        Code::Type,
                        *op_span,
                        format!("`{word}` can't compare a {} with {} and {}", types[0], types[1], types[2]),
                        "all three must be numbers, datetimes or timespans",
                    );
                }
                Value::Scalar(Type::Bool)
            }
            ExprKind::Paren(inner) => self.value(inner),
            ExprKind::Pipe { source, stages } => self.pipe(source, stages),
            ExprKind::Source(stage) => self.source(stage),
            ExprKind::Wrapped { wrapper, inner } => self.wrapped(*wrapper, inner),
        }
    }

    /// The left side of a comparison: a star stands for every column.
    fn operand(&mut self, expr: &'t Expr<'a>) -> Type {
        match &expr.kind {
            ExprKind::Star => Type::Unknown,
            _ => self.scalar(expr),
        }
    }

    fn wrapped(&mut self, wrapper: Wrapper, inner: &'t Expr<'a>) -> Value<'a> {
        // The query inside sees no row of the query outside.
        let row = std::mem::take(&mut self.row);
        let value = self.tabular(inner);
        self.row = row;
        match (wrapper, value) {
            (Wrapper::ToScalar, Value::Table(table)) => {
                let first = table.columns.first().map(|column| column.ty);
                Value::Scalar(if table.open { Type::Unknown } else { first.unwrap_or(Type::Unknown) })
            }
            (_, value) => value,
        }
    }

    fn unary(&mut self, minus: bool, operand: &'t Expr<'a>, span: Span) -> Type {
        let ty = self.scalar(operand);
        catalogue::unary(minus, ty).unwrap_or_else(|| {
            let sign = if minus { '-' } else { '+' };
            self.error(Code::Type, span, format!("`{sign}` can't be put before a {ty}"));
            Type::Unknown
        })
    }

    fn binary(&mut self, op: Binary, op_span: Span, left: &'t Expr<'a>, right: &'t Expr<'a>) -> Type {
        // A long chain of `or` hangs down on the left: without a loop it would overflow the stack.
        let mut chain = vec![(op, op_span, right)];
        let mut first = left;
        while let ExprKind::Binary { op, op_span, left, right } = &first.kind {
            chain.push((*op, *op_span, right));
            first = left;
        }
        let mut ty = self.operand(first);
        let mut before = first;
        while let Some((op, op_span, right)) = chain.pop() {
            let other = self.scalar(right);
            if matches!(op, Binary::Equal | Binary::EqualTilde | Binary::NotEqual | Binary::NotTilde) {
                self.retired_value(before, right);
            }
            before = right;
            ty = catalogue::binary(op, ty, other).unwrap_or_else(|| {
                self.refused(op, op_span, ty, other);
                match op {
                    Binary::Add | Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Modulo => {
                        Type::Unknown
                    }
                    _ => Type::Bool,
                }
            });
        }
        ty
    }

    fn refused(&mut self, op: Binary, span: Span, left: Type, right: Type) {
        let word = wording::binary(op);
        let hint = match (op, left, right) {
            (Binary::Add, Type::String, _) | (Binary::Add, _, Type::String) => "join texts with strcat(a, b)",
            (Binary::And | Binary::Or, ..) => "both sides must be conditions: compare the value with something",
            (Binary::Text(_), Type::String | Type::Dynamic(_), _) => {
                "the right side must be a string: put it in quotes, or use tostring()"
            }
            (Binary::Text(_), ..) => "the left side must be a string: use tostring(), or compare it with `==` or `in`",
            (_, Type::Datetime, Type::String) | (_, Type::String, Type::Datetime) => {
                "write a time as datetime(2026-01-31), or use todatetime()"
            }
            (_, Type::String, _) => {
                "turn the text into a number with toint(), tolong() or todouble(), or compare with `==`"
            }
            (_, _, Type::String) => "write the number without quotes, or turn the text into one with tolong()",
            (_, Type::Datetime, _) => {
                "a datetime compares with a datetime: ago(1d), datetime(2026-01-31); durations are written 1d, 5m"
            }
            (_, Type::Timespan, _) => "a duration compares with a duration: 1d, 5m",
            (_, Type::Dynamic(_), _) | (_, _, Type::Dynamic(_)) => {
                "give the dynamic value a type first: tostring(), tolong(), todatetime()"
            }
            _ => "the two sides must be of types that go together",
        };
        self.error_hint(Code::Type, span, format!("`{word}` isn't defined for {left} and {right}"), hint);
    }

    fn membership(&mut self, op: Membership, op_span: Span, value: &'t Expr<'a>, items: &'t [Expr<'a>]) {
        let ty = self.operand(value);
        if !catalogue::membership(op, ty) {
            let word = wording::membership(op);
            self.error_hint(
                Code::Type,
                op_span,
                format!("`{word}` needs a string on the left, and this is a {ty}"),
                "use `in`, or tostring() on the left side",
            );
        }
        for item in items {
            self.retired_value(value, item);
            // One table is as good as a list of values.
            match self.value(item) {
                Value::Table(_) if items.len() > 1 => self.error_hint(
                    Code::Tabular,
                    item.span,
                    "a list of values can't hold a table",
                    "put the table alone between the parentheses",
                ),
                _ => {}
            }
        }
    }

    /// Tells of a value that the service writes otherwise today.
    fn retired_value(&mut self, column: &Expr<'a>, value: &Expr<'a>) {
        let (ExprKind::Name(column), Some(text)) = (&column.kind, literal_text(value)) else { return };
        let renamed = self.tables.iter().find_map(|table| self.schema.renamed_value(table, column.text, text));
        if let Some(new) = renamed.as_ref().and_then(|renamed| renamed.new.first()) {
            let message = format!("`{}` is no longer `{text}`", column.text);
            self.tell(
                Problem::warning(Code::Retired, value.span, message)
                    .hint(format!("the service writes \"{new}\" today")),
            );
        }
    }

    fn member(&mut self, object: &'t Expr<'a>, member: &'t Expr<'a>) -> Value<'a> {
        if let Some(value) = self.qualified(object, member) {
            return value;
        }
        match self.value(object) {
            Value::Scalar(Type::Dynamic(_) | Type::Unknown) | Value::Unknown => {
                if let ExprKind::Call { args, .. } = &member.kind {
                    for arg in args {
                        self.value(&arg.expr);
                    }
                }
                Value::Scalar(Type::DYNAMIC)
            }
            Value::Database { own } => self.of_database(own, member),
            Value::Scalar(ty) => {
                let hint = match ty {
                    Type::String => "take a text apart first: parse_json(…).name, split(…)[0] or extract(…)",
                    _ => "only dynamic values have parts",
                };
                self.error_hint(
                    Code::Type,
                    member.span,
                    format!("a {ty} has no parts, so `.` can't look into it"),
                    hint,
                );
                Value::Unknown
            }
            Value::Table(_) | Value::Graph(_) => {
                self.error(Code::Tabular, member.span, "a table has no parts: use `| project` to choose columns");
                Value::Unknown
            }
        }
    }

    /// `$left.a`, `s1.a` in a scan, `n.a` in a graph.
    fn qualified(&mut self, object: &'t Expr<'a>, member: &'t Expr<'a>) -> Option<Value<'a>> {
        let (ExprKind::Name(object), ExprKind::Name(member)) = (&object.kind, &member.kind) else { return None };
        let sides = self.row.sides.as_ref();
        let table = match object.text {
            "$left" => sides.map(|(left, _)| left.clone())?,
            "$right" => sides.map(|(_, right)| right.clone())?,
            name => self.row.qualified.iter().find(|(own, _)| *own == name).map(|(_, table)| table.clone())?,
        };
        let ty = table.type_of(member.text).unwrap_or_else(|| {
            self.unknown_column(*member, &table, Some(object.text));
            Type::Unknown
        });
        Some(Value::Scalar(ty))
    }

    fn index(&mut self, object: &'t Expr<'a>, index: &'t Expr<'a>, span: Span) -> Type {
        let ty = match self.value(object) {
            Value::Scalar(ty) => ty,
            Value::Unknown => Type::Unknown,
            _ => {
                self.error(Code::Tabular, span, "a table has no parts: use `| project` to choose columns");
                Type::Unknown
            }
        };
        // The key is a value of the same row.
        let aggregate = std::mem::replace(&mut self.row.aggregate, false);
        let key = self.scalar(index);
        self.row.aggregate = aggregate;
        match ty {
            Type::Dynamic(Dynamic::Bag) if key.is_number() => {
                self.error_hint(
                    Code::Type,
                    index.span,
                    "a bag has no numbered parts",
                    "write the name of a part: [\"name\"]",
                );
            }
            Type::Dynamic(Dynamic::Array(_)) if key == Type::String => {
                self.error_hint(
                    Code::Type,
                    index.span,
                    "an array has no named parts",
                    "write the number of a part: [0], or expand it with mv-expand",
                );
            }
            _ => {}
        }
        if !ty.is_dynamic() && ty != Type::Unknown {
            let hint = match ty {
                Type::String => "take a text apart first: parse_json(…)[\"name\"], split(…)[0] or substring(…)",
                _ => "only dynamic values have parts",
            };
            self.error_hint(
                Code::Type,
                object.span.to(span),
                format!("a {ty} has no parts, so `[…]` can't look into it"),
                hint,
            );
        }
        Type::DYNAMIC
    }

    /// Works without any columns in reach.
    pub(super) fn without_row<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.with_row(Row::default(), work)
    }
}

/// What is known of the content of a dynamic literal.
fn content(json: Json) -> Dynamic {
    match json {
        Json::Bag => Dynamic::Bag,
        Json::Array(element) => Dynamic::Array(element.map_or(Element::Any, element_of)),
        Json::Value(ty) => Dynamic::Value(element_of(ty)),
        Json::Null => Dynamic::Any,
    }
}

/// A type as the content of a dynamic value.
pub(super) fn element_of(ty: Type) -> Element {
    match ty {
        Type::Bool => Element::Bool,
        Type::Int => Element::Int,
        Type::Long => Element::Long,
        Type::Real => Element::Real,
        Type::Decimal => Element::Decimal,
        Type::String => Element::String,
        Type::Datetime => Element::Datetime,
        Type::Timespan => Element::Timespan,
        Type::Guid => Element::Guid,
        Type::Dynamic(Dynamic::Bag) => Element::Bag,
        Type::Dynamic(Dynamic::Array(_)) => Element::Array,
        Type::Dynamic(_) | Type::TypeOf | Type::Unknown => Element::Any,
    }
}
