//! What huntd itself knows of a hit, beside its row.

use crate::model::hit::Hit;

/// A field of a hit that is no column of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The id.
    Hit,
    /// The hunt's id.
    Hunt,
    /// The tenant.
    Tenant,
    /// What is said of it.
    Kind,
    /// The run that said it.
    Run,
    /// When its key was first seen.
    FirstSeen,
    /// When it was last in a result.
    LastSeen,
    /// The hunt's severity.
    Severity,
}

impl Own {
    /// All, in the order of `hits --json`.
    pub const ALL: [Self; 8] =
        [Self::Hit, Self::Hunt, Self::Tenant, Self::Kind, Self::Run, Self::FirstSeen, Self::LastSeen, Self::Severity];

    /// The name, as in `hits --json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Hunt => "hunt",
            Self::Tenant => "tenant",
            Self::Kind => "kind",
            Self::Run => "run",
            Self::FirstSeen => "first_seen",
            Self::LastSeen => "last_seen",
            Self::Severity => "severity",
        }
    }

    /// The field of that name, letter by letter: `Severity` may well be a column of a row.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.as_str() == text)
    }

    /// Its value.
    #[must_use]
    pub fn of(self, hit: &Hit) -> String {
        match self {
            Self::Hit => hit.hit.to_string(),
            Self::Hunt => hit.hunt.clone(),
            Self::Tenant => hit.tenant.clone(),
            Self::Kind => hit.kind.to_string(),
            Self::Run => hit.run.clone(),
            Self::FirstSeen => hit.first_seen.to_string(),
            Self::LastSeen => hit.last_seen.to_string(),
            Self::Severity => hit.severity.to_string(),
        }
    }
}
