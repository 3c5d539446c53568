//! From what SQLite says to what the person who must act is told.

use std::io;
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// A failure inside the store, before the file's name is added.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite or sqlx failed.
    Sql(sqlx::Error),
    /// What was read can't be what was written.
    Bad(String),
    /// Another process was faster.
    Overtaken,
    /// A file that SQLite has open stands no longer at its path: which, and what became of it.
    Gone(PathBuf, &'static str),
    /// What is put aside while a run lasts, or until its hits are told, can't be written or read back.
    Aside(io::Error),
    /// The caller gave what can't be stored: a fault of ours.
    Misuse(&'static str),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

// Result codes of https://www.sqlite.org/rescode.html; the low byte of an extended code is the
// primary one.
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
/// Also: a WAL on a disk that can't be written, whose shared memory file isn't as it was left.
const PROTOCOL: i32 = 15;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;
/// The shared memory file can't grow: in practice, no space (`unixShmMap` in SQLite's `os_unix.c`).
const IOERR_SHMSIZE: i32 = 0x130a;
/// The system refused a write, a sync or a cut of a file that is open, for another reason than want of
/// space: a disk that broke, or that the kernel made read-only because it did. SQLite doesn't say which.
const IOERR_WRITES: [i32; 4] = [0x30a, 0x40a, 0x50a, 0x60a];

impl Fault {
    /// Adds the file's name.
    pub(super) fn explain(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Sql(error) => explain_sql(error, &path),
            Self::Bad(why) => StoreError::Damaged { path, why },
            Self::Overtaken => StoreError::Overtaken,
            Self::Gone(file, what) => StoreError::Gone { path, file, what },
            Self::Aside(error) => explain_io(&error, &path),
            Self::Misuse(why) => StoreError::Other { path, why: why.to_owned() },
        }
    }

    /// Whether SQLite says that another process holds the file.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if matches!(code(error).map(|code| code & 0xff), Some(BUSY | LOCKED)))
    }
}

/// SQLite's extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn explain_sql(error: sqlx::Error, path: &Path) -> StoreError {
    let path = path.to_owned();
    let Some(code) = code(&error) else {
        return match error {
            sqlx::Error::PoolTimedOut => StoreError::Busy { path },
            // A value of another type than the schema's: only a damaged file has one.
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Damaged { path, why: error.to_string() }
            }
            other => StoreError::Other { path, why: other.to_string() },
        };
    };
    let why = match error {
        sqlx::Error::Database(inner) => inner.message().to_owned(),
        other => other.to_string(),
    };
    if code == IOERR_SHMSIZE {
        return StoreError::Full { path };
    }
    if IOERR_WRITES.contains(&code) {
        return StoreError::ReadOnly { path, why: format!("{why} (the kernel's log says why: see `dmesg`)") };
    }
    match code & 0xff {
        FULL => StoreError::Full { path },
        READONLY | PERM | AUTH => StoreError::ReadOnly { path, why },
        BUSY | LOCKED => StoreError::Busy { path },
        CORRUPT | NOTADB => StoreError::Damaged { path, why },
        CANTOPEN | PROTOCOL => {
            let file = path.file_name().unwrap_or_default().display();
            let why = format!("SQLite can't read it, or can't write {file}-wal and {file}-shm beside it");
            StoreError::Open { path, why }
        }
        _ => StoreError::Other { path, why: format!("{why} (SQLite code {code})") },
    }
}

/// What the file system's answer to making the file means.
pub(super) fn explain_io(error: &io::Error, path: &Path) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, why: error.to_string() }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Open { path, why: error.to_string() },
    }
}

/// From SQLite's signed numbers to ours. The schema's CHECKs hold them in range.
pub(super) fn unsigned<T: TryFrom<i64>>(number: i64) -> Result<T, Fault> {
    T::try_from(number).map_err(|_| Fault::Bad(format!("the number {number} is out of range")))
}

/// From our numbers to SQLite's signed ones; counts never come near the end.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_systems_answers_have_names() {
        let path = Path::new("/x/huntd.db");
        let explain = |kind| explain_io(&io::Error::from(kind), path);
        assert!(matches!(explain(io::ErrorKind::PermissionDenied), StoreError::ReadOnly { .. }));
        assert!(matches!(explain(io::ErrorKind::ReadOnlyFilesystem), StoreError::ReadOnly { .. }));
        assert!(matches!(explain(io::ErrorKind::StorageFull), StoreError::Full { .. }));
        assert!(matches!(explain(io::ErrorKind::NotADirectory), StoreError::Open { .. }));
    }
}
