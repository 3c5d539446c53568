//! The two that are compared, huntd and the Python script, each with a database of its own.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::answer::{Dialect, KEY};
use super::process::{Used, measured};

/// Who runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The built binary, or another that `HUNTD` names.
    Huntd,
    /// `benches/baseline.py`.
    Python,
}

/// What a run was and left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    /// What it used.
    pub(crate) used: Used,
    /// By how many bytes its database grew.
    pub(crate) grown: i64,
    /// How many rows it called new, or changed.
    pub(crate) told: u64,
}

impl Ran {
    /// The growth in kilobytes.
    pub(crate) fn grown_kilobytes(&self) -> f64 {
        f64::from(i32::try_from(self.grown).unwrap_or(i32::MAX)) / 1e3
    }
}

/// A folder with all that both need, and nothing known yet.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    tenant: SocketAddr,
}

impl Site {
    /// A fresh one. It lies in the build's folder, which is on a disk: in memory, a commit would cost nothing.
    pub(crate) fn new(tenant: SocketAddr, dialect: Dialect) -> Result<Self, Box<dyn Error>> {
        // Not below the target folder: huntd would ask git of which commit a hunt there is, and Python asks nobody.
        let folder = tempfile::Builder::new().prefix("rows-").tempdir()?;
        let site = Self { folder, tenant };
        let hunt = "severity: high\nquery: DeviceProcessEvents | where FileName endswith \".exe\"\nschedule: '@hourly'\nnotify: []\n";
        fs::create_dir(site.path("hunts"))?;
        fs::write(site.path("hunts/every.yaml"), hunt)?;
        fs::write(site.path("hunts/keyed.yaml"), format!("{hunt}key: [{}]\n", KEY.join(", ")))?;
        fs::write(site.path("secret"), "bench")?;
        fs::set_permissions(site.path("secret"), fs::Permissions::from_mode(0o600))?;
        let id = "00000000-0000-4000-a000-000000000001";
        let config = format!(
            "hunts: hunts\ndatabase: huntd.db\nlisten: null\nchannels: {{}}\nroutes: []\ntenants:\n  t: {{api: {}, tenant_id: {id}, client_id: {id}, auth: {{client_secret: {{file: secret}}}}, login_url: 'http://{tenant}', api_url: 'http://{tenant}'}}\n",
            dialect.name()
        );
        fs::write(site.path("huntd.yaml"), config)?;
        Ok(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One run over what the tenant answers now. `keyed`: rows are known again by their key, else by all that they hold.
    pub(crate) fn run(&self, who: Who, keyed: bool) -> Result<Ran, Box<dyn Error>> {
        let (command, database) = match who {
            Who::Huntd => {
                let hunt = if keyed { "keyed" } else { "every" };
                let config = self.path("huntd.yaml").into_os_string();
                (vec![binary(), "--config".into(), config, "run".into(), hunt.into()], self.path("huntd.db"))
            }
            Who::Python => {
                let database = self.path("python.db");
                let url = format!("http://{}", self.tenant).into();
                let mut command = vec!["python3".into(), script(), database.clone().into_os_string(), url];
                command.extend(keyed.then_some(KEY).into_iter().flatten().map(OsString::from));
                (command, database)
            }
        };
        let before = size(&database);
        let (used, printed) = measured(&command)?;
        let told = count(&printed, "new") + count(&printed, "changed");
        Ok(Ran { used, grown: size(&database) - before, told })
    }
}

fn binary() -> OsString {
    std::env::var_os("HUNTD").unwrap_or_else(|| env!("CARGO_BIN_EXE_huntd").into())
}

fn script() -> OsString {
    concat!(env!("CARGO_MANIFEST_DIR"), "/benches/baseline.py").into()
}

/// Why Python can't be measured here; none where it can.
pub(crate) fn python_lacks() -> Option<String> {
    let mut command = Command::new("python3");
    let output = command.args(["-c", "import requests, orjson"]).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Some(text.trim().lines().last().unwrap_or("it failed").to_owned())
        }
        Err(error) => Some(format!("python3: {error}")),
    }
}

/// The bytes of a database's files; none where it isn't there.
fn size(database: &Path) -> i64 {
    let of = |end: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        fs::metadata(path).map_or(0, |file| i64::try_from(file.len()).unwrap_or(i64::MAX))
    };
    of("") + of("-wal") + of("-shm")
}

/// The number before a word in the first line of what was printed: `… ok, 1000 rows, 10 new`.
fn count(printed: &str, word: &str) -> u64 {
    let mut words = printed.lines().next().unwrap_or_default().split([' ', ',']);
    let mut before = "";
    words
        .find_map(|this| {
            let number = (this == word).then(|| before.parse().ok()).flatten();
            before = this;
            number
        })
        .unwrap_or(0)
}
