//! What a notice looks like in each medium; each escapes for its own.
//!
//! Attackers write the rows. Each renderer promises that a row's text stays data in its medium: no
//! markup and no link in a mail, no formula in a spreadsheet, no control sequence on a terminal, no
//! second line in a log. [`visible`] and [`defang`] are shared; the escaping of a medium is done by
//! its renderer, once, at the end.

pub mod bytes;
pub mod cells;
pub mod counted;
pub mod csv;
pub mod defang;
pub mod grid;
pub mod hit_table;
pub mod json;
pub mod life;
pub mod log;
pub mod mail;
mod page;
pub mod pointed;
pub mod quota;
pub mod record;
pub mod sheet;
pub mod tally;
pub mod terminal;
pub mod visible;
pub mod warning;

#[cfg(test)]
#[path = "../../../tests/support/sample.rs"]
mod samples;
