//! The repository, its trees, and the link to the one in use.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::UpstreamError;
use super::bounded::{self, Cut};
use crate::adapters::git::{self, text};
use crate::adapters::secret;
use crate::model::secret::ExposeSecret as _;
use crate::model::upstream::{Token, Upstream};
use crate::rules::upstream::{Relation, Signed, Worth};

/// How long git may take for one thing.
const LIMIT: Duration = Duration::from_mins(2);
/// Where the branch is put, so that no name of it is in the way of another.
const FETCHED: &str = "refs/huntd/fetched";
/// Locks that stay when git is killed, and in whose way every later look would be. Nobody else works in the repository.
const LOCKS: [&str; 6] =
    ["refs/huntd/fetched.lock", "packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock", "gc.pid"];

/// What the branch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its newest commit, whole.
    pub commit: String,
    /// How it is related to what is in use.
    pub relation: Relation,
    /// The commits that must be signed, newest first; none where none must.
    pub signed: Option<Vec<Signed>>,
}

/// The checkout.
pub struct Repository<'a> {
    upstream: &'a Upstream,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Repository<'a> {
    /// The checkout of an upstream. Git is ended when `stop` says so.
    #[must_use]
    pub fn new(upstream: &'a Upstream, stop: &'a dyn Fn() -> bool) -> Self {
        Self { upstream, stop }
    }

    /// The commit whose tree is in use; none where there is no such tree.
    #[must_use]
    pub fn current(&self) -> Option<String> {
        let link = self.upstream.current();
        link.metadata().ok().filter(fs::Metadata::is_dir)?;
        let tree = fs::read_link(link).ok()?;
        tree.file_name()?.to_str().map(str::to_owned)
    }

    /// The file that says what is in use was taken from.
    #[must_use]
    pub fn source(&self) -> PathBuf {
        self.upstream.checkout.join("source")
    }

    /// Asks for the branch's newest commit, and takes nothing; none where there is no such branch.
    pub fn ask(&self) -> Result<Option<String>, UpstreamError> {
        let mut command = git::command();
        // Whatever repository this is started in isn't meant.
        command.current_dir("/");
        let wanted = format!("refs/heads/{}", self.upstream.branch);
        let said = self.talk("ls-remote", command, &["ls-remote", "--quiet"], &wanted)?;
        Ok(text(&said.stdout).split_whitespace().next().map(str::to_owned))
    }

    /// Fetches the branch, and looks at what it holds.
    pub fn look(&self) -> Result<Seen, UpstreamError> {
        self.make()?;
        for lock in LOCKS {
            remove(&self.repository().join(lock))?;
        }
        self.fetch()?;
        let head = self.git("rev-parse", &["rev-parse", "--verify", "--quiet", &format!("{FETCHED}^{{commit}}")])?;
        let commit = text(&head.stdout).trim().to_owned();
        let before = self.current().filter(|_| fs::read_to_string(self.source()).is_ok_and(|was| was == self.named()));
        let relation = match &before {
            None => Relation::First,
            Some(before) if *before == commit => Relation::Same,
            Some(before) if self.is_ancestor(before, &commit)? => Relation::Ahead,
            Some(before) if self.is_ancestor(&commit, before)? => Relation::Behind,
            Some(_) => Relation::Apart,
        };
        let signed = match &self.upstream.allowed_signers {
            Some(signers) if matches!(relation, Relation::First | Relation::Ahead) => {
                Some(self.signed(before.as_deref(), &commit, signers)?)
            }
            _ => None,
        };
        Ok(Seen { commit, relation, signed })
    }

    /// Lays out the tree of a commit, beside the one in use.
    pub fn lay(&self, commit: &str) -> Result<PathBuf, UpstreamError> {
        let tree = self.tree(commit);
        if self.current().as_deref() == Some(commit) {
            return Ok(tree);
        }
        // One that is there already may be half of one.
        remove(&tree)?;
        self.git("worktree prune", &["worktree", "prune"])?;
        let path = tree.as_os_str();
        let arguments = ["worktree", "add", "--quiet", "--force", "--detach"].map(OsStr::new);
        self.git("worktree add", &[&arguments[..], &[path, commit.as_ref()]].concat())?;
        Ok(tree)
    }

    /// Puts a tree that was laid out to use.
    pub fn swap(&self, commit: &str) -> Result<(), UpstreamError> {
        let before = self.current();
        let trees = self.upstream.checkout.join("trees");
        // A link that is on the disk before the files are would lead to empty ones after a loss of power.
        File::open(&trees)
            .and_then(|folder| Ok(rustix::fs::syncfs(&folder)?))
            .map_err(|error| UpstreamError::File { what: "write", path: trees.clone(), error })?;
        let (next, current) = (self.upstream.checkout.join("current.new"), self.upstream.current());
        remove(&next)?;
        let link = symlink(Path::new("trees").join(commit), &next).and_then(|()| fs::rename(&next, &current));
        link.map_err(|error| UpstreamError::File { what: "swap", path: current, error })?;
        // After the link: of one that isn't in use yet it would be wrong.
        let (next, source) = (self.upstream.checkout.join("source.new"), self.source());
        let written = fs::write(&next, self.named()).and_then(|()| fs::rename(&next, &source));
        written.map_err(|error| UpstreamError::File { what: "write", path: source, error })?;
        self.tidy([Some(commit), before.as_deref()]);
        Ok(())
    }

    /// Deletes all trees but the one in use and the one from before, which somebody may still be reading.
    fn tidy(&self, kept: [Option<&str>; 2]) {
        let Ok(trees) = fs::read_dir(self.upstream.checkout.join("trees")) else { return };
        for tree in trees.flatten() {
            let name = tree.file_name();
            if kept.into_iter().flatten().all(|kept| name != kept)
                && let Err(error) = remove(&tree.path())
            {
                tracing::warn!(%error, "an old checkout of the hunts stays");
            }
        }
    }

    fn repository(&self) -> PathBuf {
        self.upstream.checkout.join("repository")
    }

    fn tree(&self, commit: &str) -> PathBuf {
        // A work tree is known by its whole path.
        let checkout = std::path::absolute(&self.upstream.checkout);
        checkout.unwrap_or_else(|_| self.upstream.checkout.clone()).join("trees").join(commit)
    }

    /// What `source` says of what is taken from here. Whoever names keys afterwards has what runs looked at by them.
    fn named(&self) -> String {
        let Upstream { url, branch, allowed_signers, .. } = self.upstream;
        format!("{url}\n{branch}\n{}\n", if allowed_signers.is_some() { "signed" } else { "unsigned" })
    }

    /// Makes the repository where there is none.
    fn make(&self) -> Result<(), UpstreamError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(self.upstream.checkout.join("trees"));
        let checkout = &self.upstream.checkout;
        made.map_err(|error| UpstreamError::File { what: "make", path: checkout.clone(), error })?;
        let repository = self.repository();
        if repository.exists() {
            return Ok(());
        }
        // Under another name, so that one that is there is whole.
        let new = checkout.join("repository.new");
        remove(&new)?;
        let mut command = git::command();
        command.args(["init", "--quiet", "--bare", "--template="]).arg(&new);
        self.run("init", command)?;
        // A link of the repository's could lead to a file that huntd may read, and whoever pushes may not.
        let mut command = git::command();
        command.arg("--git-dir").arg(&new).args(["config", "core.symlinks", "false"]);
        self.run("config", command)?;
        fs::rename(&new, &repository).map_err(|error| UpstreamError::File { what: "make", path: repository, error })
    }

    fn fetch(&self) -> Result<(), UpstreamError> {
        let settings =
            ["-c", "transfer.fsckObjects=true", "-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"];
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
        let wanted = format!("+refs/heads/{}:{FETCHED}", self.upstream.branch);
        self.talk("fetch", self.command(), &[&settings[..], &fetch].concat(), &wanted).map(drop)
    }

    /// Has git talk to the server: by no other protocol than the address names, and with the token where there is one.
    fn talk(
        &self,
        what: &'static str,
        mut command: Command,
        arguments: &[&str],
        wanted: &str,
    ) -> Result<Output, UpstreamError> {
        let Upstream { url, .. } = self.upstream;
        let (protocol, url) = match url.split_once("://") {
            Some((scheme, _)) => (scheme, url.into()),
            // Git goes to the repository first.
            None => ("file", std::path::absolute(url).unwrap_or_else(|_| url.into()).into_os_string()),
        };
        command.env("GIT_ALLOW_PROTOCOL", protocol);
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            // A shared connection would hold on to git's output after its end.
            let ssh = "ssh -oBatchMode=yes -oConnectTimeout=30 -oControlMaster=no -oControlPath=none";
            command.env("GIT_SSH_COMMAND", ssh);
        }
        let secrets = match &self.upstream.token {
            Some(token) => show(&mut command, token)?,
            None => Vec::new(),
        };
        command.args(arguments).arg("--").arg(url).arg(wanted);
        self.run(what, command).map_err(|error| match error {
            UpstreamError::Failed { what, said } => {
                let said = secrets.iter().fold(said, |said, secret| said.replace(secret, "[secret]"));
                UpstreamError::Failed { what, said }
            }
            other => other,
        })
    }

    fn is_ancestor(&self, older: &str, newer: &str) -> Result<bool, UpstreamError> {
        let mut command = self.command();
        command.args(["merge-base", "--is-ancestor", older, newer]);
        let output = self.output("merge-base", command)?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed("merge-base", &output)),
        }
    }

    /// The commits that must be signed: those that the branch came to since `before`, or its newest.
    fn signed(&self, before: Option<&str>, commit: &str, signers: &Path) -> Result<Vec<Signed>, UpstreamError> {
        let file = |error| UpstreamError::File { what: "read the allowed signers", path: signers.to_owned(), error };
        // Git takes a file that isn't there for one without keys.
        File::open(signers).and_then(|mut file| io::copy(&mut file, &mut io::sink())).map_err(file)?;
        let signers = std::path::absolute(signers).map_err(file)?;
        let mut allowed = std::ffi::OsString::from("gpg.ssh.allowedSignersFile=");
        allowed.push(signers);
        let mut command = self.command();
        command.arg("-c").arg(allowed);
        // Whatever keys the user's own keyrings hold, they aren't meant.
        command.args(["-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false"]);
        command.args(["-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.ssh.revocationFile="]);
        command.args(["log", "--first-parent", "--no-show-signature", "--no-color", "-z", "--format=%H %G?"]);
        match before {
            Some(before) => command.arg(format!("{before}..{commit}")),
            None => command.args(["-1", commit]),
        };
        let said = self.run("log", command)?;
        let of = |line: &str| {
            let (commit, worth) = line.trim().split_once(' ')?;
            Some(Signed { commit: commit.to_owned(), worth: Worth::of(worth) })
        };
        Ok(text(&said.stdout).split('\0').filter_map(of).collect())
    }

    fn command(&self) -> Command {
        let mut command = git::command();
        command.env("GIT_NO_REPLACE_OBJECTS", "1").arg("--git-dir").arg(self.repository());
        command.args(["-c", "core.autocrlf=false"]);
        command
    }

    fn git<S: AsRef<OsStr>>(&self, what: &'static str, arguments: &[S]) -> Result<Output, UpstreamError> {
        let mut command = self.command();
        command.args(arguments);
        self.run(what, command)
    }

    fn run(&self, what: &'static str, command: Command) -> Result<Output, UpstreamError> {
        let output = self.output(what, command)?;
        if output.status.success() { Ok(output) } else { Err(failed(what, &output)) }
    }

    fn output(&self, what: &'static str, command: Command) -> Result<Output, UpstreamError> {
        bounded::output(command, LIMIT, self.stop).map_err(|cut| match cut {
            Cut::Io(error) => UpstreamError::NoGit(error),
            Cut::Long => UpstreamError::Long { what, limit: LIMIT.as_secs() },
            Cut::Stopped => UpstreamError::Stopped,
        })
    }
}

/// Shows the server a token, by a setting that stands in git's environment alone. Gives what must be in no error.
fn show(command: &mut Command, token: &Token) -> Result<Vec<String>, UpstreamError> {
    let secret = secret::read(&token.source).map_err(UpstreamError::Token)?;
    let secret = secret.expose_secret();
    let encoded = BASE64_STANDARD.encode(format!("{}:{secret}", token.user));
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "http.extraHeader");
    command.env("GIT_CONFIG_VALUE_0", format!("Authorization: Basic {encoded}"));
    // It is for this server and no other, and no other way to sign in is tried.
    command.args(["-c", "http.followRedirects=false", "-c", "credential.helper="]);
    Ok(vec![encoded, secret.to_owned()])
}

/// What git says of its failure, in a line. What a server sends is among it.
fn failed(what: &'static str, output: &Output) -> UpstreamError {
    let complaint = text(&output.stderr);
    let mut lines = complaint.lines().map(str::trim).filter(|line| !line.is_empty());
    let fatal = lines.clone().find(|line| line.starts_with("fatal:"));
    // Why ssh failed stands before git's own words.
    let first = lines.next().unwrap_or("it says nothing");
    let said = match fatal {
        Some(fatal) if fatal != first => format!("{first}; {fatal}"),
        _ => first.to_owned(),
    };
    let said = said.chars().filter(|c| !c.is_control()).take(500).collect();
    UpstreamError::Failed { what, said }
}

/// Removes a file, a link or a folder, where there is one.
fn remove(path: &Path) -> Result<(), UpstreamError> {
    let done = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(UpstreamError::File { what: "remove", path: path.to_owned(), error })
        }
        _ => Ok(()),
    }
}
