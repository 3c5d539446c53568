//! Operators that put rows together.

use std::borrow::Cow;

use super::super::problem::Code;
use super::super::tree::{Expr, ExprKind, Item, NestedLevel};
use super::super::types::{Dynamic, Element, Type};
use super::output::{Named, Output};
use super::scope::{Column, Table};
use super::{Binder, Row};

impl<'t, 'a> Binder<'t, 'a> {
    /// Works where aggregates stand.
    fn aggregating<T>(&mut self, table: &Table<'a>, work: impl FnOnce(&mut Self) -> T) -> T {
        let row = Row { table: Some(table.clone()), aggregate: true, ..Row::default() };
        self.with_row(row, work)
    }

    /// `summarize`: the columns of `by` first, then the aggregates.
    pub(super) fn summarize(
        &mut self,
        table: &Table<'a>,
        aggregates: &'t [Item<'a>],
        by: Option<&'t [Item<'a>]>,
    ) -> Table<'a> {
        let mut output = Output::empty(table.open);
        self.with_table(table, |binder| {
            for item in by.into_iter().flatten() {
                let value = binder.value(&item.expr);
                binder.add(&mut output, item, &value);
            }
        });
        output.mark();
        self.aggregating(table, |binder| {
            for item in aggregates {
                binder.aggregate(&mut output, table, item);
            }
        });
        output.table()
    }

    /// One aggregate: some give several columns.
    fn aggregate(&mut self, output: &mut Output<'a>, table: &Table<'a>, item: &'t Item<'a>) {
        let value = self.value(&item.expr);
        if let ExprKind::Call { name, args } = &unwrapped(&item.expr).kind {
            match name.text {
                "arg_max" | "arg_min" | "argmax" | "argmin" => {
                    return self.arg_extreme(output, table, name.text, args, item);
                }
                "take_any" => return self.take_any(output, table, name.text, args, item),
                "any" if args.len() > 1 || args.iter().any(|arg| matches!(arg.expr.kind, ExprKind::Star)) => {
                    return self.take_any(output, table, name.text, args, item);
                }
                "percentile" | "percentiles" | "percentilew" | "percentilesw" => {
                    return self.percentiles(output, name.text, args, item);
                }
                _ => {}
            }
        }
        self.add(output, item, &value);
    }

    /// `arg_max(extreme, returned…)`: the extreme's column, and those of the row that has it.
    fn arg_extreme(
        &mut self,
        output: &mut Output<'a>,
        table: &Table<'a>,
        function: &str,
        args: &'t [Item<'a>],
        item: &'t Item<'a>,
    ) {
        let prefix = if function.ends_with("max") { "max" } else { "min" };
        let mut names = item.names.iter();
        for (number, arg) in args.iter().enumerate() {
            if matches!(arg.expr.kind, ExprKind::Star) {
                rest(output, table, args);
                continue;
            }
            let ty = self.plain(|binder| binder.item(arg));
            if let Some(name) = names.next() {
                self.add_named(output, *name, ty);
                continue;
            }
            if let Some(name) = arg.names.first() {
                self.add_named(output, *name, ty);
                continue;
            }
            match self.plain(|binder| binder.made_name(&arg.expr)) {
                Named::Own(name) | Named::Made(name) => output.made(name, ty),
                Named::None => {
                    let of = args.first().map(|first| self.plain(|binder| binder.made_name(&first.expr)));
                    let of = match of {
                        Some(Named::Own(name) | Named::Made(name)) => name,
                        _ => Cow::Borrowed(""),
                    };
                    let made =
                        if number == 0 { format!("{prefix}_{of}") } else { format!("{prefix}_{of}_arg{number}") };
                    output.made(made.into(), ty);
                }
            }
        }
    }

    fn take_any(
        &mut self,
        output: &mut Output<'a>,
        table: &Table<'a>,
        function: &str,
        args: &'t [Item<'a>],
        item: &'t Item<'a>,
    ) {
        let mut names = item.names.iter();
        for arg in args {
            if matches!(arg.expr.kind, ExprKind::Star) {
                rest(output, table, &[]);
                continue;
            }
            let ty = self.plain(|binder| binder.item(arg));
            if let Some(name) = names.next() {
                self.add_named(output, *name, ty);
                continue;
            }
            match self.plain(|binder| binder.made_name(&arg.expr)) {
                Named::Own(name) | Named::Made(name) if function == "any" => {
                    output.made(format!("any_{name}").into(), ty);
                }
                Named::Own(name) | Named::Made(name) => output.made(name, ty),
                Named::None => output.unnamed(ty),
            }
        }
    }

    fn percentiles(&mut self, output: &mut Output<'a>, function: &str, args: &'t [Item<'a>], item: &'t Item<'a>) {
        let weighted = function.starts_with("percentilew") || function.starts_with("percentilesw");
        let ty = match args.first().map_or(Type::Unknown, |arg| self.plain(|binder| binder.item(arg))) {
            Type::Int => Type::Long,
            other => other,
        };
        let of = args.first().and_then(|arg| match self.plain(|binder| binder.made_name(&arg.expr)) {
            Named::Own(name) | Named::Made(name) => Some(name),
            Named::None => None,
        });
        let mut names = item.names.iter();
        for arg in args.iter().skip(if weighted { 2 } else { 1 }) {
            match (names.next(), &arg.expr.kind) {
                (Some(name), _) => self.add_named(output, *name, ty),
                (None, ExprKind::Literal(literal)) => {
                    let number = literal.text.replace('.', "_");
                    output.made(format!("percentile_{}_{number}", of.as_deref().unwrap_or_default()).into(), ty);
                }
                (None, _) => output.unnamed(ty),
            }
        }
    }

    /// Works where plain expressions stand, inside an aggregate.
    fn plain<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let aggregate = std::mem::replace(&mut self.row.aggregate, false);
        // The arguments were walked already, with their problems told.
        self.silent += 1;
        let done = work(self);
        self.silent -= 1;
        self.row.aggregate = aggregate;
        done
    }

    /// `make-series`: the columns of `by`, the series, the axis.
    pub(super) fn make_series(
        &mut self,
        table: &Table<'a>,
        aggregates: &'t [(Item<'a>, Option<Expr<'a>>)],
        on: Option<&'t Item<'a>>,
        bounds: [&'t Option<Expr<'a>>; 3],
        range: &'t [Expr<'a>],
        by: Option<&'t [Item<'a>]>,
    ) -> Table<'a> {
        let mut output = Output::empty(table.open);
        self.with_table(table, |binder| {
            for item in by.into_iter().flatten() {
                let value = binder.value(&item.expr);
                binder.add(&mut output, item, &value);
            }
            for bound in bounds.into_iter().flatten().chain(range) {
                binder.scalar(bound);
            }
        });
        let series = Type::Dynamic(Dynamic::Array(Element::Any));
        self.aggregating(table, |binder| {
            for (item, default) in aggregates {
                binder.value(&item.expr);
                if let Some(default) = default {
                    binder.plain_loud(default);
                }
                binder.add_type(&mut output, item, series);
            }
        });
        if let Some(on) = on {
            self.with_table(table, |binder| {
                binder.scalar(&on.expr);
                binder.add_type(&mut output, on, series);
            });
        }
        output.table()
    }

    fn plain_loud(&mut self, expr: &'t Expr<'a>) {
        let aggregate = std::mem::replace(&mut self.row.aggregate, false);
        self.scalar(expr);
        self.row.aggregate = aggregate;
    }

    /// `top-hitters`.
    pub(super) fn top_hitters(
        &mut self,
        table: &Table<'a>,
        count: &'t Expr<'a>,
        of: &'t Item<'a>,
        by: Option<&'t Item<'a>>,
    ) -> Table<'a> {
        self.row_count(count);
        let mut output = Output::empty(table.open);
        self.with_table(table, |binder| {
            let value = binder.value(&of.expr);
            binder.add(&mut output, of, &value);
            let name = match by {
                Some(by) => {
                    binder.scalar(&by.expr);
                    match binder.made_name(&by.expr) {
                        Named::Own(name) | Named::Made(name) => format!("approximate_sum_{name}"),
                        Named::None => "approximate_sum_".to_owned(),
                    }
                }
                None => match binder.made_name(&of.expr) {
                    Named::Own(name) | Named::Made(name) => format!("approximate_count_{name}"),
                    Named::None => "approximate_count_".to_owned(),
                },
            };
            output.made(name.into(), Type::Long);
        });
        output.table()
    }

    /// `top-nested`: for each level its column and its aggregate.
    pub(super) fn top_nested(&mut self, table: &Table<'a>, levels: &'t [NestedLevel<'a>]) -> Table<'a> {
        let mut output = Output::empty(table.open);
        for level in levels {
            if let Some(count) = &level.count {
                self.row_count(count);
            }
            let of = self.with_table(table, |binder| {
                let value = binder.value(&level.of.expr);
                binder.add(&mut output, &level.of, &value);
                if let Some(others) = &level.others {
                    binder.scalar(others);
                }
                binder.made_name(&level.of.expr)
            });
            let Some(by) = &level.by else {
                self.error_hint(
                    Code::Syntax,
                    level.of.span,
                    "each level of `top-nested` needs `by` and an aggregate",
                    "add `by count()`",
                );
                continue;
            };
            self.aggregating(table, |binder| {
                let value = binder.value(&by.expr);
                if by.names.is_empty() {
                    let of = match (&level.of.names.first(), of) {
                        (Some(name), _) => Cow::Borrowed(name.text),
                        (None, Named::Own(name) | Named::Made(name)) => name,
                        (None, Named::None) => Cow::Borrowed(""),
                    };
                    output.made(format!("aggregated_{of}").into(), Self::scalar_or_unknown(&value));
                } else {
                    binder.add(&mut output, by, &value);
                }
            });
        }
        output.table()
    }
}

/// Without parentheses around it.
fn unwrapped<'t, 'a>(expr: &'t Expr<'a>) -> &'t Expr<'a> {
    let mut expr = expr;
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    expr
}

/// `*`: the table's columns that `by` doesn't give and that aren't named themselves.
fn rest<'a>(output: &mut Output<'a>, table: &Table<'a>, args: &[Item<'a>]) {
    let named = |column: &Column<'a>| {
        args.iter().any(|arg| matches!(&arg.expr.kind, ExprKind::Name(name) if column.name == name.text))
    };
    for column in table.columns.iter() {
        if !named(column) && !output.is_marked(&column.name) {
            output.made(column.name.clone(), column.ty);
        }
    }
    if table.open {
        output.open();
    }
}
