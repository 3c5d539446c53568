//! What a hunt's past says of its `key` and `ignore`.
//!
//! A [`Sample`] holds which rows each result had, cell by cell as hashes. On it a key is tried in time proportional
//! to what changed from result to result ([`trial`]), so a few hundred keys can be; [`advise`] chooses among them. All
//! of it is a suggestion: rows say what was unique, never what must be. Bounded: [`MOST_CELLS`] of a sample,
//! [`MOST_TRIALS`] of a search.

mod advice;
mod chosen;
mod sample;
mod search;
mod trial;
mod volatile;

pub use advice::{Advice, Fault, KeyAdvice, advise};
pub use chosen::is_chosen;
pub use sample::{MOST_CELLS, Sample};
pub use search::MOST_TRIALS;
pub use trial::{Trial, trial};
pub use volatile::Volatile;

#[cfg(test)]
mod tests;
