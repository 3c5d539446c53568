//! Whom a run tells, and of what: routes, threshold, suppression.
//!
//! Promises: whatever `report` names is told at least once, unless the hunt itself holds it back
//! (`first_run: baseline`, a threshold never met again, `suppress`), and a run tells no hit twice.
//! Nothing is sent here: [`plan`] lays out deliveries, the outbox carries them.

mod failing;
mod routes;
mod telling;
#[cfg(test)]
mod tests;

pub use failing::failure_due;
pub use routes::{channels, plan, plan_trouble};
pub use telling::{Facts, GROUP_OF_ALL, Telling, Verdict, tell};
