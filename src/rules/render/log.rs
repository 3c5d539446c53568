//! The fields of a hit's log event.
//!
//! The names are fixed: `hunt`, `tenant`, `run`, `hit`, `kind`, `severity`, `row`. Each value is one
//! line without a character that acts.

use crate::model::hit::Hit;

use super::json::one_line;
use super::visible::{cut, visible};

/// The longest row that a log event carries, in characters: journald cuts at its own limits, and
/// cuts silently.
const ROW: usize = 8_000;

/// A hit, ready for a log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The hunt.
    pub hunt: String,
    /// The tenant.
    pub tenant: String,
    /// The run.
    pub run: String,
    /// The hit.
    pub hit: String,
    /// What is said of it.
    pub kind: &'static str,
    /// The hunt's severity.
    pub severity: &'static str,
    /// The row as JSON; a longer one is cut, and says so.
    pub row: String,
}

/// The fields of `hit`.
#[must_use]
pub fn fields(hit: &Hit) -> Fields {
    let row = one_line(hit.row.get());
    let row = match cut(&row, ROW) {
        (_, 0) => row,
        (kept, more) => format!("{kept}… ({more} more characters)"),
    };
    Fields {
        hunt: visible(&hit.hunt).into_owned(),
        tenant: visible(&hit.tenant).into_owned(),
        run: visible(&hit.run).into_owned(),
        hit: hit.hit.to_string(),
        kind: hit.kind.as_str(),
        severity: hit.severity.as_str(),
        row,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::visible::is_hidden;
    use super::*;

    #[test]
    fn a_field_is_one_line() {
        let fields = fields(&samples::hit(1, samples::HOSTILE));
        assert!(!fields.row.contains(is_hidden));
        assert!(fields.row.contains("\\u001b"), "{}", fields.row);
    }

    #[test]
    fn a_long_row_says_that_it_is_cut() {
        let row = format!(r#"{{"a":"{}"}}"#, "é".repeat(20_000));
        let fields = fields(&samples::hit(1, &row));
        assert!(fields.row.ends_with("… (12008 more characters)"), "{}", &fields.row[fields.row.len() - 40..]);
    }
}
