//! What to do about a failed call, and about a delivery that failed.
//!
//! Decided on the class alone, never on a text. Every path ends: nothing is tried for ever, as a run
//! that never ends is a failure that nobody sees.

mod backoff;
mod call;
mod hint;

pub use backoff::next_attempt;
pub use call::{Remedy, may_pass, may_split, remedy};
pub use hint::hint;
