//! The syntax tree of a query.
//!
//! Nodes borrow the text and say where they stand in it. Nothing of the text is lost: the tokens with
//! the blanks and comments between them stand in [`super::lexer`], every node's span is a stretch of
//! the text, and an edit is a list of spans to replace, so that what isn't edited stays byte for byte.
//!
//! A tree is made of any text. Where the text is broken there is a problem beside the tree, and in
//! the tree [`ExprKind::Missing`] or a node that lacks a part; the binder is silent about both.

use super::span::Span;
use super::types::Type;

/// A whole text: statements parted by `;`.
#[derive(Debug, Clone, Default)]
pub struct Query<'a> {
    /// In the order of the text.
    pub statements: Vec<Statement<'a>>,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// Which.
    pub kind: StatementKind<'a>,
    /// From its first token to its last, without the `;`.
    pub span: Span,
}

/// Which statement.
#[derive(Debug, Clone)]
pub enum StatementKind<'a> {
    /// `let Name = …`.
    Let {
        /// What is declared.
        name: Name<'a>,
        /// Its value.
        value: LetValue<'a>,
    },
    /// `set option = value` or `set option`.
    Set {
        /// The option.
        name: Name<'a>,
        /// Its value.
        value: Option<Expr<'a>>,
    },
    /// `alias database Name = cluster(…).database(…)`.
    Alias {
        /// What is declared.
        name: Name<'a>,
        /// What it stands for.
        value: Expr<'a>,
    },
    /// `declare pattern Name = (…)[…] {…}` and `declare pattern Name`.
    Pattern {
        /// What is declared.
        name: Name<'a>,
        /// The parameters in parentheses.
        params: Vec<Param<'a>>,
        /// The parameter in brackets.
        path: Option<Param<'a>>,
        /// One body for each list of values.
        cases: Vec<Function<'a>>,
    },
    /// `declare query_parameters (name:type = default, …)`.
    QueryParameters(Vec<Param<'a>>),
    /// `restrict access to (…)`.
    Restrict(Vec<Expr<'a>>),
    /// An expression: what the query returns.
    Query(Expr<'a>),
}

/// What a `let` gives a name to.
#[derive(Debug, Clone)]
pub enum LetValue<'a> {
    /// A scalar or a table.
    Expr(Expr<'a>),
    /// `(a:long, T:(*)) { … }`, `view () { … }`.
    Function(Function<'a>),
}

/// A function of the query's own.
#[derive(Debug, Clone)]
pub struct Function<'a> {
    /// `view`.
    pub view: bool,
    /// Its parameters.
    pub params: Vec<Param<'a>>,
    /// The statements before its result, in braces.
    pub statements: Vec<Statement<'a>>,
    /// What it returns.
    pub result: Option<Box<Expr<'a>>>,
    /// From the parenthesis to the brace.
    pub span: Span,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Its type.
    pub kind: ParamKind<'a>,
    /// Its default.
    pub default: Option<Expr<'a>>,
    /// The whole.
    pub span: Span,
}

/// The type of a parameter.
#[derive(Debug, Clone)]
pub enum ParamKind<'a> {
    /// `x:long`.
    Scalar(Type),
    /// `T:(a:long, b:string)`: a table that has at least these columns.
    Table(Vec<ColumnDecl<'a>>),
    /// `T:(*)`: any table.
    AnyTable,
}

/// `name:type`.
#[derive(Debug, Clone)]
pub struct ColumnDecl<'a> {
    /// The name.
    pub name: Name<'a>,
    /// The type; unknown where the text is broken.
    pub ty: Type,
    /// The whole.
    pub span: Span,
}

/// A name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// Without brackets and quotes: `['a b']` is `a b`. Empty where it is missing.
    pub text: &'a str,
    /// With them.
    pub span: Span,
}

/// An expression, of a scalar or a table.
#[derive(Debug, Clone)]
pub struct Expr<'a> {
    /// Which.
    pub kind: ExprKind<'a>,
    /// The whole.
    pub span: Span,
}

/// Which expression.
#[derive(Debug, Clone)]
pub enum ExprKind<'a> {
    /// Nothing stands where something must; a problem says so.
    Missing,
    /// A literal.
    Literal(Literal<'a>),
    /// `dynamic(…)`: what the JSON inside is.
    Dynamic(Json),
    /// `typeof(long)`, or `typeof(a:long, b:string)` with its columns (`*` is `None`).
    TypeOf(Vec<Option<ColumnDecl<'a>>>),
    /// A name.
    Name(Name<'a>),
    /// A name with `*` in it: `Device*`.
    Wildcard(Name<'a>),
    /// `*` alone.
    Star,
    /// `f(a, name = b)`.
    Call {
        /// The function.
        name: Name<'a>,
        /// The arguments.
        args: Vec<Item<'a>>,
    },
    /// `a.b`, where `b` is a name or a call (`database('x').table('y')`).
    Member {
        /// On the left.
        object: Box<Expr<'a>>,
        /// On the right.
        member: Box<Expr<'a>>,
    },
    /// `a[b]`; `a.[b]` means the same.
    Index {
        /// What is looked into.
        object: Box<Expr<'a>>,
        /// Where.
        index: Box<Expr<'a>>,
    },
    /// `-a`, `+a`.
    Unary {
        /// `-` rather than `+`.
        minus: bool,
        /// Of what.
        operand: Box<Expr<'a>>,
    },
    /// `a op b`.
    Binary {
        /// Which.
        op: Binary,
        /// Where the operator itself stands.
        op_span: Span,
        /// On the left.
        left: Box<Expr<'a>>,
        /// On the right.
        right: Box<Expr<'a>>,
    },
    /// `a in (…)`, `a !in~ (…)`, `a has_any (…)`, `a has_all (…)`.
    In {
        /// Which.
        op: Membership,
        /// Where the operator itself stands.
        op_span: Span,
        /// On the left.
        value: Box<Expr<'a>>,
        /// In the parentheses: scalars, or one table.
        items: Vec<Expr<'a>>,
    },
    /// `a between (low .. high)`, `a !between (low .. high)`.
    Between {
        /// `!between`.
        not: bool,
        /// Where the operator itself stands.
        op_span: Span,
        /// On the left.
        value: Box<Expr<'a>>,
        /// From.
        low: Box<Expr<'a>>,
        /// To.
        high: Box<Expr<'a>>,
    },
    /// `(a)`.
    Paren(Box<Expr<'a>>),
    /// `source | operator | operator`: at least one operator.
    Pipe {
        /// The table.
        source: Box<Expr<'a>>,
        /// What is done to it.
        stages: Vec<Stage<'a>>,
    },
    /// An operator that starts a query: `print`, `range`, `union`, `search`, `find`, `datatable`,
    /// `externaldata`, `evaluate`, and also `where …` alone inside `partition`, `fork`, `mv-apply`.
    Source(Box<Stage<'a>>),
    /// `materialize(…)`, `toscalar(…)`, `totable(…)`: what stands inside may be a whole query.
    Wrapped {
        /// Which.
        wrapper: Wrapper,
        /// What is inside.
        inner: Box<Expr<'a>>,
    },
    /// `contextual_datatable`, and a lambda as a value of an entity: kept as text.
    Other,
}

/// What is put around a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    /// `materialize`.
    Materialize,
    /// `toscalar`: the first column of the first row.
    ToScalar,
    /// `totable`.
    ToTable,
}

/// What the JSON of a `dynamic(…)` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Json {
    /// `{…}`.
    Bag,
    /// `[…]`; the type that all its elements share, where they do.
    Array(Option<Type>),
    /// One value of a type.
    Value(Type),
    /// `null`, or broken.
    Null,
}

/// A literal.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a> {
    /// Its type.
    pub ty: Type,
    /// As it stands in the text, marks and quotes included.
    pub text: &'a str,
}

/// One of a list of expressions: `expression`, `Name = expression`, `(A, B) = expression`.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The names in front of the `=`; several only in parentheses; none without.
    pub names: Vec<Name<'a>>,
    /// The names stand in parentheses.
    pub tuple: bool,
    /// The expression.
    pub expr: Expr<'a>,
    /// The whole.
    pub span: Span,
}

/// The binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `or`
    Or,
    /// `and`
    And,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `=~`
    EqualTilde,
    /// `!~`
    NotTilde,
    /// `:`, in search
    Search,
    /// A word that compares strings: `has`, `!contains_cs`, `matches regex`.
    Text(TextOp),
}

/// The words that compare strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextOp {
    /// Which, without `!` and `_cs`.
    pub word: TextWord,
    /// With `!` in front (or `not` as in `notcontains`).
    pub not: bool,
    /// With `_cs` behind (or `cs`, as in `containscs`).
    pub case_sensitive: bool,
}

/// Which word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextWord {
    /// `has`
    Has,
    /// `hasprefix`
    HasPrefix,
    /// `hassuffix`
    HasSuffix,
    /// `contains`
    Contains,
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
    /// `like`
    Like,
    /// `matches regex`
    MatchesRegex,
}

/// The operators with a list on the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// `in`
    In,
    /// `!in`
    NotIn,
    /// `in~`
    InTilde,
    /// `!in~`
    NotInTilde,
    /// `has_any`
    HasAny,
    /// `has_all`
    HasAll,
}

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

/// `hint.strategy = shuffle`, `kind = inner`, `bin = 10`: a parameter of an operator, in front.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// The name: `kind`, `hint.strategy`.
    pub name: Name<'a>,
    /// The value: a name, a literal, or an expression in parentheses.
    pub value: Expr<'a>,
}

/// An expression by which rows are put in order.
#[derive(Debug, Clone)]
pub struct Ordering<'a> {
    /// The expression.
    pub item: Item<'a>,
    /// `asc` rather than `desc`; none where nothing is said.
    pub ascending: Option<bool>,
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

/// A column of `find … project`.
#[derive(Debug, Clone)]
pub struct FindColumn<'a> {
    /// The name.
    pub name: Name<'a>,
    /// Its type, where said.
    pub ty: Option<Type>,
    /// `pack(*)`.
    pub pack: bool,
}

/// The condition of a join or lookup.
#[derive(Debug, Clone)]
pub enum Condition<'a> {
    /// `on a, $left.b == $right.c`.
    On(Vec<Expr<'a>>),
    /// `where …`.
    Where(Box<Expr<'a>>),
    /// None stands there.
    None,
}

/// A column of `mv-expand` and `mv-apply`.
#[derive(Debug, Clone)]
pub struct MvColumn<'a> {
    /// The expression, perhaps named.
    pub item: Item<'a>,
    /// `to typeof(…)`.
    pub ty: Option<Type>,
}

/// A part of the pattern of `parse`.
#[derive(Debug, Clone)]
pub enum ParsePart<'a> {
    /// `*`
    Star(Span),
    /// A string.
    Text(Expr<'a>),
    /// `name` or `name:type`.
    Column {
        /// The name.
        name: Name<'a>,
        /// Its type; none means string.
        ty: Option<Type>,
    },
}

/// A level of `top-nested`.
#[derive(Debug, Clone)]
pub struct NestedLevel<'a> {
    /// How many, where said.
    pub count: Option<Expr<'a>>,
    /// Of what.
    pub of: Item<'a>,
    /// `with others = …`.
    pub others: Option<Expr<'a>>,
    /// By which aggregate.
    pub by: Option<Item<'a>>,
}

/// `scan with_match_id=… order by … partition by … declare (…) with ( step … )`.
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    /// Parameters: `with_match_id`, `kind`.
    pub settings: Vec<Setting<'a>>,
    /// `order by`.
    pub order: Vec<Ordering<'a>>,
    /// `partition by`.
    pub partition: Vec<Expr<'a>>,
    /// `declare`.
    pub declare: Vec<Param<'a>>,
    /// The steps.
    pub steps: Vec<ScanStep<'a>>,
}

/// `step name optional output=…: condition => a = b, …;`.
#[derive(Debug, Clone)]
pub struct ScanStep<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// What must hold.
    pub condition: Expr<'a>,
    /// `name = expression`.
    pub assignments: Vec<Item<'a>>,
}

/// A name in a graph's pattern.
#[derive(Debug, Clone, Copy)]
pub struct GraphName<'a> {
    /// The name.
    pub name: Name<'a>,
    /// An edge, not a node.
    pub edge: bool,
    /// An edge of variable length: `-[e*1..3]->`.
    pub variable: bool,
}
