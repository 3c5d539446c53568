//! What of a hunt is kept beside its runs.

use super::hunt::Hunt;
use super::severity::Severity;

/// What of a hunt a notice shows; taken from the stored definition, so that an edit between run
/// and delivery changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoticeHunt {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// How much it matters.
    pub severity: Severity,
    /// MITRE ATT&CK tactics.
    pub tactics: Vec<String>,
    /// MITRE ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Columns that come first.
    pub entities: Vec<String>,
}

impl NoticeHunt {
    /// Of a hunt as it is loaded.
    #[must_use]
    pub fn of(hunt: &Hunt) -> Self {
        Self {
            id: hunt.id.to_string(),
            name: hunt.name.clone(),
            description: hunt.description.clone(),
            severity: hunt.severity,
            tactics: hunt.tactics.clone(),
            techniques: hunt.techniques.clone(),
            tags: hunt.tags.clone(),
            owner: hunt.owner.clone(),
            entities: hunt.entities.clone(),
        }
    }
}
