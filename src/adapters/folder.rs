//! Hunts folders: which files there are, and their bytes.
//!
//! What it promises: files come in a fixed order; what can't be read is named and stops nothing
//! else; nothing but regular files is opened, and no file is read beyond the limit of a hunt file.
//! Links are followed, to files and folders.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fs::{File, Metadata};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::model::place::{Finding, Level, Place};
use crate::rules::definition::{FileKind, HuntFile, file_kind};
use crate::rules::yaml::MAX_BYTES;

/// The most files that are read.
const MAX_FILES: usize = 100_000;
/// The most bytes that are read, over all files: public collections of thousands have a few MiB.
const MAX_TOTAL: usize = 512 * MAX_BYTES;

/// The files of one or more hunts folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderFiles {
    /// The files that may hold hunts or defaults.
    pub files: Vec<HuntFile>,
    /// What couldn't be read.
    pub findings: Vec<Finding>,
}

/// Reads a hunts folder, and all folders below it.
#[must_use]
pub fn read(folder: &Path) -> FolderFiles {
    let mut reader = Reader::default();
    reader.folder(folder);
    reader.found
}

/// Reads folders, and single files: of these, also the `_defaults.yaml` beside them. A path that
/// is given twice is read once.
#[must_use]
pub fn read_paths(paths: &[PathBuf]) -> FolderFiles {
    let mut reader = Reader::default();
    for path in paths {
        match path.metadata() {
            Ok(metadata) if !metadata.is_dir() => reader.single(path, &metadata),
            _ => reader.folder(path),
        }
    }
    reader.found
}

/// Names a state of hunts folders: the files that would be read, with their sizes, times and numbers. The same as long
/// as nothing was written, moved or swapped; reads no file.
#[must_use]
pub fn stamp(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
            let entry = match entry {
                Ok(entry) if is_read(path, &entry) => entry,
                Ok(_) => continue,
                Err(error) => {
                    error.to_string().hash(&mut hasher);
                    continue;
                }
            };
            entry.path().hash(&mut hasher);
            if let Ok(about) = entry.metadata() {
                let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
                (about.len(), about.dev(), about.ino(), about.mode(), times).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

#[derive(Default)]
struct Reader {
    found: FolderFiles,
    seen: HashSet<PathBuf>,
    bytes: usize,
    full: bool,
}

impl Reader {
    fn folder(&mut self, folder: &Path) {
        let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
            if self.full {
                return;
            }
            match entry {
                Err(error) => self.walk_error(folder, &error),
                Ok(entry) if entry.depth() == 0 && !entry.file_type().is_dir() => {
                    self.error(folder, format!("the hunts folder `{}` is no folder", folder.display()), WHERE);
                }
                Ok(entry) => self.entry(folder, &entry),
            }
        }
    }

    fn entry(&mut self, folder: &Path, entry: &DirEntry) {
        if !is_read(folder, entry) {
            return;
        }
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        match entry.metadata() {
            Ok(metadata) => self.file(entry.path(), relative, &metadata),
            Err(error) => self.walk_error(folder, &error),
        }
    }

    fn single(&mut self, path: &Path, metadata: &Metadata) {
        let Some(name) = path.file_name().map(Path::new) else { return };
        for defaults in ["_defaults.yaml", "_defaults.yml"] {
            let beside = path.with_file_name(defaults);
            if beside != path
                && let Ok(metadata) = beside.metadata()
            {
                self.file(&beside, Path::new(defaults), &metadata);
            }
        }
        if file_kind(name) == FileKind::Other {
            let message = format!("`{}` isn't read: hunts are in *.yaml and *.yml", path.display());
            let hint = "names that begin with `_` or `.` are no hunts either";
            self.finding(path, Level::Warning, "H028", message, hint);
            return;
        }
        self.file(path, name, metadata);
    }

    fn file(&mut self, path: &Path, relative: &Path, metadata: &Metadata) {
        if !self.seen.insert(path.to_path_buf()) {
            return;
        }
        if !metadata.is_file() {
            let message = format!("`{}` is no regular file, and isn't opened", path.display());
            self.error(path, message, "a hunt is a file, or a link to one");
            return;
        }
        match contents(path, metadata.len()) {
            Ok(Some(bytes)) => self.keep(path, relative, bytes),
            Ok(None) => {
                let message = format!("`{}` is larger than {MAX_BYTES} bytes, and isn't read", path.display());
                self.error(path, message, "split it into several files, or take it out of the hunts folder");
            }
            Err(error) => {
                let message = format!("`{}` can't be read: {}", path.display(), reason(&error));
                self.error(path, message, "see that huntd's user may read it");
            }
        }
    }

    fn keep(&mut self, path: &Path, relative: &Path, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        if self.found.files.len() == MAX_FILES || self.bytes > MAX_TOTAL {
            self.full = true;
            let message = format!("there are more than {MAX_FILES} files, or {MAX_TOTAL} bytes: the rest isn't read");
            self.finding(path, Level::Error, "H029", message, "is this the right folder?");
            return;
        }
        self.found.files.push(HuntFile { shown: path.to_path_buf(), relative: relative.to_path_buf(), bytes });
    }

    fn walk_error(&mut self, folder: &Path, error: &walkdir::Error) {
        let path = error.path().unwrap_or(folder);
        if let Some(ancestor) = error.loop_ancestor() {
            let message = format!("`{}` links back to `{}`, and isn't followed", path.display(), ancestor.display());
            self.finding(path, Level::Warning, "H028", message, "remove the link");
            return;
        }
        let why = error.io_error().map_or_else(|| error.to_string(), reason);
        if error.depth() == 0 {
            self.error(folder, format!("the hunts folder `{}` can't be read: {why}", folder.display()), WHERE);
        } else {
            self.error(path, format!("`{}` can't be read: {why}", path.display()), "see that huntd's user may read it");
        }
    }

    fn error(&mut self, file: &Path, message: String, hint: &str) {
        self.finding(file, Level::Error, "H028", message, hint);
    }

    fn finding(&mut self, file: &Path, level: Level, code: &'static str, message: String, hint: &str) {
        self.found.findings.push(Finding {
            file: file.to_path_buf(),
            place: Place::START,
            level,
            code,
            message,
            hint: Some(hint.to_owned()),
            hunt: None,
            fix: None,
        });
    }
}

/// The hint for a hunts folder.
const WHERE: &str = "give a folder that exists and that huntd's user may read";

/// Whether a file below a hunts folder is one that is read, by its name.
fn is_read(folder: &Path, entry: &DirEntry) -> bool {
    let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
    !entry.file_type().is_dir() && file_kind(relative) != FileKind::Other
}

/// Names that begin with `.` or, for folders, `_` hold no hunts: nothing below them is looked at.
fn is_hidden(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.') || (name.starts_with('_') && entry.file_type().is_dir())
}

/// The bytes of a file, or `None` where it is too large: also where it grew since it was measured.
fn contents(path: &Path, length: u64) -> io::Result<Option<Vec<u8>>> {
    let limit = MAX_BYTES as u64;
    if length > limit {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_BYTES).then_some(bytes))
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(found: &FolderFiles) -> Vec<String> {
        found.files.iter().map(|file| file.relative.display().to_string()).collect()
    }

    /// The messages, with the folder's name taken out.
    fn messages(found: &FolderFiles, folder: &Path) -> Vec<String> {
        let folder = folder.display().to_string();
        found.findings.iter().map(|f| format!("{} {} {}", f.level, f.code, f.message.replace(&folder, "F"))).collect()
    }

    #[test]
    fn files_come_in_order_with_their_layers() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("_old")).unwrap();
        for name in [
            "b.yaml",
            "a [1] & (2).yml",
            "_defaults.yaml",
            "_draft.yaml",
            "x.txt",
            "sub/deep/c.YAML",
            ".git/d.yaml",
            "_old/e.yaml",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink(root.join("b.yaml"), root.join("z.yaml")).unwrap();
        symlink(root.join("sub"), root.join("tub")).unwrap();
        let found = read(root);
        assert_eq!(messages(&found, root), [""; 0]);
        assert_eq!(
            names(&found),
            ["_defaults.yaml", "a [1] & (2).yml", "b.yaml", "sub/deep/c.YAML", "tub/deep/c.YAML", "z.yaml"]
        );
        assert_eq!(found.files[5].bytes, b"b.yaml");
        assert_eq!(found.files[0].shown, root.join("_defaults.yaml"));
    }

    #[test]
    fn a_stamp_changes_with_what_is_read_and_with_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for version in ["v1", "v2"] {
            fs::create_dir_all(root.join(version)).unwrap();
            fs::write(root.join(version).join("a.yaml"), "query: T").unwrap();
        }
        let current = root.join("current");
        symlink(root.join("v1"), &current).unwrap();
        let now = || stamp(std::slice::from_ref(&current));
        let mut last = now();
        assert_eq!(last, now());
        fs::create_dir(root.join("v1/.git")).unwrap();
        for name in ["v1/.git/index.yaml", "v1/readme.txt", "v1/.a.yaml.swp"] {
            fs::write(root.join(name), "x").unwrap();
        }
        assert_eq!(last, now(), "no hunt of it");
        let mut changes = |what: &str| {
            let next = now();
            assert_ne!(next, last, "{what}");
            last = next;
        };
        fs::write(root.join("v1/a.yaml"), "query: Union").unwrap();
        changes("written");
        fs::write(root.join("v1/new"), "query: U").unwrap();
        fs::rename(root.join("v1/new"), root.join("v1/a.yaml")).unwrap();
        changes("an editor's save");
        fs::write(root.join("v1/_defaults.yaml"), "").unwrap();
        changes("defaults");
        symlink(root.join("v2"), root.join("next")).unwrap();
        fs::rename(root.join("next"), &current).unwrap();
        changes("a link that was swapped");
        fs::remove_file(&current).unwrap();
        changes("no folder any more");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        symlink(root, root.join("loop")).unwrap();
        symlink(root.join("nowhere"), root.join("lost.yaml")).unwrap();
        let large = File::create(root.join("large.yaml")).unwrap();
        large.set_len(100 * 1024 * 1024).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.join("pipe.yaml")).status().unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.yaml")).unwrap();
        fs::write(root.join("sound.yaml"), "query: T").unwrap();
        let found = read(root);
        assert_eq!(names(&found), ["sound.yaml"]);
        assert_eq!(
            messages(&found, root),
            [
                "error H028 `F/large.yaml` is larger than 1048576 bytes, and isn't read",
                "warning H028 `F/loop` links back to `F`, and isn't followed",
                "error H028 `F/lost.yaml` can't be read: No such file or directory",
                "error H028 `F/pipe.yaml` is no regular file, and isn't opened",
                "error H028 `F/socket.yaml` is no regular file, and isn't opened",
            ]
        );
    }

    #[test]
    fn a_hunts_folder_that_cannot_be_read_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("hunts");
        let found = read(&missing);
        assert_eq!(
            messages(&found, folder.path()),
            ["error H028 the hunts folder `F/hunts` can't be read: No such file or directory"]
        );
        assert_eq!(found.findings[0].hint.as_deref(), Some("give a folder that exists and that huntd's user may read"));
        fs::write(&missing, "").unwrap();
        assert_eq!(messages(&read(&missing), folder.path()), ["error H028 the hunts folder `F/hunts` is no folder"]);
    }

    #[test]
    fn single_files_bring_the_defaults_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["a.yaml", "b.yaml", "_defaults.yaml", "c.txt"] {
            fs::write(root.join(name), name).unwrap();
        }
        let found = read_paths(&[root.join("b.yaml"), root.join("b.yaml"), root.join("c.txt"), root.join("none.yaml")]);
        assert_eq!(names(&found), ["_defaults.yaml", "b.yaml"]);
        assert_eq!(
            messages(&found, root),
            [
                "warning H028 `F/c.txt` isn't read: hunts are in *.yaml and *.yml",
                "error H028 the hunts folder `F/none.yaml` can't be read: No such file or directory",
            ]
        );
    }
}
