//! The ledger of event time: which of it was covered by complete results, and which wasn't.
//!
//! Promises: the stretches never overlap and come in order; covered time stays covered, whatever is said of
//! it later, unless the clock turns out to have been wrong; what nobody decided is a gap.

mod ledger;
#[cfg(test)]
mod tests;

pub use ledger::Coverage;
