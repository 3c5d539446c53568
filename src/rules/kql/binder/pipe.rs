//! What flows through a pipe.

use super::super::problem::Code;
use super::super::span::Span;
use super::super::tree::{Expr, Operator, Ordering, Stage};
use super::super::types::Type;
use super::Binder;
use super::scope::{Column, Graph, LocalKind, Table, Value};

impl<'t, 'a> Binder<'t, 'a> {
    /// `source | stage | stage`.
    pub(super) fn pipe(&mut self, source: &'t Expr<'a>, stages: &'t [Stage<'a>]) -> Value<'a> {
        let mut flow = match self.tabular(source) {
            Value::Graph(graph) => Value::Graph(graph),
            Value::Table(table) => Value::Table(table),
            Value::Unknown | Value::Scalar(Type::Unknown) => Value::Table(Table::unknown()),
            Value::Scalar(ty) => {
                self.error_hint(
                    Code::Tabular,
                    source.span,
                    format!("a query begins with a table, and this is a {ty}"),
                    "begin with a table, such as DeviceProcessEvents",
                );
                Value::Table(Table::unknown())
            }
            Value::Database { .. } => {
                self.error(Code::Tabular, source.span, "a query begins with a table, and this is a database");
                Value::Table(Table::unknown())
            }
        };
        for stage in stages {
            flow = self.stage(flow, stage);
        }
        flow
    }

    /// An operator that stands at the beginning.
    pub(super) fn source(&mut self, stage: &'t Stage<'a>) -> Value<'a> {
        if let Some(value) = self.made(stage) {
            return value;
        }
        if let Some(table) = self.context.clone() {
            self.stage(Value::Table(table), stage)
        } else {
            if !matches!(stage.kind, Operator::Broken | Operator::Other | Operator::Evaluate { .. }) {
                self.error_hint(
                    Code::Place,
                    stage.keyword,
                    "a query can't begin with this operator",
                    "begin with a table, such as `DeviceProcessEvents | …`",
                );
            }
            let table = self.silently(|binder| binder.stage(Value::Table(Table::unknown()), stage));
            match table {
                Value::Table(table) => Value::Table(Table { open: true, ..table }),
                other => other,
            }
        }
    }

    /// Walks without telling anything.
    pub(super) fn silently<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.silent += 1;
        let done = work(self);
        self.silent -= 1;
        done
    }

    /// What an operator makes of what flows into it.
    fn stage(&mut self, flow: Value<'a>, stage: &'t Stage<'a>) -> Value<'a> {
        match flow {
            Value::Graph(graph) => self.graph_stage(graph, stage),
            Value::Table(table) => self.table_stage(table, stage),
            _ => self.table_stage(Table::unknown(), stage),
        }
    }

    fn table_stage(&mut self, table: Table<'a>, stage: &'t Stage<'a>) -> Value<'a> {
        let keyword = stage.keyword;
        let out = match &stage.kind {
            Operator::Broken | Operator::Other | Operator::ProjectByNames(_) => Table::unknown(),
            Operator::Where { predicate, .. } => {
                let ty = self.with_table(&table, |binder| binder.scalar(predicate));
                self.must_be_bool(ty, predicate.span, "what stands behind `where`");
                table
            }
            Operator::Extend(items) | Operator::Serialize(items) => self.extend(&table, items),
            Operator::Project(items) => self.project(&table, items),
            Operator::ProjectAway(columns) => self.project_away(&table, columns),
            Operator::ProjectKeep(columns) => self.project_keep(&table, columns),
            Operator::ProjectReorder(columns) => self.project_reorder(&table, columns),
            Operator::ProjectRename(items) => self.project_rename(&table, items),
            Operator::Summarize { aggregates, by, .. } => self.summarize(&table, aggregates, by.as_deref()),
            Operator::MakeSeries { aggregates, on, from, to, step, range, by, .. } => {
                self.make_series(&table, aggregates, on.as_ref(), [from, to, step], range, by.as_deref())
            }
            Operator::Distinct { columns, .. } => self.distinct(&table, columns),
            Operator::Count { name, .. } => {
                Table::of(vec![Column::new(name.map_or("Count", |name| name.text), Type::Long)])
            }
            Operator::Take { count, .. } | Operator::Sample(count) => {
                self.row_count(count);
                table
            }
            Operator::SampleDistinct { count, of } => self.sample_distinct(&table, count, of),
            Operator::Top { count, by, .. } => {
                self.row_count(count);
                self.ordered(&table, by.as_deref());
                table
            }
            Operator::TopHitters { count, of, by } => self.top_hitters(&table, count, of, by.as_ref()),
            Operator::TopNested(levels) => self.top_nested(&table, levels),
            Operator::Sort { by, .. } => {
                self.ordered(&table, by);
                table
            }
            Operator::Join { settings, right, condition } => self.join(&table, settings, right, condition),
            Operator::Lookup { settings, right, condition } => self.lookup(&table, settings, right, condition),
            Operator::Union { settings, tables } => self.union(Some(&table), settings, tables),
            Operator::MvExpand { settings, columns, limit } => {
                self.row_limit(limit.as_ref());
                self.mv_expand(&table, settings, columns)
            }
            Operator::MvApply { settings, columns, limit, body, .. } => {
                self.row_limit(limit.as_ref());
                self.mv_apply(&table, settings, columns, body.as_deref())
            }
            Operator::Parse { source, pattern, .. } => self.parse(&table, source, pattern),
            Operator::ParseKv { source, columns, .. } => self.parse_kv(&table, source, columns),
            Operator::Scan(scan) => self.scan(&table, scan),
            Operator::Partition { by, body, .. } => {
                self.column_expr(by, &table);
                body.as_deref().map_or_else(Table::unknown, |body| self.within(&table, body))
            }
            Operator::Fork(branches) => {
                let results: Vec<_> = branches.iter().map(|(_, branch)| self.within(&table, branch)).collect();
                results.into_iter().next().unwrap_or(table)
            }
            Operator::Facet { by, with } => self.facet(table, by, with.as_deref()),
            Operator::As { name, .. } => {
                let kind = LocalKind::Value { value: Value::Table(table.clone()), constant: false };
                self.declare(*name, kind);
                table
            }
            Operator::Consume(_) | Operator::Render { .. } => table,
            Operator::AssertSchema(columns) => {
                Table::of(columns.iter().map(|column| Column::new(column.name.text, column.ty)).collect())
            }
            Operator::Getschema => described(),
            Operator::Invoke(call) => return self.invoke(&table, call),
            Operator::Evaluate { call, schema, .. } => self.evaluate(&table, call, schema.as_deref()),
            Operator::Reduce { by, .. } => {
                self.with_table(&table, |binder| binder.scalar(&by.expr));
                reduced()
            }
            Operator::Search { predicate, .. } => self.search_in(&table, predicate),
            Operator::MakeGraph { source, target, nodes, .. } => {
                return Value::Graph(self.make_graph(&table, source, target, nodes));
            }
            Operator::Range { .. }
            | Operator::Print(_)
            | Operator::Datatable { .. }
            | Operator::Externaldata { .. }
            | Operator::Find { .. } => {
                self.misplaced(keyword, "this operator begins a query, and can't stand behind a `|`");
                Table::unknown()
            }
            Operator::GraphMatch { .. }
            | Operator::GraphShortestPaths { .. }
            | Operator::GraphToTable(_)
            | Operator::GraphMarkComponents(_)
            | Operator::GraphWhere(_) => {
                self.misplaced(keyword, "this operator works on a graph: `| make-graph …` must stand before it");
                Table::unknown()
            }
        };
        Value::Table(out)
    }

    fn misplaced(&mut self, keyword: Span, message: &str) {
        self.error(Code::Place, keyword, message);
    }

    /// A query inside parentheses that works on the table outside.
    pub(super) fn within(&mut self, table: &Table<'a>, body: &'t Expr<'a>) -> Table<'a> {
        let context = self.context.replace(table.clone());
        let result = self.with_row(super::Row::default(), |binder| binder.table(body));
        self.context = context;
        result
    }

    /// How many rows: no column can be meant.
    pub(super) fn row_count(&mut self, count: &'t Expr<'a>) {
        let ty = self.without_row(|binder| binder.scalar(count));
        self.must_be_integer(ty, count.span, "the number of rows");
    }

    fn row_limit(&mut self, limit: Option<&'t Expr<'a>>) {
        if let Some(limit) = limit {
            self.row_count(limit);
        }
    }

    /// What rows are put in order by.
    fn ordered(&mut self, table: &Table<'a>, by: impl IntoIterator<Item = &'t Ordering<'a>>) {
        self.with_table(table, |binder| {
            for ordering in by {
                binder.scalar(&ordering.item.expr);
            }
        });
    }

    fn sample_distinct(&mut self, table: &Table<'a>, count: &'t Expr<'a>, of: &'t Expr<'a>) -> Table<'a> {
        self.row_count(count);
        let name = self.column_expr(of, table);
        let column = name.map(|name| Column::new(name.text, table.type_of(name.text).unwrap_or(Type::Unknown)));
        Table::of(column.into_iter().collect())
    }

    fn facet(&mut self, table: Table<'a>, by: &'t [Expr<'a>], with: Option<&'t Expr<'a>>) -> Table<'a> {
        for column in by {
            self.column_expr(column, &table);
        }
        match with {
            Some(with) => self.within(&table, with),
            None => table,
        }
    }

    /// `search` behind a `|`.
    fn search_in(&mut self, table: &Table<'a>, predicate: &'t Expr<'a>) -> Table<'a> {
        let ty = self.with_table(table, |binder| binder.search_predicate(predicate));
        self.must_be_searchable(ty, predicate.span);
        let mut columns = vec![Column::new("$table", Type::String)];
        columns.extend(table.columns.iter().cloned());
        Table { open: table.open, ..Table::of(columns) }
    }

    fn graph_stage(&mut self, graph: Graph<'a>, stage: &'t Stage<'a>) -> Value<'a> {
        match &stage.kind {
            Operator::GraphMatch { names, predicate, project, .. }
            | Operator::GraphShortestPaths { names, predicate, project, .. } => {
                Value::Table(self.graph_match(&graph, names, predicate.as_ref(), project.as_deref()))
            }
            Operator::GraphToTable(_) => Value::Table(Table::unknown()),
            Operator::GraphMarkComponents(_)
            | Operator::GraphWhere(_)
            | Operator::As { .. }
            | Operator::Consume(_)
            | Operator::Render { .. }
            | Operator::Broken
            | Operator::Other => Value::Graph(graph),
            _ => {
                self.misplaced(stage.keyword, "this operator works on a table, and a graph comes in here");
                Value::Table(Table::unknown())
            }
        }
    }
}

/// What `getschema` gives.
fn described<'a>() -> Table<'a> {
    Table::of(vec![
        Column::new("ColumnName", Type::String),
        Column::new("ColumnOrdinal", Type::Long),
        Column::new("DataType", Type::String),
        Column::new("ColumnType", Type::String),
    ])
}

/// What `reduce` gives.
fn reduced<'a>() -> Table<'a> {
    Table::of(vec![
        Column::new("Pattern", Type::String),
        Column::new("Count", Type::Long),
        Column::new("Representative", Type::String),
    ])
}
