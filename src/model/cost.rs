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

/// What runs spent together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spending {
    /// How many runs.
    pub runs: u64,
    /// Their calls, those that failed included.
    pub calls: u64,
    /// Time spent waiting for the API.
    pub api: Duration,
    /// CPU, as far as the service says it; `None` where it says none.
    pub cpu: Option<Duration>,
    /// Rows that the API returned.
    pub rows: u64,
}

impl Spending {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let cpu = match (self.cpu, other.cpu) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (one, two) => one.or(two),
        };
        Self {
            runs: self.runs + other.runs,
            calls: self.calls + other.calls,
            api: self.api.saturating_add(other.api),
            cpu,
            rows: self.rows.saturating_add(other.rows),
        }
    }

    /// What one of the runs cost on average, where the service said the CPU of `cpu_runs` of them. Without a run it
    /// is the guess.
    #[must_use]
    pub fn average(self, cpu_runs: u64) -> Cost {
        if self.runs == 0 {
            return Cost::GUESS;
        }
        let cpu = self.cpu.filter(|_| cpu_runs > 0).map(|cpu| shared(cpu, cpu_runs));
        let api = shared(self.api, self.runs);
        Cost { runs: self.runs, calls: part(self.calls, self.runs), api, cpu, rows: part(self.rows, self.runs) }
    }
}

/// So much each of so many, one at least.
fn shared(span: Duration, among: u64) -> Duration {
    let nanos = span.as_nanos() / u128::from(among.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "an average needs no more than 52 bits")]
fn part(sum: u64, among: u64) -> f64 {
    sum as f64 / among as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_take_cpu_only_over_runs_that_have_one() {
        let spent =
            Spending { runs: 4, calls: 6, api: Duration::from_secs(10), cpu: Some(Duration::from_secs(9)), rows: 2 };
        let expected = Cost {
            runs: 4,
            calls: 1.5,
            api: Duration::from_millis(2500),
            cpu: Some(Duration::from_secs(3)),
            rows: 0.5,
        };
        assert_eq!(spent.average(3), expected);
        assert_eq!(Spending { cpu: None, ..spent }.average(0), Cost { cpu: None, ..expected });
        assert_eq!(Spending::default().average(0), Cost::GUESS);
        assert_eq!(spent.and(Spending::default()), spent);
        assert_eq!(Spending::default().and(spent), spent);
        assert_eq!(spent.and(spent).cpu, Some(Duration::from_secs(18)));
    }
}
