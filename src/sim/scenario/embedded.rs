//! The scenarios that come with huntd.

use std::time::Duration;

use super::{Scenario, parse_scenario};

/// When the three runs of the demonstration are, counted from its start: the first finds what is
/// there, the second nothing new, the third what arrived since.
pub const DEMO_RUNS: [Duration; 3] = [Duration::ZERO, Duration::from_hours(1), Duration::from_hours(2)];

/// A tenant for the eight hunts that ship, told over [`DEMO_RUNS`].
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "the file is part of the program, and a test reads it"
)]
pub fn demo_scenario() -> Scenario {
    parse_scenario(include_str!("../scenarios/demo.yaml")).expect("the demonstration's scenario is sound")
}

/// A tenant with one stream of numbered events that arrive up to 20 seconds late, rows in another
/// order each time, and some of every fault that passes by itself.
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "the file is part of the program, and a test reads it"
)]
pub fn stress_scenario() -> Scenario {
    parse_scenario(include_str!("../scenarios/stress.yaml")).expect("the stress scenario is sound")
}
