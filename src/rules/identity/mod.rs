//! What makes a row the same hit: canonical form, key, fingerprint.
//!
//! [`RowReader`] takes a row as the API sent it, of either dialect, and gives its [`HitId`], its
//! [`Fingerprint`] and the text to store. It promises:
//!
//! - two rows with different contents never share an id or a fingerprint, but for the few equalities
//!   that docs/identity.md names, each with the reason why it hides nothing;
//! - the same event gives the same id and the same fingerprint, whichever API tells of it;
//! - no row, however it is written, makes it panic, overflow the stack or spend more than linear time
//!   (times a constant bound on nesting).
//!
//! It holds no policy on what is new: that is `rules/diff`.
//!
//! [`HitId`]: crate::model::id::HitId
//! [`Fingerprint`]: crate::model::hit::Fingerprint

mod canonical;
mod cells;
mod flat;
pub(in crate::rules) mod json;
mod members;
mod number;
mod raw;
mod reader;
mod rule;
mod scalar;
mod stop;
mod text;
mod time;

pub use cells::CellReader;
pub(crate) use stop::string_stop;
pub(in crate::rules) use time::days_since_1970;

pub use reader::{ReadRow, RowError, RowFacts, RowReader};
pub use rule::{IdentityError, IdentityRule};

#[cfg(test)]
mod arrival;
#[cfg(test)]
mod invariance;
#[cfg(test)]
mod tests;
