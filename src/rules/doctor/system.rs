//! What else of the machine huntd stands on.

use super::line::Verdict;

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
