//! A query, understood.

use super::binder::{Column, bind};
use super::facts::Facts;
use super::parser::parse;
use super::problem::Problem;
use super::schema::Schema;
use super::span::Span;
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
    /// What huntd must know of it to choose windows, check keys and ask a past moment.
    pub facts: Facts<'a>,
}

impl Analysis<'_> {
    /// Whether the service would refuse it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(|problem| problem.level == Level::Error)
    }

    /// Whether its syntax was understood, so that its tree is the whole of it; names may be unknown.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        !self.problems.iter().any(|problem| problem.level == Level::Error && problem.code.is_of_syntax())
    }
}

/// Reads a query: its syntax, its names, its types.
#[must_use]
pub fn analyse<'a>(text: &'a str, schema: &'a Schema) -> Analysis<'a> {
    let parsed = parse(text);
    let bound = bind(&parsed.query, schema);
    let mut problems = parsed.problems;
    let syntax = problems.len();
    for problem in bound.problems {
        // What the binder makes of a line that isn't KQL is a guess: the syntax goes first.
        let broken = problems.iter().take(syntax).any(|other| same_line(text, other.span, problem.span));
        if !broken || problem.level != Level::Error {
            problems.push(problem);
        }
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.code));
    let facts = Facts::of(&parsed.query, bound.columns.as_deref(), schema);
    Analysis { query: parsed.query, problems, columns: bound.columns, facts }
}

/// Whether two places are on the same line.
fn same_line(text: &str, a: Span, b: Span) -> bool {
    let (first, last) = if a.start <= b.start { (a, b) } else { (b, a) };
    let between = text.get(first.start as usize..last.start as usize).unwrap_or_default();
    !between.trim_end_matches('\n').contains('\n')
}
