//! The checkout against real repositories, keys and a real socket.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::adapters::checkout::{self, Checkout};
use crate::model::secret::SecretSource;
use crate::model::upstream::{Token, Upstream};
use crate::rules::upstream::{Relation, Worth};

/// A repository that people push to, and a site beside it.
struct Place {
    folder: tempfile::TempDir,
}

const ANN: [&str; 4] = ["-c", "user.name=Ann", "-c", "user.email=ann@example"];

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("origin")).unwrap();
        place.git(&["init", "-q", "-b", "main"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path("origin")).args(ANN).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A commit that writes `text` into `hunts/a.yaml`, with more arguments of `git commit`.
    fn commit(&self, text: &str, more: &[&str]) -> String {
        fs::create_dir_all(self.path("origin/hunts")).unwrap();
        fs::write(self.path("origin/hunts/a.yaml"), text).unwrap();
        self.git(&["add", "."]);
        self.git(&[&["commit", "-q", "--allow-empty", "-m", text], more].concat());
        self.git(&["rev-parse", "HEAD"])
    }

    /// The same, signed by a key of that name.
    fn signed(&self, text: &str, key: &str) -> String {
        let file = self.path(key);
        if !file.exists() {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]).arg(&file);
            assert!(command.status().unwrap().success());
        }
        self.git(&["config", "gpg.format", "ssh"]);
        self.git(&["config", "user.signingkey", file.to_str().unwrap()]);
        self.commit(text, &["-S"])
    }

    /// A file of allowed signers with the key of that name.
    fn allow(&self, key: &str) -> PathBuf {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        let file = self.path("allowed");
        fs::write(&file, format!("{key}@example namespaces=\"git\" {public}")).unwrap();
        file
    }

    fn upstream(&self) -> Upstream {
        Upstream {
            url: self.path("origin").display().to_string(),
            branch: "main".to_owned(),
            every: Duration::from_mins(5),
            folder: "hunts".into(),
            allowed_signers: None,
            token: None,
            checkout: self.path("site.hunts"),
        }
    }
}

fn look(upstream: &Upstream) -> Seen {
    Repository::new(upstream, &|| false).look().unwrap()
}

fn take(upstream: &Upstream) -> Relation {
    let repository = Repository::new(upstream, &|| false);
    let seen = repository.look().unwrap();
    repository.lay(&seen.commit).unwrap();
    repository.swap(&seen.commit).unwrap();
    seen.relation
}

fn text(upstream: &Upstream) -> String {
    fs::read_to_string(upstream.hunts().join("a.yaml")).unwrap()
}

fn trees(upstream: &Upstream) -> usize {
    fs::read_dir(upstream.checkout.join("trees")).unwrap().count()
}

#[test]
fn a_commit_is_taken_whole_and_says_what_it_is() {
    let place = Place::new();
    let upstream = place.upstream();
    let repository = Repository::new(&upstream, &|| false);
    assert_eq!(repository.current(), None);
    let first = place.commit("one", &[]);
    assert_eq!(take(&upstream), Relation::First);
    assert_eq!((repository.current(), text(&upstream).as_str()), (Some(first.clone()), "one"));
    assert_eq!(look(&upstream).relation, Relation::Same);
    let file = upstream.hunts().join("a.yaml");
    assert_eq!(Checkout::of(&upstream.hunts()).unwrap().commit_of(&file).as_deref(), Some(first.as_str()));
    assert_eq!(checkout::author(&file), Some(format!("Ann <ann@example>, commit {}", &first[..12])));
    assert!(!checkout::is_busy(&upstream.hunts()));
    // A tree that was laid out isn't in use yet.
    let second = place.commit("two", &[]);
    let seen = look(&upstream);
    assert_eq!((seen.commit.as_str(), seen.relation, seen.signed), (second.as_str(), Relation::Ahead, None));
    repository.lay(&second).unwrap();
    assert_eq!(text(&upstream), "one");
    // One that was cut off in the middle is laid out again.
    let half = upstream.checkout.join("trees").join(&second);
    fs::remove_file(half.join("hunts/a.yaml")).unwrap();
    fs::remove_file(half.join(".git")).unwrap();
    repository.lay(&second).unwrap();
    repository.swap(&second).unwrap();
    assert_eq!((text(&upstream).as_str(), trees(&upstream)), ("two", 2));
    assert_eq!(Checkout::of(&upstream.hunts()).unwrap().commit_of(&file).as_deref(), Some(second.as_str()));
    place.commit("three", &[]);
    take(&upstream);
    assert_eq!((text(&upstream).as_str(), trees(&upstream)), ("three", 2), "the oldest is gone");
}

#[test]
fn what_became_of_a_branch_is_seen() {
    let place = Place::new();
    let mut upstream = place.upstream();
    place.commit("one", &[]);
    let second = place.commit("two", &[]);
    take(&upstream);
    place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(look(&upstream).relation, Relation::Behind);
    place.commit("other", &[]);
    assert_eq!(look(&upstream).relation, Relation::Apart);
    assert_eq!(text(&upstream), "two");
    // Another repository or branch is one that nothing was taken of, and so is one whose source is forgotten.
    place.git(&["branch", "side", &second]);
    upstream.branch = "side".to_owned();
    assert_eq!(look(&upstream).relation, Relation::First);
    upstream.branch = "main".to_owned();
    assert_eq!(look(&upstream).relation, Relation::Apart);
    fs::remove_file(Repository::new(&upstream, &|| false).source()).unwrap();
    assert_eq!(take(&upstream), Relation::First);
    assert_eq!((text(&upstream).as_str(), look(&upstream).relation), ("other", Relation::Same));
    // What stays of a git that was killed is in nobody's way.
    place.commit("more", &[]);
    fs::create_dir_all(upstream.checkout.join("repository/refs/huntd")).unwrap();
    fs::write(upstream.checkout.join("repository/refs/huntd/fetched.lock"), "").unwrap();
    fs::write(upstream.checkout.join("current.new"), "").unwrap();
    assert_eq!((take(&upstream), text(&upstream).as_str()), (Relation::Ahead, "more"));
}

#[test]
fn signatures_are_looked_at_by_the_keys_of_the_file() {
    let place = Place::new();
    let mut upstream = place.upstream();
    place.commit("unsigned before", &[]);
    let first = place.signed("one", "ann");
    upstream.allowed_signers = Some(place.allow("ann"));
    let worths = |upstream: &Upstream| -> Vec<Worth> {
        look(upstream).signed.unwrap_or_default().iter().map(|one| one.worth).collect()
    };
    // Of what is taken first, the newest counts.
    assert_eq!(worths(&upstream), [Worth::Good]);
    take(&upstream);
    assert_eq!(worths(&upstream), [], "what runs is not looked at again");
    place.commit("two", &[]);
    place.signed("three", "ann");
    assert_eq!(worths(&upstream), [Worth::Good, Worth::Missing]);
    place.git(&["reset", "-q", "--hard", &first]);
    place.signed("stranger", "eve");
    assert_eq!(worths(&upstream), [Worth::Stranger]);
    place.git(&["reset", "-q", "--hard", &first]);
    // What a signed merge brings in is vouched for by it.
    place.git(&["checkout", "-q", "-b", "side"]);
    place.commit("side", &[]);
    place.git(&["checkout", "-q", "main"]);
    place.git(&["config", "user.signingkey", place.path("ann").to_str().unwrap()]);
    place.git(&["merge", "-q", "--no-ff", "-S", "-m", "merge", "side"]);
    assert_eq!(worths(&upstream), [Worth::Good]);
    // One whose text was changed after it was signed.
    let merged = place.git(&["cat-file", "commit", "HEAD"]).replace("merge", "other") + "\n";
    fs::write(place.path("forged"), merged).unwrap();
    let forged = place.git(&["hash-object", "-t", "commit", "-w", place.path("forged").to_str().unwrap()]);
    place.git(&["reset", "-q", "--hard", &forged]);
    assert_eq!(worths(&upstream), [Worth::Bad]);
    // One that claims to be signed by GPG isn't read, whatever a keyring says.
    let base = place.git(&["cat-file", "commit", &first]);
    let (head, message) = base.split_once("\n\n").unwrap();
    let head: Vec<&str> = head.lines().take_while(|line| !line.starts_with("gpgsig")).collect();
    let pgp = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iHUEABYKAB0WIQ==\n -----END PGP SIGNATURE-----";
    let text = format!("{}\nparent {first}\n{}\n{pgp}\n\n{message}\n", head[0], head[2..].join("\n"));
    fs::write(place.path("forged"), text).unwrap();
    let pgp = place.git(&["hash-object", "-t", "commit", "-w", place.path("forged").to_str().unwrap()]);
    place.git(&["reset", "-q", "--hard", &pgp]);
    let worth = worths(&upstream);
    assert!(matches!(worth[..], [Worth::Unknown | Worth::Bad | Worth::Missing]), "{worth:?}");
    // A file that isn't there is no file without keys.
    upstream.allowed_signers = Some(place.path("gone"));
    let error = Repository::new(&upstream, &|| false).look().unwrap_err();
    assert!(error.to_string().starts_with("can't read the allowed signers"), "{error}");
    // Keys that are named afterwards: what runs was not taken by them.
    upstream.allowed_signers = None;
    place.git(&["reset", "-q", "--hard", &first]);
    take(&upstream);
    upstream.allowed_signers = Some(place.path("allowed"));
    assert_eq!(look(&upstream).relation, Relation::First);
}

#[test]
fn what_stands_in_a_repository_starts_nothing_and_leads_nowhere() {
    let place = Place::new();
    let upstream = place.upstream();
    std::os::unix::fs::symlink("/etc/passwd", place.path("origin/link.yaml")).unwrap();
    fs::write(place.path("origin/.gitattributes"), "* filter=evil\n").unwrap();
    let mark = place.path("mark");
    for hook in ["post-checkout", "reference-transaction"] {
        let file = place.path(&format!("origin/.githooks-{hook}"));
        fs::write(&file, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    }
    place.commit("one", &[]);
    take(&upstream);
    let link = upstream.current().join("link.yaml");
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert_eq!(fs::read_to_string(&link).unwrap(), "/etc/passwd");
    assert_eq!(
        Checkout::of(&upstream.current()).unwrap().commit_of(&link).as_deref(),
        Some(look(&upstream).commit.as_str())
    );
    // A hook in huntd's own repository, by whoever put it there.
    let hooks = upstream.checkout.join("repository/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-checkout", "reference-transaction", "post-merge"] {
        fs::copy(place.path("origin/.githooks-post-checkout"), hooks.join(hook)).unwrap();
        let mut mode = fs::metadata(hooks.join(hook)).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        fs::set_permissions(hooks.join(hook), mode).unwrap();
    }
    place.commit("two", &[]);
    take(&upstream);
    assert!(!mark.exists());
}

#[test]
fn a_repository_of_another_user_is_said_to_be_one() {
    let said = "fatal: detected dubious ownership in repository at '/srv/git/hunts.git'".to_owned();
    let hint = UpstreamError::Failed { what: "fetch", said }.hint();
    assert!(hint.contains("safe.directory"), "{hint}");
}

#[test]
fn a_repository_that_cannot_be_seen_is_said() {
    let place = Place::new();
    let upstream = place.upstream();
    let fails = |upstream: &Upstream| {
        let error = Repository::new(upstream, &|| false).look().unwrap_err();
        assert!(error.hint().contains("`url`"), "{}", error.hint());
        error.to_string()
    };
    let error = fails(&upstream);
    assert!(error.starts_with("git fetch failed: fatal: couldn't find remote ref refs/heads/main"), "{error}");
    place.commit("one", &[]);
    let gone = Upstream { url: place.path("gone").display().to_string(), ..upstream.clone() };
    let error = fails(&gone);
    assert!(error.contains("does not appear to be a git repository"), "{error}");
    assert_eq!(take(&upstream), Relation::First, "and nothing of that is in the way");
    let stopped = Repository::new(&upstream, &|| true).look();
    assert!(matches!(stopped, Ok(_) | Err(UpstreamError::Stopped)));
}

/// Serves one request after the other with a refusal that says all that it heard; gives what it heard.
fn echo(listener: &TcpListener, requests: usize) -> String {
    let mut all = String::new();
    for _ in 0..requests {
        let (stream, _) = listener.accept().unwrap();
        let (mut reader, mut stream) = (BufReader::new(stream.try_clone().unwrap()), stream);
        let mut heard = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                break;
            }
            heard.push_str(&line);
        }
        let opening = format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            heard.len()
        );
        stream.write_all(opening.as_bytes()).unwrap();
        stream.write_all(heard.as_bytes()).unwrap();
        all.push_str(&heard);
    }
    all
}

#[test]
fn a_token_is_shown_to_the_server_and_to_nobody_else() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fs::write(place.path("token"), "s3cret-t0ken\n").unwrap();
    let upstream = Upstream {
        url: format!("http://127.0.0.1:{port}/hunts.git"),
        token: Some(Token { user: "bot".to_owned(), source: SecretSource::File(place.path("token")) }),
        ..place.upstream()
    };
    let server = std::thread::spawn(move || echo(&listener, 1));
    let error = Repository::new(&upstream, &|| false).look().unwrap_err();
    let heard = server.join().unwrap();
    // `bot:s3cret-t0ken`.
    let encoded = "Ym90OnMzY3JldC10MGtlbg==";
    assert!(heard.contains(&format!("Authorization: Basic {encoded}")), "{heard}");
    let said = format!("{error} {error:?}");
    assert!(said.contains("403") && !said.contains("s3cret") && !said.contains("Ym90Om"), "{said}");
    for entry in
        walkdir::WalkDir::new(&upstream.checkout).into_iter().flatten().filter(|entry| entry.file_type().is_file())
    {
        let bytes = fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("s3cret") && !text.contains(encoded), "{}", entry.path().display());
    }
    let gone = Token { user: "bot".to_owned(), source: SecretSource::File(Path::new("/nowhere/token").into()) };
    let error = Repository::new(&Upstream { token: Some(gone), ..upstream }, &|| false).look().unwrap_err();
    assert_eq!(error.to_string(), "the token of `git`: file /nowhere/token isn't there");
}
