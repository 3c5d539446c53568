//! `git`: the repository that huntd takes its hunts from.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::address::is_loopback;
use super::load::positive;
use super::secret;
use super::section::{Context, Section};
use crate::model::upstream::{Token, Upstream};
use crate::rules::yaml::{Node, Problem};

const KEYS: [&str; 7] = ["url", "branch", "every", "folder", "allowed_signers", "user", "token"];
const BRANCH: &str = "main";
const EVERY: Duration = Duration::from_mins(5);
/// More often is a burden to the server, and no sooner to be seen.
const SHORTEST: Duration = Duration::from_secs(1);
/// Servers that want no user with a token take any; GitHub's own apps want this one.
const USER: &str = "x-access-token";
const URL_HINT: &str = "write https://HOST/PATH, ssh://git@HOST/PATH, or the path of a folder";

pub(super) fn upstream(context: &mut Context, node: &Node, what: &str, checkout: PathBuf) -> Option<Upstream> {
    let section = Section::open(context, node, what, &KEYS)?;
    let url = section.need(context, "url").and_then(|node| url(context, node, &section.name("url")));
    let branch = section.read(context, "branch", branch).unwrap_or_else(|| BRANCH.to_owned());
    let every = section.read(context, "every", every).unwrap_or(EVERY);
    let folder = section.read(context, "folder", folder).unwrap_or_default();
    let allowed_signers = section.read(context, "allowed_signers", |context, node, what| {
        let text = context.text(node, what)?;
        Some(context.path(&text))
    });
    let token = section.read(context, "token", secret::source);
    let user = section.read(context, "user", user);
    if let (Some(url), Some(entry)) = (&url, section.entry("token"))
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        let problem = Problem::new(entry.key_place, format!("`{what}.token` is shown over https only"));
        context.notes.error("C018", problem.hint("leave it out; over ssh, git signs in with a key"));
    }
    if let (Some(entry), None) = (section.entry("user"), section.entry("token")) {
        let problem = Problem::new(entry.key_place, format!("`{what}.user` goes with a `token`, and there is none"));
        context.notes.error("C018", problem.hint("leave it out; over ssh, write the user into the address"));
    }
    let token = token.map(|source| Token { user: user.unwrap_or_else(|| USER.to_owned()), source });
    Some(Upstream { url: url?, branch, every, folder, allowed_signers, token, checkout })
}

/// An address that git may be given. It isn't repeated in what is said of it: it may hold a password by mistake.
fn url(context: &mut Context, node: &Node, what: &str) -> Option<String> {
    let text = context.text(node, what)?;
    let wrong = |why: &str| Problem::new(node.place, format!("`{what}` {why}")).hint(URL_HINT);
    if text.contains(char::is_control) {
        context.notes.error("C010", wrong("holds a control character"));
        return None;
    }
    if !text.contains("://") {
        // `host:path` is how git writes ssh for short; a path may hold no colon before its first slash, so that the
        // one can't be meant as the other, nor as a helper that git would start (`ext::…`).
        let is_short = text.find(':').is_some_and(|colon| text.find('/').is_none_or(|slash| colon < slash));
        if is_short || text.starts_with('-') {
            context.notes.error("C010", wrong("is no address and no path"));
            return None;
        }
        return Some(context.path(&text).display().to_string());
    }
    let url =
        context.notes.keep("C010", Url::parse(&text).map_err(|error| wrong(&format!("is no address: {error}"))))?;
    let host = url.host_str().unwrap_or_default();
    let why = match url.scheme() {
        "file" if host.is_empty() => None,
        _ if host.is_empty() || host.starts_with('-') => Some("names no host"),
        "https" | "http" if !url.username().is_empty() || url.password().is_some() => {
            Some("must not hold a user or a password: they have keys of their own, `user` and `token`")
        }
        "http" if is_loopback(host) => None,
        "http" => Some("goes over plain http, which is allowed to this machine only"),
        "ssh" if url.password().is_some() => Some("must not hold a password: over ssh, git signs in with a key"),
        "ssh" if url.username().starts_with('-') => Some("names no user"),
        "https" | "ssh" => None,
        _ => Some("is reached by https, ssh or as a folder"),
    };
    let why = why.or_else(|| {
        (url.query().is_some() || url.fragment().is_some()).then_some("has more than a path behind its host")
    });
    let Some(why) = why else { return Some(text) };
    context.notes.error("C010", wrong(why));
    None
}

/// A branch's name, as `git check-ref-format` has it.
fn branch(context: &mut Context, node: &Node, what: &str) -> Option<String> {
    let text = context.text(node, what)?;
    let odd = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    // Git's own rule, and git looks at case.
    let is_lock = |part: &str| part.strip_suffix(".lock").is_some();
    let part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with('.') || is_lock(part);
    let is_wrong = text.starts_with('-')
        || text.starts_with("refs/")
        || text.contains(odd)
        || text.contains("..")
        || text.contains("@{")
        || text.split('/').any(part);
    if is_wrong {
        let message = format!("`{what}`: `{}` is no name of a branch", text.escape_debug());
        context.notes.error("C004", Problem::new(node.place, message).hint("write its short name, such as main"));
        return None;
    }
    Some(text)
}

fn every(context: &mut Context, node: &Node, what: &str) -> Option<Duration> {
    let every = positive(context, node, what)?;
    if every < SHORTEST {
        context.notes.error("C004", Problem::new(node.place, format!("`{what}` must be 1s or more")));
        return None;
    }
    Some(every)
}

/// A folder below the repository's root.
fn folder(context: &mut Context, node: &Node, what: &str) -> Option<PathBuf> {
    let text = context.text(node, what)?;
    let mut folder = PathBuf::new();
    for part in Path::new(&text).components() {
        match part {
            Component::Normal(name) => folder.push(name),
            Component::CurDir => {}
            _ => {
                let message = format!("`{what}` must be a folder of the repository, below its root");
                context
                    .notes
                    .error("C004", Problem::new(node.place, message).hint("write it as hunts or detection/hunts"));
                return None;
            }
        }
    }
    Some(folder)
}

fn user(context: &mut Context, node: &Node, what: &str) -> Option<String> {
    let text = context.text(node, what)?;
    if text.contains(':') || text.contains(char::is_control) {
        context.notes.error("C004", Problem::new(node.place, format!("`{what}` must be a name without a colon")));
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Config;
    use crate::model::secret::SecretSource;
    use crate::rules::config::{Directories, load};

    fn read(git: &str) -> Result<Config, Vec<String>> {
        let text = format!("tenants: {{}}\ndatabase: /db/huntd.db\ngit: {git}\n");
        load(Path::new("/etc/huntd/huntd.yaml"), text.as_bytes(), &Directories::default())
            .map(|(config, _)| config)
            .map_err(|findings| {
                let errors = findings.iter().filter(|finding| finding.code != "C014");
                errors
                    .map(|finding| {
                        format!("{} {}:{} {}", finding.code, finding.place.line, finding.place.column, finding.message)
                    })
                    .collect()
            })
    }

    #[test]
    fn a_repository_is_read() {
        let config = read("{url: https://git.example/soc/hunts.git}").unwrap();
        let git = config.git.unwrap();
        assert_eq!(
            (git.branch.as_str(), git.every, git.folder.as_path()),
            ("main", Duration::from_mins(5), Path::new(""))
        );
        assert_eq!((git.allowed_signers, git.token), (None, None));
        assert_eq!(config.hunts, [Path::new("/db/huntd.db.hunts/current")]);
        let config = read(
            "{url: https://git.example/x, branch: release/1, every: 1m, folder: ./a/b/, allowed_signers: signers, user: bot, token: {file: token}}",
        )
        .unwrap();
        let git = config.git.unwrap();
        assert_eq!(git.allowed_signers.as_deref(), Some(Path::new("/etc/huntd/signers")));
        let token = Token { user: "bot".to_owned(), source: SecretSource::File("/etc/huntd/token".into()) };
        assert_eq!(git.token, Some(token));
        assert_eq!(config.hunts, [Path::new("/db/huntd.db.hunts/current/a/b")]);
        for (url, expected) in [
            ("repo.git", "/etc/huntd/repo.git"),
            ("/srv/git/hunts", "/srv/git/hunts"),
            ("file:///srv/git/hunts", "file:///srv/git/hunts"),
            ("ssh://git@git.example:2222/hunts", "ssh://git@git.example:2222/hunts"),
            ("http://127.0.0.1:8080/hunts", "http://127.0.0.1:8080/hunts"),
        ] {
            assert_eq!(read(&format!("{{url: \"{url}\"}}")).unwrap().git.unwrap().url, expected);
        }
    }

    #[test]
    fn what_git_must_not_be_given_is_refused() {
        for (git, expected) in [
            ("{}", "C003 3:6 `git.url` is missing"),
            ("{url: x, ur: y}", "C002 3:15 `git` has no key `ur`"),
            ("{url: \"ext::sh -c id\"}", "C010 3:12 `git.url` is no address and no path"),
            ("{url: \"git@host:hunts\"}", "C010 3:12 `git.url` is no address and no path"),
            ("{url: --upload-pack=x}", "C010 3:12 `git.url` is no address and no path"),
            ("{url: ftp://h/x}", "C010 3:12 `git.url` is reached by https, ssh or as a folder"),
            ("{url: http://h/x}", "C010 3:12 `git.url` goes over plain http, which is allowed to this machine only"),
            (
                "{url: ssh://u:pw@h/x}",
                "C010 3:12 `git.url` must not hold a password: over ssh, git signs in with a key",
            ),
            ("{url: ssh://-oProxyCommand=x/y}", "C010 3:12 `git.url` names no host"),
            ("{url: https://h/x?y}", "C010 3:12 `git.url` has more than a path behind its host"),
            (
                "{url: https://u:pw@h/x}",
                "C010 3:12 `git.url` must not hold a user or a password: they have keys of their own, `user` and `token`",
            ),
            ("{url: x, branch: -f}", "C004 3:23 `git.branch`: `-f` is no name of a branch"),
            ("{url: x, branch: a..b}", "C004 3:23 `git.branch`: `a..b` is no name of a branch"),
            ("{url: x, branch: refs/heads/x}", "C004 3:23 `git.branch`: `refs/heads/x` is no name of a branch"),
            ("{url: x, folder: ../y}", "C004 3:23 `git.folder` must be a folder of the repository, below its root"),
            ("{url: x, folder: /y}", "C004 3:23 `git.folder` must be a folder of the repository, below its root"),
            ("{url: x, every: 0}", "C004 3:22 `git.every` must be more than nothing"),
            ("{url: x, every: 0.5s}", "C004 3:22 `git.every` must be 1s or more"),
            ("{url: x, token: {env: T}}", "C018 3:15 `git.token` is shown over https only"),
            ("{url: https://h/x, user: u}", "C018 3:25 `git.user` goes with a `token`, and there is none"),
            ("{url: https://h/x, token: secret}", "C005 3:32 `git.token` must not stand in the config itself"),
            ("{url: x}\nhunts: hunts", "C018 4:1 `hunts` and `git` both say where the hunts are"),
        ] {
            assert_eq!(read(git).unwrap_err(), [expected], "{git}");
        }
    }
}
