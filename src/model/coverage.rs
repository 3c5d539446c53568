//! Coverage: what became of event time.

use std::fmt;

use super::id::RunId;
use super::time::{Timestamp, Window};

/// What became of a stretch of event time. Time of which nothing is said is a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// A complete result held it, asked late enough for what arrives late.
    Covered,
    /// It is left out by choice.
    Skipped,
    /// It can't be covered any more, or can't be covered by this query.
    Lost,
}

impl Fate {
    /// All.
    pub const ALL: [Self; 3] = [Self::Covered, Self::Skipped, Self::Lost];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.as_str() == text)
    }

    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Skipped => "skipped",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stretch of event time of one fate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// From where to where.
    pub window: Window,
    /// What became of it.
    pub fate: Fate,
    /// The run that decided it; of several, the last.
    pub run: RunId,
    /// Why, where it isn't covered.
    pub why: Option<String>,
    /// The run with which people were told of it; only of losses they are.
    pub told: Option<RunId>,
}

/// What a run says of event time, in the order in which it is to be noted down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoverageNote {
    /// Nothing before this moment was ever promised; says something only the first time.
    Origin(Timestamp),
    /// Nothing after this moment can have been covered: the clock stood ahead.
    Uncover(Timestamp),
    /// A complete result held it.
    Cover(Window),
    /// What of it isn't covered gets this fate.
    Decide {
        /// From where to where.
        window: Window,
        /// Skipped or lost.
        fate: Fate,
        /// Why.
        why: String,
    },
    /// All losses so far were told.
    Told,
    /// What lies before this moment is of no use any more.
    Forget(Timestamp),
}
