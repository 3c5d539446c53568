//! Files and folders: the config's, the hunts', secrets, and where channels write.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;
use walkdir::{DirEntry, WalkDir};

use super::super::exit::AppError;
use super::super::setup;
use super::report::Report;
use super::system::Units;
use crate::adapters::secret;
use crate::model::config::{Auth, ChannelKind, Config, MailTransport};
use crate::model::place::Level;
use crate::model::secret::SecretSource;
use crate::rules::doctor::files::{Facts, Kind, judge, may_read, quoted, readable};
use crate::rules::doctor::units::Origin;
use crate::rules::doctor::{Check, Verdict};
use crate::rules::render::counted::counted;

/// So many entries of a hunts folder are looked at.
const MOST_FILES: usize = 100_000;
/// Where systemd lays a service's credentials.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Config and hunts, as they loaded.
pub fn loaded(path: &Path, config: &Config, warnings: usize, report: &mut Report) -> Result<(), AppError> {
    let name = path.display();
    let verdict = if warnings == 0 {
        Verdict::ok(format!("{name} loads"))
    } else {
        Verdict::warning(
            format!("{name} loads, with {}", counted(warnings as u64, "warning")),
            format!("`huntd -c {} check` shows them", quoted(path)),
        )
    };
    report.tell(Check::Config, "", verdict)?;
    report.tell(Check::Hunts, "", hunts(path, config)).map(drop)
}

fn hunts(path: &Path, config: &Config) -> Verdict {
    let hint = format!("`huntd -c {} check` shows what is wrong with each", quoted(path));
    for folder in &config.hunts {
        if let Err(error) = std::fs::read_dir(folder) {
            if let Some(git) = setup::unfetched(config) {
                return Verdict::skipped(
                    format!("they come from {}, and weren't fetched yet", git.url),
                    "nothing to mend: the daemon fetches them at its first start, or when it is reloaded",
                );
            }
            return Verdict::failed(
                format!("can't read the hunts folder {}: {error}", folder.display()),
                "name the folder with `hunts:` in the config, and let huntd's user read it",
            );
        }
    }
    let (hunts, findings) = setup::hunts(config);
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count() as u64;
    let loaded = counted(hunts.hunts.len() as u64, "hunt");
    match (hunts.hunts.len(), errors) {
        (0, 0) => {
            Verdict::failed("there is no hunt, and the daemon won't start", "put hunts below the folder of `hunts:`")
        }
        (0, _) => Verdict::failed(format!("no hunt loads, for {}", counted(errors, "error")), hint),
        (_, 0) => Verdict::ok(format!("{loaded} loaded")),
        (_, _) => Verdict::warning(format!("{loaded} loaded, and there are {}", counted(errors, "error")), hint),
    }
}

/// What the file system says of a file.
fn facts(path: &Path) -> std::io::Result<Facts> {
    let meta = std::fs::metadata(path)?;
    Ok(Facts { mode: meta.mode(), owner: meta.uid(), group: meta.gid() })
}

/// The folder of a file.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Who may own what huntd stands on: root, who asks, and who owns the folder of the database.
#[must_use]
pub fn trusted(config: &Config) -> Vec<u32> {
    let owner = facts(folder_of(&config.database)).ok().map(|facts| facts.owner);
    [0, geteuid().as_raw()].into_iter().chain(owner).collect()
}

/// Who may change the config and the hunts, and who may read the database.
pub fn modes(path: &Path, config: &Config, report: &mut Report) -> Result<(), AppError> {
    let trusted = trusted(config);
    let mut files = vec![("config", Kind::Config, path)];
    files.extend(config.hunts.iter().map(|folder| ("hunts", Kind::Folder, folder.as_path())));
    let signers = config.git.as_ref().and_then(|git| git.allowed_signers.as_deref());
    files.extend(signers.map(|signers| ("allowed signers", Kind::Config, signers)));
    files.push(("database's folder", Kind::Folder, folder_of(&config.database)));
    files.push(("database", Kind::Database, &config.database));
    for (subject, kind, path) in files {
        // What isn't there is said by the check that needs it.
        let Ok(facts) = facts(path) else { continue };
        report.tell(Check::Modes, subject, judge(kind, path, facts, &trusted))?;
    }
    hunts_readable(config, report)
}

/// Whether the service may read the hunts, where another user asks: root may read all.
fn hunts_readable(config: &Config, report: &mut Report) -> Result<(), AppError> {
    let Ok(home) = facts(folder_of(&config.database)) else { return Ok(()) };
    if home.owner == geteuid().as_raw() {
        return Ok(());
    }
    for folder in &config.hunts {
        let entries = WalkDir::new(folder).follow_links(true).into_iter().flatten().take(MOST_FILES);
        let is_closed = |entry: &DirEntry| {
            let (user, is_folder) = ((home.owner, home.group), entry.file_type().is_dir());
            facts(entry.path()).is_ok_and(|facts| !may_read(facts, user, is_folder))
        };
        let closed: Vec<DirEntry> = entries.filter(is_closed).collect();
        let closed = closed.first().map(|first| (first.path(), closed.len() as u64));
        report.tell(Check::Modes, "hunts' files", readable(folder, home.owner, closed))?;
    }
    Ok(())
}

/// Whether a folder can be written to, by who asks.
pub fn writable(folder: &Path) -> Result<(), String> {
    if !std::fs::metadata(folder).map_err(|error| error.to_string())?.is_dir() {
        return Err("it is no folder".to_owned());
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| std::io::Error::from_raw_os_error(error.raw_os_error()).to_string())
}

/// Where channels write files.
pub fn channels(config: &Config, units: &Units, report: &mut Report) -> Result<(), AppError> {
    for (name, kind) in &config.channels {
        let folder = match kind {
            ChannelKind::File(file) => folder_of(&file.path),
            ChannelKind::Email(mail) => match &mail.transport {
                MailTransport::Folder(folder) => folder.as_path(),
                MailTransport::Smtp { .. } => continue,
            },
            ChannelKind::Log => continue,
        };
        let verdict = match writable(folder) {
            Err(_) if units.will_make(folder) => Verdict::skipped(
                format!("{} isn't there yet", folder.display()),
                "nothing to mend before the first start: systemd makes it",
            ),
            Ok(()) => Verdict::ok(format!("{} can be written", folder.display())),
            Err(why) => Verdict::failed(
                format!("{} can't be written: {why}", folder.display()),
                "make the folder, and give it to huntd's user; under systemd the unit must allow it: LogsDirectory= or ReadWritePaths=",
            ),
        };
        report.tell(Check::Channel, name.as_str(), verdict)?;
    }
    Ok(())
}

/// From where each secret is read now, by its subject; none where it can't be.
pub type Secrets = BTreeMap<String, Option<SecretSource>>;

/// What a tenant is called.
#[must_use]
pub fn tenant(name: &impl std::fmt::Display) -> String {
    format!("tenant {name}")
}

/// What the repository of the hunts is called.
pub const REPOSITORY: &str = "git";

/// What a channel is called.
#[must_use]
pub fn channel(name: &impl std::fmt::Display) -> String {
    format!("channel {name}")
}

/// Each secret: that it is there, and that nobody else reads it.
pub fn secrets(config: &Config, units: &Units, report: &mut Report) -> Result<Secrets, AppError> {
    let trusted = trusted(config);
    let mut secrets = Secrets::new();
    let of_tenants = config.tenants.values().filter(|tenant| tenant.enabled).map(|one| {
        let Auth::ClientSecret(source) = &one.auth;
        (tenant(&one.name), source)
    });
    let of_channels = config.channels.iter().filter_map(|(name, kind)| match kind {
        ChannelKind::Email(mail) => Some((channel(name), mail.password.as_ref()?)),
        ChannelKind::File(_) | ChannelKind::Log => None,
    });
    let of_git = config.git.iter().filter_map(|git| Some((REPOSITORY.to_owned(), &git.token.as_ref()?.source)));
    for (subject, source) in of_tenants.chain(of_channels).chain(of_git) {
        let (verdict, source) = one_secret(source, units, &trusted);
        report.tell(Check::Secret, &subject, verdict)?;
        // One that others read too is a secret still: what stands on it can be looked at.
        secrets.insert(subject, source);
    }
    Ok(secrets)
}

fn one_secret(source: &SecretSource, units: &Units, trusted: &[u32]) -> (Verdict, Option<SecretSource>) {
    let directory = std::env::var_os(CREDENTIALS_DIRECTORY).filter(|folder| !folder.is_empty());
    let (source, path): (SecretSource, Option<PathBuf>) = match (source, directory) {
        (SecretSource::Env(_), _) => (source.clone(), None),
        (SecretSource::File(path), _) => (source.clone(), Some(path.clone())),
        (SecretSource::Credential(name), Some(folder)) => (source.clone(), Some(Path::new(&folder).join(name))),
        // Who runs this by hand isn't the service: the secret is read from where the unit takes it.
        (SecretSource::Credential(name), None) => match units.origin(name) {
            Origin::File(path) => (SecretSource::File(path.clone()), Some(path)),
            Origin::Service => {
                return (
                    Verdict::skipped(
                        format!("credential {name} is known to the service alone"),
                        format!(
                            "to check it too, run doctor as a service: `systemd-run --pipe --wait -p User=huntd -p LoadCredentialEncrypted={name}:FILE huntd doctor`"
                        ),
                    ),
                    None,
                );
            }
            Origin::Unknown => (source.clone(), None),
        },
    };
    if let Err(error) = secret::read(&source) {
        return (Verdict::failed(error.to_string(), error.hint()), None);
    }
    let verdict = match path.map(|path| facts(&path).map(|facts| judge(Kind::Secret, &path, facts, trusted))) {
        None => Verdict::ok(format!("{source} is set")),
        Some(Ok(verdict)) => verdict,
        Some(Err(error)) => Verdict::failed(format!("{source} went away: {error}"), "put it back"),
    };
    (verdict, Some(source))
}
