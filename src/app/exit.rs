//! Exit codes, and the one error of the edge: what failed, and how to mend it.

use std::process::ExitCode;

use miette::Diagnostic;

use crate::ports::store::error::StoreError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// `check` found errors; `show` found nothing.
    Findings,
    /// `run --fail-on-new` with new hits.
    NewHits,
    /// A run failed.
    RunFailed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::NewHits => Self::from(3),
            Exit::RunFailed => Self::from(4),
        }
    }
}

/// A usage or configuration error, or a failure of this machine: exit code 2.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct AppError {
    /// What failed, on what, and why.
    message: String,
    /// How to mend it.
    #[help]
    hint: Option<String>,
}

impl AppError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// An error with its mend.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }

    /// An error whose message says all.
    #[must_use]
    pub fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        Self { message: error.to_string(), hint: error.hint().map(str::to_owned) }
    }
}
