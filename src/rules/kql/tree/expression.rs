//! Expressions, of scalars and tables.

use super::super::span::Span;
use super::super::types::Type;
use super::{ColumnDecl, Name, Stage};

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
