//! Collects the findings of one file while it is read.

use std::path::PathBuf;

use crate::model::place::{Finding, Level};
use crate::rules::yaml::Problem;

/// The findings of one file, or of one hunt in it.
#[derive(Debug)]
pub struct Notes {
    file: PathBuf,
    hunt: Option<String>,
    findings: Vec<Finding>,
    muted: bool,
}

impl Notes {
    /// Begins, for a file as it was given.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), hunt: None, findings: Vec::new(), muted: false }
    }

    /// From now on, and for all that came before, findings are of this hunt.
    pub fn name_hunt(&mut self, hunt: &str) {
        self.hunt = Some(hunt.to_owned());
        for finding in &mut self.findings {
            finding.hunt.get_or_insert_with(|| hunt.to_owned());
        }
    }

    /// Whether findings are swallowed from now on: for values that were checked in another file.
    pub fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Adds a finding.
    pub fn add(&mut self, level: Level, code: &'static str, problem: Problem) {
        if self.muted {
            return;
        }
        self.findings.push(Finding {
            file: self.file.clone(),
            place: problem.place,
            level,
            code,
            message: problem.message,
            hint: problem.hint,
            hunt: self.hunt.clone(),
            fix: None,
        });
    }

    /// Adds an error.
    pub fn error(&mut self, code: &'static str, problem: Problem) {
        self.add(Level::Error, code, problem);
    }

    /// Adds a warning.
    pub fn warning(&mut self, code: &'static str, problem: Problem) {
        self.add(Level::Warning, code, problem);
    }

    /// The value, or `None` and an error.
    pub fn keep<T>(&mut self, code: &'static str, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.error(code, problem)).ok()
    }

    /// Whether an error is among the findings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// The findings so far.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All findings.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
