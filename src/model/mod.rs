//! Words: ids, times, rows, hunts, runs, hits, deliveries, limits. No decisions, no I/O.

pub mod config;
pub mod cost;
pub mod coverage;
pub mod delivery;
pub mod failure;
pub mod hit;
pub mod hunt;
pub mod id;
pub mod known;
pub mod lateness;
pub mod life;
pub mod limits;
pub mod notice_hunt;
pub mod overload;
pub mod place;
pub mod quota;
pub mod row;
pub mod run;
pub mod schedule;
pub mod secret;
pub mod severity;
pub mod standing;
pub mod time;
pub mod told;
pub mod trouble;
pub mod upstream;
