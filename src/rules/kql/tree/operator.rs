//! Query operators, with their parts.

use super::super::span::Span;
use super::part::{Condition, FindColumn, GraphName, MvColumn, NestedLevel, Ordering, ParsePart, Scan, Setting};
use super::{ColumnDecl, Expr, Item, Name};

/// A query operator in its place in a pipe.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    /// Which, with its parts.
    pub kind: Operator<'a>,
    /// Where its keyword stands.
    pub keyword: Span,
    /// From the keyword to its last token.
    pub span: Span,
}

/// A query operator. All keep their settings, in the order of the text.
#[derive(Debug, Clone)]
pub enum Operator<'a> {
    /// No operator; a problem says so. The rest up to the next pipe is skipped.
    Broken,
    /// `where`, `filter`
    Where {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// What must hold.
        predicate: Expr<'a>,
    },
    /// `extend`
    Extend(Vec<Item<'a>>),
    /// `project`
    Project(Vec<Item<'a>>),
    /// `project-away`: names, wildcards
    ProjectAway(Vec<Expr<'a>>),
    /// `project-keep`: names, wildcards
    ProjectKeep(Vec<Expr<'a>>),
    /// `project-reorder`: names, wildcards, with an order
    ProjectReorder(Vec<Expr<'a>>),
    /// `project-rename`
    ProjectRename(Vec<Item<'a>>),
    /// `project-by-names`
    ProjectByNames(Vec<Expr<'a>>),
    /// `summarize`
    Summarize {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The aggregates.
        aggregates: Vec<Item<'a>>,
        /// `by`, where it stands.
        by: Option<Vec<Item<'a>>>,
    },
    /// `distinct`: expressions, or `*`
    Distinct {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The columns.
        columns: Vec<Item<'a>>,
    },
    /// `count`
    Count {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// `as Name`.
        name: Option<Name<'a>>,
    },
    /// `take`, `limit`
    Take {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// How many.
        count: Expr<'a>,
    },
    /// `sample`
    Sample(Expr<'a>),
    /// `sample-distinct … of …`
    SampleDistinct {
        /// How many.
        count: Expr<'a>,
        /// Of which column.
        of: Expr<'a>,
    },
    /// `top … by …`
    Top {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// How many.
        count: Expr<'a>,
        /// In which order.
        by: Option<Box<Ordering<'a>>>,
    },
    /// `top-hitters … of … by …`
    TopHitters {
        /// How many.
        count: Expr<'a>,
        /// Of which column.
        of: Item<'a>,
        /// Weighed by what.
        by: Option<Item<'a>>,
    },
    /// `top-nested …, top-nested …`
    TopNested(Vec<NestedLevel<'a>>),
    /// `sort by`, `order by`
    Sort {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// In which order.
        by: Vec<Ordering<'a>>,
    },
    /// `join`
    Join {
        /// Parameters: `kind`, hints.
        settings: Vec<Setting<'a>>,
        /// The other table.
        right: Expr<'a>,
        /// What must hold.
        condition: Condition<'a>,
    },
    /// `lookup`
    Lookup {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The other table.
        right: Expr<'a>,
        /// What must hold.
        condition: Condition<'a>,
    },
    /// `union`: tables, wildcards, queries in parentheses
    Union {
        /// Parameters: `kind`, `withsource`, `isfuzzy`.
        settings: Vec<Setting<'a>>,
        /// The tables.
        tables: Vec<Expr<'a>>,
    },
    /// `mv-expand`, `mvexpand`
    MvExpand {
        /// Parameters: `bagexpansion`, `kind`, `with_itemindex`.
        settings: Vec<Setting<'a>>,
        /// What is expanded.
        columns: Vec<MvColumn<'a>>,
        /// `limit`.
        limit: Option<Expr<'a>>,
    },
    /// `mv-apply … on ( … )`
    MvApply {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// What is expanded.
        columns: Vec<MvColumn<'a>>,
        /// `limit`.
        limit: Option<Expr<'a>>,
        /// `id`.
        context: Option<Expr<'a>>,
        /// What is done to each part.
        body: Option<Box<Expr<'a>>>,
    },
    /// `parse`, `parse-where`
    Parse {
        /// Parameters: `kind`, `flags`.
        settings: Vec<Setting<'a>>,
        /// `parse-where`.
        filter: bool,
        /// What is taken apart.
        source: Expr<'a>,
        /// The pattern.
        pattern: Vec<ParsePart<'a>>,
    },
    /// `parse-kv … as (…) with (…)`
    ParseKv {
        /// What is taken apart.
        source: Expr<'a>,
        /// What comes out.
        columns: Vec<ColumnDecl<'a>>,
        /// Parameters behind.
        settings: Vec<Setting<'a>>,
    },
    /// `make-series`
    MakeSeries {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The aggregates with their `default=`.
        aggregates: Vec<(Item<'a>, Option<Expr<'a>>)>,
        /// `on`.
        on: Option<Item<'a>>,
        /// `from`.
        from: Option<Expr<'a>>,
        /// `to`.
        to: Option<Expr<'a>>,
        /// `step`.
        step: Option<Expr<'a>>,
        /// `in range(start, stop, step)`.
        range: Vec<Expr<'a>>,
        /// `by`.
        by: Option<Vec<Item<'a>>>,
    },
    /// `range x from … to … step …`
    Range {
        /// The column.
        name: Name<'a>,
        /// From.
        from: Expr<'a>,
        /// To.
        to: Expr<'a>,
        /// Step.
        step: Expr<'a>,
    },
    /// `print`
    Print(Vec<Item<'a>>),
    /// `datatable (…) […]`
    Datatable {
        /// Its columns.
        columns: Vec<ColumnDecl<'a>>,
        /// The values, row by row.
        values: Vec<Expr<'a>>,
    },
    /// `externaldata (…) […] with (…)`
    Externaldata {
        /// Its columns.
        columns: Vec<ColumnDecl<'a>>,
        /// The addresses.
        sources: Vec<Expr<'a>>,
        /// Parameters behind.
        settings: Vec<Setting<'a>>,
    },
    /// `search`
    Search {
        /// Parameters: `kind`.
        settings: Vec<Setting<'a>>,
        /// `in (…)`.
        tables: Option<Vec<Expr<'a>>>,
        /// What must hold.
        predicate: Expr<'a>,
    },
    /// `find`
    Find {
        /// Parameters: `withsource`, `datascope`.
        settings: Vec<Setting<'a>>,
        /// `in (…)`.
        tables: Option<Vec<Expr<'a>>>,
        /// What must hold.
        predicate: Option<Expr<'a>>,
        /// `project`: the columns (`name`, `name:type`), none for `project-smart`.
        project: Option<Vec<FindColumn<'a>>>,
        /// `project-away`.
        away: Option<Vec<Expr<'a>>>,
    },
    /// `serialize`
    Serialize(Vec<Item<'a>>),
    /// `scan`
    Scan(Box<Scan<'a>>),
    /// `partition … by … ( … )` and `{ … }`
    Partition {
        /// Parameters: hints.
        settings: Vec<Setting<'a>>,
        /// The column.
        by: Expr<'a>,
        /// `in range`, `(…)` or `{…}`: what is done to each part.
        body: Option<Box<Expr<'a>>>,
    },
    /// `fork`
    Fork(Vec<(Option<Name<'a>>, Expr<'a>)>),
    /// `facet by … with ( … )`
    Facet {
        /// The columns.
        by: Vec<Expr<'a>>,
        /// What is done to the rest.
        with: Option<Box<Expr<'a>>>,
    },
    /// `as`
    As {
        /// Parameters: hints.
        settings: Vec<Setting<'a>>,
        /// The name.
        name: Name<'a>,
    },
    /// `consume`
    Consume(Vec<Setting<'a>>),
    /// `render`
    Render {
        /// The chart.
        chart: Name<'a>,
        /// `with (…)`.
        settings: Vec<Setting<'a>>,
    },
    /// `getschema`
    Getschema,
    /// `invoke`: a call
    Invoke(Expr<'a>),
    /// `evaluate`
    Evaluate {
        /// Parameters: hints.
        settings: Vec<Setting<'a>>,
        /// The plugin with its arguments.
        call: Expr<'a>,
        /// `: (a:long, *)`: the columns that come out. `*` (the input's own) is `None`.
        schema: Option<Vec<Option<ColumnDecl<'a>>>>,
    },
    /// `reduce by … with …`
    Reduce {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The expression.
        by: Item<'a>,
        /// Parameters behind.
        with: Vec<Setting<'a>>,
    },
    /// `make-graph Source --> Target with …`
    MakeGraph {
        /// Parameters.
        settings: Vec<Setting<'a>>,
        /// The column at an edge's start.
        source: Expr<'a>,
        /// The column at its end.
        target: Expr<'a>,
        /// `with Nodes on Id, …`.
        nodes: Vec<(Expr<'a>, Option<Expr<'a>>)>,
        /// `with_node_id = Name`, `partitioned-by`.
        rest: Vec<Setting<'a>>,
    },
    /// `graph-match`
    GraphMatch {
        /// Parameters: `cycles`.
        settings: Vec<Setting<'a>>,
        /// The names of nodes and edges in the patterns; an edge of variable length says so.
        names: Vec<GraphName<'a>>,
        /// `where`.
        predicate: Option<Expr<'a>>,
        /// `project`.
        project: Option<Vec<Item<'a>>>,
    },
    /// `graph-shortest-paths`
    GraphShortestPaths {
        /// Parameters: `output`, `cycles`.
        settings: Vec<Setting<'a>>,
        /// The names of nodes and edges.
        names: Vec<GraphName<'a>>,
        /// `where`.
        predicate: Option<Expr<'a>>,
        /// `project`.
        project: Option<Vec<Item<'a>>>,
    },
    /// `graph-to-table nodes as N, edges as E`
    GraphToTable(Vec<(Name<'a>, Option<Name<'a>>)>),
    /// `graph-mark-components`
    GraphMarkComponents(Vec<Setting<'a>>),
    /// `graph-where-nodes`, `graph-where-edges`
    GraphWhere(Expr<'a>),
    /// `assert-schema (…)`
    AssertSchema(Vec<ColumnDecl<'a>>),
    /// `execute-and-cache`, `macro-expand` and others that Defender doesn't offer: kept as text.
    Other,
}
