//! Mails as files: an .eml and an .html each, for demonstrations and tests.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lettre::Message;

use crate::model::id::DeliveryId;
use crate::ports::channel::SendError;
use crate::rules::render::visible::visible;

/// Writes both files, each whole or not at all; a repeat writes the same two again.
pub(super) async fn write(
    folder: &Path,
    delivery: &DeliveryId,
    page: String,
    message: &Message,
) -> Result<(), SendError> {
    let files = vec![
        (folder.join(format!("{delivery}.html")), page.into_bytes()),
        (folder.join(format!("{delivery}.eml")), message.formatted()),
    ];
    let place = folder.to_path_buf();
    let written = tokio::task::spawn_blocking(move || write_all(&place, &files)).await;
    written.map_err(io::Error::other).and_then(|result| result).map_err(|error| {
        let folder = folder.to_string_lossy();
        SendError::Later(format!(
            "can't write mails to the folder {}: {}",
            visible(&folder),
            visible(&error.to_string())
        ))
    })
}

fn write_all(folder: &Path, files: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (path, bytes) in files {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
    }
    Ok(())
}
