//! Times as scenarios and requests name them: instants relative to a scenario's start, spreads of
//! time, and Graph's `Timespan`.

use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::model::time::{Timestamp, parse_duration};

/// The service keeps instants in ticks of 100 ns.
pub const TICK: Duration = Duration::from_nanos(100);

/// An instant in a scenario: absolute (RFC 3339), or relative to the scenario's start (`-20m`, `1h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// At that instant.
    Absolute(Timestamp),
    /// So long before the start.
    Before(Duration),
    /// So long after the start.
    After(Duration),
}

impl Moment {
    /// Reads either form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(at) = Timestamp::parse(text) {
            return Some(Self::Absolute(at));
        }
        if let Some(rest) = text.strip_prefix('-') {
            return parse_duration(rest).ok().map(Self::Before);
        }
        parse_duration(text.strip_prefix('+').unwrap_or(text)).ok().map(Self::After)
    }

    /// The instant, for a scenario that began at `start`; in whole ticks, as the service knows no finer.
    #[must_use]
    pub fn resolve(self, start: Timestamp) -> Timestamp {
        let at = match self {
            Self::Absolute(at) => at,
            Self::Before(span) => start.minus(span),
            Self::After(span) => start.plus(span),
        };
        at.floor_to(TICK)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no time: write RFC 3339 (2026-01-02T03:04:05Z), or a span from the start (-20m, 1h)"
            ))
        })
    }
}

/// A duration, written as everywhere in huntd (`90s`, `1h10m`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::model::time::format_duration(self.0))
    }
}

/// A duration that is drawn from a range; both ends can come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The shortest.
    #[serde(default)]
    pub from: Span,
    /// The longest.
    pub to: Span,
}

impl Spread {
    /// The duration that `draw`, any number, stands for.
    #[must_use]
    pub fn pick(self, draw: u64) -> Duration {
        let low = u64::try_from(self.from.0.as_nanos()).unwrap_or(u64::MAX);
        let high = u64::try_from(self.to.0.as_nanos()).unwrap_or(u64::MAX).max(low);
        let width = (high - low).saturating_add(1);
        Duration::from_nanos(low + draw % width)
    }
}

/// Event time that a request asks for. An open end takes everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant no longer asked for.
    pub to: Timestamp,
}

impl Asked {
    /// Everything.
    pub const ALL: Self = Self { from: Timestamp::from_nanos(i64::MIN), to: Timestamp::from_nanos(i64::MAX) };

    /// What both ask for: "the shorter span applies" (Learn, runHuntingQuery).
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }

    /// How long it is; zero when it is empty.
    #[must_use]
    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }
}

/// Reads a `Timespan` in each of its five documented forms; `None` when it is in none of them.
#[must_use]
pub fn timespan(text: &str, now: Timestamp) -> Option<Asked> {
    let text = text.trim();
    let Some((left, right)) = text.split_once('/') else {
        return match iso_duration(text) {
            Some(span) => Some(Asked { from: now.minus(span), to: Asked::ALL.to }),
            None => Timestamp::parse(text).map(|from| Asked { from, to: Asked::ALL.to }),
        };
    };
    match (iso_duration(left), iso_duration(right)) {
        (Some(span), None) => Timestamp::parse(right).map(|to| Asked { from: to.minus(span), to }),
        (None, Some(span)) => Timestamp::parse(left).map(|from| Asked { from, to: from.plus(span) }),
        (None, None) => {
            let (from, to) = (Timestamp::parse(left)?, Timestamp::parse(right)?);
            (from <= to).then_some(Asked { from, to })
        }
        (Some(_), Some(_)) => None,
    }
}

fn iso_duration(text: &str) -> Option<Duration> {
    text.starts_with('P').then(|| parse_duration(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn the_five_forms_of_timespan() {
        let now = at("2024-03-01T00:00:00Z");
        let (a, b) = (at("2024-02-01T08:00:00Z"), at("2024-02-15T08:00:00Z"));
        let cases = [
            ("2024-02-01T08:00:00Z/2024-02-15T08:00:00Z", a, b),
            ("P14D/2024-02-15T08:00:00Z", a, b),
            ("2024-02-01T08:00:00Z/P14D", a, b),
            ("P1D", at("2024-02-29T00:00:00Z"), Asked::ALL.to),
            ("2024-02-01T08:00:00Z", a, Asked::ALL.to),
        ];
        for (text, from, to) in cases {
            assert_eq!(timespan(text, now), Some(Asked { from, to }), "{text}");
        }
        for text in ["", "30d", "P1D/P1D", "yesterday", "2024-02-15T08:00:00Z/2024-02-01T08:00:00Z", "/P1D"] {
            assert_eq!(timespan(text, now), None, "{text}");
        }
    }

    #[test]
    fn moments_and_spreads() {
        let start = at("2024-02-01T08:00:00.00000019Z");
        assert_eq!(Moment::parse("-1h").unwrap().resolve(start), at("2024-02-01T07:00:00.0000001Z"));
        assert_eq!(Moment::parse("90s").unwrap().resolve(start), at("2024-02-01T08:01:30.0000001Z"));
        assert_eq!(Moment::parse("2024-01-01T00:00:00Z").unwrap().resolve(start), at("2024-01-01T00:00:00Z"));
        assert_eq!(Moment::parse("soon"), None);
        let spread = Spread { from: Span(Duration::from_nanos(5)), to: Span(Duration::from_nanos(7)) };
        let picked: Vec<_> = (0..4).map(|draw| spread.pick(draw).as_nanos()).collect();
        assert_eq!(picked, [5, 6, 7, 5]);
    }
}
