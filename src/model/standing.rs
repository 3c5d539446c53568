//! A hunt that runs, and what is wrong with its file meanwhile.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::id::HuntId;
use super::notice_hunt::NoticeHunt;
use super::time::Timestamp;

/// Why a hunt runs in its last good version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The file with the error, as it was given.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The code of the finding, such as `H003`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// Who changed the file last, and with which commit, where git knows.
    pub author: Option<String>,
    /// When it was first seen.
    pub since: Timestamp,
}

impl Broken {
    /// Whether it is the same fault as another, whenever that was seen, and wherever it has moved to in its file.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        (&self.file, &self.code, &self.message) == (&other.file, &other.code, &other.message)
    }
}

impl std::fmt::Display for Broken {
    /// `FILE:LINE:COLUMN: CODE: what is wrong`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file.display(), self.line, self.column, self.code, self.message)
    }
}

/// A hunt that stands, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The hunt.
    pub hunt: HuntId,
    /// The file that it stood in when it was last good.
    pub file: PathBuf,
    /// Its version (`definition::version`).
    pub version: String,
    /// The commit that the version comes from, where one is known.
    pub commit: Option<String>,
    /// What is wrong with it now.
    pub broken: Option<Broken>,
}

/// A hunt that stands, with what of its version is stored once.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingVersion {
    /// How it stands.
    pub standing: Standing,
    /// Its definition, as `definition::print` writes it.
    pub definition: String,
    /// What a notice shows of it.
    pub notice: NoticeHunt,
}
