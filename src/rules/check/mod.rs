//! How findings are shown: for people, JSON, SARIF, GitHub; and the nearest name for a misspelt one.
//!
//! Each form is a pure function from findings to text. The text of a hunt file is hostile here as
//! anywhere: no control character of it reaches a terminal.

pub mod codes;
pub mod github;
pub mod human;
pub mod json;
pub mod nearest;
pub mod notes;
pub mod sarif;

/// A finding for the tests of the forms.
#[cfg(test)]
fn sample() -> crate::model::place::Finding {
    use crate::model::place::{Finding, Level, Place};
    Finding {
        file: "hunts/a,b.yaml".into(),
        place: Place::in_line(2, 11, 16),
        level: Level::Error,
        code: "H005",
        message: "50%: wrong\nline".to_owned(),
        hint: Some("mend it".to_owned()),
        hunt: Some("a".to_owned()),
        fix: None,
    }
}
