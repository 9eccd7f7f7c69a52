//! Migrations: forward only, each in its own transaction, each with a checksum.
//!
//! A host that is killed half-way finds the database at the end of the last whole migration and goes on from there. A
//! database of a newer host, an edited migration and a file that is no store of Siyu are refused before anything is
//! written.

use siyu_engine::ports::store::StoreError;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};

use super::connect::rows;
use crate::database::{Args, failed};
use crate::migrations::{Migration, known_version};

/// What every tenant needs, oldest first.
pub(super) const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_tenant",
        text: include_str!("../../migrations/sqlite/0001_tenant.sql"),
    },
    Migration {
        version: 2,
        name: "0002_ledger",
        text: include_str!("../../migrations/sqlite/0002_ledger.sql"),
    },
];

/// What a host keeps beside its tenants.
pub(super) const HOST: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_access",
        text: include_str!("../../migrations/sqlite/host/0001_access.sql"),
    },
    Migration {
        version: 2,
        name: "0002_secrets",
        text: include_str!("../../migrations/sqlite/host/0002_secrets.sql"),
    },
];

/// The migrations up to a version.
pub(super) fn up_to(version: i64) -> &'static [Migration] {
    crate::migrations::up_to(ALL, version)
}

/// `Siyu` as a number: what the file says that it is.
const APPLICATION_ID: i32 = 0x5369_7975;

const MAKE: &str = "\
CREATE TABLE migrations (
    version    INTEGER NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   BLOB NOT NULL CHECK (length(checksum) = 32)
) STRICT";

/// Brings a database to the newest version that this host knows.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    place: &str,
    known: &[Migration],
) -> Result<(), StoreError> {
    check(connection, place, known).await?;
    for migration in known {
        match apply(connection, place, known, migration).await {
            Ok(()) => {}
            Err(fault) => {
                // Without a transaction this does nothing but say so.
                let _ = rows(connection, "ROLLBACK", Args::default()).await;
                return Err(fault);
            }
        }
    }
    Ok(())
}

/// Applies a migration unless somebody did; another process may be doing the same, so it looks again under the lock.
async fn apply(
    connection: &mut SqliteConnection,
    place: &str,
    known: &[Migration],
    migration: &Migration,
) -> Result<(), StoreError> {
    let fault = |fault| failed(&format!("{place}: migration {}", migration.name), fault);
    if check(connection, place, known).await? >= migration.version {
        return Ok(());
    }
    execute(connection, "BEGIN IMMEDIATE").await.map_err(fault)?;
    let version = check(connection, place, known).await?;
    if version < migration.version {
        if version == 0 {
            execute(connection, MAKE).await.map_err(fault)?;
            let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
            sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *connection).await.map_err(fault)?;
        }
        execute(connection, migration.text).await.map_err(fault)?;
        let args = Args::default().int(migration.version).text(migration.name).bytes(migration.checksum());
        rows(connection, "INSERT INTO migrations (version, name, checksum) VALUES (?, ?, ?)", args)
            .await
            .map_err(fault)?;
    }
    execute(connection, "COMMIT").await.map_err(fault)
}

async fn execute(connection: &mut SqliteConnection, text: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(text).execute(connection).await.map(drop)
}

/// The version of a database, 0 for an empty one, after a look at everything that must not be.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    place: &str,
    known: &[Migration],
) -> Result<i64, StoreError> {
    let fault = |fault| failed(&format!("{place}: the version cannot be read"), fault);
    let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'migrations') FROM sqlite_schema";
    let found = rows(connection, tables, Args::default()).await.map_err(fault)?;
    let (all, ours) = found.first().map_or((0, 0), |row| (number(row, 0), number(row, 1)));
    if ours == 0 {
        return match all {
            0 => Ok(0),
            _ => Err(StoreError::Broken(format!("{place} is a database, but not one of Siyu"))),
        };
    }
    let applied =
        rows(connection, "SELECT version, name, checksum FROM migrations ORDER BY version", Args::default())
            .await
            .map_err(fault)?;
    let applied = applied.iter().map(|row| (number(row, 0), row.try_get(2).unwrap_or_default()));
    known_version(applied.collect(), place, known)
}

fn number(row: &SqliteRow, column: usize) -> i64 {
    row.try_get(column).unwrap_or_default()
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
