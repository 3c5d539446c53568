//! Connections: one that writes, a few that read.
//!
//! A write holds its connection from `BEGIN IMMEDIATE` to the end. One that failed inside SQLite, or
//! was left in the middle, loses its connection: SQLite may have rolled back by itself (a full disk),
//! after which sqlx's own count of transactions is wrong for good. The next write opens another.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::fault::Fault;

/// How long SQLite waits for another process's write. The longest write is one run's commit.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that read: the listing verbs, the console and the runners together.
const READERS: u32 = 4;

/// What a connection to `path` needs that may write. sqlx sets the busy time-out when it opens the file,
/// before any PRAGMA, so that the change to WAL already waits for others.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    shared(path).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
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
        // KiB when negative: a run of 100,000 rows dirties about 16 MB.
        .pragma("cache_size", "-16384")
        .disable_statement_logging()
}

/// The readers' pool; opens nothing before the first read.
pub(super) fn readers(options: SqliteConnectOptions) -> SqlitePool {
    let options = options.pragma("query_only", "ON").pragma("cache_size", "-4096");
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
    /// Empty while a write is under way, and after one that failed.
    slot: Mutex<Option<SqliteConnection>>,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions, first: SqliteConnection) -> Self {
        Self { options, slot: Mutex::new(Some(first)) }
    }

    /// Waits for its turn in this process, then for other processes, and begins a write.
    pub(super) async fn begin(&self) -> Result<Write<'_>, Fault> {
        let mut slot = self.slot.lock().await;
        let mut conn = match slot.take() {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        Ok(Write { slot, conn })
    }

    /// Closes the connection, once the write that is under way has ended.
    pub(super) async fn close(&self) -> Result<(), Fault> {
        use sqlx::Connection;
        match self.slot.lock().await.take() {
            Some(conn) => Ok(conn.close().await?),
            None => Ok(()),
        }
    }
}

/// A write under way. Dropped before its end, nothing of it stays.
#[derive(Debug)]
pub(super) struct Write<'a> {
    slot: MutexGuard<'a, Option<SqliteConnection>>,
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
        *self.slot = Some(self.conn);
        result
    }
}
