//! What of a hunt is kept beside its runs.

use super::severity::Severity;

/// What of a hunt a notice shows; taken from the stored definition, so that an edit between run
/// and delivery changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
