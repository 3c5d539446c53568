//! What git says of the files of a hunts folder: the commit that they come from, and who changed one last.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use super::git::{Git, text};
use crate::rules::definition::{FileKind, file_kind};

/// A folder in a git repository, as it stands.
#[derive(Debug)]
pub struct Checkout {
    commit: Arc<str>,
    /// The files that are in the commit as they are, as the folder's path and theirs below it.
    whole: HashSet<PathBuf>,
    /// The folders with defaults that aren't: what stands below them isn't what the commit says.
    doubtful: Vec<PathBuf>,
}

impl Checkout {
    /// How a folder stands; none where it isn't in a repository, or git can't or won't say.
    #[must_use]
    pub fn of(folder: &Path) -> Option<Self> {
        root(folder)?;
        let git = Git { folder };
        let ask = |arguments: &[&str]| {
            let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
            match git.run(&arguments, Stdio::null()) {
                Ok(said) => said
                    .said
                    .inspect_err(|said| tracing::debug!(folder = %folder.display(), said, "git doesn't say which commit the hunts are of"))
                    .ok(),
                Err(error) => {
                    tracing::debug!(%error, "git doesn't say which commit the hunts are of");
                    None
                }
            }
        };
        let commit = text(&ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?).trim().into();
        // Both are relative to the folder.
        let tracked = ask(&["ls-files", "-z"])?;
        let changed =
            ask(&["diff", "--name-only", "-z", "--relative", "--no-ext-diff", "--no-textconv", "HEAD", "--", "."])?;
        let paths = |listed: &[u8]| -> HashSet<PathBuf> {
            let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(|name| folder.join(OsStr::from_bytes(name))).collect()
        };
        let (mut whole, changed) = (paths(&tracked), paths(&changed));
        whole.retain(|path| !changed.contains(path));
        let is_defaults =
            |path: &&PathBuf| path.file_name().is_some_and(|name| file_kind(Path::new(name)) == FileKind::Defaults);
        let doubtful =
            changed.iter().filter(is_defaults).filter_map(|path| path.parent()).map(Path::to_owned).collect();
        Some(Self { commit, whole, doubtful })
    }

    /// The commit that a hunt's file comes from: none where the file, or defaults that it takes values from, were
    /// changed since.
    #[must_use]
    pub fn commit_of(&self, file: &Path) -> Option<Arc<str>> {
        let is_doubtful = self.doubtful.iter().any(|folder| file.starts_with(folder));
        (self.whole.contains(file) && !is_doubtful).then(|| Arc::clone(&self.commit))
    }
}

/// Who changed a file last, and with which commit: `Ann <ann@example>, commit 1a2b3c4d5e6f`; none where git doesn't
/// know the file.
#[must_use]
pub fn author(file: &Path) -> Option<String> {
    let (folder, name) = (file.parent()?, file.file_name()?);
    root(folder)?;
    let arguments = ["log", "-1", "--no-show-signature", "--abbrev=12", "--format=%an <%ae>, commit %h", "--"];
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).chain([name]).collect();
    let said = Git { folder }.run(&arguments, Stdio::null()).ok()?.said.ok()?;
    let said = text(&said).trim().to_owned();
    (!said.is_empty()).then_some(said)
}

/// Whether git is at work in the repository of `folder`: it holds the lock of its index while it writes files.
#[must_use]
pub fn is_busy(folder: &Path) -> bool {
    root(folder).is_some_and(|git| git.join("index.lock").exists())
}

/// The `.git` of the repository that `folder` is in, as far as files tell. A work tree or a submodule has a file there
/// that names the real one.
fn root(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().map(|above| above.join(".git")).find(|git| git.exists())?;
    if git.is_dir() {
        return Some(git);
    }
    let named = std::fs::read_to_string(&git).ok()?;
    let named = named.strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(named))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// A repository with `hunts/a.yaml` and `hunts/sub/b.yaml`, committed by Ann.
    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("hunts/sub")).unwrap();
        for name in ["hunts/a.yaml", "hunts/sub/b.yaml", "hunts/sub/_defaults.yaml"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        git(&folder, &["init", "-q", "-b", "main"]);
        git(&folder, &["add", "."]);
        commit(&folder);
        folder
    }

    fn git(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder.path()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    fn commit(folder: &tempfile::TempDir) {
        git(folder, &["-c", "user.name=Ann", "-c", "user.email=ann@example", "commit", "-q", "-m", "hunts"]);
    }

    #[test]
    fn a_commit_stands_for_files_that_are_as_it_says() {
        let folder = repository();
        let hunts = folder.path().join("hunts");
        let head = git(&folder, &["rev-parse", "HEAD"]);
        let of = |name: &str| Checkout::of(&hunts).unwrap().commit_of(&hunts.join(name));
        assert_eq!(of("a.yaml").as_deref(), Some(head.as_str()));
        assert_eq!(of("sub/b.yaml").as_deref(), Some(head.as_str()));
        fs::write(hunts.join("new.yaml"), "x").unwrap();
        assert_eq!(of("new.yaml"), None, "git doesn't know it");
        fs::write(hunts.join("a.yaml"), "y").unwrap();
        assert_eq!(of("a.yaml"), None);
        assert!(of("sub/b.yaml").is_some());
        fs::write(hunts.join("sub/_defaults.yaml"), "y").unwrap();
        assert_eq!(of("sub/b.yaml"), None, "what it takes from there isn't in the commit");
        git(&folder, &["add", "."]);
        assert_eq!(of("a.yaml"), None, "staged isn't committed");
        commit(&folder);
        assert!(of("a.yaml").is_some_and(|commit| *commit != *head));
    }

    #[test]
    fn the_last_author_of_a_file_is_named() {
        let folder = repository();
        let file = folder.path().join("hunts/a.yaml");
        let head = git(&folder, &["rev-parse", "--short=12", "HEAD"]);
        assert_eq!(author(&file), Some(format!("Ann <ann@example>, commit {head}")));
        assert_eq!(author(&folder.path().join("hunts/none.yaml")), None);
    }

    #[test]
    fn a_folder_without_git_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Checkout::of(folder.path()).is_none());
        assert_eq!(author(&folder.path().join("a.yaml")), None);
        assert!(!is_busy(folder.path()));
    }

    #[test]
    fn git_at_work_is_seen_also_in_a_work_tree_of_its_own() {
        let folder = repository();
        let hunts = folder.path().join("hunts");
        assert!(!is_busy(&hunts));
        fs::write(folder.path().join(".git/index.lock"), "").unwrap();
        assert!(is_busy(&hunts));
        fs::remove_file(folder.path().join(".git/index.lock")).unwrap();
        let tree = tempfile::tempdir().unwrap();
        let path = tree.path().join("tree");
        git(&folder, &["worktree", "add", "-q", path.to_str().unwrap()]);
        assert!(!is_busy(&path.join("hunts")));
        let lock = folder.path().join(".git/worktrees/tree/index.lock");
        fs::write(lock, "").unwrap();
        assert!(is_busy(&path.join("hunts")));
        assert!(Checkout::of(&path).is_some());
    }
}
