//! Files that are deleted or replaced under an open store.

use std::fs::{copy, remove_file, rename};
use std::path::{Path, PathBuf};

use super::super::RunFilter;
use super::super::Store;
use super::super::error::StoreError;
use super::fixture::{empty, fresh};

fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_file_name(format!("huntd.db{ending}"))
}

async fn runs(store: &Store) -> usize {
    store.runs(&RunFilter::default()).await.unwrap().len()
}

fn is_gone(error: &StoreError, file: &Path, what: &str) -> bool {
    matches!(error, StoreError::Gone { .. }) && error.to_string().contains(&format!("{} {what}", file.display()))
}

#[tokio::test]
async fn nothing_is_committed_into_a_file_that_was_deleted() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.commit_run(&empty(0, 0)).await.unwrap();
    store.look().unwrap();
    remove_file(&path).unwrap();
    let error = store.look().unwrap_err();
    assert!(is_gone(&error, &path, "was deleted"), "{error}");
    let error = store.commit_run(&empty(1, 1)).await.unwrap_err();
    assert!(is_gone(&error, &path, "was deleted"), "{error}");
    assert!(!path.exists(), "nothing takes its place");

    // What was committed before is saved, and a start doesn't take the empty place for a beginning.
    let saved = store.save().await.unwrap().unwrap();
    assert_eq!(saved, beside(&path, ".saved"));
    store.close().await.unwrap();
    assert_eq!(std::fs::metadata(beside(&path, "-wal")).unwrap().len(), 0, "it would be read into the copy");
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(&error, StoreError::Saved { copy, .. } if *copy == saved), "{error}");
    assert!(!path.exists());
    rename(&saved, &path).unwrap();
    let again = Store::open(&path).await.unwrap();
    assert_eq!(runs(&again).await, 1);
    assert!(again.check().await.unwrap().is_empty());
    assert_eq!((again.secret(), again.database_id()), (store.secret(), store.database_id()));
}

#[tokio::test]
async fn a_write_under_way_counts_only_in_the_file_that_is_there() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.commit_run(&empty(0, 0)).await.unwrap();
    let write = store.begin().await.unwrap();
    remove_file(&path).unwrap();
    let error = store.told(write.end(Ok(())).await).unwrap_err();
    assert!(is_gone(&error, &path, "was deleted"), "{error}");
}

#[tokio::test]
async fn a_file_that_took_the_databases_place_is_left_alone() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.commit_run(&empty(0, 0)).await.unwrap();
    let (_other_folder, other) = fresh().await;
    other.close().await.unwrap();
    let fresh = folder.path().join("other");
    copy(other.path(), &fresh).unwrap();
    rename(&fresh, &path).unwrap();
    let error = store.commit_run(&empty(1, 1)).await.unwrap_err();
    assert!(is_gone(&error, &path, "was replaced by another file"), "{error}");
    std::fs::write(beside(&path, ".saved"), "an earlier copy").unwrap();
    assert_eq!(store.save().await.unwrap(), Some(beside(&path, ".saved-2")));
    store.close().await.unwrap();
    let another = Store::open(&path).await.unwrap();
    assert_eq!(runs(&another).await, 0, "its own history, and nothing of the WAL that stood beside it");
    assert_eq!(another.database_id(), other.database_id());
}

#[tokio::test]
async fn a_new_connection_writes_to_no_other_file() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.commit_run(&empty(0, 0)).await.unwrap();
    // A write that is dropped takes its connection with it.
    drop(store.begin().await.unwrap());
    let fresh = folder.path().join("other");
    copy(&path, &fresh).unwrap();
    rename(&fresh, &path).unwrap();
    let error = store.commit_run(&empty(1, 1)).await.unwrap_err();
    assert!(is_gone(&error, &path, "was replaced by another file"), "{error}");
    assert_eq!(store.save().await.unwrap(), None, "the last connection to it was closed");
    assert!(!beside(&path, ".saved").exists(), "no empty copy stays behind");
}

#[tokio::test]
async fn what_a_deleted_wal_held_is_brought_in_at_the_close() {
    for ending in ["-wal", "-shm"] {
        let (folder, store) = fresh().await;
        let path = folder.path().join("huntd.db");
        store.commit_run(&empty(0, 0)).await.unwrap();
        remove_file(beside(&path, ending)).unwrap();
        let error = store.commit_run(&empty(1, 1)).await.unwrap_err();
        assert!(is_gone(&error, &beside(&path, ending), "was deleted"), "{error}");
        assert!(store.look().is_err());
        store.close().await.unwrap();
        let again = Store::open(&path).await.unwrap();
        assert_eq!(runs(&again).await, 1, "{ending}");
        assert!(again.check().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_file_that_comes_back_is_gone_on_with() {
    let (folder, store) = fresh().await;
    let (path, away) = (folder.path().join("huntd.db"), folder.path().join("away"));
    rename(&path, &away).unwrap();
    assert!(store.commit_run(&empty(0, 0)).await.is_err());
    rename(&away, &path).unwrap();
    store.commit_run(&empty(0, 0)).await.unwrap();
    assert_eq!(runs(&store).await, 1);
}

#[tokio::test]
async fn a_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    let (link, real) = (folder.path().join("link.db"), folder.path().join("real/huntd.db"));
    Store::open(&real).await.unwrap().close().await.unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let store = Store::open(&link).await.unwrap();
    store.commit_run(&empty(0, 0)).await.unwrap();
    store.look().unwrap();
    remove_file(beside(&real, "-wal")).unwrap();
    let error = store.look().unwrap_err();
    assert!(is_gone(&error, &beside(&real, "-wal"), "was deleted"), "{error}");
}
