//! Operators that begin a query, and those that hand a table to a function.

use super::super::problem::Code;
use super::super::schema::Schema;
use super::super::tree::{ColumnDecl, Expr, ExprKind, GraphName, Item, Name, Operator, Stage};
use super::super::types::{Dynamic, Element, Type};
use super::output::{Named, Output};
use super::scope::{Column, Graph, LocalKind, Table, Value};
use super::{Binder, Row};

impl<'t, 'a> Binder<'t, 'a> {
    /// What an operator that needs no input makes; `None` for one that does.
    pub(super) fn made(&mut self, stage: &'t Stage<'a>) -> Option<Value<'a>> {
        let table = match &stage.kind {
            Operator::Print(items) => self.print(items),
            Operator::Range { name, from, to, step } => self.range(*name, [from, to, step]),
            Operator::Datatable { columns, values } => self.datatable(columns, values),
            Operator::Externaldata { columns, sources, .. } => {
                self.without_row(|binder| {
                    for source in sources {
                        binder.scalar(source);
                    }
                });
                declared(columns)
            }
            Operator::Union { settings, tables } if self.context.is_none() => self.union(None, settings, tables),
            Operator::Search { tables, predicate, .. } if self.context.is_none() => {
                self.search(tables.as_deref(), predicate)
            }
            Operator::Find { settings, tables, predicate, project, .. } => {
                self.find(settings, tables.as_deref(), predicate.as_ref(), project.as_deref())
            }
            Operator::Evaluate { call, schema, .. } if self.context.is_none() => {
                self.evaluate(&Table::default(), call, schema.as_deref())
            }
            _ => return None,
        };
        Some(Value::Table(table))
    }

    fn print(&mut self, items: &'t [Item<'a>]) -> Table<'a> {
        let mut output = Output::empty(false);
        for (number, item) in items.iter().enumerate() {
            let value = self.value(&item.expr);
            match (&value, item.names.is_empty()) {
                // Only names and paths keep theirs in a print.
                (Value::Scalar(_) | Value::Unknown, true) => {
                    let ty = Self::scalar_or_unknown(&value);
                    match self.made_name(&item.expr) {
                        Named::Own(name) if matches!(item.expr.kind, ExprKind::Name(_)) => output.made(name, ty),
                        _ => output.made(format!("print_{number}").into(), ty),
                    }
                }
                _ => self.add(&mut output, item, &value),
            }
        }
        output.table()
    }

    fn range(&mut self, name: Name<'a>, bounds: [&'t Expr<'a>; 3]) -> Table<'a> {
        let types = bounds.map(|bound| self.without_row(|binder| binder.scalar(bound)));
        for (ty, bound) in types.iter().zip(bounds) {
            if !ty.is_summable() && *ty != Type::Unknown && !ty.is_dynamic() {
                self.error(
                    Code::Type,
                    bound.span,
                    format!("a range runs over numbers, datetimes or timespans, and this is a {ty}"),
                );
            }
        }
        let ty = if types[0].is_number() && types[1].is_number() {
            super::fitting::widest(types[0], types[1])
        } else {
            types[0]
        };
        Table::of(vec![Column::new(name.text, ty)])
    }

    fn datatable(&mut self, columns: &'t [ColumnDecl<'a>], values: &'t [Expr<'a>]) -> Table<'a> {
        self.without_row(|binder| {
            for value in values {
                binder.scalar(value);
            }
        });
        if let (Some(last), false) = (values.last(), columns.is_empty())
            && !values.len().is_multiple_of(columns.len())
        {
            self.error_hint(
                Code::Arity,
                last.span,
                format!("{} values don't fill rows of {} columns", values.len(), columns.len()),
                "each row needs a value for every column, and a comma behind each",
            );
        }
        declared(columns)
    }

    /// `invoke f(…)`.
    pub(super) fn invoke(&mut self, table: &Table<'a>, call: &'t Expr<'a>) -> Value<'a> {
        let ExprKind::Call { name, args } = &call.kind else {
            if let ExprKind::Name(name) = &call.kind {
                return self.invoke_call(table, *name, &[]);
            }
            self.with_table(table, |binder| binder.value(call));
            return Value::Table(Table::unknown());
        };
        self.invoke_call(table, *name, args)
    }

    fn invoke_call(&mut self, table: &Table<'a>, name: Name<'a>, args: &'t [Item<'a>]) -> Value<'a> {
        let local = self.locals.iter().rev().find(|local| local.name == name.text).map(|local| local.kind.clone());
        let value = match local {
            Some(LocalKind::Function(function)) => {
                self.with_table(table, |binder| binder.call_own(name, &function, args, Some(table.clone())))
            }
            Some(LocalKind::Value { .. }) => Value::Unknown,
            None if self.schema.function(name.text).is_some() => self.call_of_schema(name, Some(table), args),
            None => {
                self.unknown_function(name, false, true);
                Value::Unknown
            }
        };
        match value {
            Value::Table(table) => Value::Table(table),
            _ => Value::Table(Table::unknown()),
        }
    }

    /// A function that the service offers beside its tables: `FileProfile` and its like.
    pub(super) fn call_of_schema(
        &mut self,
        name: Name<'a>,
        input: Option<&Table<'a>>,
        args: &'t [Item<'a>],
    ) -> Value<'a> {
        let schema: &'a Schema = self.schema;
        let Some(function) = schema.function(name.text) else { return Value::Unknown };
        let mut given = args;
        let mut base = input.cloned();
        if let (true, true, Some((first, rest))) = (function.invoked(), base.is_none(), args.split_first()) {
            base = Some(self.table(&first.expr));
            given = rest;
        }
        let row = Row { table: base.clone(), ..Row::default() };
        self.with_row(row, |binder| {
            for arg in given {
                // Column names are written bare or as texts; which columns it takes isn't told exactly.
                if !matches!(arg.expr.kind, ExprKind::Name(_)) {
                    binder.value(&arg.expr);
                }
            }
        });
        let takes = function.params.len() - usize::from(function.invoked());
        if given.len() > takes {
            let names: Vec<&str> =
                function.params.iter().skip(usize::from(function.invoked())).map(|param| param.name).collect();
            self.error_hint(
                Code::Arity,
                name.span,
                format!(
                    "`{}` takes at most {takes} argument{}, and {} are given",
                    name.text,
                    if takes == 1 { "" } else { "s" },
                    given.len()
                ),
                format!("it is {}({})", name.text, names.join(", ")),
            );
        }
        if function.invoked() && base.is_none() {
            self.error_hint(
                Code::Tabular,
                name.span,
                format!("`{}` works on a table", name.text),
                format!("write `Table | invoke {}(…)`", name.text),
            );
        }
        let base = base.unwrap_or_default();
        let mut out = if function.keeps_input { base.clone() } else { Table::default() };
        for (column, ty) in &function.columns {
            out.append(Column::new(*column, *ty));
        }
        out.open = base.open || !function.certain;
        Value::Table(out)
    }

    /// `make-graph`.
    pub(super) fn make_graph(
        &mut self,
        table: &Table<'a>,
        source: &'t Expr<'a>,
        target: &'t Expr<'a>,
        nodes: &'t [(Expr<'a>, Option<Expr<'a>>)],
    ) -> Graph<'a> {
        self.column_expr(source, table);
        self.column_expr(target, table);
        let mut all = Table::default();
        for (other, key) in nodes {
            let other = self.without_row(|binder| binder.table(other));
            if let Some(key) = key {
                self.column_expr(key, &other);
            }
            for column in other.columns.iter() {
                all.set(column.clone());
            }
            all.open |= other.open;
        }
        // Without tables of nodes, a node bears what `with_node_id` names.
        all.open |= nodes.is_empty();
        Graph { nodes: all, edges: table.clone() }
    }

    /// `graph-match`, `graph-shortest-paths`.
    pub(super) fn graph_match(
        &mut self,
        graph: &Graph<'a>,
        names: &'t [GraphName<'a>],
        predicate: Option<&'t Expr<'a>>,
        project: Option<&'t [Item<'a>]>,
    ) -> Table<'a> {
        let qualified = names
            .iter()
            .map(|name| {
                let table = if name.edge { graph.edges.clone() } else { graph.nodes.clone() };
                // A path of several edges gives arrays of each.
                (name.name.text, if name.variable { Table::unknown() } else { table })
            })
            .collect();
        let bare = names.iter().map(|name| Column::new(name.name.text, Type::Dynamic(Dynamic::Array(Element::Any))));
        let row = Row { table: Some(Table { open: false, ..Table::of(bare.collect()) }), qualified, ..Row::default() };
        let mut output = Output::empty(false);
        self.with_row(row, |binder| {
            if let Some(predicate) = predicate {
                let ty = binder.scalar(predicate);
                binder.must_be_bool(ty, predicate.span, "what stands behind `where`");
            }
            for item in project.into_iter().flatten() {
                let value = binder.value(&item.expr);
                binder.add(&mut output, item, &value);
            }
        });
        if project.is_none() {
            output.open();
        }
        output.table()
    }
}

/// The columns of a declaration.
fn declared<'a>(columns: &[ColumnDecl<'a>]) -> Table<'a> {
    Table::of(columns.iter().map(|column| Column::new(column.name.text, column.ty)).collect())
}
