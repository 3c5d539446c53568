//! Connections: one that writes, a few that read.
//!
//! A write holds its connection from `BEGIN IMMEDIATE` to the end. One that failed inside SQLite, or
//! was left in the middle, loses its connection: SQLite may have rolled back by itself (a full disk),
//! after which sqlx's own count of transactions is wrong for good. The next write opens another.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::fault::Fault;
use super::place::{Beside, Place};

/// How long SQLite waits for another process's write. The longest write is one run's commit.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The size of a page, in bytes. Twice as much would halve the calls to the system for a large result, and write nearly
/// twice as much for each of the many small ones.
pub(super) const PAGE: u32 = 4096;
/// Connections that read: the listing verbs, the console and the runners together.
const READERS: u32 = 4;

/// What a connection to `path` needs that may write. sqlx sets the busy time-out when it opens the file,
/// before any PRAGMA, so that the change to WAL already waits for others.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    shared(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
}

/// The same for the first connection to an empty file: it is made so that room can be given back to the file system.
/// Not for others, as SQLite writes this setting into the file each time that it is given.
pub(super) fn options_to_make(options: &SqliteConnectOptions) -> SqliteConnectOptions {
    options.clone().auto_vacuum(SqliteAutoVacuum::Incremental).page_size(PAGE)
}

/// What a connection to `path` needs where nothing can be written. Without a WAL all there is stands in
/// the file, and SQLite is told that nobody changes it (`immutable`), as it else must make a WAL to read.
/// With one, another process is at work or was killed: SQLite reads both, if the shared memory file is
/// there too (<https://www.sqlite.org/wal.html>, 5).
pub(super) fn options_to_read(path: &Path) -> SqliteConnectOptions {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    shared(path).read_only(true).immutable(!Path::new(&wal).exists())
}

fn shared(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        // A sort must not need a folder for temporary files.
        .pragma("temp_store", "MEMORY")
        // Back to 64 MiB after a large run; else the WAL keeps its greatest size for good.
        .pragma("journal_size_limit", "67108864")
        // KiB when negative. A run of 100,000 rows dirties more: what doesn't fit goes to the WAL before the commit.
        .pragma("cache_size", "-2048")
        .disable_statement_logging()
}

/// The readers' pool; opens nothing before the first read.
pub(super) fn readers(options: SqliteConnectOptions) -> SqlitePool {
    let options = options.pragma("query_only", "ON").pragma("cache_size", "-1024");
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(Duration::from_mins(1))
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// The writing connection, or the place where it will be.
#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// The file that was opened first. No other that stands at its path later is written to.
    place: Place,
    /// Empty while a write is under way, and after one that failed.
    slot: Mutex<Option<Open>>,
}

/// A connection that may write.
#[derive(Debug)]
struct Open {
    conn: SqliteConnection,
    /// None before its first write.
    beside: Option<Beside>,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions, place: Place, first: SqliteConnection) -> Self {
        Self { options, place, slot: Mutex::new(Some(Open { conn: first, beside: None })) }
    }

    /// Waits for its turn in this process, then for other processes, and begins a write.
    pub(super) async fn begin(&self) -> Result<Write<'_>, Fault> {
        let mut slot = self.slot.lock().await;
        // Before the connection is taken: what it holds of a file that is gone can still be saved.
        self.check(slot.as_ref())?;
        let Open { mut conn, beside } = match slot.take() {
            Some(open) => open,
            None => Open { conn: self.options.connect().await?, beside: None },
        };
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        let beside = beside.unwrap_or_else(|| Beside::of(self.options.get_filename()));
        Ok(Write { slot, place: &self.place, beside, conn })
    }

    fn check(&self, open: Option<&Open>) -> Result<(), Fault> {
        self.place.check()?;
        open.and_then(|open| open.beside.as_ref()).map_or(Ok(()), Beside::check)
    }

    /// Whether all files stand at their paths still. A write that is under way sees to that itself.
    pub(super) fn look(&self) -> Result<(), Fault> {
        self.slot.try_lock().map_or(Ok(()), |slot| self.check(slot.as_ref()))
    }

    /// Does something with the connection outside of a write, wherever its files are by now. Waits for
    /// the write that is under way; false where there is no connection to the file that was opened.
    pub(super) async fn borrow(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        match self.slot.lock().await.as_mut() {
            Some(open) => work(&mut open.conn).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Closes the connection, once the write that is under way has ended.
    pub(super) async fn close(&self) -> Result<(), Fault> {
        use sqlx::Connection;
        match self.slot.lock().await.take() {
            Some(open) => Ok(open.conn.close().await?),
            None => Ok(()),
        }
    }
}

/// A write under way. Dropped before its end, nothing of it stays.
#[derive(Debug)]
pub(super) struct Write<'a> {
    slot: MutexGuard<'a, Option<Open>>,
    place: &'a Place,
    beside: Beside,
    pub(super) conn: SqliteConnection,
}

impl Write<'_> {
    /// Ends the write: commits after `Ok`, and leaves nothing of it after `Err`.
    pub(super) async fn end<T>(mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        let last = match &result {
            Ok(_) => "COMMIT",
            // The connection goes with `self`, and the transaction with it.
            Err(Fault::Sql(_)) => return result,
            Err(_) => "ROLLBACK",
        };
        sqlx::query(last).execute(&mut self.conn).await?;
        // After the commit: a file that was deleted just before it must not count as written.
        let in_place = self.place.check().and_then(|()| self.beside.check());
        *self.slot = Some(Open { conn: self.conn, beside: Some(self.beside) });
        in_place.and(result)
    }
}
