//! The machine's other programs: systemd with its units, and git.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::super::exit::AppError;
use super::report::Report;
use crate::model::config::{Auth, ChannelKind, Config};
use crate::model::secret::SecretSource;
use crate::rules::doctor::units::{Origin, drift, makes, origin};
use crate::rules::doctor::{Check, Verdict, system};

/// Where systemd looks for units, the first that has one winning (systemd.unit(5)).
const ROOTS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
const UNIT: &str = "huntd.service";
/// A program that says its version takes milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// The service's unit as it is installed.
#[derive(Debug, Default)]
pub struct Units {
    path: Option<PathBuf>,
    /// The unit, and its drop-ins after it.
    texts: Vec<String>,
}

impl Units {
    /// Those of this machine.
    #[must_use]
    pub fn installed() -> Self {
        Self::below(&ROOTS.map(Path::new))
    }

    /// Those below `roots`, of which an earlier one wins.
    #[must_use]
    pub fn below(roots: &[&Path]) -> Self {
        let unit = |root: &&Path| Some((root.join(UNIT), std::fs::read_to_string(root.join(UNIT)).ok()?));
        let Some((path, text)) = roots.iter().find_map(unit) else { return Self::default() };
        let mut texts = vec![text];
        // What stands later wins.
        for root in roots.iter().rev() {
            let entries = std::fs::read_dir(root.join(format!("{UNIT}.d"))).into_iter().flatten().flatten();
            let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            files.retain(|file| file.extension().is_some_and(|end| end == "conf"));
            files.sort();
            texts.extend(files.iter().filter_map(|file| std::fs::read_to_string(file).ok()));
        }
        Self { path: Some(path), texts }
    }

    /// Where the service takes a credential from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        origin(&self.texts, name)
    }

    /// Whether systemd makes that folder when the service starts, and hasn't yet.
    #[must_use]
    pub fn will_make(&self, folder: &Path) -> bool {
        !folder.exists() && makes(&self.texts, folder)
    }

    fn drift(&self) -> Verdict {
        match (&self.path, self.texts.first()) {
            (Some(path), Some(text)) => drift(path, text),
            _ => Verdict::skipped(
                format!("no {UNIT} is installed"),
                "nothing to mend where something else starts huntd; else install the package, or deploy/huntd.service as /etc/systemd/system/huntd.service",
            ),
        }
    }
}

/// Git, systemd, and the unit.
pub async fn checks(config: &Config, units: &Units, report: &mut Report) -> Result<(), AppError> {
    let git = said("git").await;
    let is_checkout = config.git.is_some() || config.hunts.iter().any(|folder| is_checkout(folder));
    report.tell(Check::Git, "", system::git(is_checkout, git.as_deref().map_err(String::as_str)))?;
    if let Some(signers) = config.git.as_ref().and_then(|git| git.allowed_signers.as_ref()) {
        let read = std::fs::read(signers).map(drop).map_err(|error| error.to_string());
        // It knows no such option, says so, and ends.
        let keygen = printed("ssh-keygen", "-?").await.map(drop);
        let [read, keygen] = [&read, &keygen].map(|result| result.as_ref().copied().map_err(String::as_str));
        let verdict = system::signers(signers, read, keygen);
        report.tell(Check::Git, "signers", verdict)?;
    }
    let systemd = said("systemctl").await.ok();
    let is_here = report.tell(Check::Systemd, "", system::systemd(systemd.as_deref(), needs_credentials(config)))?;
    let unit = if is_here || units.path.is_some() { units.drift() } else { Verdict::behind(Check::Systemd) };
    report.tell(Check::Unit, "", unit).map(drop)
}

/// Whether a folder lies in a git checkout.
fn is_checkout(folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| folder.ancestors().any(|above| above.join(".git").exists()))
}

fn needs_credentials(config: &Config) -> bool {
    let is_credential = |source: &SecretSource| matches!(source, SecretSource::Credential(_));
    config.tenants.values().any(|tenant| {
        let Auth::ClientSecret(source) = &tenant.auth;
        is_credential(source)
    }) || config.git.iter().filter_map(|git| git.token.as_ref()).any(|token| is_credential(&token.source))
        || config.channels.values().any(|kind| match kind {
            ChannelKind::Email(mail) => mail.password.as_ref().is_some_and(is_credential),
            ChannelKind::File(_) | ChannelKind::Log => false,
        })
}

/// What a program says of its version, or why it says nothing.
async fn said(program: &'static str) -> Result<String, String> {
    let output = printed(program, "--version").await?;
    if !output.status.success() {
        return Err(format!("`{program} --version` failed: {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a program that is asked one thing prints, however it ends.
async fn printed(program: &'static str, argument: &'static str) -> Result<Output, String> {
    let run = move || {
        let mut command = Command::new(program);
        command.arg(argument).stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    match tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(run)).await {
        Ok(Ok(output)) => output.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it doesn't end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::doctor::State;
    use crate::rules::doctor::units::SHIPPED;

    #[test]
    fn the_unit_is_found_with_its_drop_ins() {
        let folder = tempfile::tempdir().unwrap();
        let (etc, lib) = (folder.path().join("etc"), folder.path().join("lib"));
        let write = |path: PathBuf, text: &str| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let units = || Units::below(&[&etc, &lib]);
        assert_eq!(units().drift().state, State::Skipped);
        write(lib.join(UNIT), SHIPPED);
        assert_eq!(units().drift().state, State::Ok);
        write(lib.join("huntd.service.d/10-a.conf"), "[Service]\nLoadCredential=fabrikam:/lib/one\n");
        write(etc.join("huntd.service.d/10-b.conf"), "[Service]\nLoadCredential=fabrikam:/etc/two\n");
        write(etc.join("huntd.service.d/notes.txt"), "LoadCredential=fabrikam:/no\n");
        assert_eq!(units().drift().state, State::Ok, "local edits belong there");
        assert_eq!(units().origin("fabrikam"), Origin::File("/etc/two".into()));
        assert!(units().will_make(Path::new("/var/lib/huntd")) || Path::new("/var/lib/huntd").exists());
        assert!(!units().will_make(folder.path()), "it is there");
        assert_eq!(units().origin("contoso"), Origin::Unknown, "the unit itself hands none over");
        write(etc.join(UNIT), &SHIPPED.replace("Restart=always", "Restart=no"));
        let verdict = units().drift();
        assert_eq!(verdict.state, State::Warning);
        assert!(verdict.message.contains("`Restart=no`"), "{}", verdict.message);
    }
}
