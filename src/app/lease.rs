//! One daemon a database: a lock on a file beside it, which the system frees when the process ends
//! in whatever way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::exit::AppError;

/// Held while the daemon runs.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Takes the lease, or says who holds it.
    pub fn take(database: &Path) -> Result<Self, AppError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let error = |error: std::io::Error| {
            AppError::new(
                format!("can't write {}: {error}", path.display()),
                "the database's folder must exist, with room, and belong to huntd's user",
            )
        };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The number is for the message only: without it the message is still right.
                let _read = file.read_to_string(&mut holder).is_ok();
                return Err(AppError::new(
                    format!("another huntd daemon runs on {} (process {})", database.display(), holder.trim()),
                    "stop it first, or give this one a database of its own",
                ));
            }
            Err(TryLockError::Error(cause)) => return Err(error(cause)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(error)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_daemon_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("huntd.db");
        let first = Lease::take(&database).unwrap();
        let error = Lease::take(&database).unwrap_err();
        assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
        drop(first);
        assert!(Lease::take(&database).is_ok());
    }
}
