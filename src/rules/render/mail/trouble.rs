//! What a mail says that tells no hits.

use serde::Serialize;

use crate::model::delivery::{About, Notice};

/// What is wrong, in the words of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Trouble {
    /// In brackets before the subject, and on the badge.
    pub(super) word: &'static str,
    /// What follows the hunt's name in the headline.
    pub(super) headline: &'static str,
    /// In place of the count of hits.
    pub(super) counts: &'static str,
    /// Above the reasons.
    pub(super) errors: &'static str,
    /// Before the time.
    pub(super) moment: &'static str,
    /// What becomes of it.
    pub(super) note: &'static str,
    /// Above the commands.
    pub(super) commands: &'static str,
}

const LOST: Trouble = Trouble {
    word: "time lost",
    headline: "has not looked at all event time",
    counts: "event time lost",
    errors: "What no complete result held",
    moment: "Last try",
    note: "An event in that time that came in no other result was not found by this hunt, and huntd can't find it any \
           more by itself. Each loss is told once.",
    commands: "To look further",
};

impl Trouble {
    /// Of a notice; none where it tells hits.
    pub(super) fn of(notice: &Notice) -> Option<Self> {
        match notice.about {
            About::Hits => None,
            About::Loss => Some(LOST),
        }
    }
}
