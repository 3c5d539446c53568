//! What the machine itself asks for the same work: below this no program gets, whoever writes it.
//!
//! Read the body from the socket, look at every byte of it as JSON once, hash every row with a key, and write what is new
//! to SQLite in one transaction with synchronous FULL; inflate before, where the body is gzip. Each alone, as bare as it
//! can be, in milliseconds of CPU.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use nix::time::ClockId;
use serde::de::IgnoredAny;
use siphasher::sip128::SipHasher13;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::answer::Answer;
use super::process::cpu;

/// What a new row takes in the store, packed well, in bytes: its text compressed, its id and its fingerprint.
pub(crate) const STORED: u64 = 160;
/// Rows in one blob.
const TOGETHER: u64 = 256;

/// The limits for one answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Floor {
    /// Reading the body from the socket, as it is sent.
    pub(crate) read: f64,
    /// Inflating it; zero where it came plain.
    pub(crate) inflate: f64,
    /// Looking at every byte of it as JSON, and keeping nothing.
    pub(crate) scan: f64,
    /// SipHash-1-3 of every row, 128 bits with a secret key.
    pub(crate) hash: f64,
}

impl Floor {
    /// Of a run that finds nothing new.
    pub(crate) fn unchanged(self) -> f64 {
        self.read + self.inflate + self.scan + self.hash
    }

    /// Takes each, once. `answer` is what `tenant` sends now, as `gzip` if that is given.
    pub(crate) fn of(tenant: SocketAddr, answer: &Answer, gzip: Option<&[u8]>) -> Result<Self, Box<dyn Error>> {
        let inflate = gzip.map_or(Ok(0.0), |packed| took(|| drain(MultiGzDecoder::new(packed))))?;
        let scan = took(|| {
            black_box(serde_json::from_slice::<IgnoredAny>(&answer.body)?);
            Ok(())
        })?;
        let hash = took(|| {
            let hasher = SipHasher13::new_with_key(b"a secret of ours");
            for row in answer.iter() {
                black_box(hasher.hash(row));
            }
            Ok(())
        })?;
        Ok(Self { read: took(|| read(tenant))?, inflate, scan, hash })
    }
}

/// Writes what `rows` new rows take into a fresh database in `folder`.
pub(crate) fn write(folder: &Path, rows: u64) -> Result<f64, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // What compressed rows look like: no byte says anything of the next.
    let mut rng = fastrand::Rng::with_seed(7);
    let blob: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(usize::try_from(STORED * TOGETHER)?).collect();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    // SQLite works on a thread of its own, and the tenant rests.
    took_by(ClockId::CLOCK_PROCESS_CPUTIME_ID, || runtime.block_on(fill(options, &blob, rows)))
}

async fn fill(options: SqliteConnectOptions, blob: &[u8], rows: u64) -> Result<(), Box<dyn Error>> {
    let mut store: SqliteConnection = options.connect().await?;
    sqlx::query("CREATE TABLE block (id INTEGER PRIMARY KEY, body BLOB NOT NULL)").execute(&mut store).await?;
    let mut commit = store.begin().await?;
    for first in (0..rows).step_by(usize::try_from(TOGETHER)?) {
        let bytes = usize::try_from((rows - first).min(TOGETHER) * STORED)?;
        let part = blob.get(..bytes).unwrap_or_default();
        sqlx::query("INSERT INTO block (body) VALUES (?)").bind(part).execute(&mut *commit).await?;
    }
    commit.commit().await?;
    Ok(store.close().await?)
}

/// Asks the tenant and reads all that it sends, into nowhere.
fn read(tenant: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(tenant)?;
    stream.write_all(b"POST /query HTTP/1.1\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = BufReader::with_capacity(64 * 1024, stream);
    let (mut line, mut length) = (String::new(), 0);
    while answer.read_line(&mut line)? > 2 {
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse()?;
        }
        line.clear();
    }
    drain(answer.take(length))
}

fn drain(mut from: impl Read) -> Result<(), Box<dyn Error>> {
    let mut buffer = vec![0; 64 * 1024];
    while from.read(&mut buffer)? > 0 {
        black_box(&buffer);
    }
    Ok(())
}

/// CPU of this thread alone: the tenant's threads are none of its business.
fn took(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    took_by(ClockId::CLOCK_THREAD_CPUTIME_ID, work)
}

fn took_by(clock: ClockId, work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let before = cpu(clock)?;
    work()?;
    Ok(cpu(clock)? - before)
}
