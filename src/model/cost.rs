//! What runs cost a tenant.

use std::time::Duration;

/// What one run of a hunt on a tenant costs on average, as its last runs did or as a guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How many runs it is the average of; none where it is a guess.
    pub runs: u64,
    /// Calls a run, its retries and parts included.
    pub calls: f64,
    /// Time spent waiting for the API, a run.
    pub api: Duration,
    /// CPU that the service says it spent, a run; only the older API says it.
    pub cpu: Option<Duration>,
    /// Rows that the API returned, a run.
    pub rows: f64,
}

impl Cost {
    /// What a run is taken to cost of which nothing is known: one call of two seconds.
    pub const GUESS: Self = Self { runs: 0, calls: 1.0, api: Duration::from_secs(2), cpu: None, rows: 0.0 };

    /// Whether it is a guess.
    #[must_use]
    pub const fn is_guess(&self) -> bool {
        self.runs == 0
    }
}
