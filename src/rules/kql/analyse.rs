//! A query, understood.

use super::binder::{Column, bind};
use super::parser::parse;
use super::problem::Problem;
use super::schema::Schema;
use super::tree::Query;
use crate::model::place::Level;

/// What is known of a query.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// The tree.
    pub query: Query<'a>,
    /// What is wrong with it, by place.
    pub problems: Vec<Problem>,
    /// The columns that come out; `None` where they can't be known.
    pub columns: Option<Vec<Column<'a>>>,
}

impl Analysis<'_> {
    /// Whether the service would refuse it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.level == Level::Error)
    }
}

/// Reads a query: its syntax, its names, its types.
#[must_use]
pub fn analyse<'a>(text: &'a str, schema: &'a Schema) -> Analysis<'a> {
    let parsed = parse(text);
    let bound = bind(&parsed.query, schema);
    let mut problems = parsed.problems;
    problems.extend(bound.problems);
    problems.sort_by_key(|problem| (problem.span.start, problem.code));
    Analysis { query: parsed.query, problems, columns: bound.columns }
}
