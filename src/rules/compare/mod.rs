//! Any two results of a hunt against each other: what came, what went, what changed and in which columns.
//!
//! Unlike [`diff`](super::diff), which decides what a run says, this only shows what was stored. Values are compared
//! as they are shown: a row whose values differ in nothing that can be seen has no changed columns.

mod changes;
mod show;

pub use changes::{Change, ChangeKind, Side, changes};
pub use show::{line, text};

#[cfg(test)]
mod tests;
