//! Which event time a run covers, and what its result may be taken for.
//!
//! The promise: as long as runs end well, their windows cover event time without a gap, up to the
//! API's thirty days, whatever the times between the runs; and an event that arrives at most `late`
//! after it happened lies in the window of a run that is made after it arrived.

mod plan;
mod scope;

pub use plan::{WindowFacts, WindowPlan, extend_watermark, next_watermark, window};
pub use scope::{QueryKind, QueryNature, ResultScope, Splits};
