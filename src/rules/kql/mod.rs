//! KQL: what a hunt asks, known before the API does.
//!
//! [`lexer`] parts a text into tokens, [`parser`] makes a [`tree`] of any text, with [`problem`]s.
//! [`catalogue`] and [`schema`] are what a query can name.

pub mod catalogue;
pub mod lexer;
pub mod parser;
pub mod problem;
pub mod schema;
pub mod span;
pub mod tree;
pub mod types;
