//! A folder as it stood at a revision, by the system's git. Reads only: nothing is checked out, nothing is fetched,
//! and no file of the repository is written.

use std::ffi::OsStr;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::rules::definition::{FileKind, HuntFile, file_kind};
use crate::rules::yaml::MAX_BYTES;

/// Why a folder's past can't be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("can't start git: {0}")]
    Missing(io::Error),
    /// The folder isn't in a repository.
    #[error("{} isn't in a git repository: {said}", .folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
        /// What git said.
        said: String,
    },
    /// The repository has no such revision.
    #[error("the repository of {} has no revision `{}`", .folder.display(), .revision.escape_debug())]
    NoRevision {
        /// The folder.
        folder: PathBuf,
        /// What was asked for.
        revision: String,
    },
    /// Git failed, or said what can't be understood.
    #[error("git failed in {}: {said}", .folder.display())]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// What git said.
        said: String,
    },
}

impl GitError {
    /// How to mend it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "install git, or leave out `--against`",
            Self::NoRepository { .. } => {
                "`--against` compares with the past of the hunts folder: give one that is in git"
            }
            Self::NoRevision { .. } => {
                "give a branch, a tag or a commit that is there, such as `origin/main` or `HEAD~1`; a shallow clone of a CI may need `git fetch` first"
            }
            Self::Failed { .. } => "see what git says of it: `git -C FOLDER status`",
        }
    }
}

/// A folder's past.
#[derive(Debug)]
pub struct Past {
    /// The files that may hold hunts or defaults, as they stood.
    pub files: Vec<HuntFile>,
    /// The commit, whole.
    pub commit: String,
}

/// The hunts' files of `folder` as they stood at `revision`; none where the folder wasn't there yet. Links and files
/// that are too large are left out.
pub fn past(folder: &Path, revision: &str) -> Result<Past, GitError> {
    let git = Git { folder };
    // The folder below the repository's root, with `/` at its end; empty for the root itself.
    let prefix = git.run(&["rev-parse".as_ref(), "--show-prefix".as_ref()], Stdio::null())?;
    let prefix = prefix.said.map_err(|said| GitError::NoRepository { folder: folder.to_path_buf(), said })?;
    let unknown = || GitError::NoRevision { folder: folder.to_path_buf(), revision: revision.to_owned() };
    if revision.is_empty() || revision.starts_with('-') {
        return Err(unknown());
    }
    let wanted = format!("{revision}^{{commit}}");
    let commit =
        git.run(&["rev-parse".as_ref(), "--verify".as_ref(), "--quiet".as_ref(), wanted.as_ref()], Stdio::null())?;
    let commit = text(&commit.said.map_err(|_| unknown())?).trim().to_owned();
    let listed = git.listed(&commit, &prefix)?;
    let contents = git.contents(&listed)?;
    let file = |(entry, bytes): (&Listed, Vec<u8>)| HuntFile {
        shown: folder.join(&entry.relative),
        relative: entry.relative.clone(),
        bytes,
    };
    Ok(Past { files: listed.iter().zip(contents).map(file).collect(), commit })
}

/// A file of a tree.
struct Listed {
    id: String,
    size: usize,
    relative: PathBuf,
}

/// What git said: its output, or its complaint.
pub(super) struct Said {
    pub(super) said: Result<Vec<u8>, String>,
}

pub(super) struct Git<'a> {
    pub(super) folder: &'a Path,
}

impl Git<'_> {
    pub(super) fn run(&self, arguments: &[&OsStr], input: Stdio) -> Result<Said, GitError> {
        let mut command = command();
        command.arg("-C").arg(self.folder).args(arguments);
        // Nothing is written.
        command.env("GIT_OPTIONAL_LOCKS", "0");
        let output = command.stdin(input).output().map_err(GitError::Missing)?;
        let said = if output.status.success() {
            Ok(output.stdout)
        } else {
            let complaint = text(&output.stderr);
            Err(complaint.lines().next().unwrap_or("it says nothing").trim().to_owned())
        };
        Ok(Said { said })
    }

    fn failed(&self, said: impl Into<String>) -> GitError {
        GitError::Failed { folder: self.folder.to_path_buf(), said: said.into() }
    }

    /// The files that may hold hunts or defaults.
    fn listed(&self, commit: &str, prefix: &[u8]) -> Result<Vec<Listed>, GitError> {
        let prefix = prefix.strip_suffix(b"\n").unwrap_or(prefix);
        let arguments = ["ls-tree", "-r", "-l", "-z", "--full-tree", commit].map(OsStr::new);
        let listed = self.run(&arguments, Stdio::null())?.said.map_err(|said| self.failed(said))?;
        let mut files = Vec::new();
        for line in listed.split(|byte| *byte == 0) {
            // `100644 blob 1a2b… 123<TAB>path`: only regular files.
            let Some(at) = line.iter().position(|byte| *byte == b'\t') else { continue };
            let (about, path) = (text(line.get(..at).unwrap_or_default()), line.get(at + 1..).unwrap_or_default());
            let fields: Vec<&str> = about.split_ascii_whitespace().collect();
            let ["100644" | "100755", "blob", id, size] = fields[..] else { continue };
            let Some(below) = path.strip_prefix(prefix) else { continue };
            let Ok(relative) = std::str::from_utf8(below).map(PathBuf::from) else { continue };
            let size = size.parse().unwrap_or(usize::MAX);
            if file_kind(&relative) != FileKind::Other && size <= MAX_BYTES {
                files.push(Listed { id: id.to_owned(), size, relative });
            }
        }
        Ok(files)
    }

    /// Their contents, in order.
    fn contents(&self, files: &[Listed]) -> Result<Vec<Vec<u8>>, GitError> {
        let ids: String = files.iter().flat_map(|file| [file.id.as_str(), "\n"]).collect();
        // By a file, as who writes into a pipe while it isn't read may wait for ever.
        let asked = tempfile::tempfile().and_then(|mut file| {
            file.write_all(ids.as_bytes())?;
            file.rewind()?;
            Ok(file)
        });
        let asked = asked.map_err(|error| self.failed(error.to_string()))?;
        let arguments = ["cat-file", "--batch"].map(OsStr::new);
        let answer = self.run(&arguments, asked.into())?.said.map_err(|said| self.failed(said))?;
        let mut rest = answer.as_slice();
        let mut contents = Vec::new();
        for file in files {
            // `1a2b… blob 123`, the bytes, and a line end.
            let broken = || self.failed(format!("its answer for {} breaks off", file.relative.display()));
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
            let head = text(rest.get(..end).unwrap_or_default());
            if head != format!("{} blob {}", file.id, file.size) {
                return Err(self.failed(head));
            }
            let bytes = rest.get(end + 1..end + 1 + file.size).ok_or_else(broken)?;
            contents.push(bytes.to_vec());
            rest = rest.get(end + 2 + file.size..).unwrap_or_default();
        }
        Ok(contents)
    }
}

/// The environment's variables by which git would look at another repository than the one meant, ask a person, or say
/// more than it should.
const LEFT_OUT: [&str; 17] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_REDACT",
    "GIT_CURL_VERBOSE",
];

/// Git, which starts nothing that a repository's own settings name, fetches nothing by itself, and asks nobody.
pub(super) fn command() -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    for name in LEFT_OUT {
        command.env_remove(name);
    }
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
