//! The repository that huntd takes its hunts from, and how it stands with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::secret::SecretSource;

/// `git:` of huntd.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Where it is: https, ssh, or a folder. Holds no password.
    pub url: String,
    /// The branch that is followed.
    pub branch: String,
    /// How often it is looked at.
    pub every: Duration,
    /// The folder of the repository that holds the hunts, below its root; empty for the root itself.
    pub folder: PathBuf,
    /// The file of SSH keys of which one must have signed what is taken; none where all is taken.
    pub allowed_signers: Option<PathBuf>,
    /// What the server is shown.
    pub token: Option<Token>,
    /// The folder that huntd keeps all of it in.
    pub checkout: PathBuf,
}

/// What a server is shown over https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The user that goes with it.
    pub user: String,
    /// Where it is kept.
    pub source: SecretSource,
}

/// The checkout that goes with a database: beside it, as its lock is.
#[must_use]
pub fn checkout_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".hunts");
    name.into()
}

impl Upstream {
    /// The link to the commit's tree that is in use. It is swapped, and so what it leads to is always whole.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.checkout.join("current")
    }

    /// The hunts folder that is in use.
    #[must_use]
    pub fn hunts(&self) -> PathBuf {
        self.hunts_in(&self.current())
    }

    /// The hunts folder in a tree. Not joined where it is the root: a path with `/` at its end is another name.
    #[must_use]
    pub fn hunts_in(&self, tree: &Path) -> PathBuf {
        if self.folder.as_os_str().is_empty() { tree.to_owned() } else { tree.join(&self.folder) }
    }
}

/// What is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ill {
    /// What is wrong.
    pub error: String,
    /// How to mend it.
    pub hint: String,
}

/// How it stands with following the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Following {
    /// Whether the branch was seen since the start, or there is none to follow.
    pub seen: bool,
    /// How often in a row it could not be seen, and why not last.
    pub unseen: Option<(u32, Ill)>,
    /// Why the branch as it was last seen isn't taken.
    pub refused: Option<Ill>,
}
