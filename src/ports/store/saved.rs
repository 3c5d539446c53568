//! Copies of a database that was deleted or replaced under huntd: `huntd.db.saved` beside its path, and
//! `.saved-2` and so on where there is one already.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;

use super::error::StoreError;
use super::fault::{Fault, explain_io};
use super::place::with_ending;

/// Nobody keeps so many.
const MOST: u32 = 99;

fn name(database: &Path, number: u32) -> PathBuf {
    let ending = if number == 1 { ".saved".to_owned() } else { format!(".saved-{number}") };
    with_ending(database, &ending)
}

/// The newest copy that there is.
pub(super) fn newest(database: &Path) -> Option<PathBuf> {
    (1..=MOST).map(|number| name(database, number)).take_while(|copy| copy.exists()).last()
}

/// Makes an empty file for a copy, with mode 0600.
pub(super) fn free(database: &Path) -> Result<PathBuf, StoreError> {
    for copy in (1..=MOST).map(|number| name(database, number)) {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy) {
            Ok(_) => return Ok(copy),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(explain_io(&error, &copy)),
        }
    }
    let why = format!("there are {MOST} copies of {} already", database.display());
    Err(StoreError::Open { path: database.to_owned(), why })
}

/// Writes all that the connection sees into an empty file, and onto the disk. Empties the WAL then: it
/// stands beside whatever is put at the database's path next, and would be read into that.
pub(super) async fn write(conn: &mut SqliteConnection, copy: &Path) -> Result<(), Fault> {
    let name = copy.to_str().ok_or(Fault::Misuse("the copy's name is no UTF-8"))?;
    sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut *conn).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(conn).await?;
    Ok(())
}

/// Takes away what [`free`] made: an empty file or half a copy must not look like one.
pub(super) fn forget(copy: &Path) {
    // That it stays behind changes nothing of the error that is told.
    drop(std::fs::remove_file(copy));
}
