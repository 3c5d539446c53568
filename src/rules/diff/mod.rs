//! New, changed, gone, returned: a result against what is known.
//!
//! The value of a hit is the set of contents (fingerprints) that bore its key in the last result that
//! held it. A result is compared row by row while it arrives ([`Comparison::observe`]); what it means
//! that a hit or one of its contents is *not* there is decided at the end, by the result's [`Scope`].
//! The steps that come out, applied to what was known, give what is known next, exactly.

mod comparison;
mod seen;

pub use comparison::{Comparison, Observation, Outcome, Scope, Seen, Sighting};

#[cfg(test)]
mod tests;
