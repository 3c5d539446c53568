//! What else of the machine huntd stands on.

use std::path::Path;

use super::line::Verdict;
use crate::rules::upstream::short;

/// The first systemd that knows all that the unit names: `LoadCredential=`, `ProtectProc=`, `ProcSubset=` (247).
const SYSTEMD: u32 = 247;

/// The version in what `systemctl --version` prints: `systemd 252 (252.5-1~deb12u1)`.
fn version(printed: &str) -> Option<u32> {
    let digits = printed.lines().next()?.strip_prefix("systemd ")?;
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Whether systemd is new enough; `printed` is what it says of itself, none where it isn't there.
#[must_use]
pub fn systemd(printed: Option<&str>, needs_credentials: bool) -> Verdict {
    let Some(printed) = printed else {
        return Verdict::skipped(
            "there is no systemd here",
            "nothing to mend where something else starts huntd: let it restart the daemon, and stop it with SIGTERM",
        );
    };
    let Some(version) = version(printed) else {
        let first: String = printed.lines().next().unwrap_or_default().chars().take(60).collect();
        return Verdict::warning(
            format!("`systemctl --version` says no version: {first}"),
            format!("see that it is systemd {SYSTEMD} or later"),
        );
    };
    if version >= SYSTEMD {
        return Verdict::ok(format!("systemd {version}"));
    }
    let said =
        format!("systemd {version} doesn't know LoadCredential=, ProtectProc= and ProcSubset=, which the unit names");
    if needs_credentials {
        return Verdict::failed(
            said,
            format!("upgrade to systemd {SYSTEMD} or later, or name secrets by `file` in place of `credential`"),
        );
    }
    Verdict::warning(said, format!("upgrade to systemd {SYSTEMD} or later: until then the service is less confined"))
}

/// Whether git is there for hunts that lie in a checkout; `printed` is what `git --version` said.
#[must_use]
pub fn git(is_checkout: bool, printed: Result<&str, &str>) -> Verdict {
    match (is_checkout, printed) {
        (_, Ok(version)) => Verdict::ok(version.trim()),
        (true, Err(why)) => Verdict::failed(
            format!("the hunts lie in a git checkout, and git can't be started: {why}"),
            "install git: `plan --against` reads the hunts' past by it",
        ),
        (false, Err(_)) => Verdict::skipped(
            "git isn't here, and no hunts folder is a checkout",
            "nothing to mend, unless the hunts are to come from git: then install it",
        ),
    }
}

/// Whether signatures can be checked: by the keys that may have signed, and by ssh-keygen, with which git does it.
#[must_use]
pub fn signers(file: &Path, read: Result<(), &str>, keygen: Result<(), &str>) -> Verdict {
    let file = file.display();
    match (read, keygen) {
        (Ok(()), Ok(())) => Verdict::ok(format!("{file} can be read")),
        (Err(why), _) => Verdict::failed(
            format!("can't read the allowed signers {file}: {why}"),
            "name a file that huntd's user may read: a line a key, as `man ssh-keygen` has it under ALLOWED SIGNERS",
        ),
        (_, Err(why)) => Verdict::failed(
            format!("signatures can't be checked, as ssh-keygen can't be started: {why}"),
            "install OpenSSH's client: git checks signatures with its ssh-keygen",
        ),
    }
}

/// Whether the branch that the hunts come from is there; `asked` is its newest commit, none where there is no such
/// branch, or why it can't be asked for, with the mend.
#[must_use]
pub fn repository(branch: &str, asked: Result<Option<&str>, (String, String)>) -> Verdict {
    match asked {
        Ok(Some(commit)) => Verdict::ok(format!("{branch} is at {}", short(commit))),
        Ok(None) => Verdict::failed(
            format!("it has no branch {branch}"),
            "see `branch` of `git:` in the config: the name without refs/heads/",
        ),
        Err((why, mend)) => Verdict::failed(why, mend),
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::State;
    use super::*;

    #[test]
    fn systemd_is_new_enough_or_not() {
        let cases = [
            (None, false, State::Skipped),
            (Some("systemd 252 (252.5-1~deb12u1)\n+PAM +AUDIT"), true, State::Ok),
            (Some("systemd 247"), true, State::Ok),
            (Some("systemd 246 (v246)"), true, State::Failed),
            (Some("systemd 246 (v246)"), false, State::Warning),
            (Some("openrc 0.5"), false, State::Warning),
            (Some(""), false, State::Warning),
        ];
        for (printed, needs, state) in cases {
            let verdict = systemd(printed, needs);
            assert_eq!(verdict.state, state, "{printed:?}: {}", verdict.message);
            assert_eq!(verdict.hint.is_none(), state == State::Ok);
        }
    }

    #[test]
    fn signatures_need_the_keys_and_ssh_keygen() {
        let verdict = |read, keygen| signers(Path::new("/etc/huntd/signers"), read, keygen);
        assert_eq!(verdict(Ok(()), Ok(())).state, State::Ok);
        let (unread, without) = (verdict(Err("not there"), Ok(())), verdict(Ok(()), Err("not found")));
        assert!(unread.state == State::Failed && unread.message.contains("/etc/huntd/signers: not there"));
        assert!(without.state == State::Failed && without.message.contains("ssh-keygen can't be started: not found"));
    }

    #[test]
    fn the_branch_of_the_hunts_is_there_or_not() {
        let verdict = repository("main", Ok(Some("0123456789abcdef0123456789abcdef01234567")));
        assert_eq!((verdict.state, verdict.message.as_str()), (State::Ok, "main is at 0123456789ab"));
        assert_eq!(repository("main", Ok(None)).state, State::Failed);
        let verdict = repository("main", Err(("no way".to_owned(), "go".to_owned())));
        assert_eq!((verdict.state, verdict.hint.as_deref()), (State::Failed, Some("go")));
    }

    #[test]
    fn git_is_needed_for_a_checkout() {
        let cases = [
            (true, Ok("git version 2.39.5\n"), State::Ok),
            (false, Ok("git version 2.39.5\n"), State::Ok),
            (true, Err("not found"), State::Failed),
            (false, Err("not found"), State::Skipped),
        ];
        for (is_checkout, printed, state) in cases {
            assert_eq!(git(is_checkout, printed).state, state);
        }
        assert_eq!(git(true, Ok("git version 2.39.5\n")).message, "git version 2.39.5");
    }
}
