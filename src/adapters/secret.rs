//! Secrets, read where the config says, and again when they change.
//!
//! Promises that no message, no `Debug` and no `Display` of this module holds a secret's value:
//! errors name the place alone.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::model::secret::{SecretSource, SecretString};

/// Where systemd says that the credentials of a service lie (systemd.exec, `LoadCredential`).
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// More than this is no secret, but a wrong path.
const LONGEST: u64 = 64 * 1024;

/// Why a secret can't be had. The texts name the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A credential is asked for where systemd gave none.
    #[error("{place} can't be read: $CREDENTIALS_DIRECTORY isn't set")]
    NoCredentials {
        /// The place.
        place: String,
    },
    /// The name of a credential that is a path, or nothing.
    #[error("{place} can't be read: a credential's name is a plain file name")]
    BadName {
        /// The place.
        place: String,
    },
    /// The variable isn't set, or the file isn't there.
    #[error("{place} {why}")]
    Missing {
        /// The place.
        place: String,
        /// What is missing there.
        why: &'static str,
    },
    /// The file is there and can't be read, or is no file.
    #[error("{place} can't be read: {why}")]
    Unreadable {
        /// The place.
        place: String,
        /// What the system says.
        why: String,
    },
    /// Nothing but white space stands there.
    #[error("{place} is empty")]
    Empty {
        /// The place.
        place: String,
    },
    /// More than 64 KiB.
    #[error("{place} is longer than 64 KiB, so it is no secret")]
    TooLong {
        /// The place.
        place: String,
    },
    /// Bytes that are no text.
    #[error("{place} isn't UTF-8 text")]
    NotUtf8 {
        /// The place.
        place: String,
    },
}

impl SecretError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoCredentials { .. } => {
                "run huntd as a systemd service with LoadCredential=, or name a `file` or an `env` instead".to_owned()
            }
            Self::BadName { .. } => "write the name alone, without a folder; for a path use `file`".to_owned(),
            Self::Missing { why, .. } if *why == NOT_SET => "set the variable in huntd's environment".to_owned(),
            Self::Missing { .. } => {
                "create it, or correct its place in huntd.yaml; a credential needs a LoadCredential= line in the unit"
                    .to_owned()
            }
            Self::Unreadable { .. } => "make it a file that huntd's user may read (mode 0400 or 0440)".to_owned(),
            Self::Empty { .. } => "write the secret's value there".to_owned(),
            Self::TooLong { .. } | Self::NotUtf8 { .. } => {
                "it should hold the secret's value and nothing else".to_owned()
            }
        }
    }
}

const NOT_SET: &str = "isn't set";
const NOT_THERE: &str = "isn't there";

/// A way to look up environment variables, so that tests need not change the process's own.
pub type EnvLookup = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// The process's own environment.
#[must_use]
pub fn process_env() -> EnvLookup {
    Arc::new(|name: &str| std::env::var_os(name))
}

/// Reads a secret now. One line break at its end is dropped, as editors and `echo` leave one.
pub fn read(source: &SecretSource) -> Result<SecretString, SecretError> {
    read_with(source, &|name| std::env::var_os(name))
}

/// As [`read`], with another environment.
pub fn read_with(source: &SecretSource, env: &dyn Fn(&str) -> Option<OsString>) -> Result<SecretString, SecretError> {
    let place = source.to_string();
    let bytes = match source {
        SecretSource::Env(name) => variable(name, place.clone(), env)?,
        SecretSource::File(path) => file(path, &place)?,
        SecretSource::Credential(name) => file(&credential(name, &place, env)?, &place)?,
    };
    if bytes.len() as u64 > LONGEST {
        return Err(SecretError::TooLong { place });
    }
    let mut text = String::from_utf8(bytes).map_err(|_| SecretError::NotUtf8 { place: place.clone() })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.trim().is_empty() {
        return Err(SecretError::Empty { place });
    }
    Ok(SecretString::from(text))
}

fn variable(name: &str, place: String, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Vec<u8>, SecretError> {
    match env(name) {
        None => Err(SecretError::Missing { place, why: NOT_SET }),
        Some(value) => value.into_string().map(String::into_bytes).map_err(|_| SecretError::NotUtf8 { place }),
    }
}

/// The path of a credential. Its name must be one plain component, so that it can't lead elsewhere.
fn credential(name: &str, place: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, SecretError> {
    let mut parts = Path::new(name).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    if !plain {
        return Err(SecretError::BadName { place: place.to_owned() });
    }
    match env(CREDENTIALS_DIRECTORY) {
        Some(folder) if !folder.is_empty() => Ok(Path::new(&folder).join(name)),
        _ => Err(SecretError::NoCredentials { place: place.to_owned() }),
    }
}

/// Only a regular file is read: opening a pipe would wait for a writer, and its content comes once.
fn file(path: &Path, place: &str) -> Result<Vec<u8>, SecretError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => SecretError::Missing { place: place.to_owned(), why: NOT_THERE },
        _ => SecretError::Unreadable { place: place.to_owned(), why: error.to_string() },
    };
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(SecretError::Unreadable { place: place.to_owned(), why: "it isn't a regular file".to_owned() });
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map_err(failed)?;
    opened.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// A secret that may change while huntd runs. Nothing is kept: it is read anew each time that it is
/// needed, which is once a token request or a mail connection. A rotated secret so needs no restart
/// and no watch on the file, and a file that is swapped in between is never seen half.
#[derive(Clone)]
pub struct SecretReader {
    source: SecretSource,
    env: EnvLookup,
}

impl SecretReader {
    /// A reader of that place.
    #[must_use]
    pub fn new(source: SecretSource) -> Self {
        Self { source, env: process_env() }
    }

    /// A reader with another environment.
    #[must_use]
    pub fn with_env(source: SecretSource, env: EnvLookup) -> Self {
        Self { source, env }
    }

    /// The secret as it stands there now.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        read_with(&self.source, self.env.as_ref())
    }

    /// The place, for people.
    #[must_use]
    pub fn source(&self) -> &SecretSource {
        &self.source
    }
}

impl fmt::Debug for SecretReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretReader").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::ExposeSecret;

    fn no_env(_: &str) -> Option<OsString> {
        None
    }

    fn value(read: Result<SecretString, SecretError>) -> Result<String, String> {
        read.map(|secret| secret.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_gives_its_text_less_one_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let cases: [(&[u8], &str); 5] =
            [(b"abc", "abc"), (b"abc\n", "abc"), (b"abc\r\n", "abc"), (b"abc\n\n", "abc\n"), (b" a b ", " a b ")];
        for (bytes, wanted) in cases {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(value(read_with(&SecretSource::File(path.clone()), &no_env)), Ok(wanted.to_owned()));
        }
    }

    #[test]
    fn each_failure_names_the_place_and_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let source = SecretSource::File(path.clone());
        let shown = path.display();
        assert_eq!(value(read_with(&source, &no_env)), Err(format!("file {shown} isn't there")));
        let cases: [(Vec<u8>, &str); 4] = [
            (b"\n".to_vec(), "is empty"),
            (b"  \n".to_vec(), "is empty"),
            (b"hush\xff".to_vec(), "isn't UTF-8 text"),
            (vec![b'h'; 65 * 1024], "is longer than 64 KiB, so it is no secret"),
        ];
        for (bytes, wanted) in cases {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(value(read_with(&source, &no_env)), Err(format!("file {shown} {wanted}")));
        }
        let place = SecretSource::File(folder.path().to_owned());
        let wanted = format!("{place} can't be read: it isn't a regular file");
        assert_eq!(value(read_with(&place, &no_env)), Err(wanted));
    }

    #[test]
    fn a_secret_of_exactly_the_longest_length_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, vec![b'h'; 64 * 1024]).unwrap();
        assert!(read_with(&SecretSource::File(path), &no_env).is_ok());
    }

    #[test]
    fn credentials_lie_in_the_folder_of_systemd_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("contoso"), "abc\n").unwrap();
        let at = folder.path().as_os_str().to_owned();
        let env = move |name: &str| (name == CREDENTIALS_DIRECTORY).then(|| at.clone());
        let read = |name: &str| value(read_with(&SecretSource::Credential(name.to_owned()), &env));
        assert_eq!(read("contoso"), Ok("abc".to_owned()));
        assert_eq!(read("smtp"), Err("credential smtp isn't there".to_owned()));
        for name in ["../contoso", "a/b", "/etc/passwd", "..", ".", "", "contoso/"] {
            let wanted = format!("credential {name} can't be read: a credential's name is a plain file name");
            assert_eq!(read(name), Err(wanted));
        }
        assert_eq!(
            value(read_with(&SecretSource::Credential("contoso".to_owned()), &no_env)),
            Err("credential contoso can't be read: $CREDENTIALS_DIRECTORY isn't set".to_owned())
        );
    }

    #[test]
    fn a_variable_is_read_from_the_given_environment() {
        let env = |name: &str| (name == "SECRET").then(|| OsString::from("abc\n"));
        let read = |name: &str| value(read_with(&SecretSource::Env(name.to_owned()), &env));
        assert_eq!(read("SECRET"), Ok("abc".to_owned()));
        assert_eq!(read("OTHER"), Err("environment variable OTHER isn't set".to_owned()));
    }

    #[test]
    fn a_reader_sees_a_change_and_hides_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "first").unwrap();
        let reader = SecretReader::new(SecretSource::File(path.clone()));
        assert_eq!(value(reader.read()), Ok("first".to_owned()));
        std::fs::write(&path, "second").unwrap();
        assert_eq!(value(reader.read()), Ok("second".to_owned()));
        assert!(!format!("{reader:?} {:?}", reader.read()).contains("second"));
    }
}
