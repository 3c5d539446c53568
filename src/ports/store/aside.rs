//! A file beside the database, without a name, for what needn't stay in memory while a run lasts.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::database::Store;
use crate::model::hit::Aside;

/// The file; made when something is first put aside. The system takes it away with the process that has it open, so
/// that none stays behind, and nobody else can open it.
#[derive(Debug)]
struct Nameless {
    folder: PathBuf,
    file: OnceLock<File>,
    end: AtomicU64,
}

impl Store {
    /// A place beside the database to put compressed rows aside until their run is committed.
    #[must_use]
    pub fn aside(&self) -> Arc<dyn Aside> {
        let folder = self.path().parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Arc::new(Nameless { folder: folder.to_owned(), file: OnceLock::new(), end: AtomicU64::new(0) })
    }
}

impl Nameless {
    fn file(&self) -> io::Result<&File> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let made = tempfile::tempfile_in(&self.folder)?;
        Ok(self.file.get_or_init(|| made))
    }
}

impl Aside for Nameless {
    fn put(&self, bytes: &[u8]) -> io::Result<u64> {
        let place = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file()?.write_all_at(bytes, place)?;
        Ok(place)
    }

    fn get(&self, place: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file()?.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture;

    #[tokio::test]
    async fn what_is_put_aside_comes_back_and_leaves_no_name() {
        let (folder, store) = fixture::fresh().await;
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let before = names();
        let aside = store.aside();
        let places: Vec<u64> = [&b"one"[..], b"", b"three"].map(|bytes| aside.put(bytes).unwrap()).into();
        assert_eq!((places.as_slice(), names()), (&[0, 3, 3][..], before));
        assert_eq!((aside.get(3, 5).unwrap(), aside.get(0, 3).unwrap()), (b"three".to_vec(), b"one".to_vec()));
        assert!(aside.get(3, 6).is_err());
    }
}
