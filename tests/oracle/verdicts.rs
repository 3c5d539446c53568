//! What we say of a query, in the words of a comparison.

use huntd::model::place::Level;
use huntd::rules::kql::analyse::analyse;
use huntd::rules::kql::schema::Schema;
use serde_json::{Value, json};

/// Our verdict: the shape that `verdict.js` gives the official one, so that both can be laid side by side.
pub(crate) fn ours(text: &str, schema: &Schema) -> Value {
    let analysis = analyse(text, schema);
    let told = |level: Level| -> Vec<Value> {
        analysis
            .problems
            .iter()
            .filter(|problem| (problem.level == Level::Error) == (level == Level::Error))
            .map(|problem| {
                let start = problem.span.start as usize;
                json!({
                    "code": problem.code.text(),
                    "message": problem.message,
                    "hint": problem.hint,
                    "start": start,
                    "length": problem.span.end - problem.span.start,
                    "line": line_of(text, start),
                })
            })
            .collect()
    };
    let errors = told(Level::Error);
    let columns = analysis
        .columns
        .as_ref()
        .map(|columns| columns.iter().map(|column| json!([column.name, column.ty.name()])).collect::<Vec<_>>());
    json!({ "ok": errors.is_empty(), "errors": errors, "warnings": told(Level::Warning), "columns": columns })
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
