//! The store itself: opening, what is the database's own, and the way to its connections.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use super::connection::{PATIENCE, Write, Writer, options, options_to_make, options_to_read, readers};
use super::error::StoreError;
use super::fault::{Fault, explain_io};
use super::owner::this_owner;
use super::place::Place;
use super::saved;
use super::schema;
use crate::model::id::{RunId, digest};
use crate::model::time::Timestamp;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// `application_id` of our files: "hunt" in ASCII.
const APPLICATION: i64 = 0x6875_6e74;

/// The database. Cheap to clone; all clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    writer: Writer,
    readers: SqlitePool,
    secret: [u8; 32],
    database_id: String,
    owner: String,
}

impl Store {
    /// Opens the database, makes it where there is none (mode 0600, and so SQLite's two files beside
    /// it), and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, PATIENCE).await
    }

    /// As [`open`](Self::open), with so much patience for another process's write: beyond it a write is
    /// [`StoreError::Busy`].
    pub async fn open_waiting(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        make_file(path)?;
        let (options, place) = (options(path).busy_timeout(patience), Place::of(path.to_owned()));
        let is_empty = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
        let first = if is_empty { options_to_make(&options) } else { options.clone() };
        let mut conn = connect(&first).await.map_err(|fault| fault.explain(path))?;
        let own = prepare(&mut conn, path).await?;
        // What is open is what stood there before and after.
        place.check().map_err(|fault| fault.explain(path))?;
        Ok(Self::with(path, (options, place), conn, own))
    }

    fn with(
        path: &Path,
        (options, place): (SqliteConnectOptions, Place),
        conn: SqliteConnection,
        own: (String, [u8; 32]),
    ) -> Self {
        let readers = readers(options.clone());
        let writer = Writer::new(options, place, conn);
        let (database_id, secret) = own;
        let (owner, path) = (this_owner(), path.to_owned());
        Self { inner: Arc::new(Inner { path, writer, readers, secret, database_id, owner }) }
    }

    /// Opens the database for a verb that only shows what is there: says so where no run was made yet.
    /// On a read-only disk, or in a folder of another user, it can be read, and every write is an error.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            let why = "it doesn't exist, as no run was made yet".to_owned();
            return Err(StoreError::Open { path: path.to_owned(), why });
        }
        match Self::open(path).await {
            Err(refused @ (StoreError::Open { .. } | StoreError::ReadOnly { .. })) => {
                match Self::open_to_read(path).await {
                    Err(StoreError::Open { .. }) => Err(refused),
                    read => read,
                }
            }
            open => open,
        }
    }

    /// Opens the database where nothing can be written, neither in it nor beside it.
    pub(super) async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let (options, place) = (options_to_read(path), Place::of(path.to_owned()));
        let mut conn = options.connect().await.map_err(|error| Fault::Sql(error).explain(path))?;
        if check_ours(&mut conn, path).await? != newest() {
            let why = "it is of an older version, and must first be brought up to date".to_owned();
            return Err(StoreError::ReadOnly { path: path.to_owned(), why });
        }
        let own = stored_installation(&mut conn).await.map_err(|fault| fault.explain(path))?;
        Ok(Self::with(path, (options, place), conn, own))
    }

    /// Whether all files of the database stand at their paths still: an error is [`StoreError::Gone`].
    /// Asks the system for three names, and SQLite for nothing. Every write asks the same.
    pub fn look(&self) -> Result<(), StoreError> {
        self.told(self.inner.writer.look())
    }

    /// Saves what the database holds after it was deleted or replaced, to a file beside its path with
    /// mode 0600, and says to which: [`open`](Self::open) then refuses to begin anew. None where nothing
    /// is left to be saved, as no connection to the file is open any more. Nothing can be read after it.
    pub async fn save(&self) -> Result<Option<PathBuf>, StoreError> {
        // A reader would hold back what is in the WAL.
        self.inner.readers.close().await;
        let copy = saved::free(&self.inner.path)?;
        let saved = self.inner.writer.borrow(async |conn| saved::write(conn, &copy).await).await;
        if !matches!(saved, Ok(true)) {
            saved::forget(&copy);
        }
        self.told(saved.map(|saved| saved.then_some(copy)))
    }

    /// Closes all connections, after the work that is under way. A store that is only dropped loses
    /// nothing either.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.inner.readers.close().await;
        self.told(self.inner.writer.close().await)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The database's secret, made with it: keys the rows' fingerprints.
    #[must_use]
    pub fn secret(&self) -> [u8; 32] {
        self.inner.secret
    }

    /// The database's id, made with it: 32 hexadecimal digits.
    #[must_use]
    pub fn database_id(&self) -> String {
        self.inner.database_id.clone()
    }

    /// An id for a run that begins now. Its tail has 32 random bits: two runs of one second share it once in four
    /// milliards, and then the second isn't committed but made again.
    #[must_use]
    pub fn new_run_id(&self, started: Timestamp) -> RunId {
        RunId::derive(&started.compact(), &[self.inner.database_id.as_bytes(), Uuid::new_v4().as_bytes()])
    }

    /// Who this process is in the ledger.
    pub(super) fn owner(&self) -> &str {
        &self.inner.owner
    }

    /// Begins a write.
    pub(super) async fn begin(&self) -> Result<Write<'_>, StoreError> {
        self.told(self.inner.writer.begin().await)
    }

    /// A view of the database that stands still until it is dropped.
    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.told(self.inner.readers.begin().await.map_err(Fault::from))
    }

    /// Adds the file's name to a failure.
    pub(super) fn told<T>(&self, result: Result<T, Fault>) -> Result<T, StoreError> {
        result.map_err(|fault| fault.explain(&self.inner.path))
    }
}

/// Makes the file with mode 0600 where there is none. An existing file isn't opened, not for a
/// moment: closing it would drop the locks that SQLite holds on it elsewhere in this process
/// (<https://www.sqlite.org/howtocorrupt.html>, 2.2).
fn make_file(path: &Path) -> Result<(), StoreError> {
    let open = |why: String| StoreError::Open { path: path.to_owned(), why };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(open(format!("the folder {} doesn't exist", folder.display())));
    }
    if path.is_dir() {
        return Err(open("it is a folder".to_owned()));
    }
    if !path.exists()
        && let Some(copy) = saved::newest(path)
    {
        return Err(StoreError::Saved { path: path.to_owned(), copy });
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(explain_io(&error, path)),
        _ => Ok(()),
    }
}

/// Connects; the change to WAL doesn't wait for another process that makes it at the same moment.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, Fault> {
    let mut pause = Duration::from_millis(10);
    loop {
        match options.connect().await.map_err(Fault::from) {
            Err(fault) if fault.is_busy() && pause < Duration::from_secs(2) => {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            other => return other,
        }
    }
}

/// Checks that the file is ours and not newer, applies what migrations are missing, and reads what is
/// the database's own: all in one write, so that two processes can't do it at once.
pub(super) async fn prepare(conn: &mut SqliteConnection, path: &Path) -> Result<(String, [u8; 32]), StoreError> {
    let explain = |error: sqlx::Error| Fault::Sql(error).explain(path);
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *conn).await.map_err(explain)?;
    if journal != "wal" {
        let why = format!("its file system has no shared memory (journal mode {journal}); put it on a local disk");
        return Err(StoreError::Open { path: path.to_owned(), why });
    }
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(explain)?;
    let is_settled = match check_ours(&mut tx, path).await? {
        None => schema::create(&mut tx, &MIGRATIONS).await.map(|()| true).map_err(|error| not_migrated(error, path))?,
        Some(_) => schema::is_as_built(&mut tx, &MIGRATIONS).await.map_err(|fault| fault.explain(path))?,
    };
    if !is_settled {
        // `run` does the same, but its future can't cross threads for a borrowed connection.
        MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|error| not_migrated(error, path))?;
    }
    let own = installation(&mut tx).await.map_err(|fault| fault.explain(path))?;
    tx.commit().await.map_err(explain)?;
    Ok(own)
}

fn not_migrated(error: MigrateError, path: &Path) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Fault::Sql(error).explain(path),
        other => Fault::Bad(other.to_string()).explain(path),
    }
}

/// The version of the schema that this program knows.
fn newest() -> Option<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).max()
}

/// Refuses a file that isn't ours or is newer; else says its version, none for an empty file.
async fn check_ours(conn: &mut SqliteConnection, path: &Path) -> Result<Option<i64>, StoreError> {
    let explain = |error: sqlx::Error| Fault::Sql(error).explain(path);
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await.map_err(explain)?;
    if application != APPLICATION {
        let things: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *conn).await.map_err(explain)?;
        if application != 0 || things != 0 {
            return Err(Fault::Bad("it belongs to another program".to_owned()).explain(path));
        }
        return Ok(None);
    }
    let found: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *conn).await.map_err(explain)?;
    let known = newest().unwrap_or(0);
    match found {
        Some(found) if found > known => Err(StoreError::Newer { path: path.to_owned(), found, known }),
        found => Ok(found),
    }
}

/// The database's id and secret; made where it has none yet. Each v4 UUID brings 122 random bits from
/// the operating system.
async fn installation(conn: &mut SqliteConnection) -> Result<(String, [u8; 32]), Fault> {
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let secret = digest("huntd secret v1", &[one.as_bytes(), two.as_bytes()]);
    sqlx::query("INSERT INTO installation (one, database_id, secret) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING")
        .bind(Uuid::new_v4().simple().to_string())
        .bind(secret.as_slice())
        .execute(&mut *conn)
        .await?;
    stored_installation(conn).await
}

async fn stored_installation(conn: &mut SqliteConnection) -> Result<(String, [u8; 32]), Fault> {
    let (id, secret): (String, Vec<u8>) =
        sqlx::query_as("SELECT database_id, secret FROM installation WHERE one = 1").fetch_one(conn).await?;
    let secret = secret.try_into().map_err(|_| Fault::Bad("the secret has another length".to_owned()))?;
    Ok((id, secret))
}
