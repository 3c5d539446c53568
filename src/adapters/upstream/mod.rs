//! huntd's own checkout of the repository that its hunts come from, by the system's git.
//!
//! Promises: what is in use is a whole tree of one commit, whenever somebody looks, and whatever was killed or cut off
//! before; git starts no hook and no helper of the repository's, follows no link that stands in it, speaks no other protocol than the
//! address names, asks nobody, and is ended after a while; a token is on no command line, in no file and in no error.
//!
//! The folder holds `repository` (a bare one), `trees/COMMIT` (work trees of it), `current` (a link to the one in use)
//! and `source` (what `current` was taken from).

mod bounded;
mod repository;
#[cfg(test)]
mod tests;

pub use repository::{Repository, Seen};

use std::io;
use std::path::PathBuf;

use super::secret::SecretError;

/// Why the repository can't be seen, or a tree of it not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// There is no git.
    #[error("can't start git: {0}")]
    NoGit(io::Error),
    /// It took too long.
    #[error("git {what} didn't end within {limit} s, and was ended")]
    Long {
        /// What it was to do.
        what: &'static str,
        /// How long it had.
        limit: u64,
    },
    /// huntd stops.
    #[error("huntd stops")]
    Stopped,
    /// Git failed.
    #[error("git {what} failed: {said}")]
    Failed {
        /// What it was to do.
        what: &'static str,
        /// What it says; free of secrets and control characters.
        said: String,
    },
    /// A file or folder of the checkout.
    #[error("can't {what} {}: {error}", .path.display())]
    File {
        /// What was to be done with it.
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The token can't be had.
    #[error("the token of `git`: {0}")]
    Token(SecretError),
}

impl UpstreamError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::NoGit(_) => "install git, or name a folder with `hunts:` in place of `git:`",
            Self::Long { .. } => "see whether the server can be reached from here, and how large the repository is",
            Self::Stopped => "start it again",
            Self::Failed { said, .. } if said.contains("dubious ownership") => {
                "git serves no repository that belongs to another user: give it to huntd's user, or have root run `git config --system --add safe.directory PATH` with its path"
            }
            Self::Failed { what: "fetch" | "ls-remote", .. } => {
                "see `url`, `branch` and `token` of `git:` in the config, and whether huntd's user may read the repository; over ssh it needs a key without a passphrase and the server in known_hosts"
            }
            Self::Failed { .. } => {
                "if it stays so, stop huntd and delete the checkout, the folder beside the database whose name ends in .hunts: huntd makes it again"
            }
            Self::File { what: "read the allowed signers", .. } => {
                "name a file that huntd's user may read: a line a key, as `man ssh-keygen` has it under ALLOWED SIGNERS"
            }
            Self::File { .. } => "see that huntd's user may write there, and that the disk has space",
            Self::Token(error) => return error.hint(),
        };
        hint.to_owned()
    }
}
