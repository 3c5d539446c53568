//! Two states of a set of hunts.

use std::collections::BTreeMap;

use crate::model::hunt::Hunt;
use crate::model::id::HuntId;
use crate::model::time::format_duration;

/// What kind of change it is, for those who judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It starts at other times, or elsewhere: schedule, zone, splay, tenants, on or off.
    Rescheduled,
    /// Other rows are the same hit: key, ignored columns.
    Rekeyed,
    /// It asks for something else: query, lookback, lateness, catching up.
    Requeried,
}

impl ChangeKind {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Rescheduled => "rescheduled",
            Self::Rekeyed => "re-keyed",
            Self::Requeried => "re-queried",
        }
    }
}

/// A hunt that isn't what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The hunt.
    pub hunt: HuntId,
    /// In which ways; never empty.
    pub kinds: Vec<ChangeKind>,
    /// What is other, each as `key: before -> after`, where that says something.
    pub details: Vec<String>,
}

/// What became of the hunts, by id. A hunt that changed only in words isn't named.
#[must_use]
pub fn compare<'a>(
    before: impl IntoIterator<Item = &'a Hunt>,
    after: impl IntoIterator<Item = &'a Hunt>,
) -> Vec<Change> {
    let mut both: BTreeMap<&HuntId, (Option<&Hunt>, Option<&Hunt>)> = BTreeMap::new();
    for hunt in before {
        both.entry(&hunt.id).or_default().0 = Some(hunt);
    }
    for hunt in after {
        both.entry(&hunt.id).or_default().1 = Some(hunt);
    }
    let change = |(hunt, (before, after)): (&HuntId, (Option<&Hunt>, Option<&Hunt>))| {
        let (kinds, details) = match (before, after) {
            (Some(before), Some(after)) => differences(before, after),
            (None, Some(after)) => (vec![ChangeKind::Added], vec![format!("schedule: {}", after.schedule)]),
            _ => (vec![ChangeKind::Removed], Vec::new()),
        };
        (!kinds.is_empty()).then(|| Change { hunt: hunt.clone(), kinds, details })
    };
    both.into_iter().filter_map(change).collect()
}

fn differences(before: &Hunt, after: &Hunt) -> (Vec<ChangeKind>, Vec<String>) {
    let list = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let key = |hunt: &Hunt| hunt.key.as_deref().map_or_else(|| "every column".to_owned(), list);
    let tenants = |hunt: &Hunt| {
        let names = hunt.tenants.as_ref();
        names.map_or_else(
            || "all".to_owned(),
            |names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        )
    };
    let values = |hunt: &Hunt| {
        [
            (ChangeKind::Rescheduled, "schedule", hunt.schedule.as_str().to_owned()),
            (ChangeKind::Rescheduled, "timezone", hunt.timezone.to_string()),
            (ChangeKind::Rescheduled, "splay", format_duration(hunt.splay)),
            (ChangeKind::Rescheduled, "tenants", tenants(hunt)),
            (ChangeKind::Rescheduled, "enabled", hunt.enabled.to_string()),
            (ChangeKind::Rekeyed, "key", key(hunt)),
            (ChangeKind::Rekeyed, "ignore", list(&hunt.ignore)),
            (ChangeKind::Requeried, "lookback", format_duration(hunt.lookback)),
            (ChangeKind::Requeried, "late", format_duration(hunt.late)),
            (ChangeKind::Requeried, "catch_up", format!("{:?}", hunt.catch_up).to_lowercase()),
        ]
    };
    let (mut kinds, mut details) = (Vec::new(), Vec::new());
    for ((kind, name, was), (_, _, is)) in values(before).into_iter().zip(values(after)) {
        if was != is {
            kinds.push(kind);
            details.push(format!("{name}: {was} -> {is}"));
        }
    }
    if before.query != after.query {
        kinds.push(ChangeKind::Requeried);
        details.push("query".to_owned());
    }
    kinds.sort_unstable();
    kinds.dedup();
    (kinds, details)
}
