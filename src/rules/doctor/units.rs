//! The service's unit file: whether it is the one that ships, and where its credentials come from.

use std::path::{Path, PathBuf};

use super::files::quoted;
use super::line::Verdict;

/// The unit that ships with this huntd.
pub const SHIPPED: &str = include_str!("../../../deploy/huntd.service");

/// Whether the unit that is installed at `path` is the one that ships.
#[must_use]
pub fn drift(path: &Path, installed: &str) -> Verdict {
    let name = path.display();
    let (ours, theirs) = (settings(SHIPPED), settings(installed));
    let at = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at));
    let Some(at) = at else { return Verdict::ok(format!("{name} is the one of this huntd")) };
    let shown = |lines: &[&str]| lines.get(at).map_or_else(|| "nothing more".to_owned(), |line| format!("`{line}`"));
    Verdict::warning(
        format!("{name} isn't the one of this huntd: it has {}, where that has {}", shown(&theirs), shown(&ours)),
        format!(
            "put changes into a drop-in (`systemctl edit huntd`), take away {} or install this huntd's package again, then `systemctl daemon-reload`",
            quoted(path)
        ),
    )
}

/// The lines that systemd heeds.
fn settings(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])).collect()
}

/// Where a service gets a credential from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file that can be read by root.
    File(PathBuf),
    /// It is sealed, or written by other means: only the service has it.
    Service,
    /// No unit names it.
    Unknown,
}

/// Where the units, the first before its drop-ins, take the credential `name` from.
#[must_use]
pub fn origin(units: &[String], name: &str) -> Origin {
    let mut found = Origin::Unknown;
    for line in units.iter().flat_map(|unit| settings(unit)) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim());
        let (id, path) = value.split_once(':').unwrap_or((value, ""));
        match key {
            // An empty value forgets what stood before it.
            "LoadCredential" if value.is_empty() && matches!(found, Origin::File(_)) => found = Origin::Unknown,
            "LoadCredential" if id == name && path.starts_with('/') => found = Origin::File(PathBuf::from(path)),
            "LoadCredential" | "LoadCredentialEncrypted" | "SetCredential" | "SetCredentialEncrypted" if id == name => {
                found = Origin::Service;
            }
            _ => {}
        }
    }
    found
}

/// Folders that systemd makes for a service at its start, and below which (systemd.exec(5)).
const MADE: [(&str, &str); 4] = [
    ("StateDirectory", "/var/lib"),
    ("LogsDirectory", "/var/log"),
    ("CacheDirectory", "/var/cache"),
    ("RuntimeDirectory", "/run"),
];

/// Whether systemd makes `folder` when the service starts.
#[must_use]
pub fn makes(units: &[String], folder: &Path) -> bool {
    units.iter().flat_map(|unit| settings(unit)).filter_map(|line| line.split_once('=')).any(|(key, value)| {
        let root = MADE.iter().find(|(known, _)| *known == key.trim());
        root.is_some_and(|(_, root)| value.split_whitespace().any(|name| Path::new(root).join(name) == folder))
    })
}

#[cfg(test)]
mod tests {
    use super::super::line::State;
    use super::*;

    #[test]
    fn a_unit_is_ours_or_its_first_difference_is_told() {
        let path = Path::new("/etc/systemd/system/huntd.service");
        assert_eq!(drift(path, SHIPPED).state, State::Ok);
        let commented = format!("# mine\n\n{}", SHIPPED.replace('\n', "\n\n"));
        assert_eq!(drift(path, &commented).state, State::Ok, "blanks and comments are nothing");
        let cases = [
            (SHIPPED.replace("User=huntd", "User=root"), "it has `User=root`, where that has `User=huntd`"),
            (SHIPPED.replace("WantedBy=multi-user.target\n", ""), "it has nothing more, where that has `WantedBy="),
            (format!("{SHIPPED}Alias=h.service\n"), "it has `Alias=h.service`, where that has nothing more"),
        ];
        for (text, said) in cases {
            let verdict = drift(path, &text);
            assert_eq!(verdict.state, State::Warning);
            assert!(verdict.message.contains(said), "{}", verdict.message);
            assert!(verdict.hint.unwrap().contains("systemctl edit huntd"));
        }
    }

    #[test]
    fn systemd_makes_the_folders_that_the_unit_names() {
        let units = [SHIPPED.to_owned()];
        let cases = [
            ("/var/lib/huntd", true),
            ("/var/log/huntd", true),
            ("/var/lib/other", false),
            ("/srv/huntd", false),
            ("/var/lib", false),
        ];
        for (folder, made) in cases {
            assert_eq!(makes(&units, Path::new(folder)), made, "{folder}");
            assert!(!makes(&[], Path::new(folder)));
        }
    }

    #[test]
    fn a_credential_comes_from_where_the_unit_says() {
        let units = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let file = |path: &str| Origin::File(PathBuf::from(path));
        let drop_in = include_str!("../../../deploy/huntd.credentials.conf").replace("#Load", "Load");
        assert_eq!(origin(&units(&[SHIPPED, &drop_in]), "contoso"), file("/etc/huntd/credentials/contoso"));
        assert_eq!(origin(&units(&[SHIPPED]), "contoso"), Origin::Unknown);
        let cases = [
            (&["[Service]\nLoadCredential=a:/one", "[Service]\nLoadCredential=a:/two"][..], file("/two")),
            (&["[Service]\nLoadCredential=a:/one", "[Service]\nLoadCredential=\n"], Origin::Unknown),
            (&["[Service]\n#LoadCredential=a:/one"], Origin::Unknown),
            (&["[Service]\nLoadCredential=ab:/one"], Origin::Unknown),
            (&["[Service]\nLoadCredential=a"], Origin::Service),
            (&["[Service]\nLoadCredentialEncrypted=a:/sealed"], Origin::Service),
            (&["[Service]\nSetCredentialEncrypted=a: Whxqht"], Origin::Service),
        ];
        for (texts, wanted) in cases {
            assert_eq!(origin(&units(texts), "a"), wanted, "{texts:?}");
        }
    }
}
