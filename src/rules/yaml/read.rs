//! Values to types, with the message when they are of another type.

use std::time::Duration;

use super::node::{Entry, Node, Scalar, ScalarKind, Value};
use super::problem::Problem;
use crate::model::time::parse_duration;

fn wrong(node: &Node, what: &str, wanted: &str) -> Problem {
    Problem::new(node.place, format!("`{what}` must be {wanted}, and here is {}", node.kind()))
}

/// A text. Numbers, true and false count as the text that was written.
pub fn text(node: &Node, what: &str) -> Result<String, Problem> {
    node.scalar().map(|scalar| scalar.text.clone()).ok_or_else(|| wrong(node, what, "a text"))
}

/// `true`, `false`, and as other readers take them `yes`, `no`, `on` and `off`.
pub fn boolean(node: &Node, what: &str) -> Result<bool, Problem> {
    let word = node.scalar().map(|scalar| scalar.text.to_ascii_lowercase());
    match word.as_deref() {
        Some("true" | "yes" | "on") => Ok(true),
        Some("false" | "no" | "off") => Ok(false),
        _ => Err(wrong(node, what, "true or false")),
    }
}

/// A whole number above zero.
pub fn count(node: &Node, what: &str) -> Result<u64, Problem> {
    let digits = node.scalar().and_then(|scalar| scalar.text.replace('_', "").parse::<u64>().ok());
    match digits {
        Some(number) if number > 0 => Ok(number),
        _ => Err(Problem::new(node.place, format!("`{what}` must be a whole number above zero"))),
    }
}

/// A duration.
pub fn duration(node: &Node, what: &str) -> Result<Duration, Problem> {
    let hint = "write it as 90s, 5m, 1h10m, 7d, or as ISO 8601 (PT1H)";
    let text = text(node, what).map_err(|problem| problem.hint(hint))?;
    parse_duration(&text).map_err(|error| Problem::new(node.place, format!("`{what}`: {error}")).hint(hint))
}

/// The entries of a map.
pub fn map<'a>(node: &'a Node, what: &str) -> Result<&'a [Entry], Problem> {
    node.entries().ok_or_else(|| wrong(node, what, "a map"))
}

/// The texts of a list, each with its node.
pub type Words<'a> = Vec<(&'a Node, String)>;

/// The texts of a list. A single text counts as a list of one: then the second
/// value is true, so that the caller may say so.
pub fn word_list<'a>(node: &'a Node, what: &str) -> Result<(Words<'a>, bool), Problem> {
    match &node.value {
        Value::Scalar(Scalar { kind: ScalarKind::Null, .. }) => Ok((Vec::new(), false)),
        Value::Scalar(scalar) => Ok((vec![(node, scalar.text.trim().to_owned())], true)),
        Value::Map(_) => Err(wrong(node, what, "a list")),
        Value::List(nodes) => {
            let words = nodes.iter().map(|node| {
                let word = text(node, what).map_err(|_| {
                    Problem::new(
                        node.place,
                        format!("an entry of `{what}` must be a text, and here is {}", node.kind()),
                    )
                })?;
                Ok((node, word.trim().to_owned()))
            });
            Ok((words.collect::<Result<_, Problem>>()?, false))
        }
    }
}
