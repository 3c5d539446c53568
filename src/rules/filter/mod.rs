//! The language of `hits --where`: which hits are meant, by the values of their columns.
//!
//! ```text
//! any    = all { OR all }
//! all    = one { AND one }
//! one    = NOT one | ( any ) | column operator value | column [NOT] IN ( value, … )
//! column = name { . name }
//! ```
//!
//! [`parse`] reads an [`Expr`], and says of what it can't read where and why. A [`Filter`] says of
//! each hit whether it passes. What the language means is in docs/history.md.
//!
//! Rows are written by attackers, so it is promised: no row and no expression makes it panic or
//! overflow the stack (expressions nest [`DEPTH`] deep at most, and rows are never walked by
//! recursion), and one row costs time in proportion to its size, times that of the expression.
//! Regular expressions are of the kind that never goes back.

mod cell;
mod glob;
mod instant;
mod number;
mod own;
mod parse;
mod pass;
mod pick;
mod problem;
mod read;
mod tree;
mod watch;

pub use cell::each_member;
pub use own::Own;
pub use parse::{DEPTH, parse, parse_columns};
pub use pass::Filter;
pub use pick::{Found, Picker};
pub use problem::Problem;
pub use tree::{Column, Expr, Op, Test, Value};
pub use watch::{Unmet, Watch};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
