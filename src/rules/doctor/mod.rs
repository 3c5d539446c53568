//! What `huntd doctor` measured, and what it means: each fact comes to a [`Verdict`], with the mend beside it.
//!
//! Measuring is the shell's (`app/doctor`); what counts as well, doubtful or wrong is decided here.

pub mod files;
mod line;
pub mod network;
pub mod room;
pub mod system;
pub mod token;
pub mod units;

pub use line::{Check, Line, State, Tally, Verdict};
