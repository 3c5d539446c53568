//! Whether the daemon is alive, and whether it is ready: one judgement, that systemd's watchdog, `/healthz`, the
//! heartbeat and the metrics share.

use std::fmt;
use std::time::Duration;

use crate::model::time::format_duration;

/// The scheduler looks every two seconds at the latest. After the clock was set it writes before it looks, and each write
/// waits up to half a minute for another process: so long it isn't stalled.
const SCHEDULER: Duration = Duration::from_secs(75);
/// The outbox is looked at every ten seconds at the latest, and what is being sent has limits of its own. A claim waits
/// behind the runs that want to write, each for half a minute where another process holds the database.
const OUTBOX: Duration = Duration::from_mins(5);

/// What must go on for the daemon to be of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Launches what is due.
    Scheduler,
    /// Sends what waits.
    Outbox,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Scheduler, Self::Outbox];

    /// A stable word, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Outbox => "outbox",
        }
    }

    /// The longest time between two signs of life.
    const fn limit(self) -> Duration {
        match self {
            Self::Scheduler => SCHEDULER,
            Self::Outbox => OUTBOX,
        }
    }
}

/// What the engine last did, by the steady clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When the scheduler last ended a look; its start, before the first.
    pub scheduler: Duration,
    /// When the outbox was last looked into; its start, before the first.
    pub outbox: Duration,
    /// Whether the scheduler has looked at all.
    pub has_looked: bool,
    /// Whether the daemon is being stopped: then neither goes on, and how long that may take is systemd's to say.
    pub stopping: bool,
}

impl Pulse {
    /// How long ago a part last gave a sign of life.
    #[must_use]
    pub fn age(&self, part: Part, steady: Duration) -> Duration {
        let last = match part {
            Part::Scheduler => self.scheduler,
            Part::Outbox => self.outbox,
        };
        steady.saturating_sub(last)
    }
}

/// Whether the daemon is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Alive,
    /// A part of it doesn't go on.
    Stalled {
        /// Which.
        part: Part,
        /// For how long.
        since: Duration,
    },
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alive => f.write_str("alive"),
            Self::Stalled { part, since } => {
                write!(f, "stalled: the {} has done nothing for {}", part.as_str(), format_duration(*since))
            }
        }
    }
}

/// Whether the daemon is alive at `steady`.
#[must_use]
pub fn judge(pulse: &Pulse, steady: Duration) -> Health {
    if pulse.stopping {
        return Health::Alive;
    }
    let late = |part: &Part| pulse.age(*part, steady) > part.limit();
    Part::ALL.into_iter().find(late).map_or(Health::Alive, |part| Health::Stalled {
        part,
        // Parts of a second say nothing here.
        since: Duration::from_secs(pulse.age(part, steady).as_secs()),
    })
}

/// What the daemon does, in a line: `next` is a moment as a person reads it.
#[must_use]
pub fn status(hunts: usize, tenants: usize, next: Option<String>, waiting: usize) -> String {
    let many = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let next = next.map_or_else(|| "no run is due".to_owned(), |next| format!("next run at {next}"));
    format!("{} on {}; {next}; {waiting} waiting", many(hunts, "hunt"), many(tenants, "tenant"))
}

/// What readiness is judged by.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// What the engine last did.
    pub pulse: Pulse,
    /// Whether it is alive.
    pub health: Health,
    /// Why the database can't be written, if it can't.
    pub not_writable: Option<String>,
    /// Tenants that are switched on.
    pub tenants: usize,
}

/// A thing that must be so for the daemon to be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub name: &'static str,
    /// Why it isn't so.
    pub fault: Option<String>,
}

impl Readiness {
    /// Each thing that must be so.
    #[must_use]
    pub fn checks(&self) -> [Check; 5] {
        let fault = |is: bool, why: &str| is.then(|| why.to_owned());
        let stalled = (self.health != Health::Alive).then(|| self.health.to_string());
        [
            Check { name: "running", fault: fault(self.pulse.stopping, "the daemon is stopping") },
            Check { name: "scheduler", fault: fault(!self.pulse.has_looked, "no hunt was looked at yet") },
            Check { name: "engine", fault: stalled },
            Check { name: "database", fault: self.not_writable.clone() },
            Check { name: "tenants", fault: fault(self.tenants == 0, "no tenant is switched on") },
        ]
    }
}

/// The checks as lines, and whether all is well.
#[must_use]
pub fn lines(checks: &[Check]) -> (bool, String) {
    let line = |check: &Check| match &check.fault {
        None => format!("{}: ok\n", check.name),
        // An error of the system may be of several lines.
        Some(why) => format!("{}: {}\n", check.name, why.split_whitespace().collect::<Vec<_>>().join(" ")),
    };
    (checks.iter().all(|check| check.fault.is_none()), checks.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(scheduler: u64, outbox: u64) -> Pulse {
        let seconds = Duration::from_secs;
        Pulse { scheduler: seconds(scheduler), outbox: seconds(outbox), has_looked: true, stopping: false }
    }

    #[test]
    fn a_part_that_does_nothing_for_too_long_is_named() {
        let stalled = |part, seconds| Health::Stalled { part, since: Duration::from_secs(seconds) };
        for (scheduler, outbox, expected) in [
            (1000, 1000, Health::Alive),
            (925, 1000, Health::Alive),
            (924, 1000, stalled(Part::Scheduler, 76)),
            (1000, 700, Health::Alive),
            (1000, 699, stalled(Part::Outbox, 301)),
            (0, 0, stalled(Part::Scheduler, 1000)),
            // A sign of life that came while this was asked.
            (1001, 1001, Health::Alive),
        ] {
            let judged = judge(&pulse(scheduler, outbox), Duration::from_secs(1000));
            assert_eq!(judged, expected, "{scheduler} {outbox}");
        }
        let said = judge(&pulse(924, 1000), Duration::from_secs(1000)).to_string();
        assert_eq!(said, "stalled: the scheduler has done nothing for 1m16s");
    }

    #[test]
    fn one_that_stops_is_not_stalled() {
        let stopping = Pulse { stopping: true, ..pulse(0, 0) };
        assert_eq!(judge(&stopping, Duration::from_hours(1)), Health::Alive);
    }

    #[test]
    fn a_line_says_what_it_does() {
        let next = Some("12:00".to_owned());
        assert_eq!(status(3, 1, next, 2), "3 hunts on 1 tenant; next run at 12:00; 2 waiting");
        assert_eq!(status(1, 2, None, 0), "1 hunt on 2 tenants; no run is due; 0 waiting");
    }

    #[test]
    fn each_reason_not_to_be_ready_is_a_line() {
        let ready = Readiness { pulse: pulse(1, 1), health: Health::Alive, not_writable: None, tenants: 1 };
        let all_well = "running: ok\nscheduler: ok\nengine: ok\ndatabase: ok\ntenants: ok\n";
        assert_eq!(lines(&ready.checks()), (true, all_well.to_owned()));
        let locked = Some("it is\n  locked".to_owned());
        let stalled = Health::Stalled { part: Part::Outbox, since: Duration::from_mins(6) };
        let pulse = |has_looked, stopping| Pulse { has_looked, stopping, ..ready.pulse };
        for (changed, line) in [
            (Readiness { pulse: pulse(true, true), ..ready.clone() }, "running: the daemon is stopping\n"),
            (Readiness { pulse: pulse(false, false), ..ready.clone() }, "scheduler: no hunt was looked at yet\n"),
            (Readiness { health: stalled, ..ready.clone() }, "engine: stalled: the outbox has done nothing for 6m\n"),
            (Readiness { not_writable: locked, ..ready.clone() }, "database: it is locked\n"),
            (Readiness { tenants: 0, ..ready.clone() }, "tenants: no tenant is switched on\n"),
        ] {
            let (is_ready, text) = lines(&changed.checks());
            assert!(!is_ready && text.contains(line), "{text}");
            assert_eq!(text.matches(": ok\n").count(), 4, "{text}");
        }
    }
}
