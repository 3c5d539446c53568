//! What happened, line by line: to be read by people, and to be compared between two plays of a seed.

use std::hash::{DefaultHasher, Hasher};

use huntd::model::time::Timestamp;

/// The story of a play.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    lines: Vec<String>,
}

impl Story {
    pub(crate) fn say(&mut self, at: Timestamp, text: &str) {
        self.lines.push(format!("{at} {text}"));
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A number that is another for nearly every other story.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for line in &self.lines {
            hasher.write(line.as_bytes());
            hasher.write_u8(b'\n');
        }
        hasher.finish()
    }
}
