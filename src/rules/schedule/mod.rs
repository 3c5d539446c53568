//! What is due in (last look, now], in the hunt's real zone; splay; a clock that was set.
//!
//! A schedule is a fixed set of instants, its ticks: [`next`] walks it, and [`due`] says which of
//! them lie in an interval. Which intervals are asked about changes nothing in the set, so that a
//! tick is neither lost nor made twice between two looks. docs/schedules.md has the rules for the
//! missing and the doubled hour in words.

mod clock;
mod cron;
mod due;
mod rhythm;
mod splay;
#[cfg(test)]
mod tests;

pub use clock::{ClockMove, Leap, Look, moved, resume, wrong_since, wrong_when_started};
pub use due::{Due, MISSED_CAP, due, next};
pub use rhythm::{ClockChange, clock_changes, longest_pause};
pub use splay::{held_before, latest, splay, start};
