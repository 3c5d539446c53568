//! Whether the files that SQLite has open still stand at their paths.
//!
//! SQLite holds its files open and never looks at their names again: in a file that was deleted or
//! replaced it writes on without an error, and all of it is gone with the process
//! (<https://www.sqlite.org/howtocorrupt.html>, 4). So each write asks here before and after.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// A file, whatever it is called: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

/// Which file a path leads to; none where there is none.
pub(super) fn file_at(path: &Path) -> io::Result<Option<FileId>> {
    match std::fs::metadata(path) {
        Ok(file) => Ok(Some(FileId(file.dev(), file.ino()))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A path, and the file that stood there when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    file: Option<FileId>,
}

impl Place {
    /// What stands at a path now. Without an answer from the system nothing is held against it later.
    pub(super) fn of(path: PathBuf) -> Self {
        let file = file_at(&path).ok().flatten();
        Self { path, file }
    }

    /// Fails when the path leads to another file by now, or to none. Where the system doesn't say, the
    /// file is taken to be there: whatever is wrong with the disk, SQLite meets it too.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Some(file) = self.file else { return Ok(()) };
        match file_at(&self.path) {
            Ok(None) => Err(self.gone("was deleted")),
            Ok(Some(now)) if now != file => Err(self.gone("was replaced by another file")),
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }

    fn gone(&self, what: &'static str) -> Fault {
        Fault::Gone(self.path.clone(), what)
    }
}

/// The database's WAL and its shared memory, as one connection has them open.
#[derive(Debug)]
pub(super) struct Beside([Place; 2]);

impl Beside {
    /// What stands beside the database now. To be asked within a connection's write: SQLite makes both
    /// files for it at the latest then, and leaves them alone as long as the connection lives.
    pub(super) fn of(database: &Path) -> Self {
        // SQLite names both after what a link leads to.
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let place = |ending| Place::of(with_ending(&database, ending));
        Self([place("-wal"), place("-shm")])
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        self.0.iter().try_for_each(Place::check)
    }
}

/// A path with something added to its last name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
