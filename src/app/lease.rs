//! One daemon a database: a lock on a file beside it, which the system frees when the process ends
//! in whatever way. No clock takes part, so a clock that jumps frees nothing and holds nothing back.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::exit::AppError;

/// Held while the daemon runs.
#[derive(Debug)]
pub struct Lease {
    database: PathBuf,
    path: PathBuf,
    file: File,
}

/// Why there is no lease.
#[derive(Debug)]
enum Refusal {
    /// Another daemon holds it.
    Held(AppError),
    /// The system gives no file, or no lock.
    System(AppError),
}

impl Lease {
    /// Takes the lease, or says who holds it.
    pub fn take(database: &Path) -> Result<Self, AppError> {
        let path = lock_path(database);
        match lock(database, &path) {
            Ok(file) => Ok(Self { database: database.to_owned(), path, file }),
            Err(Refusal::Held(error) | Refusal::System(error)) => Err(error),
        }
    }

    /// Whether a daemon holds the lease of a database now. Takes nothing, and makes no file.
    #[must_use]
    pub fn is_held(database: &Path) -> bool {
        let Ok(file) = File::open(lock_path(database)) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Takes the lease again when somebody deleted its file; an error when another daemon was faster.
    pub fn keep(&mut self) -> Result<(), AppError> {
        if self.is_in_place() {
            return Ok(());
        }
        match lock(&self.database, &self.path) {
            Ok(file) => {
                tracing::warn!(file = %self.path.display(), "the lock was deleted, and is made again");
                self.file = file;
                Ok(())
            }
            Err(Refusal::Held(error)) => Err(error),
            Err(Refusal::System(error)) => {
                tracing::debug!(%error, "the lock was deleted, and can't be made again yet");
                Ok(())
            }
        }
    }

    fn is_in_place(&self) -> bool {
        let id = |file: &std::fs::Metadata| (file.dev(), file.ino());
        match (self.file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(held), Ok(there)) => id(&held) == id(&there),
            (_, Err(error)) => error.kind() != std::io::ErrorKind::NotFound,
            (Err(_), _) => true,
        }
    }
}

impl Drop for Lease {
    /// Closing the file isn't enough: a child that another thread is about to start shares it until then.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock can't be given back: it ends with the process");
        }
    }
}

/// The lock of a database, whatever it is called in a config: beside the file that a link leads to.
fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}

/// Opens and locks the file, and writes this process's number into it.
fn lock(database: &Path, path: &Path) -> Result<File, Refusal> {
    let error = |error: std::io::Error| {
        Refusal::System(AppError::new(
            format!("can't write {}: {error}", path.display()),
            "the database's folder must exist, with room, and belong to huntd's user",
        ))
    };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(error)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The number is for the message only: without it the message is still right.
            let _read = file.read_to_string(&mut holder).is_ok();
            return Err(Refusal::Held(AppError::new(
                format!("another huntd daemon runs on {} (process {})", database.display(), holder.trim()),
                "stop it first, or give this one a database of its own",
            )));
        }
        Err(TryLockError::Error(cause)) => return Err(error(cause)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(error)?;
    Ok(file)
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

    #[test]
    fn a_lease_ends_though_a_child_shares_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("huntd.db");
        let first = Lease::take(&database).unwrap();
        let _shared = first.file.try_clone().unwrap();
        drop(first);
        assert!(Lease::take(&database).is_ok());
    }

    #[test]
    fn a_look_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("huntd.db");
        assert!(!Lease::is_held(&database));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let held = Lease::take(&database).unwrap();
        assert!(Lease::is_held(&database));
        drop(held);
        assert!(!Lease::is_held(&database));
    }

    #[test]
    fn what_a_dead_daemon_left_holds_nobody_back() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("huntd.db");
        std::fs::write(folder.path().join("huntd.db.lock"), "1234567890\n").unwrap();
        let _held = Lease::take(&database).unwrap();
        let holder = std::fs::read_to_string(folder.path().join("huntd.db.lock")).unwrap();
        assert_eq!(holder, format!("{}\n", std::process::id()));
    }

    #[test]
    fn one_database_has_one_lease_under_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (database, link) = (folder.path().join("huntd.db"), folder.path().join("link.db"));
        std::fs::write(&database, "").unwrap();
        std::os::unix::fs::symlink(&database, &link).unwrap();
        let _held = Lease::take(&link).unwrap();
        assert!(Lease::take(&database).is_err());
    }

    #[test]
    fn a_lock_that_was_deleted_is_taken_again_by_one_of_two() {
        let folder = tempfile::tempdir().unwrap();
        let (database, lock) = (folder.path().join("huntd.db"), folder.path().join("huntd.db.lock"));
        let mut first = Lease::take(&database).unwrap();
        first.keep().unwrap();
        std::fs::remove_file(&lock).unwrap();
        first.keep().unwrap();
        assert!(Lease::take(&database).is_err(), "held again");

        std::fs::remove_file(&lock).unwrap();
        let second = Lease::take(&database).unwrap();
        let error = first.keep().unwrap_err();
        assert!(error.to_string().contains("another huntd daemon runs"), "{error}");
        drop(second);
        first.keep().unwrap();
    }
}
