//! The parts of query operators.

use super::super::span::Span;
use super::super::types::Type;
use super::{Expr, Item, Name, Param};

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
