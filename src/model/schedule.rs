//! When a hunt is meant to run, as its author wrote it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::time::{format_duration, parse_duration};

/// A schedule: a cron pattern, or a fixed interval.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    kind: ScheduleKind,
}

/// The two kinds of schedule.
#[derive(Debug, Clone)]
pub enum ScheduleKind {
    /// A cron pattern, read in the hunt's zone. It is large, and many hunts have the same.
    Cron(Arc<Cron>),
    /// `every 30m`: ticks at whole multiples of the interval since 1970 in UTC, so that a restart
    /// moves none of them.
    Every(Duration),
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no schedule: {why}")]
pub struct ScheduleError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

/// The shortest interval: the bell rings once a second.
const SHORTEST: Duration = Duration::from_secs(1);

impl Schedule {
    /// Reads cron of 5 fields, of 6 with seconds first, `@hourly` and its kin, or `every 30m`.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let trimmed = text.trim();
        let error = |why: String| ScheduleError { text: text.to_owned(), why };
        if let Some(interval) = trimmed.strip_prefix("every ").or_else(|| trimmed.strip_prefix("@every ")) {
            let every = parse_duration(interval).map_err(|e| error(e.to_string()))?;
            return Self::every(every).ok_or_else(|| error("the interval is under one second".to_owned()));
        }
        let fields = trimmed.split_ascii_whitespace().count();
        if !trimmed.starts_with('@') && !(5..=6).contains(&fields) {
            return Err(error(format!("cron has 5 fields, or 6 with seconds first, and here are {fields}")));
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(trimmed)
            .map_err(|e| error(e.to_string()))?;
        Ok(Self { text: trimmed.to_owned(), kind: ScheduleKind::Cron(Arc::new(cron)) })
    }

    /// The schedule `every INTERVAL`; `None` under one second.
    #[must_use]
    pub fn every(interval: Duration) -> Option<Self> {
        (interval >= SHORTEST)
            .then(|| Self { text: format!("every {}", format_duration(interval)), kind: ScheduleKind::Every(interval) })
    }

    /// The schedule as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its kind, for the rules.
    #[must_use]
    pub fn kind(&self) -> &ScheduleKind {
        &self.kind
    }
}

/// Two schedules are the same when they are written the same.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_reference_names() {
        for text in [
            "*/30 * * * *",
            "*/5 * * * * *",
            "@hourly",
            "@daily",
            "0 6 * * MON-FRI",
            "every 30m",
            "every 1h10m",
            "every PT1H",
        ] {
            assert!(Schedule::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in
            [("* * *", "here are 3"), ("every 1", "no duration"), ("every 0s", "under one second"), ("61 * * * *", "")]
        {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(Schedule::parse("@reboot").is_err());
        assert!(Schedule::parse("").is_err());
    }
}
