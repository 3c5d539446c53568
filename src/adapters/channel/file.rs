//! Hits as JSON lines in a file that others read while it grows.
//!
//! Promises: a notice is on the disk before it counts as sent; its lines stand together, whole; a
//! repeat after a crash adds only the lines that aren't there yet. The file is opened anew for each
//! notice, so that rotation by renaming, and by copying and cutting, both work. Two processes that
//! write to one file wait for each other.

use std::collections::HashSet;
use std::fs::{self, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::config::FileChannel;
use crate::model::delivery::{About, Notice};
use crate::model::id::{ChannelName, DeliveryId, HitId};
use crate::ports::channel::{Channel, SendError};
use crate::rules::render::json;
use crate::rules::render::visible::visible;

/// The mode of a new file: hits hold people's names, so the world doesn't read them.
const MODE: u32 = 0o640;
/// How far back from the end a repeat looks for its own lines.
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

/// The lines of one notice.
struct Batch {
    delivery: DeliveryId,
    repeat: bool,
    lines: Vec<(HitId, String)>,
}

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
            let why = "a file holds hits only: name a mail or log channel in `failures.to`";
            return Err(SendError::Never(why.to_owned()));
        }
        let line = |hit| json::line(hit, Some(&notice.delivery));
        let batch = Arc::new(Batch {
            delivery: notice.delivery.clone(),
            repeat: notice.attempts > 0,
            lines: notice.hits.iter().map(|hit| (hit.hit, line(hit))).collect(),
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
    let known = if batch.repeat { written(&mut file, &batch.delivery)? } else { HashSet::new() };
    let mut text = Vec::from(glue);
    for (_, line) in batch.lines.iter().filter(|(hit, _)| !known.contains(hit)) {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    append(&mut file, &text)?;
    if created && let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(Outcome::Written)
}

/// Appends all of `text` and syncs, or leaves the file as it was.
fn append(file: &mut fs::File, text: &[u8]) -> io::Result<()> {
    let end = file.metadata()?.len();
    file.write_all(text).and_then(|()| file.sync_data()).inspect_err(|_| {
        // If even this fails, the next attempt finds a torn line and mends it.
        file.set_len(end).unwrap_or_default();
    })
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

/// The hits of `delivery` that the file's tail holds.
fn written(file: &mut fs::File, delivery: &DeliveryId) -> io::Result<HashSet<HitId>> {
    let end = file.metadata()?.len();
    // From one byte before, so that a line that begins exactly there isn't taken for a part of one.
    let from = end.saturating_sub(SEARCH + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    if from > 0 {
        reader.read_until(b'\n', &mut line)?;
    }
    let mark = format!("\"delivery\":\"{delivery}\"");
    let mut hits = HashSet::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(hits);
        }
        hits.extend(hit_of(&line, &mark));
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
