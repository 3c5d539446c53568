//! Names and ids as types: valid once made, never mixed up.

use std::fmt;

use sha2::{Digest, Sha256};

/// Why a text can't be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` {why}")]
pub struct NameError {
    /// Which kind of name was meant: `tenant`, `channel`, `hunt id`.
    pub what: &'static str,
    /// The text as it was given.
    pub text: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Makes the name, or says which rule the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                match $rule(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(why) => Err(NameError { what: $what, text, why }),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The name of a tenant in the config.
    TenantName,
    "tenant",
    plain_name
);
text_id!(
    /// The name of a channel in the config.
    ChannelName,
    "channel",
    plain_name
);
text_id!(
    /// A hunt's id: given in its file, or the file's path below the hunts folder without its ending.
    HuntId,
    "hunt id",
    hunt_id
);
text_id!(
    /// A run's id, such as `20261124T161300Z-3fa9c1d2`: sorts by start time, the tail tells apart
    /// runs of one second and of different databases.
    RunId,
    "run",
    plain_name
);
text_id!(
    /// A delivery's id: 32 hexadecimal digits, the same for the same run and channel, so that a
    /// repeat after a crash is recognisable.
    DeliveryId,
    "delivery",
    plain_name
);

fn plain_name(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.len() > 64 {
        return Err("is longer than 64 characters");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("must begin with a letter or a digit");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return Err("may hold only letters, digits, `.`, `_` and `-`");
    }
    Ok(())
}

/// Public hunts have file names with blanks, brackets and ampersands, and a path is a default id:
/// so all is allowed that can't break a line, a terminal or a header.
fn hunt_id(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.chars().count() > 200 {
        return Err("is longer than 200 characters");
    }
    if text.trim() != text {
        return Err("begins or ends with a blank");
    }
    if text.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    Ok(())
}

impl RunId {
    /// The id of the run that began at `started` (as `20261124T161300Z`), told apart by `salt`:
    /// the database's id and something random.
    #[must_use]
    pub fn derive(started: &str, salt: &[&[u8]]) -> Self {
        let tail: String = hex::encode(digest("huntd run v1", salt)).chars().take(8).collect();
        Self(format!("{started}-{tail}"))
    }
}

impl DeliveryId {
    /// The id of a warning, by what tells it from all others.
    #[must_use]
    pub fn of_warning(parts: &[&str]) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let hash = digest("huntd warning v1", &parts);
        Self(hex::encode(hash).chars().take(32).collect())
    }

    /// The id of what `run` tells `channel`; `notice` tells apart several notices of one run.
    #[must_use]
    pub fn derive(run: &RunId, channel: &ChannelName, notice: &str) -> Self {
        let parts = [run.as_str().as_bytes(), channel.as_str().as_bytes(), notice.as_bytes()];
        Self(hex::encode(digest("huntd delivery v1", &parts)).chars().take(32).collect())
    }
}

/// A hit's id: the first 160 bits of a SHA-256 over hunt, tenant and the row's key, so that it is
/// the same on any machine and nobody who writes rows can make two keys share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HitId(pub [u8; 20]);

impl HitId {
    /// Reads the 40 hexadecimal digits that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for HitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for HitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HitId({self})")
    }
}

/// SHA-256 over a domain and length-prefixed parts, so that no two lists of parts give one input.
#[must_use]
pub fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((domain.len() as u64).to_le_bytes());
    hash.update(domain.as_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_rule_they_break() {
        let error = TenantName::new("a b").unwrap_err();
        assert_eq!(error.to_string(), "tenant `a b` may hold only letters, digits, `.`, `_` and `-`");
        assert!(HuntId::new("Sub folder/Hunt [v2] & (old)").is_ok());
        assert!(HuntId::new("a\u{1b}[31m").is_err());
    }

    #[test]
    fn hit_ids_print_and_parse() {
        let id = HitId([7; 20]);
        assert_eq!(HitId::parse(&id.to_string()), Some(id));
        assert_eq!(HitId::parse("07"), None);
    }

    #[test]
    fn digest_parts_do_not_run_together() {
        assert_ne!(digest("d", &[b"ab", b"c"]), digest("d", &[b"a", b"bc"]));
        assert_ne!(digest("d", &[b""]), digest("d", &[]));
    }
}
