//! All that is known of huntd's health in a few lines, for a monitor.

use std::time::Duration;

use crate::model::trouble::{OpenTrouble, TroubleKind};
use crate::rules::render::counted::counted;

const SECOND: Duration = Duration::from_secs(1);

/// How bad a line of `list --check` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// All is well.
    Ok,
    /// A person should look at it some time.
    Warning,
    /// Hunts don't hunt, or nobody is told.
    Critical,
}

impl Health {
    /// The word that monitors look for.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

/// What `list --check` looks at.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether a daemon runs on the database.
    pub daemon_runs: bool,
    /// Hunts that are switched on, and the tenants that they run on.
    pub hunts: usize,
    /// The tenants that are switched on.
    pub tenants: usize,
    /// Causes of trouble.
    pub troubles: Vec<OpenTrouble>,
    /// Hunts and tenants whose last run failed: `hunt on tenant: error`.
    pub failing: Vec<String>,
    /// Hunts that run in their last good version: `hunt: file:line: what is wrong`.
    pub broken: Vec<String>,
    /// Hunts with a tick that nobody served in time: `hunt on tenant`.
    pub overdue: Vec<String>,
}

/// How bad it is in all, and the lines that say so, the worst first.
#[must_use]
pub fn check(facts: &Facts) -> (Health, Vec<String>) {
    let mut lines: Vec<(Health, String)> = Vec::new();
    if !facts.daemon_runs {
        lines.push((Health::Critical, "no daemon runs on the database: nothing is hunted by schedule".to_owned()));
    }
    for open in &facts.troubles {
        // Until it has lasted for a while it is told of by no one.
        let health = if open.told.is_some() { weight(open.trouble.kind) } else { Health::Warning };
        lines.push((health, format!("{} (since {})", open.trouble.headline, open.since.floor_to(SECOND))));
    }
    let known = |kinds: &[TroubleKind]| facts.troubles.iter().any(|open| kinds.contains(&open.trouble.kind));
    // Where the daemon watches, its causes say it in fewer lines.
    if !known(&[TroubleKind::TenantFails, TroubleKind::HuntFails]) {
        lines.extend(facts.failing.iter().map(|line| (Health::Warning, format!("the last run failed: {line}"))));
    }
    if !known(&[TroubleKind::HuntBroken]) {
        lines.extend(facts.broken.iter().map(|line| (Health::Warning, format!("the last good version runs: {line}"))));
    }
    if facts.daemon_runs && !known(&[TroubleKind::RunsOverdue]) {
        lines.extend(facts.overdue.iter().map(|line| (Health::Critical, format!("overdue: {line}"))));
    }
    // Stable: of equals the first found.
    lines.sort_by_key(|(health, _)| std::cmp::Reverse(*health));
    let health = lines.first().map_or(Health::Ok, |(health, _)| *health);
    let problems = counted(lines.len() as u64, "problem");
    let first = format!(
        "HUNTD {} - {}, {} on {} | hunts={} failing={} broken={} overdue={}",
        health.as_str(),
        if lines.is_empty() { "all is well" } else { &problems },
        counted(facts.hunts as u64, "hunt"),
        counted(facts.tenants as u64, "tenant"),
        facts.hunts,
        facts.failing.len(),
        facts.broken.len(),
        facts.overdue.len(),
    );
    // `|` parts the text from the figures, and so stands in no line below.
    let rest = lines.into_iter().map(|(health, line)| format!("{}: {}", health.as_str(), line.replace('|', "/")));
    (health, std::iter::once(first).chain(rest).collect())
}

const fn weight(kind: TroubleKind) -> Health {
    match kind {
        TroubleKind::TenantFails
        | TroubleKind::HuntFails
        | TroubleKind::RunsOverdue
        | TroubleKind::DeliveriesFail
        | TroubleKind::DiskFills => Health::Critical,
        TroubleKind::HuntBroken
        | TroubleKind::ReloadFails
        | TroubleKind::GitFails
        | TroubleKind::QuotaStarved
        | TroubleKind::RowsMissing
        | TroubleKind::ColumnsChanged
        | TroubleKind::NeverFired
        | TroubleKind::DatabaseFills
        | TroubleKind::ClockWrong
        | TroubleKind::SecretExpires
        | TroubleKind::CertificateExpires => Health::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::model::trouble::Trouble;

    fn open(kind: TroubleKind, told: bool) -> OpenTrouble {
        let trouble = Trouble {
            kind,
            subject: "x".to_owned(),
            headline: format!("{kind} | it says"),
            reasons: Vec::new(),
            hint: None,
            hunts: Vec::new(),
            owners: Vec::new(),
            failures: 0,
        };
        OpenTrouble { trouble, since: Timestamp::EPOCH, told: told.then_some(Timestamp::EPOCH) }
    }

    fn facts() -> Facts {
        Facts { daemon_runs: true, hunts: 3, tenants: 1, ..Facts::default() }
    }

    #[test]
    fn the_first_line_says_all_in_short() {
        let (health, lines) = check(&facts());
        assert_eq!(health, Health::Ok);
        let well = "HUNTD OK - all is well, 3 hunts on 1 tenant | hunts=3 failing=0 broken=0 overdue=0";
        assert_eq!(lines, [well]);
        let troubles = vec![open(TroubleKind::HuntBroken, true), open(TroubleKind::TenantFails, true)];
        let (health, lines) = check(&Facts { troubles, failing: vec!["h on t: no".to_owned()], ..facts() });
        assert_eq!(health, Health::Critical);
        assert!(lines[0].starts_with("HUNTD CRITICAL - 2 problems"), "{lines:?}");
        assert_eq!(lines[1], "CRITICAL: tenant_fails / it says (since 1970-01-01T00:00:00Z)");
        assert_eq!(lines.len(), 3, "the cause says it: {lines:?}");
    }

    #[test]
    fn what_no_daemon_watches_is_said_all_the_same() {
        let lists = || vec!["x on t".to_owned()];
        let alone = Facts { daemon_runs: false, failing: lists(), broken: lists(), overdue: lists(), ..facts() };
        let (health, lines) = check(&alone);
        assert_eq!((health, lines.len()), (Health::Critical, 4), "{lines:?}");
        let (health, _) = check(&Facts { troubles: vec![open(TroubleKind::TenantFails, false)], ..facts() });
        assert_eq!(health, Health::Warning, "it isn't told yet");
    }
}
