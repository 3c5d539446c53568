//! `>= 5` to a threshold.

use crate::model::hunt::{Threshold, ThresholdOp};

const OPERATORS: [ThresholdOp; 6] = [
    ThresholdOp::AtLeast,
    ThresholdOp::MoreThan,
    ThresholdOp::AtMost,
    ThresholdOp::FewerThan,
    ThresholdOp::Exactly,
    ThresholdOp::Not,
];

/// Reads an operator and a whole number; `None` for anything else.
pub(super) fn parse_threshold(text: &str) -> Option<Threshold> {
    let text = text.trim();
    // Two-letter operators first, as `>=` begins with `>`.
    let mut operators = OPERATORS;
    operators.sort_by_key(|op| std::cmp::Reverse(op.as_str().len()));
    let (op, count) = operators.into_iter().find_map(|op| Some((op, text.strip_prefix(op.as_str())?)))?;
    let count = count.trim();
    let digits = !count.is_empty() && count.chars().all(|c| c.is_ascii_digit());
    Some(Threshold { op, count: count.parse().ok().filter(|_| digits)? })
}

/// Sentinel's words for an operator.
pub(super) fn parse_trigger_operator(word: &str) -> Option<ThresholdOp> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "gt" | "greaterthan" => ThresholdOp::MoreThan,
        "lt" | "lessthan" => ThresholdOp::FewerThan,
        "eq" | "equal" | "equals" => ThresholdOp::Exactly,
        "ne" | "notequal" | "notequals" => ThresholdOp::Not,
        "ge" | "gte" | "greaterthanorequal" => ThresholdOp::AtLeast,
        "le" | "lte" | "lessthanorequal" => ThresholdOp::AtMost,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_read_and_print() {
        for text in [">= 5", "> 0", "<= 3", "< 1", "== 0", "!= 2"] {
            assert_eq!(parse_threshold(text).unwrap().to_string(), text);
        }
        assert_eq!(parse_threshold(">=5").unwrap().to_string(), ">= 5");
        for text in ["5", ">", "> five", "=> 5", "> -1", "> +1", "", "> 5 rows"] {
            assert_eq!(parse_threshold(text), None, "{text}");
        }
    }
}
