//! Hears that something changed in the hunts folders: by inotify where the file system has it.
//!
//! It says that, and not what: who hears it looks for himself. What it misses (a network file system, a limit of the
//! kernel) is found by the slow look that who listens makes beside it.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use walkdir::WalkDir;

/// Watches folders as long as it is kept. Where a link on the way to one is swapped, it rings, and goes on watching the
/// old folder: to be made anew then.
pub struct TreeWatch {
    _watcher: RecommendedWatcher,
}

impl TreeWatch {
    /// Rings `bell` at each change below `folders`, and of links on the way to them.
    pub fn start(folders: &[PathBuf], bell: Arc<Notify>) -> Result<Self, notify::Error> {
        let (mut below, mut names) = (Vec::new(), HashSet::new());
        for path in folders {
            steps(path, &mut names);
        }
        for folder in folders {
            below.push(folder.canonicalize().unwrap_or_else(|_| folder.clone()));
        }
        let beside: HashSet<PathBuf> = names.iter().filter_map(|name| name.parent()).map(Path::to_owned).collect();
        let trees = below.clone();
        let hear = move |event: Result<Event, notify::Error>| {
            // An error says that events may have been lost.
            let is_meant = event.map_or(true, |event| {
                let is_named = |path: &PathBuf| names.contains(path) || trees.iter().any(|tree| path.starts_with(tree));
                is_change(event.kind) && (event.need_rescan() || event.paths.iter().any(is_named))
            });
            if is_meant {
                bell.notify_one();
            }
        };
        let mut watcher = RecommendedWatcher::new(hear, Config::default())?;
        for folder in &beside {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        for folder in &below {
            // One folder in it that is closed to huntd's user would leave the whole tree unheard.
            watcher.watch(folder, RecursiveMode::Recursive).or_else(|_| watch_each(&mut watcher, folder))?;
        }
        Ok(Self { _watcher: watcher })
    }
}

/// Watches a folder and each one below it, but for those that are closed to huntd's user. What is made later is heard
/// in the folder that it is made in.
fn watch_each(watcher: &mut RecommendedWatcher, top: &Path) -> Result<(), notify::Error> {
    watcher.watch(top, RecursiveMode::NonRecursive)?;
    let all = WalkDir::new(top).min_depth(1).follow_links(true).into_iter().flatten();
    for folder in all.filter(|entry| entry.file_type().is_dir()) {
        match watcher.watch(folder.path(), RecursiveMode::NonRecursive) {
            Err(error) if is_denied(&error) => {}
            done => done?,
        }
    }
    Ok(())
}

fn is_denied(error: &notify::Error) -> bool {
    matches!(&error.kind, ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Whether something is another after it: not where it was only read.
const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => matches!(access, AccessKind::Close(AccessMode::Write)),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
    }
}

/// The path itself, and each link on the way to it, by names without a link in them: who swaps one of these swaps what
/// is read.
fn steps(path: &Path, names: &mut HashSet<PathBuf>) {
    let Ok(path) = std::path::absolute(path) else { return };
    let mut real = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            real.pop();
            continue;
        }
        real.push(component);
        // As many links one after the other as the kernel follows.
        for _ in 0..40 {
            let Ok(target) = std::fs::read_link(&real) else { break };
            names.insert(real.clone());
            let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
            real = std::path::absolute(folder.join(target)).unwrap_or(folder);
        }
    }
    names.insert(real);
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::time::Duration;

    use super::*;

    struct Ear {
        bell: Arc<Notify>,
        _watch: TreeWatch,
    }

    impl Ear {
        fn at(folder: &Path) -> Self {
            let bell = Arc::new(Notify::new());
            let watch = TreeWatch::start(&[folder.to_owned()], Arc::clone(&bell)).unwrap();
            Self { bell, _watch: watch }
        }

        /// Waits for the ring, however long the machine takes for it.
        async fn hears(&self, what: &str) {
            let heard = tokio::time::timeout(Duration::from_secs(30), self.bell.notified()).await;
            assert!(heard.is_ok(), "{what}");
        }

        /// What was done before this is heard by now, and what is done after is heard after.
        async fn settle(&self, folder: &Path) {
            fs::write(folder.join("settle.yaml"), "").unwrap();
            self.hears("settled").await;
            // The write makes several events.
            while tokio::time::timeout(Duration::from_millis(200), self.bell.notified()).await.is_ok() {}
        }
    }

    #[tokio::test]
    async fn each_way_to_change_a_tree_is_heard() {
        let site = tempfile::tempdir().unwrap();
        let root = site.path();
        fs::create_dir_all(root.join("v1/sub")).unwrap();
        fs::create_dir_all(root.join("v2")).unwrap();
        symlink("v1", root.join("current")).unwrap();
        let hunts = root.join("current");
        let ear = Ear::at(&hunts);
        fs::write(root.join("v1/sub/a.yaml"), "x").unwrap();
        ear.hears("a new file in a folder below").await;
        ear.settle(&hunts).await;
        fs::create_dir(root.join("v1/new")).unwrap();
        ear.settle(&hunts).await;
        fs::write(root.join("v1/new/b.yaml"), "x").unwrap();
        ear.hears("a new file in a new folder").await;
        ear.settle(&hunts).await;
        fs::rename(root.join("v1/sub/a.yaml"), root.join("v1/c.yaml")).unwrap();
        ear.hears("a file that moved").await;
        ear.settle(&hunts).await;
        fs::remove_file(root.join("v1/c.yaml")).unwrap();
        ear.hears("a file that went").await;
        ear.settle(&hunts).await;
        fs::write(root.join("new"), "x").unwrap();
        fs::rename(root.join("new"), root.join("v1/sub/d.yaml")).unwrap();
        ear.hears("a file that an editor saved").await;
        ear.settle(&hunts).await;
        symlink("v2", root.join("next")).unwrap();
        fs::rename(root.join("next"), &hunts).unwrap();
        ear.hears("a link that was swapped").await;
    }

    #[tokio::test]
    async fn what_is_read_or_lies_beside_is_not_heard() {
        let site = tempfile::tempdir().unwrap();
        let root = site.path();
        fs::create_dir(root.join("hunts")).unwrap();
        fs::write(root.join("hunts/a.yaml"), "x").unwrap();
        let ear = Ear::at(&root.join("hunts"));
        ear.settle(&root.join("hunts")).await;
        fs::read(root.join("hunts/a.yaml")).unwrap();
        fs::write(root.join("huntd.db"), "x").unwrap();
        let heard = tokio::time::timeout(Duration::from_millis(300), ear.bell.notified()).await;
        assert!(heard.is_err());
    }

    #[tokio::test]
    async fn a_folder_that_is_closed_leaves_the_others_heard() {
        let site = tempfile::tempdir().unwrap();
        let root = site.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("open/below")).unwrap();
        fs::create_dir(root.join("closed")).unwrap();
        fs::set_permissions(root.join("closed"), Permissions::from_mode(0o000)).unwrap();
        let bell = Arc::new(Notify::new());
        // Root may read all, and so its watch of the whole tree succeeds: the way without it is tried for itself too.
        let ear = Ear { bell: Arc::clone(&bell), _watch: TreeWatch::start(std::slice::from_ref(&root), bell).unwrap() };
        fs::write(root.join("open/below/a.yaml"), "x").unwrap();
        ear.hears("a file beside a closed folder").await;
        drop(ear);

        let bell = Arc::new(Notify::new());
        let ring = Arc::clone(&bell);
        let mut watcher =
            RecommendedWatcher::new(move |_: Result<Event, notify::Error>| ring.notify_one(), Config::default())
                .unwrap();
        watch_each(&mut watcher, &root).unwrap();
        let ear = Ear { bell, _watch: TreeWatch { _watcher: watcher } };
        ear.settle(&root).await;
        fs::write(root.join("open/below/b.yaml"), "x").unwrap();
        ear.hears("a file two folders down").await;
        fs::set_permissions(root.join("closed"), Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn only_what_is_closed_is_left_out() {
        let of = |kind: std::io::ErrorKind| is_denied(&notify::Error::io(kind.into()));
        assert!(of(std::io::ErrorKind::PermissionDenied));
        // A limit of the kernel's would leave some of the tree unheard.
        assert!(!of(std::io::ErrorKind::StorageFull) && !is_denied(&notify::Error::new(ErrorKind::MaxFilesWatch)));
    }
}
