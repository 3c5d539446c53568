//! The checks as they end, a line each.

use super::super::exit::{AppError, Exit};
use super::super::output::Output;
use super::super::progress::Progress;
use crate::rules::doctor::{Check, Line, State, Tally, Verdict};

/// Prints each check as it ends, and counts how.
#[derive(Debug)]
pub struct Report {
    output: Output,
    quiet: bool,
    tally: Tally,
    progress: Progress,
}

impl Report {
    /// A report; a quiet one leaves out what is well, and what wasn't looked at.
    #[must_use]
    pub fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet, tally: Tally::default(), progress: Progress::new(quiet) }
    }

    /// Says on a terminal what is being looked at, as it may take long.
    pub fn begin(&mut self, check: Check, subject: &str) {
        self.progress.begin(&format!("checking {} of {subject} …", check.as_str()));
    }

    /// The line in which it is said how far a check is.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// Prints how a check ended, and says whether what stands on it can be looked at.
    pub fn tell(&mut self, check: Check, subject: &str, verdict: Verdict) -> Result<bool, AppError> {
        let (state, bears) = (verdict.state, verdict.bears());
        self.tally.add(state);
        self.progress.clear();
        if self.quiet && matches!(state, State::Ok | State::Skipped) {
            return Ok(bears);
        }
        let line = Line { check, subject: subject.to_owned(), verdict };
        if self.output.json {
            self.output.object(&line.object())?;
        } else {
            self.output.line(&line.human(self.output.terminal))?;
        }
        Ok(bears)
    }

    /// The last word; `left_out` checks need the network, which wasn't to be used.
    pub fn end(mut self, left_out: u64) -> Result<Exit, AppError> {
        self.progress.clear();
        if !self.quiet {
            self.output.note(&self.tally.summary(left_out))?;
        }
        Ok(if self.tally.has_failed() { Exit::Findings } else { Exit::Done })
    }
}
