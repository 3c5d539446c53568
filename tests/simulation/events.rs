//! What happens on the tenants: the events that each hunt is to find.

use std::fmt::Write as _;
use std::time::Duration;

use huntd::model::row::{Column, ColumnType, Schema};
use huntd::model::time::Timestamp;
use huntd::rules::schedule;

use crate::dice::Dice;
use crate::faults::Stretch;
use crate::hunts::Spec;
use crate::scale::{DAY, HOUR, MINUTE, Scale};

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) number: u64,
    /// The hunt that is to find it.
    pub(crate) hunt: usize,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// From when on the tenant tells of it.
    pub(crate) arrives: Timestamp,
}

/// All events, by hunt and in order of time. Of one hunt in twenty-five, more happens in an hour than
/// `row_limit` rows hold.
pub(crate) fn all(seed: u64, scale: Scale, hunts: &[Spec], fast: &[Stretch], row_limit: u64) -> Vec<Vec<Event>> {
    let mut next = 0;
    let mut of_hunt = |spec: &Spec| {
        let mut dice = Dice::of(seed, &[20, spec.number as u64]);
        let mut times = Vec::new();
        let pause = *dice.of_these(&[DAY * 10, DAY * 10, DAY * 20, DAY * 3]);
        // Two days before the start, to have something to find at once.
        let mut at = scale.start().minus(DAY * 2);
        while at < scale.end() {
            at = at.plus(dice.span(Duration::from_secs(20), pause * 4));
            // Many shortly before a tick: what is late then is what a careless window misses.
            let tick = if dice.chance(0.4) { next_tick(spec, at) } else { None };
            at = tick.map_or(at, |tick| tick.minus(dice.span(Duration::from_secs(1), spec.late)).max(at));
            times.push(at);
        }
        if spec.number % 25 == 4 {
            let burst = scale.start().plus(dice.span(DAY, scale.quiet().since(scale.start())));
            let many = dice.number(row_limit, row_limit * 2);
            times.extend((0..many).map(|_| burst.plus(Duration::from_millis(dice.number(0, 3_600_000)))));
        }
        // What happens while the clock is ahead is asked for before it has arrived.
        for wrong in fast {
            let from = wrong.from.minus(spec.late);
            let length = u64::try_from(wrong.to.since(from).as_millis()).unwrap();
            times.extend((0..2).map(|_| from.plus(Duration::from_millis(dice.number(0, length)))));
        }
        times.sort_unstable();
        let mut event = |at: Timestamp| {
            next += 1;
            Event {
                number: next,
                hunt: spec.number,
                at: exact(at, &mut dice),
                arrives: at.plus(delay(spec, &mut dice)),
            }
        };
        times.into_iter().map(&mut event).collect()
    };
    hunts.iter().map(&mut of_hunt).collect()
}

fn next_tick(spec: &Spec, at: Timestamp) -> Option<Timestamp> {
    let hunt = spec.at(at);
    schedule::next(&hunt.schedule, hunt.timezone, at)
}

/// With and without fractions of a second, which the API writes differently.
fn exact(at: Timestamp, dice: &mut Dice) -> Timestamp {
    let second = at.floor_to(Duration::from_secs(1));
    if dice.chance(0.3) { second } else { second.plus(Duration::from_nanos(dice.number(0, 10_000_000) * 100)) }
}

/// Mostly at once, now and then as late as the hunt allows, seldom later.
fn delay(spec: &Spec, dice: &mut Dice) -> Duration {
    match dice.number(0, 100) {
        0..60 => dice.span(Duration::from_secs(1), MINUTE * 2),
        60..75 => dice.span(MINUTE, spec.late),
        75..97 => spec.late.saturating_sub(Duration::from_secs(2)),
        _ => spec.late + dice.span(MINUTE, HOUR * 20),
    }
}

/// The columns of every answer.
pub(crate) fn schema() -> Schema {
    let columns = [
        ("Timestamp", ColumnType::DateTime),
        ("DeviceId", ColumnType::String),
        ("ReportId", ColumnType::Long),
        ("EventId", ColumnType::String),
        ("Truth", ColumnType::Bool),
        ("Seen", ColumnType::DateTime),
        ("Bag", ColumnType::Dynamic),
    ];
    Schema { columns: columns.map(|(name, kind)| Column { name: name.to_owned(), kind }).to_vec() }
}

impl Event {
    /// Its row, as one of the two dialects writes it.
    pub(crate) fn row(&self, older: bool) -> String {
        let (number, time) = (self.number, seven_digits(self.at));
        let sidecar =
            |name: &str, kind: &str| if older { String::new() } else { format!("\"{name}@odata.type\":\"#{kind}\",") };
        // Above 2^53, so that a number that went through a double would be another.
        let report = 9_007_199_254_740_993 + number;
        let mut row = format!("{{\"Timestamp\":\"{time}\",\"DeviceId\":\"d{}\",", number % 7);
        let _ok = write!(row, "{}\"ReportId\":{report},\"EventId\":\"e{number}\",", sidecar("ReportId", "Int64"));
        let _ok = write!(row, "{}\"Truth\":{},", sidecar("Truth", "SByte"), number % 2);
        let nothing = if older { "null" } else { "{}" };
        let (seen, bag) = match number % 3 {
            0 => (nothing.to_owned(), nothing.to_owned()),
            1 => (format!("\"{time}\""), "{\"text\":\"a \\\"b\\\"\"}".to_owned()),
            _ => (nothing.to_owned(), "{\"text\":\"\"}".to_owned()),
        };
        let _ok = write!(row, "\"Seen\":{seen},\"Bag\":{bag}}}");
        row
    }
}

/// As the API writes an instant: seven digits of a second, and none where it is whole.
fn seven_digits(at: Timestamp) -> String {
    let second = at.floor_to(Duration::from_secs(1));
    let ticks = at.since(second).as_nanos() / 100;
    let whole = second.to_string();
    let whole = whole.trim_end_matches('Z').split('.').next().unwrap();
    if ticks == 0 { format!("{whole}Z") } else { format!("{whole}.{ticks:07}Z") }
}
