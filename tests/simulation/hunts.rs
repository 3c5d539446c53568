//! The hunts of a simulation: what each asks, how often, and how it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use huntd::model::config::HuntDefaults;
use huntd::model::hunt::Hunt;
use huntd::model::schedule::Schedule;
use huntd::model::time::{Timestamp, Zone, format_duration};
use huntd::rules::definition::{self, HuntFile};

use crate::dice::Dice;
use crate::scale::{DAY, HOUR, MINUTE, Mix, Scale};

/// How a query is bounded in time, and whether parts of its result add up to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// huntd gives the window, and the rows are events.
    Windowed,
    /// huntd gives the window, and the rows come out of `summarize`.
    Grouped,
    /// It looks at the clock itself: the last so many hours.
    OwnTime(Duration),
}

/// A hunt, as it stands at some time.
#[derive(Debug, Clone)]
pub(crate) struct Edition {
    /// From when on.
    pub(crate) from: Timestamp,
    pub(crate) hunt: Arc<Hunt>,
}

/// A hunt of the simulation.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) number: usize,
    pub(crate) kind: Kind,
    pub(crate) late: Duration,
    /// Whether what was missed is left out.
    pub(crate) skips: bool,
    /// The channels told of its hits.
    pub(crate) channels: Vec<&'static str>,
    /// Whether a window of more than two days is too much for the service.
    pub(crate) is_heavy: bool,
    pub(crate) editions: Vec<Edition>,
}

impl Spec {
    /// The hunt as it stands at `at`.
    pub(crate) fn at(&self, at: Timestamp) -> &Arc<Hunt> {
        let known = self.editions.iter().rev().find(|edition| edition.from <= at);
        &known.unwrap_or(&self.editions[0]).hunt
    }
}

pub(crate) const TENANTS: [&str; 3] = ["alpha", "beta", "gamma"];

/// A rhythm, and its share of two hundred hunts.
type Rhythm = (u64, &'static str, Duration);

/// As on a real site: most run daily, some each few hours.
const BUSY: [Rhythm; 8] = [
    (20, "WEEKLY", DAY.saturating_mul(7)),
    (20, "every 48h", DAY.saturating_mul(2)),
    (120, "DAILY", DAY),
    (20, "0 */12 * * *", HOUR.saturating_mul(12)),
    (11, "every 6h", HOUR.saturating_mul(6)),
    (5, "every 4h", HOUR.saturating_mul(4)),
    (2, "@hourly", HOUR),
    (2, "FAST", DAY),
];

/// With fewer runs, for the minute that the tests have.
const CALM: [Rhythm; 7] = [
    (105, "WEEKLY", DAY.saturating_mul(7)),
    (54, "every 72h", DAY.saturating_mul(3)),
    (18, "every 48h", DAY.saturating_mul(2)),
    (20, "DAILY", DAY),
    (1, "0 */12 * * *", HOUR.saturating_mul(12)),
    (1, "every 6h", HOUR.saturating_mul(6)),
    (1, "FAST", DAY),
];

/// The number of the hunt that a query asks for.
pub(crate) fn asked(query: &str) -> usize {
    let (_, rest) = query.split_once("FileName == 'h").unwrap();
    rest[..3].parse().unwrap()
}

/// All hunts. `edits` are the times at which some are edited.
pub(crate) fn all(seed: u64, scale: Scale, edits: &[Timestamp]) -> Vec<Spec> {
    (0..scale.hunts).map(|number| spec(seed, scale, number, edits)).collect()
}

fn spec(seed: u64, scale: Scale, number: usize, edits: &[Timestamp]) -> Spec {
    let mut dice = Dice::of(seed, &[1, number as u64]);
    let (rhythm, interval) = rhythm(scale.mix, number);
    let lookback = interval.mul_f64(*dice.of_these(&[1.0, 1.0, 1.25, 2.0, 0.5]));
    // Of some seeds all are short: one long one would have the engine take back more than a wrong clock is worth.
    let lates = [MINUTE * 5, MINUTE * 30, HOUR * 2, HOUR * 8, HOUR * 20];
    let most = if seed.is_multiple_of(3) { 2 } else { lates.len() };
    let late = *dice.of_these(&lates[..most]);
    let kind = match number % 20 {
        7 => Kind::OwnTime((interval * 2 + late).min(DAY * 20)),
        13 => Kind::Grouped,
        _ => Kind::Windowed,
    };
    let severity = *dice.of_these(&["informational", "low", "medium", "medium", "high"]);
    let skips = number % 25 == 11;
    let text = Text {
        number,
        kind,
        tenant: number % TENANTS.len(),
        // At most weekly, so that the last days hold a tick of each.
        lookback: lookback.max(MINUTE * 10),
        late,
        severity,
        skips,
        key: dice.of_these::<&str>(&["key: [Timestamp, DeviceId, ReportId]", "key: [EventId]", ""]),
        notify: if number % 10 == 3 { "notify: [chat, hits]" } else { "" },
    };
    let channels = match (text.notify.is_empty(), severity) {
        (false, _) => vec!["chat", "hits"],
        (true, "high") => vec!["soc", "hits"],
        (true, _) => vec!["hits"],
    };
    let mut schedule = if rhythm == "FAST" { "DAILY" } else { rhythm };
    let mut editions = vec![Edition { from: scale.start(), hunt: text.hunt(schedule, 0, &mut dice) }];
    for (version, from) in edits.iter().enumerate() {
        let mut dice = Dice::of(seed, &[2, number as u64, version as u64]);
        let fast = rhythm == "FAST" && version % 5 == 1;
        if fast || schedule == "every 15m" || dice.chance(0.08) {
            schedule = if fast {
                "every 15m"
            } else if rhythm == "FAST" {
                "DAILY"
            } else {
                rhythm
            };
            editions.push(Edition { from: *from, hunt: text.hunt(schedule, version + 1, &mut dice) });
        }
    }
    // What can't be asked in parts must fit as it is.
    let fits = kind != Kind::Grouped || lookback.max(interval) + late <= DAY * 2;
    let is_heavy = number % 12 == 5 && fits;
    Spec { number, kind, late, skips, channels, is_heavy, editions }
}

/// Spread so that also the first few hunts are a mixture.
fn rhythm(mix: Mix, number: usize) -> (&'static str, Duration) {
    let mut share = number as u64 * 77 % 200;
    let rhythms: &[Rhythm] = if mix == Mix::Busy { &BUSY } else { &CALM };
    for (weight, text, interval) in rhythms {
        if share < *weight {
            return (text, *interval);
        }
        share -= weight;
    }
    unreachable!("the shares are two hundred");
}

struct Text<'a> {
    number: usize,
    kind: Kind,
    tenant: usize,
    lookback: Duration,
    late: Duration,
    severity: &'a str,
    skips: bool,
    key: &'a str,
    notify: &'a str,
}

impl Text<'_> {
    fn hunt(&self, schedule: &str, version: usize, dice: &mut Dice) -> Arc<Hunt> {
        let Self { number, kind, tenant, severity, key, notify, .. } = self;
        let (minute, hour, day) = (dice.number(0, 60), dice.number(0, 24), dice.number(0, 7));
        let schedule = match schedule {
            "DAILY" => format!("{minute} {hour} * * *"),
            "WEEKLY" => format!("{minute} {hour} * * {day}"),
            other => other.to_owned(),
        };
        let rest = match kind {
            Kind::Windowed => String::new(),
            Kind::Grouped => "| summarize arg_max(Timestamp, *) by ReportId".to_owned(),
            Kind::OwnTime(span) => format!("| where Timestamp > ago({})", format_duration(*span)),
        };
        let catch_up = if self.skips { "skip" } else { "auto" };
        let (lookback, late) = (format_duration(self.lookback), format_duration(self.late));
        parse(&format!(
            "id: h{number:03}\nseverity: {severity}\nquery: \"DeviceProcessEvents | where FileName == 'h{number:03}' and ProcessId != {version} {rest}\"\nschedule: \"{schedule}\"\nlookback: {lookback}\nlate: {late}\ncatch_up: {catch_up}\ntenants: [{}]\n{key}\n{notify}\n",
            TENANTS[*tenant]
        ))
    }
}

fn parse(text: &str) -> Arc<Hunt> {
    let path = PathBuf::from("h.yaml");
    let file = HuntFile { shown: path.clone(), relative: path, bytes: text.as_bytes().to_vec() };
    let defaults = HuntDefaults { schedule: Schedule::parse("@daily").unwrap(), lookback: HOUR, late: MINUTE };
    let mut loaded = definition::load(&[file], &defaults, Zone::UTC);
    assert_eq!(loaded.hunts.len(), 1, "{text}\n{:?}", loaded.findings);
    Arc::new(loaded.hunts.remove(0))
}
