//! What `/metrics` says: the list of metrics, what they are made of, and their text.
//!
//! Promises: each metric has one line of help and one type, a unit in its name, and stands in docs/monitoring.md; of any
//! number of hunts a bounded number is told one by one.

mod catalogue;
mod counts;
mod facts;
mod text;

pub use catalogue::{METRICS, Metric};
pub use counts::{Counts, TrackCounts};
pub use facts::{
    Facts, HuntCounts, MOST_TRACKS, OutboxFacts, Process, Room, TenantFacts, TrackFacts, TrackState, of_channels,
};
pub use text::render;
