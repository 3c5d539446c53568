//! A start that is moved, at the same frequency.

use std::time::Duration;

use crate::model::schedule::{Schedule, ScheduleKind};
use crate::model::time::format_duration;

/// A change of one value of a hunt.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// Another minute of the same hour.
    Schedule(Schedule),
    /// A longer spread.
    Splay(Duration),
}

impl Move {
    /// The key that is set.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Schedule(_) => "schedule",
            Self::Splay(_) => "splay",
        }
    }

    /// What it is set to.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Schedule(schedule) => schedule.as_str().to_owned(),
            Self::Splay(splay) => format_duration(*splay),
        }
    }
}

const NAMED: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

/// The schedule with each tick `minutes` later, in the same hour; `None` where its pattern has no such twin: an
/// interval (`every 30m`), every minute, or a tick that would leave its hour.
pub(super) fn later(schedule: &Schedule, minutes: u32) -> Option<Schedule> {
    Schedule::parse(&later_text(schedule, minutes)?).ok()
}

/// [`later`] as a text, for who only asks whether there is one.
pub(super) fn later_text(schedule: &Schedule, minutes: u32) -> Option<String> {
    if !matches!(schedule.kind(), ScheduleKind::Cron(_)) || minutes == 0 {
        return None;
    }
    let text = schedule.as_str();
    let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, cron)| *cron);
    let mut fields: Vec<&str> = named.unwrap_or(text).split_ascii_whitespace().collect();
    let at = fields.len().checked_sub(5)?;
    let minute = moved(fields.get(at)?, minutes)?;
    *fields.get_mut(at)? = &minute;
    Some(fields.join(" "))
}

/// A minute field with `by` added to each of its minutes.
fn moved(field: &str, by: u32) -> Option<String> {
    let minute = |text: &str| text.parse::<u32>().ok().filter(|minute| *minute < 60);
    if let Some((range, step)) = field.split_once('/') {
        let step = minute(step).filter(|step| *step > 0 && 60 % step == 0)?;
        let first = match range.split_once('-') {
            None if range == "*" => 0,
            Some((first, "59")) => minute(first)?,
            _ => return None,
        };
        // From the first minute of the hour on, as many ticks stand in the hour as ever.
        let first = Some(first + by).filter(|moved| first < step && *moved < step)?;
        return Some(format!("{first}-59/{step}"));
    }
    let minutes: Option<Vec<u32>> = field.split(',').map(minute).collect();
    let moved = minutes?.into_iter().map(|minute| Some(minute + by).filter(|minute| *minute < 60));
    let moved: Option<Vec<String>> = moved.map(|minute| minute.map(|minute| minute.to_string())).collect();
    Some(moved?.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{Timestamp, Zone};
    use crate::rules::schedule::next;

    fn moved(text: &str, minutes: u32) -> Option<String> {
        later(&Schedule::parse(text).unwrap(), minutes).map(|schedule| schedule.as_str().to_owned())
    }

    #[test]
    fn minutes_move_and_nothing_else() {
        for (text, by, expected) in [
            ("0 * * * *", 7, Some("7 * * * *")),
            ("30 8,20 * * MON-FRI", 12, Some("42 8,20 * * MON-FRI")),
            ("*/30 * * * *", 7, Some("7-59/30 * * * *")),
            ("5-59/15 * * * *", 4, Some("9-59/15 * * * *")),
            ("0,30 * * * *", 29, Some("29,59 * * * *")),
            ("15 0 * * * *", 3, Some("15 3 * * * *")),
            ("@hourly", 1, Some("1 * * * *")),
            ("@daily", 59, Some("59 0 * * *")),
            ("@Weekly", 5, Some("5 0 * * 0")),
            // It would leave its hour, or tick more or less often.
            ("0 * * * *", 60, None),
            ("50 * * * *", 10, None),
            ("*/30 * * * *", 30, None),
            ("*/7 * * * *", 1, None),
            ("0-30/10 * * * *", 1, None),
            ("10-20 * * * *", 1, None),
            ("* * * * *", 1, None),
            ("every 30m", 5, None),
            ("0 * * * *", 0, None),
        ] {
            assert_eq!(moved(text, by).as_deref(), expected, "{text} {by}");
        }
    }

    /// A day's ticks are those of the day before the move, each so much later.
    #[test]
    fn every_tick_moves_by_as_much() {
        let ticks = |schedule: &Schedule| {
            let from = Timestamp::parse("2026-11-23T23:59:59Z").unwrap();
            let ticks = std::iter::successors(next(schedule, Zone::UTC, from), |at| next(schedule, Zone::UTC, *at));
            ticks.take(60).collect::<Vec<_>>()
        };
        for (text, by) in [("*/15 * * * *", 7), ("0,20 6-9 * * *", 11), ("@hourly", 31), ("30 0 0 * * *", 59)] {
            let schedule = Schedule::parse(text).unwrap();
            let moved = ticks(&later(&schedule, by).unwrap());
            let length = Duration::from_secs(u64::from(by) * 60);
            assert_eq!(moved, ticks(&schedule).into_iter().map(|at| at.plus(length)).collect::<Vec<_>>(), "{text}");
        }
    }
}
