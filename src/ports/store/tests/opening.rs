use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::{ConnectOptions, Connection};

use super::super::connection::options;
use super::super::database::{MIGRATIONS, prepare};
use super::super::error::StoreError;
use super::super::{RunFilter, Store};
use super::fixture::{at, empty, fresh, hunt, tenant};

#[tokio::test]
async fn the_files_are_the_owners_alone() {
    let (folder, store) = fresh().await;
    store.commit_run(&empty(0, 0)).await.unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["huntd.db", "huntd.db-shm", "huntd.db-wal"]);
}

#[tokio::test]
async fn a_missing_folder_and_a_missing_file_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/huntd.db");
    let error = Store::open(&path).await.unwrap_err();
    let expected = format!(
        "can't open the database {}: the folder {} doesn't exist",
        path.display(),
        folder.path().join("no").display()
    );
    assert_eq!(error.to_string(), expected);

    let path = folder.path().join("huntd.db");
    let error = Store::open_existing(&path).await.unwrap_err();
    let expected = format!("can't open the database {}: it doesn't exist, as no run was made yet", path.display());
    assert_eq!(error.to_string(), expected);
    assert!(!path.exists());

    let error = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn what_is_the_databases_own_survives() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    let (id, secret) = (store.database_id(), store.secret());
    assert_eq!(id.len(), 32);
    assert_ne!(secret, [0; 32]);
    store.close().await.unwrap();
    let again = Store::open_existing(&path).await.unwrap();
    assert_eq!((again.database_id(), again.secret()), (id, secret));
    let (_other_folder, other) = fresh().await;
    assert_ne!(other.secret(), secret);
}

#[tokio::test]
async fn run_ids_differ_within_a_second() {
    let (folder, store) = fresh().await;
    let other = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(store.new_run_id(at(0)));
        ids.insert(other.new_run_id(at(0)));
    }
    assert_eq!(ids.len(), 40);
    assert!(ids.iter().all(|id| id.as_str().starts_with(&at(0).compact())));
}

/// All that a file says of itself, but when and how long.
async fn described(path: &Path) -> Vec<String> {
    let mut conn = options(path).connect().await.unwrap();
    let mut all = Vec::new();
    for sql in [
        "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY rowid",
        "SELECT version || description || success || hex(checksum) FROM _sqlx_migrations ORDER BY version",
        "SELECT cast(application_id AS TEXT) FROM pragma_application_id",
    ] {
        all.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut conn).await.unwrap());
    }
    conn.close().await.unwrap();
    all
}

#[tokio::test]
async fn a_new_file_is_what_the_migrations_make_one_by_one() {
    let (folder, store) = fresh().await;
    store.close().await.unwrap();
    let stepwise = folder.path().join("stepwise.db");
    std::fs::write(&stepwise, "").unwrap();
    let mut conn = options(&stepwise).connect().await.unwrap();
    MIGRATIONS.run_direct(None, &mut conn, false).await.unwrap();
    conn.close().await.unwrap();
    assert_eq!(described(&folder.path().join("huntd.db")).await, described(&stepwise).await);
}

/// A file of each older version is brought up to date.
#[tokio::test]
async fn an_older_file_comes_to_the_same() {
    let (folder, store) = fresh().await;
    store.close().await.unwrap();
    let new = described(&folder.path().join("huntd.db")).await;
    for version in MIGRATIONS.iter().map(|migration| migration.version) {
        let path = folder.path().join(format!("v{version}.db"));
        std::fs::write(&path, "").unwrap();
        let mut conn = options(&path).connect().await.unwrap();
        MIGRATIONS.run_direct(Some(version), &mut conn, false).await.unwrap();
        conn.close().await.unwrap();
        Store::open(&path).await.unwrap().close().await.unwrap();
        assert_eq!(described(&path).await, new, "{version}");
    }
}

#[tokio::test]
async fn a_migration_that_is_another_here_is_refused() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.close().await.unwrap();
    sql(&path, "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2").await;
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { why, .. } if why.contains("migration 2 ")), "{error}");
}

#[tokio::test]
async fn a_run_whose_id_is_taken_is_to_be_made_again() {
    let (_folder, store) = fresh().await;
    store.commit_run(&empty(0, 0)).await.unwrap();
    let mut commit = empty(1, 1);
    commit.run.run = empty(0, 0).run.run;
    assert!(matches!(store.commit_run(&commit).await, Err(StoreError::Overtaken)));
    store.commit_run(&empty(1, 1)).await.unwrap();
}

async fn sql(path: &Path, statement: &'static str) {
    let mut conn = options(path).connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_version_is_refused() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.close().await.unwrap();
    sql(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'of tomorrow', 1, x'00', 0)",
    )
    .await;
    let error = Store::open(&path).await.unwrap_err();
    let expected = format!("the database {} is of version 99, and this huntd knows versions up to 9", path.display());
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, StoreError::Newer { found: 99, known: 9, .. }));
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("short", b"no database".to_vec()), ("long", b"no database".repeat(1000))] {
        let path = folder.path().join(name);
        std::fs::write(&path, &content).unwrap();
        let error = Store::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), content, "the file must stay as it was");
    }
    let path = folder.path().join("other.db");
    std::fs::write(&path, "").unwrap();
    sql(&path, "CREATE TABLE cookies (name TEXT)").await;
    let error = Store::open(&path).await.unwrap_err();
    assert!(error.to_string().ends_with("it belongs to another program"), "{error}");
}

#[tokio::test]
async fn many_openers_of_a_new_file_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huntd.db");
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { Store::open(&path).await.map(|store| store.database_id()) })
        })
        .collect();
    let mut ids = HashSet::new();
    for opener in openers {
        ids.insert(opener.await.unwrap().unwrap());
    }
    assert_eq!(ids.len(), 1);
}

/// A process that dies leaves the database and its WAL as they are at that moment.
#[tokio::test]
async fn a_kill_keeps_what_was_committed() {
    let (folder, store) = fresh().await;
    store.commit_run(&empty(0, 0)).await.unwrap();
    let mut write = store.begin().await.unwrap();
    sqlx::query("UPDATE track SET generation = 77").execute(&mut write.conn).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["huntd.db", "huntd.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let after = Store::open(&copy.path().join("huntd.db")).await.unwrap();
    assert_eq!(after.runs(&RunFilter::default()).await.unwrap(), [empty(0, 0).run]);
    assert_eq!(after.track(&hunt(), &tenant()).await.unwrap().generation, 1);

    // The same for a store that is only dropped, in the middle of a write.
    drop(write);
    drop(store);
    let again = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    assert_eq!(again.track(&hunt(), &tenant()).await.unwrap().generation, 1);
}

/// As root a file's mode stops nobody, so SQLite itself is told not to write.
#[tokio::test]
async fn a_database_that_cannot_be_written_is_said() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    let mut conn = options(&path).read_only(true).connect().await.unwrap();
    let error = prepare(&mut conn, &path).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");

    let mut write = store.begin().await.unwrap();
    sqlx::query("PRAGMA query_only = ON").execute(&mut write.conn).await.unwrap();
    write.end(Ok(())).await.unwrap();
    let error = store.commit_run(&empty(0, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    // The connection that failed is gone; the next write has another.
    store.commit_run(&empty(0, 0)).await.unwrap();
}

/// A folder where SQLite can make no files is one of another user, or on a read-only disk; here only the
/// opening for such a folder is tried.
#[tokio::test]
async fn a_history_can_be_read_without_a_write() {
    let (folder, store) = fresh().await;
    store.commit_run(&empty(0, 0)).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in ["huntd.db", "huntd.db-wal", "huntd.db-shm"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let after_a_kill = Store::open_to_read(&copy.path().join("huntd.db")).await.unwrap();
    assert_eq!(after_a_kill.runs(&RunFilter::default()).await.unwrap(), [empty(0, 0).run]);

    store.close().await.unwrap();
    let path = folder.path().join("huntd.db");
    let store = Store::open_to_read(&path).await.unwrap();
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap(), [empty(0, 0).run]);
    let error = store.commit_run(&empty(1, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is made beside it");
}

#[tokio::test]
async fn an_older_history_is_not_read_as_if_it_were_new() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("huntd.db");
    store.close().await.unwrap();
    sql(&path, "DELETE FROM _sqlx_migrations").await;
    let error = Store::open_to_read(&path).await.unwrap_err();
    let expected = format!(
        "the database {} can't be written: it is of an older version, and must first be brought up to date",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}
