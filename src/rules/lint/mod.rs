//! Lints: what loads, what the service may even run, and what is probably not meant so.
//!
//! Each lint is a pure function from a [`Subject`] (a hunt, its analysed query, what the tenants are
//! asked by) to [`Note`]s, which [`report`] turns into findings at their places in the file. What each
//! code means stands in [`super::check::codes`]. What is promised:
//!
//! - a lint is silent where it can't know: of a query that the analyser refuses, only that is told;
//! - a finding inside a query points at its true line and column, however the YAML was written;
//! - `allow` silences a code for a hunt, and an `allow` that silences nothing is told.

mod comment;
mod compare;
mod cron;
mod cut;
mod identity;
mod joins;
mod kinds;
mod lets;
mod names;
mod query;
mod regex;
mod report;
mod subject;
mod timing;

pub use kinds::kind;
pub use report::{check, problems};
pub use subject::World;

use subject::{At, Note, Subject};

#[cfg(test)]
mod tests;
