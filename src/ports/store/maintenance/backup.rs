//! A copy of the database, made while it is in use.

use std::fs::File;
use std::io;
use std::path::Path;

use sqlx::{ConnectOptions, Connection};

use crate::ports::store::connection::options;
use crate::ports::store::database::Store;
use crate::ports::store::error::StoreError;
use crate::ports::store::fault::{Fault, explain_io};

impl Store {
    /// Copies the database, as of now and while it is in use, to a new file with mode 0600, and says how many bytes it
    /// has. The file has its name only when all of it is on the disk and was opened once: a backup that was
    /// killed leaves no half copy that looks like one. The copy has no free pages, and gives room back to the file
    /// system ([`Pruning`](super::Pruning)) also where this database doesn't.
    ///
    /// # Errors
    ///
    /// A file that is there is [`StoreError::Open`]: a backup never overwrites.
    pub async fn backup(&self, to: &Path) -> Result<u64, StoreError> {
        let told = |error: &io::Error| explain_io(error, to);
        if to.exists() {
            return Err(told(&io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The name goes with the value, unless it was kept; its mode is 0600.
        let made = tempfile::Builder::new().prefix(".huntd-").suffix(".part").tempfile_in(folder);
        let part = made.map_err(|error| told(&error))?.into_temp_path();
        copy(self.path(), &part).await.map_err(|fault| fault.explain(to))?;
        let copied = Self::open_to_read(&part).await?;
        let is_ours = copied.database_id() == self.database_id();
        copied.close().await?;
        if !is_ours {
            return Err(Fault::Bad("the copy is of another database".to_owned()).explain(to));
        }
        let file = File::open(&part).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
        let bytes = file.map_err(|error| told(&error))?.len();
        part.persist_noclobber(to).map_err(|error| told(&error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| told(&error))?;
        Ok(bytes)
    }
}

async fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let name = to.to_str().ok_or(Fault::Misuse("the backup's name is no UTF-8"))?;
    let mut conn = options(from).connect().await?;
    let mode: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&mut conn).await?;
    if mode == 0 {
        // Where the file isn't made so, this says how a copy is made, and writes nothing.
        sqlx::query("PRAGMA auto_vacuum = INCREMENTAL").execute(&mut conn).await?;
    }
    sqlx::query("VACUUM INTO ?1").bind(name).execute(&mut conn).await?;
    Ok(conn.close().await?)
}
