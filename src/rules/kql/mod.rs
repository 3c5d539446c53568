//! KQL: what a hunt asks, known before the API does.
//!
//! [`lexer`] parts a text into tokens, [`parser`] makes a [`tree`] of any text, [`binder`] finds what
//! each name means; each tells its [`problem`]s. [`analyse`] does all of it.
//! [`catalogue`] and [`schema`] are what a query can name.

pub mod analyse;
pub mod asof;
pub mod binder;
pub mod bounds;
pub mod catalogue;
mod edits;
pub mod facts;
pub mod known;
pub mod lexer;
pub mod parser;
pub mod problem;
pub mod schema;
pub mod span;
pub mod tree;
pub mod types;
pub mod walk;
pub mod words;

#[cfg(test)]
mod tests;
