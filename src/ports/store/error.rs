//! What can go wrong with the database, for the person who must act.

use std::path::PathBuf;

/// Why the database can't be used, or didn't take a write. Nothing of the transaction that failed
/// is in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be opened or made.
    #[error("can't open the database {}: {why}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The file was written by a newer huntd.
    #[error("the database {} is of version {found}, and this huntd knows versions up to {known}", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file is no database, or is damaged.
    #[error("the database {} is damaged or no database: {why}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The disk is full.
    #[error("no space left for the database {}", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// The file or its folder can't be written.
    #[error("the database {} can't be written: {why}", path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Another process held the database for longer than we wait.
    #[error("the database {} is busy: another process holds it", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// A file of the database was deleted or replaced while it was in use: what is written now would be
    /// lost with the process. What was written before is still held; see `Store::save`.
    #[error("the database {} is no longer what huntd opened: {} {what}", path.display(), file.display())]
    Gone {
        /// The database file.
        path: PathBuf,
        /// The one that is gone: the database itself, or its `-wal` or `-shm`.
        file: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// The database isn't there, and a copy is that huntd made when it was deleted.
    #[error("the database {} is gone, and its copy is there, which huntd saved when it was deleted: {}", path.display(), copy.display())]
    Saved {
        /// The database file.
        path: PathBuf,
        /// The newest copy.
        copy: PathBuf,
    },
    /// Another process committed a run of the same hunt and tenant in between: make the run again.
    #[error("another process committed a run of this hunt in between")]
    Overtaken,
    /// Anything else.
    #[error("the database {} failed: {why}", path.display())]
    Other {
        /// The database file.
        path: PathBuf,
        /// What SQLite or sqlx says.
        why: String,
    },
}

impl StoreError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Open { .. } => {
                "check that the folder exists, that its disk isn't mounted read-only, and that huntd's user may read the file and write in the folder"
            }
            Self::Newer { .. } => "install the newer huntd again, or restore the database from before it",
            Self::Damaged { .. } => "restore a backup, or move the file away: huntd then starts with an empty history",
            Self::Full { .. } => "free some space; huntd goes on by itself, and has lost nothing",
            Self::ReadOnly { .. } => "mount the disk writable, and give the file and its folder to huntd's user",
            Self::Busy { .. } => "find the process that holds it (`fuser` names it); huntd tries again",
            Self::Gone { .. } => {
                "stop what deletes or moves the database's files, and stop huntd before you restore a backup; then start huntd again"
            }
            Self::Saved { .. } => {
                "move the copy to the database's place; or, to begin anew with an empty history, move it elsewhere"
            }
            Self::Overtaken | Self::Other { .. } => return None,
        })
    }
}
