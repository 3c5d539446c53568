//! The syntax tree of a query.
//!
//! Nodes borrow the text and say where they stand in it. Nothing of the text is lost: the tokens with
//! the blanks and comments between them stand in [`super::lexer`], every node's span is a stretch of
//! the text, and an edit is a list of spans to replace, so that what isn't edited stays byte for byte.
//!
//! A tree is made of any text. Where the text is broken there is a problem beside the tree, and in
//! the tree [`ExprKind::Missing`] or a node that lacks a part; the binder is silent about both.

mod expression;
mod operator;
mod part;

use super::span::Span;
use super::types::Type;

pub use expression::{Binary, Expr, ExprKind, Item, Json, Literal, Membership, TextOp, TextWord, Wrapper};
pub use operator::{Operator, Stage};
pub use part::{Condition, FindColumn, GraphName, MvColumn, NestedLevel, Ordering, ParsePart, Scan, ScanStep, Setting};

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
