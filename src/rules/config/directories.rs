//! The folders that the service manager makes for the service and names in its environment (systemd.exec(5),
//! `StateDirectory=` and `RuntimeDirectory=`): where the config says no path of its own, they are meant.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The folders of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// What outlives a restart.
    pub state: PathBuf,
    /// What doesn't outlive the service.
    pub runtime: PathBuf,
}

impl Default for Directories {
    /// Those of the unit that ships, for whoever asks from outside of the service.
    fn default() -> Self {
        Self { state: "/var/lib/huntd".into(), runtime: "/run/huntd".into() }
    }
}

impl Directories {
    /// Those that an environment names. Each variable may name several folders, split by colons: the first counts.
    #[must_use]
    pub fn of(env: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |name: &str| {
            let value = env(name)?;
            let first = value.as_bytes().split(|byte| *byte == b':').next()?;
            let path = Path::new(std::ffi::OsStr::from_bytes(first));
            path.is_absolute().then(|| path.to_path_buf())
        };
        let Self { state, runtime } = Self::default();
        Self {
            state: first("STATE_DIRECTORY").unwrap_or(state),
            runtime: first("RUNTIME_DIRECTORY").unwrap_or(runtime),
        }
    }

    /// The database where the config names none.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.state.join("huntd.db")
    }

    /// The socket where the config says `unix` and no path.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("huntd.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state: Option<&str>, runtime: Option<&str>) -> (PathBuf, PathBuf) {
        let directories = Directories::of(|name| {
            let value = if name == "STATE_DIRECTORY" { state } else { runtime };
            value.map(OsString::from)
        });
        (directories.database(), directories.socket())
    }

    #[test]
    fn the_first_folder_that_the_service_manager_names_counts() {
        let built_in: (PathBuf, PathBuf) = ("/var/lib/huntd/huntd.db".into(), "/run/huntd/huntd.sock".into());
        for nothing in [None, Some(""), Some("relative"), Some(":/late")] {
            assert_eq!(of(nothing, nothing), built_in, "{nothing:?}");
        }
        let (database, socket) = of(Some("/var/lib/huntd-b:/var/lib/other"), Some("/run/huntd-b"));
        assert_eq!(database, Path::new("/var/lib/huntd-b/huntd.db"));
        assert_eq!(socket, Path::new("/run/huntd-b/huntd.sock"));
    }
}
