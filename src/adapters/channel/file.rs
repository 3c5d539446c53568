//! Hits as JSON lines in a file that others read while it grows.
//!
//! Promises: a notice is on the disk before it counts as sent; its lines stand together, whole; a
//! repeat after a crash adds only the lines that aren't there yet. The file is opened anew for each
//! notice, so that rotation by renaming, and by copying and cutting, both work. Two processes that
//! write to one file wait for each other.

use std::collections::HashMap;
use std::fs::{self, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::config::FileChannel;
use crate::model::delivery::{About, Notice};
use crate::model::hit::Hit;
use crate::model::id::{ChannelName, DeliveryId, HitId};
use crate::model::told::Told;
use crate::model::trouble::Warning;
use crate::ports::channel::{Channel, SendError};
use crate::rules::render::json;
use crate::rules::render::visible::visible;

/// The mode of a new file: hits hold people's names, so the world doesn't read them.
const MODE: u32 = 0o640;
/// How much of other lines may stand behind those of a repeat, for it to find its own.
const SEARCH: u64 = 64 * 1024 * 1024;
/// How a line of ours begins.
const BEGIN: &[u8] = b"{\"hit\":\"";
/// What ends the part of a line that huntd writes itself; a row can't hold it before its own begin,
/// as quotes inside JSON strings are escaped.
const ROW: &str = ",\"row\":";
/// Between two looks at a lock that another process holds, and how many looks.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 300;

/// A file of JSON lines.
#[derive(Debug)]
pub struct File {
    name: ChannelName,
    path: PathBuf,
}

/// So much text is collected before it is written.
const PIECE: usize = 1024 * 1024;

/// The lines of one notice.
struct Batch {
    delivery: DeliveryId,
    repeat: bool,
    hits: Told,
}

impl Batch {
    /// A hit's line, with its end.
    fn line(&self, hit: &Hit) -> String {
        let mut line = json::line(hit, Some(&self.delivery));
        line.push('\n');
        line
    }
}

/// How many lines of each hit are there already: a hit has one for each of its rows, always in the same order.
type Known = HashMap<HitId, usize>;

/// What came of one try to write.
enum Outcome {
    Written,
    Busy,
}

impl File {
    /// The channel of that name.
    #[must_use]
    pub fn new(name: ChannelName, settings: &FileChannel) -> Self {
        Self { name, path: settings.path.clone() }
    }

    /// What went wrong, and how to mend it.
    fn error(&self, error: &io::Error) -> SendError {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => ": make its folder first",
            io::ErrorKind::PermissionDenied => ": huntd's user must be able to read and write it",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ": free some space",
            _ => "",
        };
        let path = self.path.to_string_lossy();
        SendError::Later(format!("can't write hits to {}{hint}: {}", visible(&path), visible(&error.to_string())))
    }
}

#[async_trait::async_trait]
impl Channel for File {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        if notice.about != About::Hits {
            return Err(hits_only());
        }
        let batch = Arc::new(Batch {
            delivery: notice.delivery.clone(),
            repeat: notice.attempts > 0,
            hits: notice.hits.clone(),
        });
        for _ in 0..LOOKS {
            let (path, batch) = (self.path.clone(), Arc::clone(&batch));
            let tried = tokio::task::spawn_blocking(move || write(&path, &batch)).await;
            match tried.map_err(io::Error::other).and_then(|result| result) {
                Ok(Outcome::Written) => return Ok(()),
                Ok(Outcome::Busy) => tokio::time::sleep(LOOK).await,
                Err(error) => return Err(self.error(&error)),
            }
        }
        let path = self.path.to_string_lossy();
        Err(SendError::Later(format!("can't write hits to {}: another process holds its lock", visible(&path))))
    }

    async fn warn(&self, _delivery: &DeliveryId, _warning: &Warning) -> Result<(), SendError> {
        Err(hits_only())
    }
}

fn hits_only() -> SendError {
    SendError::Never("a file holds hits only: name a mail or log channel in `failures.to`".to_owned())
}

/// Writes what is missing of the batch, and has it on the disk when this returns.
fn write(path: &Path, batch: &Batch) -> io::Result<Outcome> {
    let created = !path.exists();
    let mut file = fs::OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Outcome::Busy),
        // A file system without locks: two writers on it are the operator's choice.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let opened = file.metadata()?;
    if !opened.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    // Rotated between the opening and the lock: the next look opens the new file.
    if !fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino())) {
        return Ok(Outcome::Busy);
    }
    let glue = mend_end(&mut file)?;
    let known = if batch.repeat { written(&mut file, batch)? } else { Known::new() };
    let end = file.metadata()?.len();
    append(&mut file, glue, batch, known).inspect_err(|_| cut_back(&file, end))?;
    if created && let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(Outcome::Written)
}

/// Appends `glue` and the lines that aren't `known`, and syncs.
fn append(file: &mut fs::File, glue: &[u8], batch: &Batch, mut known: Known) -> io::Result<()> {
    let mut text = Vec::from(glue);
    for hit in &batch.hits {
        let hit = hit?;
        if let Some(lines) = known.get_mut(&hit.hit).filter(|lines| **lines > 0) {
            *lines -= 1;
            continue;
        }
        text.extend_from_slice(batch.line(&hit).as_bytes());
        if text.len() >= PIECE {
            file.write_all(&text)?;
            text.clear();
        }
    }
    file.write_all(&text)?;
    file.sync_data()
}

/// Leaves the file as it was when it ended at `end`. If even this fails, the next attempt finds lines of its own, and a
/// torn one, which it mends.
fn cut_back(file: &fs::File, end: u64) {
    // Rotation by copying and cutting may have made it shorter meanwhile: it must not become longer.
    if file.metadata().is_ok_and(|now| now.len() > end) {
        file.set_len(end).unwrap_or_default();
    }
}

/// Sees to it that the file ends with a whole line. A torn one that huntd began is cut off: nothing
/// counts as sent before it is synced, so its delivery comes again. One of somebody else is left
/// alone, and what is returned, a line end, is to be written first.
fn mend_end(file: &mut fs::File) -> io::Result<&'static [u8]> {
    let end = file.metadata()?.len();
    let start = last_line_start(file, end)?;
    if start == end {
        return Ok(b"");
    }
    let mut begin = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    Read::by_ref(file).take(BEGIN.len() as u64).read_to_end(&mut begin)?;
    if BEGIN.starts_with(&begin) {
        file.set_len(start)?;
        return Ok(b"");
    }
    Ok(b"\n")
}

/// Where the text after the last line feed begins; `end` when the file ends with one or is empty.
fn last_line_start(file: &mut fs::File, end: u64) -> io::Result<u64> {
    let mut piece = vec![0; 64 * 1024];
    let mut to = end;
    while to > 0 {
        let from = to.saturating_sub(piece.len() as u64);
        let part = piece.get_mut(..usize::try_from(to - from).unwrap_or_default()).unwrap_or_default();
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(part)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            return Ok(from + at as u64 + 1);
        }
        to = from;
    }
    Ok(0)
}

/// The lines of the batch that the file's tail holds.
fn written(file: &mut fs::File, batch: &Batch) -> io::Result<Known> {
    let end = file.metadata()?.len();
    let mut own = 0;
    for hit in &batch.hits {
        own += batch.line(&hit?).len() as u64;
    }
    // From one byte before, so that a line that begins exactly there isn't taken for a part of one.
    let from = end.saturating_sub(SEARCH + own + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    if from > 0 {
        reader.read_until(b'\n', &mut line)?;
    }
    let mark = format!("\"delivery\":\"{}\"", batch.delivery);
    let mut known = Known::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(known);
        }
        if let Some(hit) = hit_of(&line, &mark) {
            *known.entry(hit).or_default() += 1;
        }
    }
}

/// The hit of a line, where it bears `mark` before its row.
fn hit_of(line: &[u8], mark: &str) -> Option<HitId> {
    let row = memchr::memmem::find(line, ROW.as_bytes())?;
    let head = line.get(..row)?;
    memchr::memmem::find(head, mark.as_bytes())?;
    let id = head.strip_prefix(BEGIN)?.get(..40)?;
    HitId::parse(std::str::from_utf8(id).ok()?)
}
