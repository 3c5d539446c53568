//! How findings are shown: for people, JSON, SARIF, GitHub; and the nearest name for a misspelt one.
//!
//! Each form is a pure function from findings to text. The text of a hunt file is hostile here as
//! anywhere: no control character of it reaches a terminal.

pub mod github;
pub mod human;
pub mod json;
pub mod nearest;
pub mod notes;
pub mod sarif;
