//! Places in files, and problems that point at them.

use std::fmt;
use std::path::PathBuf;

/// A stretch of a file: lines and columns from 1, columns in characters; the end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The first line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
}

impl Place {
    /// The first character of the file: where a problem of the whole file stands.
    pub const START: Self = Self { line: 1, column: 1, end_line: 1, end_column: 1 };

    /// A place inside one line.
    #[must_use]
    pub const fn in_line(line: u32, column: u32, end_column: u32) -> Self {
        Self { line, column, end_line: line, end_column }
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Loads, and is probably not meant so.
    Warning,
    /// Does not load.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A problem of a hunt file or of the config, as `check` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was given.
    pub file: PathBuf,
    /// Where in the file.
    pub place: Place,
    /// How bad it is.
    pub level: Level,
    /// A stable code, such as `H003` (hunts) or `C002` (config).
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The hunt that it concerns, where one is known.
    pub hunt: Option<String>,
    /// What to write instead, where that can be said with certainty.
    pub fix: Option<Edit>,
}

/// An edit of a file that mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; of no width to insert.
    pub place: Place,
    /// By what, as it is written in the file.
    pub text: String,
}
