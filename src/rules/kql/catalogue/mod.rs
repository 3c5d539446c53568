//! The built-in functions, aggregates, plugins and operators: what they take and what they give.
//!
//! The tables stand beside this in text files (`functions.txt`, `aggregates.txt`, `plugins.txt`) that
//! are read once, when first asked. A name is found as it is written: case counts, as in KQL.
//!
//! Sources: <https://learn.microsoft.com/kusto/query/scalar-functions>,
//! <https://learn.microsoft.com/kusto/query/aggregation-functions>, and verdicts of the public
//! language service.

use std::sync::LazyLock;

use super::known::Known;
use super::types::Type;

pub use accept::accepts;
pub use common::{array_of, array_of_common, common, joined};
pub use operator::{between, binary, membership, unary};

mod accept;
mod common;
mod operator;
mod read;
#[cfg(test)]
mod tests;

/// Which of the three name spaces: the same name may stand in several (`any`, `hll_merge`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Scalar functions, and those that give a table, a database or a cluster.
    Function,
    /// What `summarize` and its like take.
    Aggregate,
    /// What `evaluate` takes.
    Plugin,
}

/// A built-in function.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; any of them goes with any other")]
pub struct Function {
    /// As it is written.
    pub name: &'static str,
    /// At least one.
    pub signatures: Vec<Signature>,
    /// How a column is called that holds its value and has no name of its own.
    pub naming: Naming,
    /// It works still; this is what to write instead (two names are parted by `|`).
    pub retired: Option<&'static str>,
    /// Not documented: it works, and is nothing to propose.
    pub hidden: bool,
    /// Known only inside `graph-match` and the other operators of a graph; elsewhere there is no such
    /// function (and `any` is an aggregate).
    pub graph: bool,
    /// The same arguments give the same value at any time and for any caller; not so for `now`, `rand`.
    pub deterministic: bool,
    /// A call with constant arguments is itself a constant where [`Form::Constant`] asks for one.
    pub constant: bool,
}

/// One way to call a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// In order. Parameters in a row that may repeat (`max` above 1) repeat together: `case` takes
    /// any number of pairs of a predicate and a value, then one value.
    pub params: Vec<Param>,
    /// What comes out.
    pub returns: Returns,
    /// This signature is retired, though others of the function aren't: what to write instead.
    pub retired: Option<&'static str>,
}

impl Signature {
    /// The fewest and the most arguments.
    #[must_use]
    pub fn arity(&self) -> (u32, u32) {
        self.params
            .iter()
            .fold((0, 0), |(low, high), param| (low.saturating_add(param.min), high.saturating_add(param.max)))
    }
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, for messages and for `name = value`.
    pub name: &'static str,
    /// Values of which types.
    pub accepts: Accepts,
    /// Written how.
    pub form: Form,
    /// The fewest arguments for it: 0 when it may be left out.
    pub min: u32,
    /// The most: `u32::MAX` for any number.
    pub max: u32,
    /// The only values that it takes, in any case of letters; empty where all are good.
    pub values: Vec<&'static str>,
    /// `"~"` may stand for the default.
    pub tilde: bool,
}

/// Which types a parameter takes; [`accepts`] says it of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// Anything, also a table.
    Any,
    /// Any scalar.
    Scalar,
    /// This type, and what turns into it by itself.
    Type(Type),
    /// `int`, `long`.
    Integer,
    /// `real`, `decimal`.
    RealOrDecimal,
    /// `int`, `long`, `real`, `decimal`.
    Number,
    /// A number or a `bool`.
    NumberOrBool,
    /// A number, `datetime`, `timespan`.
    Summable,
    /// Whatever has an order: a summable, `string`, `bool`.
    Orderable,
    /// `string`, `dynamic`.
    StringOrDynamic,
    /// `string`, or an array of strings.
    StringOrArray,
    /// An integer, or an array of integers.
    IntegerOrArray,
    /// A `dynamic` that may be an array.
    DynamicArray,
    /// A `dynamic` that may be a property bag.
    DynamicBag,
    /// Any but `dynamic`.
    NotDynamic,
    /// Any but `bool`.
    NotBool,
    /// Any but `real` and `bool`.
    NotRealOrBool,
    /// All such arguments share a type.
    Common(Shared),
    /// A table.
    Tabular,
}

/// Of what kind a shared type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Any scalar; it is an error where there is no common type.
    Scalar,
    /// Any that has an order; it is an error where there is no common type.
    Orderable,
    /// Any scalar, and `dynamic` where there is no common type.
    ScalarOrDynamic,
}

/// How an argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any expression.
    Expression,
    /// `*`, and nothing else.
    Star,
    /// An expression, or `*` as the last one.
    StarAllowed,
    /// An aggregate.
    Aggregate,
    /// A column of the input.
    Column,
    /// A column of the table that the first argument is.
    ColumnOf0,
    /// A literal.
    Literal,
    /// A literal, not an empty string.
    LiteralNotEmpty,
    /// A literal, or what can be reckoned without a row: a `let` of one, `strcat("a", "b")`.
    Constant,
}

/// What comes out of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returns {
    /// This type.
    Type(Type),
    /// The type of an argument, counted from 0.
    Argument(usize),
    /// The type that the last argument names: `typeof(long)`.
    LiteralOfLast,
    /// The type that an argument names, counted from 0.
    LiteralOf(usize),
    /// The type of the first argument, an `int` made a `long`.
    Promoted0,
    /// The widest of the arguments' types: `int`, `long`, `real`, `decimal`; at least `long`.
    Widest,
    /// The type that the arguments of [`Accepts::Common`] share.
    Common,
    /// The same; where one of them is no `dynamic` it is that one, and `dynamic` where they share none.
    CommonNotDynamic,
    /// A dynamic array of the first argument's type.
    Array0,
    /// A dynamic array of the type that the arguments from this one on share, or of anything.
    ArrayOfCommon(usize),
    /// A dynamic array of the type that the elements of all arguments share; a plain `dynamic` where
    /// any argument isn't known to be an array.
    Concatenated,
    /// The same, an array of anything where any argument isn't known to be an array.
    United,
    /// As many columns as arrays, each of its array's type, called `X_sorted`, `array0_sorted` where
    /// the argument has no name (0 is the argument's place). One value where there is one array.
    Sorted,
    /// Several values of a row: `name_X_suffix`, X the first argument's name or nothing. Used as one
    /// value it is the first of them.
    Tuple(Vec<(&'static str, Type)>),
    /// A table with these columns.
    Table(Vec<(&'static str, Type)>),
    /// A table that is made of these parts, one after the other.
    Rows(Vec<Output>),
    /// What the name in the first argument means.
    Entity(Entity),
    /// It depends on more than types; the binder knows by the name:
    ///
    /// - `percentile`, `percentilew`: the type of the first, an `int` made a `long`, called
    ///   `percentile_X_5` (X the first's name or nothing; the number with `_` for `.`; nothing where it
    ///   is no literal). `percentiles`, `percentilesw`: one such for each number. `percentiles_array`,
    ///   `percentilesw_array`: an array, `percentiles_X`
    /// - `arg_max(m, a, …)`, `arg_min`: `m`'s column under its own name (`max_` where it has none),
    ///   then every other under its own, or `max_M_arg1` where it has none; `*` is all columns but
    ///   `m` and those of `by`. `argmax`, `argmin`: `max_M`, then `max_M_A`
    /// - `take_any(a, …)`: under their own names, `any_arg0` where there is none; `*` is all columns
    ///   but those of `by`. `any(a, b)`, `any(*)`: the same with `any_` before the names
    /// - `map`, `inner_nodes` of graphs: anything
    /// - `pivot(x, sum(y), a, …)`: the columns `a, …`, or all of the input but `x` and those in the
    ///   aggregate; and columns that only the data knows
    /// - `dcount_intersect`: the input, and `s0`, `s1`, … of `long`, one for each argument
    /// - `sequence_detect(t, max, max, x = …, y = …, a, …)`: the columns `a, …`, a `x_t` of `t`'s type
    ///   for each condition, `Duration` of `timespan`
    /// - `rolling_percentile(v, 50, i, bin, 4, a, …)`: the columns `i`, `a, …`, and
    ///   `rolling_4_percentile_v_50` of `v`'s type
    Custom,
}

/// A part of the table that a plugin makes. Arguments are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The input's columns.
    Input,
    /// The input's columns but the one that an argument names.
    InputWithout(usize),
    /// The columns of the table that the first argument is, with a number behind a name that is there
    /// already; without its columns that [`Form::ColumnOf0`] arguments name a second key with.
    Looked,
    /// The same without the column that an argument names.
    LookedWithout(usize),
    /// Columns that only the data knows: no name behind it can be called unknown, unless the query
    /// says which there are (`evaluate x() : (a:long)`).
    Open,
    /// The column that an argument names.
    Argument(usize),
    /// The columns that the arguments from this one on name.
    ArgumentsFrom(usize),
    /// The columns of an argument's `typeof(…)`; `*` in it is the input's.
    TypeOf(usize),
    /// A column.
    Column(&'static str, Type),
    /// A column of the type of an argument.
    ColumnAs(&'static str, usize),
    /// A column called after an argument.
    Named {
        /// In front of the argument's name.
        before: &'static str,
        /// Which argument.
        argument: usize,
        /// Behind the argument's name.
        after: &'static str,
        /// Its type.
        ty: Type,
    },
}

/// What a name in a string can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entity {
    /// `cluster("x")`.
    Cluster,
    /// `database("x")`.
    Database,
    /// `table("x")`.
    Table,
    /// `external_table("x")`.
    ExternalTable,
    /// `materialized_view("x")`.
    MaterializedView,
    /// `entity_group("x")`.
    EntityGroup,
    /// `stored_query_result("x")`.
    StoredQueryResult,
    /// `graph("x")`.
    Graph,
}

/// How a column without a name of its own is called after the call that it holds.
///
/// The name of an expression: a column's own; `d_x` of `d.x` and `d["x"]`, `d_0` of `d[0]`; else what
/// this says of a call; else none, and the column is `Column1`. `print` ignores all this (`print_0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// No name.
    None,
    /// `strlen_X` of the first argument's name, `strlen_` where that has none.
    NameAndFirst,
    /// The same with only one argument.
    NameAndOnly,
    /// `set_X` of the first argument's name, `set_` where that has none.
    Prefix(&'static str),
    /// The same with only one argument.
    PrefixAndOnly(&'static str),
    /// This name.
    Fixed(&'static str),
    /// The text of the first argument where a column is so called.
    FirstIfColumn,
    /// The name of the first argument.
    First,
    /// The same with only one argument.
    Only,
}

/// All of them.
struct Catalogue {
    functions: Known<&'static str, Function>,
    aggregates: Known<&'static str, Function>,
    plugins: Known<&'static str, Function>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue {
    functions: read::table(read::FUNCTIONS).unwrap_or_default(),
    aggregates: read::table(read::AGGREGATES).unwrap_or_default(),
    plugins: read::table(read::PLUGINS).unwrap_or_default(),
});

/// The scalar function of that name.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    CATALOGUE.functions.get(name)
}

/// The aggregate of that name.
#[must_use]
pub fn aggregate(name: &str) -> Option<&'static Function> {
    CATALOGUE.aggregates.get(name)
}

/// The plugin of that name.
#[must_use]
pub fn plugin(name: &str) -> Option<&'static Function> {
    CATALOGUE.plugins.get(name)
}

/// The names that can be proposed to a user: neither retired nor hidden, nor of graphs alone. In no
/// order.
pub fn names(kind: Kind) -> impl Iterator<Item = &'static str> {
    let table = match kind {
        Kind::Function => &CATALOGUE.functions,
        Kind::Aggregate => &CATALOGUE.aggregates,
        Kind::Plugin => &CATALOGUE.plugins,
    };
    table.values().filter(|f| f.retired.is_none() && !f.hidden && !f.graph).map(|f| f.name)
}
