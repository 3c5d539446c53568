//! Secrets, read where the config says, and again when they change.

use crate::model::secret::{SecretSource, SecretString};

/// Why a secret can't be had. Names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret in {place} can't be read: {why}")]
pub struct SecretError {
    place: String,
    why: String,
}

/// Reads a secret now; one line end at its end is dropped.
pub fn read(source: &SecretSource) -> Result<SecretString, SecretError> {
    let error = |why: String| SecretError { place: source.to_string(), why };
    let from_file = |path: &std::path::Path| std::fs::read_to_string(path).map_err(|e| error(e.to_string()));
    let text = match source {
        SecretSource::File(path) => from_file(path)?,
        SecretSource::Env(name) => std::env::var(name).map_err(|e| error(e.to_string()))?,
        SecretSource::Credential(name) => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                .ok_or_else(|| error("$CREDENTIALS_DIRECTORY isn't set".to_owned()))?;
            from_file(&std::path::Path::new(&folder).join(name))?
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).into())
}
