//! Secrets: where they are, and a text that can't be printed.

use std::path::PathBuf;

pub use secrecy::{ExposeSecret, SecretString};

/// Where a secret is kept; it never stands in the config itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// A file of that name in `$CREDENTIALS_DIRECTORY` (systemd's `LoadCredential`).
    Credential(String),
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// `credential contoso`, `file /etc/huntd/secret`, `environment variable SECRET`: names the place,
/// never the value.
impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}
