//! Which event time a run covers, and what its result may be taken for.
//!
//! The promise: an event that arrives at most `late` after it happened lies in the window of a complete run
//! that is made after it arrived, or in a gap that the ledger of event time ([`super::coverage`]) names.

mod catch_up;
mod outlook;
mod plan;
mod scope;
mod split;

pub use catch_up::{Asks, CatchUpFacts, CatchUpPlan, Step, as_of_covers, catch_up};
pub use outlook::{Outlook, gaps, outlook};
pub use plan::{WindowFacts, clock_was_ahead, extend_watermark, next_watermark, settled, usual_length, window};
pub use scope::{QueryKind, QueryNature, ResultScope, Splits};
pub use split::halves;
