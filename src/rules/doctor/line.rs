//! One check, one line.

use serde::Serialize;

use crate::rules::render::counted::counted;
use crate::rules::render::terminal::terminal_safe;

/// What is looked at, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The config loads.
    Config,
    /// The hunts load.
    Hunts,
    /// Who owns a file, and who may change it.
    Modes,
    /// A secret is there, and nobody else reads it.
    Secret,
    /// The database is whole.
    Database,
    /// It has room.
    Space,
    /// A channel's folder can be written.
    Channel,
    /// A host's name is known.
    Dns,
    /// A proxy on the way.
    Proxy,
    /// A host's certificate is trusted.
    Tls,
    /// This machine's clock.
    Clock,
    /// The sign-in gives a token.
    Token,
    /// The token has the role that is needed.
    Roles,
    /// The API answers.
    Call,
    /// A mail server takes the sign-in.
    Mail,
    /// The dead man's switch can be reached.
    Heartbeat,
    /// The repository that the hunts come from can be asked.
    Repository,
    /// Git is there.
    Git,
    /// The system's service manager.
    Systemd,
    /// The installed unit is the one that ships.
    Unit,
}

impl Check {
    /// A stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Hunts => "hunts",
            Self::Modes => "modes",
            Self::Secret => "secret",
            Self::Database => "database",
            Self::Space => "space",
            Self::Channel => "channel",
            Self::Dns => "dns",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Clock => "clock",
            Self::Token => "token",
            Self::Roles => "roles",
            Self::Call => "call",
            Self::Mail => "mail",
            Self::Heartbeat => "heartbeat",
            Self::Repository => "repository",
            Self::Git => "git",
            Self::Systemd => "systemd",
            Self::Unit => "unit",
        }
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Ok,
    /// huntd works, and a person should look.
    Warning,
    /// huntd doesn't work so, or isn't safe.
    Failed,
    /// It couldn't be looked at, or there is nothing to look at.
    Skipped,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The ANSI colour of its word.
    const fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Warning => "33",
            Self::Failed => "31",
            Self::Skipped => "2",
        }
    }
}

/// What a measured fact means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How the check ended.
    pub state: State,
    /// What was found.
    pub message: String,
    /// How to mend it; none where all is well.
    pub hint: Option<String>,
}

impl Verdict {
    /// All is well.
    #[must_use]
    pub fn ok(message: impl Into<String>) -> Self {
        Self { state: State::Ok, message: message.into(), hint: None }
    }

    /// A person should look.
    #[must_use]
    pub fn warning(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { state: State::Warning, message: message.into(), hint: Some(hint.into()) }
    }

    /// A person must act.
    #[must_use]
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { state: State::Failed, message: message.into(), hint: Some(hint.into()) }
    }

    /// Nothing was looked at, for the reason that `message` gives.
    #[must_use]
    pub fn skipped(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { state: State::Skipped, message: message.into(), hint: Some(hint.into()) }
    }

    /// Nothing was looked at, as what it stands on isn't well itself.
    #[must_use]
    pub fn behind(check: Check) -> Self {
        let word = check.as_str();
        Self::skipped(format!("not looked at, as `{word}` isn't well"), format!("mend `{word}` first"))
    }

    /// Whether what stands on it can be looked at.
    #[must_use]
    pub fn bears(&self) -> bool {
        matches!(self.state, State::Ok | State::Warning)
    }
}

/// A check with its verdict, as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was looked at.
    pub check: Check,
    /// Of what: a tenant, a channel, a host, a file; empty where there is only one.
    pub subject: String,
    /// What came of it.
    pub verdict: Verdict,
}

impl Line {
    /// `failed   secret (tenant contoso): … -> chmod 600 …`, in one line that is safe for a terminal.
    #[must_use]
    pub fn human(&self, colours: bool) -> String {
        let word = format!("{:<8}", self.verdict.state.as_str());
        let word = if colours { format!("\u{1b}[{}m{word}\u{1b}[0m", self.verdict.state.colour()) } else { word };
        let check = self.check.as_str();
        let subject = if self.subject.is_empty() { String::new() } else { format!(" ({})", self.subject) };
        let hint = self.verdict.hint.as_deref().map(|hint| format!(" -> {hint}")).unwrap_or_default();
        let said = terminal_safe(&format!("{check}{subject}: {}{hint}", self.verdict.message));
        format!("{word} {said}")
    }

    /// As `--json` prints it.
    #[must_use]
    pub fn object(&self) -> impl Serialize {
        Object {
            check: self.check,
            subject: &self.subject,
            state: self.verdict.state,
            message: &self.verdict.message,
            hint: self.verdict.hint.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    check: Check,
    subject: &'a str,
    state: State,
    message: &'a str,
    hint: Option<&'a str>,
}

/// How the checks ended, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    ok: u64,
    warning: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, state: State) {
        let count = match state {
            State::Ok => &mut self.ok,
            State::Warning => &mut self.warning,
            State::Failed => &mut self.failed,
            State::Skipped => &mut self.skipped,
        };
        *count += 1;
    }

    /// Whether one failed.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed > 0
    }

    /// The last word, for a person; `left_out` checks need the network, which wasn't to be used.
    #[must_use]
    pub fn summary(&self, left_out: u64) -> String {
        let all = counted(self.ok + self.warning + self.failed + self.skipped, "check");
        let mut text = format!("{all}: {} ok", self.ok);
        let more = [(self.warning, "warning"), (self.failed, "failed"), (self.skipped, "skipped")];
        for (count, word) in more.into_iter().filter(|(count, _)| *count > 0) {
            let end = if word == "warning" && count > 1 { "s" } else { "" };
            text.extend([", ", &count.to_string(), " ", word, end]);
        }
        if left_out > 0 {
            text.extend(["; ", &counted(left_out, "check"), " left out, as they need the network"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(verdict: Verdict) -> Line {
        Line { check: Check::Secret, subject: "tenant contoso".to_owned(), verdict }
    }

    #[test]
    fn a_line_has_its_mend() {
        let failed = line(Verdict::failed("/s can be read by others (mode 0644)", "chmod 600 /s"));
        assert_eq!(
            failed.human(false),
            "failed   secret (tenant contoso): /s can be read by others (mode 0644) -> chmod 600 /s"
        );
        assert!(failed.human(true).starts_with("\u{1b}[31mfailed  \u{1b}[0m secret"));
        let object = serde_json::to_value(failed.object()).unwrap();
        assert_eq!(
            object,
            serde_json::json!({"check": "secret", "subject": "tenant contoso", "state": "failed",
                "message": "/s can be read by others (mode 0644)", "hint": "chmod 600 /s"})
        );
        let alone = Line { check: Check::Git, subject: String::new(), verdict: Verdict::ok("git version 2.39") };
        assert_eq!(alone.human(false), "ok       git: git version 2.39");
        assert_eq!(serde_json::to_value(alone.object()).unwrap()["hint"], serde_json::Value::Null);
    }

    #[test]
    fn what_a_server_said_stays_in_its_line() {
        let hostile = line(Verdict::failed("220 \u{1b}[2J\nok       all: well", "x"));
        assert!(!hostile.human(false).contains(['\u{1b}', '\n']), "{}", hostile.human(false));
    }

    #[test]
    fn checks_are_counted() {
        let mut tally = Tally::default();
        tally.add(State::Ok);
        assert_eq!((tally.summary(0).as_str(), tally.has_failed()), ("1 check: 1 ok", false));
        for state in [State::Ok, State::Warning, State::Warning, State::Failed, State::Skipped] {
            tally.add(state);
        }
        assert!(tally.has_failed());
        assert_eq!(
            tally.summary(3),
            "6 checks: 2 ok, 2 warnings, 1 failed, 1 skipped; 3 checks left out, as they need the network"
        );
    }
}
