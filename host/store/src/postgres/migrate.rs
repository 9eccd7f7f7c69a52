//! Migrations of a schema: forward only, each in its own transaction, one host at a time.
//!
//! A host that is killed half-way leaves the schema at the end of the last whole migration. A schema of a newer host, an
//! edited migration and a schema that is none of Siyu are refused before anything is written.

use siyu_engine::ports::store::StoreError;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments, AssertSqlSafe, Row};

use super::connect::run;
use crate::database::failed;
use crate::migrations::{Migration, known_version};

/// What a database of tenants needs once.
pub(super) const HOST: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_host",
        text: include_str!("../../migrations/postgres/host/0001_host.sql"),
    },
    Migration {
        version: 2,
        name: "0002_fleet",
        text: include_str!("../../migrations/postgres/host/0002_fleet.sql"),
    },
    Migration {
        version: 3,
        name: "0003_closed",
        text: include_str!("../../migrations/postgres/host/0003_closed.sql"),
    },
    Migration {
        version: 4,
        name: "0004_access",
        text: include_str!("../../migrations/postgres/host/0004_access.sql"),
    },
    Migration {
        version: 5,
        name: "0005_secrets",
        text: include_str!("../../migrations/postgres/host/0005_secrets.sql"),
    },
];

/// What every tenant needs.
pub(super) const TENANT: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_tenant",
        text: include_str!("../../migrations/postgres/tenant/0001_tenant.sql"),
    },
    Migration {
        version: 2,
        name: "0002_ledger",
        text: include_str!("../../migrations/postgres/tenant/0002_ledger.sql"),
    },
];

/// The migrations of a tenant up to a version.
pub(super) fn up_to(version: i64) -> &'static [Migration] {
    crate::migrations::up_to(TENANT, version)
}

/// The lock under which one host at a time migrates: `siyu` as a number.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1936292213)";

const TABLES: &str = "SELECT count(*), count(*) FILTER (WHERE relname = 'migrations') FROM pg_catalog.pg_class \
    WHERE relkind = 'r' \
    AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)";

const MAKE: &str = "CREATE TABLE migrations (
    version  bigint NOT NULL PRIMARY KEY,
    name     text   NOT NULL,
    checksum bytea  NOT NULL CHECK (length(checksum) = 32)
)";

/// Brings a schema to the newest version that this host knows.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    schema: &str,
    place: &str,
    known: &[Migration],
) -> Result<(), StoreError> {
    for migration in known {
        if check(connection, schema, place, known).await? >= migration.version {
            continue;
        }
        if let Err(fault) = apply(connection, schema, place, known, migration).await {
            // Without a transaction this does nothing but say so.
            let _ = execute(connection, "ROLLBACK").await;
            return Err(fault);
        }
    }
    Ok(())
}

/// Applies a migration unless somebody did; another host may be doing the same, so it looks again under the lock.
async fn apply(
    connection: &mut PgConnection,
    schema: &str,
    place: &str,
    known: &[Migration],
    migration: &Migration,
) -> Result<(), StoreError> {
    let fault = |fault| failed(&format!("{place}: migration {}", migration.name), fault);
    execute(connection, "BEGIN").await.map_err(fault)?;
    execute(connection, LOCK).await.map_err(fault)?;
    let version = check(connection, schema, place, known).await?;
    if version < migration.version {
        if version == 0 && !is_there(connection, schema).await.map_err(fault)? {
            execute(connection, &format!("CREATE SCHEMA \"{schema}\"")).await.map_err(fault)?;
        }
        execute(connection, &format!("SET LOCAL search_path = \"{schema}\"")).await.map_err(fault)?;
        if version == 0 {
            execute(connection, MAKE).await.map_err(fault)?;
        }
        execute(connection, migration.text).await.map_err(fault)?;
        note(connection, migration).await.map_err(fault)?;
    }
    execute(connection, "COMMIT").await.map_err(fault)
}

async fn note(connection: &mut PgConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.add(migration.version).map_err(sqlx::Error::Encode)?;
    arguments.add(migration.name).map_err(sqlx::Error::Encode)?;
    arguments.add(migration.checksum().to_vec()).map_err(sqlx::Error::Encode)?;
    run(connection, "INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)", arguments)
        .await
        .map(drop)
}

/// Runs statements of this crate. The only names put into them are those of schemas, which hold no quote.
async fn execute(connection: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await.map(drop)
}

async fn is_there(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    let mut arguments = PgArguments::default();
    arguments.add(schema).map_err(sqlx::Error::Encode)?;
    let text = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    let (rows, _) = run(connection, text, arguments).await?;
    rows.first().map_or(Ok(false), |row| row.try_get(0))
}

/// The version of a schema, 0 for one that is empty or not there, after a look at everything that must not be.
pub(super) async fn check(
    connection: &mut PgConnection,
    schema: &str,
    place: &str,
    known: &[Migration],
) -> Result<i64, StoreError> {
    let fault = |fault| failed(&format!("{place}: the version cannot be read"), fault);
    let mut arguments = PgArguments::default();
    arguments.add(schema).map_err(|error| fault(sqlx::Error::Encode(error)))?;
    let (found, _) = run(connection, TABLES, arguments).await.map_err(fault)?;
    let number = |at: usize| found.first().map_or(Ok(0), |row| row.try_get::<i64, _>(at));
    let (all, ours) = (number(0).map_err(fault)?, number(1).map_err(fault)?);
    if ours == 0 {
        return match all {
            0 => Ok(0),
            _ => {
                Err(StoreError::Broken(format!("{place}: the schema {schema} is there, but is none of Siyu")))
            }
        };
    }
    let text = format!("SELECT version, checksum FROM \"{schema}\".migrations ORDER BY version");
    let (rows, _) = run(connection, AssertSqlSafe(text), PgArguments::default()).await.map_err(fault)?;
    let mut applied = Vec::with_capacity(rows.len());
    for row in &rows {
        applied.push((row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?));
    }
    known_version(applied, place, known)
}
