//! The front end as a whole: what it accepts, what it refuses and where, and that no text breaks it.

mod accepted;
mod asof;
mod bounds;
mod facts;
mod invariants;
mod refused;
mod sturdy;

use super::analyse::{Analysis, analyse};
use super::schema::Schema;
use crate::model::place::Level;

/// The errors of a query, each as its code and the text that its caret stands under.
fn errors(text: &str) -> Vec<(&'static str, String)> {
    let analysis = analyse(text, Schema::defender());
    told(&analysis, text)
}

fn told(analysis: &Analysis<'_>, text: &str) -> Vec<(&'static str, String)> {
    let errors = analysis.problems.iter().filter(|problem| problem.level == Level::Error);
    errors.map(|problem| (problem.code.text(), problem.span.of(text).to_owned())).collect()
}

/// The columns that come out, as `name:type`.
fn columns(text: &str) -> Vec<String> {
    let analysis = analyse(text, Schema::defender());
    assert_eq!(told(&analysis, text), [], "{text}");
    analysis.columns.unwrap_or_default().iter().map(|column| format!("{}:{}", column.name, column.ty)).collect()
}
