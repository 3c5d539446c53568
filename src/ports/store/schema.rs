//! The schema of a new database, made at once, and whether one that is there needs anything.
//!
//! sqlx's migrator asks and writes several times for each migration, and each time two threads wake each other: for a
//! new file that costs more than the run it is made for. What comes out is the same, down to the migrator's own table.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::sqlite::SqliteConnection;

use super::fault::Fault;

/// The migrator's own table.
const TABLE: &str = "_sqlx_migrations";

const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";

fn upwards(migrations: &Migrator) -> impl Iterator<Item = &Migration> {
    migrations.iter().filter(|migration| !migration.migration_type.is_down_migration())
}

/// Applies all migrations to an empty file, inside the caller's transaction.
pub(super) async fn create(conn: &mut SqliteConnection, migrations: &Migrator) -> Result<(), MigrateError> {
    conn.ensure_migrations_table(TABLE).await?;
    sqlx::raw_sql(AssertSqlSafe(script(migrations))).execute(conn).await?;
    Ok(())
}

/// All migrations one after the other, and that they were applied.
fn script(migrations: &Migrator) -> String {
    let mut script = String::new();
    for migration in upwards(migrations) {
        script.push_str(migration.sql.as_str());
        let (version, description) = (migration.version, migration.description.replace('\'', "''"));
        let checksum = hex::encode(&migration.checksum);
        // Writing into a text can't fail. How long it took is nobody's concern.
        let _fine = write!(
            script,
            "\n;INSERT INTO {TABLE} (version, description, success, checksum, execution_time) \
             VALUES ({version}, '{description}', TRUE, x'{checksum}', 0);\n"
        )
        .is_ok();
    }
    script
}

/// Whether exactly these migrations were applied, as they are.
pub(super) async fn is_as_built(conn: &mut SqliteConnection, migrations: &Migrator) -> Result<bool, Fault> {
    let applied: Vec<(i64, Vec<u8>)> = sqlx::query_as(APPLIED).fetch_all(conn).await?;
    let known = upwards(migrations).map(|migration| (migration.version, &*migration.checksum));
    Ok(known.eq(applied.iter().map(|(version, checksum)| (*version, checksum.as_slice()))))
}
