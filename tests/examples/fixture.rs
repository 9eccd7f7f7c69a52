//! Makes the fixture of the newest schema version: a tenant in the middle of its life, as SQL text for both databases, and
//! what is seen of it there and at its end. `cargo xtask fixture` calls it.
//!
//! A fixture that is there is never made again: it is what the programs of its version wrote.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use siyu_model::name::TenantName;
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;
use siyu_tests::upgrade::{SECRET, TENANT, begin, finish, story};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a developer watches")]
async fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tenant = TenantName::new(TENANT)?;
    let folder = tempfile::tempdir()?;
    let options = SqliteOptions { secret: Some(SECRET), ..SqliteOptions::default() };
    let files = Arc::new(SqliteStores::new(folder.path(), options));
    begin(files.clone()).await?;
    let scratch = Scratch::make()?;
    let options = PgOptions { secret: Some(SECRET), ..PgOptions::default() };
    let database = Arc::new(PgStores::new(&scratch.url(), options)?);
    begin(database.clone()).await?;

    let path = files.path(&tenant);
    let mut file = SqliteConnectOptions::new().filename(&path).read_only(true).connect().await?;
    let version: i64 = sqlx::query("SELECT max(version) FROM migrations").fetch_one(&mut file).await?.get(0);
    let made = root.join("fixtures").join(format!("v{version}"));
    ensure!(
        !made.exists(),
        "{} is there: a fixture is what the programs of its version wrote",
        made.display()
    );
    std::fs::create_dir_all(&made)?;
    std::fs::write(made.join("sqlite.sql"), of_sqlite(&mut file).await?)?;
    let mut schema: PgConnection = scratch.url().parse::<PgConnectOptions>()?.connect().await?;
    std::fs::write(made.join("postgres.sql"), of_postgres(&mut schema, root).await?)?;

    let (one, other) = (SqliteInspect::open(&path).await?, PgInspect::open(&database, &tenant).await?);
    for name in ["began.txt", "ended.txt"] {
        let (found, same) = (story(&one).await?, story(&other).await?);
        ensure!(found == same, "the databases differ in {name}");
        std::fs::write(made.join(name), found.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        if name == "began.txt" {
            finish(files.clone(), &one).await?;
            finish(database.clone(), &other).await?;
        }
    }
    println!("{}", made.display());
    Ok(())
}

/// A file as SQL text: its settings, its tables, its rows.
async fn of_sqlite(connection: &mut SqliteConnection) -> anyhow::Result<String> {
    let mut text = String::from("-- Made by `cargo xtask fixture`; never edited.\n");
    for setting in ["page_size", "auto_vacuum", "application_id"] {
        let value: i64 =
            sqlx::query(AssertSqlSafe(format!("PRAGMA {setting}"))).fetch_one(&mut *connection).await?.get(0);
        writeln!(text, "PRAGMA {setting} = {value};")?;
    }
    text.push_str("PRAGMA journal_mode = WAL;\nBEGIN;\n");
    let made = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let mut tables = Vec::new();
    for row in sqlx::query(made).fetch_all(&mut *connection).await? {
        let (kind, name, sql): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        writeln!(text, "{sql};")?;
        if kind == "table" {
            tables.push(name);
        }
    }
    for table in tables {
        let asked = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
        let columns = sqlx::query(AssertSqlSafe(asked)).fetch_all(&mut *connection).await?;
        let quoted: Vec<String> =
            columns.iter().map(|row| format!("quote(\"{}\")", row.get::<String, _>(0))).collect();
        let asked = format!("SELECT {} FROM \"{table}\"", quoted.join(" || ', ' || "));
        for row in sqlx::query(AssertSqlSafe(asked)).fetch_all(&mut *connection).await? {
            writeln!(text, "INSERT INTO \"{table}\" VALUES ({});", row.get::<String, _>(0))?;
        }
    }
    text.push_str("COMMIT;\n");
    Ok(text)
}

/// A database as SQL text: the migrations that made it, and its rows.
async fn of_postgres(connection: &mut PgConnection, root: &Path) -> anyhow::Result<String> {
    let mut text = String::from("-- Made by `cargo xtask fixture`; never edited.\nBEGIN;\n");
    for (schema, folder) in [("siyu".to_owned(), "host"), (format!("siyu_{TENANT}"), "tenant")] {
        writeln!(text, "CREATE SCHEMA \"{schema}\";\nSET LOCAL search_path = \"{schema}\";")?;
        text.push_str("CREATE TABLE migrations (\n    version  bigint NOT NULL PRIMARY KEY,\n");
        text.push_str(
            "    name     text   NOT NULL,\n    checksum bytea  NOT NULL CHECK (length(checksum) = 32)\n);\n",
        );
        for file in migrations(&root.join("../host/store/migrations/postgres").join(folder))? {
            text.push_str(&std::fs::read_to_string(&file).with_context(|| file.display().to_string())?);
        }
        text.push_str("DELETE FROM ");
        text.push_str(if folder == "tenant" { "lease;\n" } else { "tenants;\n" });
        rows(connection, &schema, &mut text).await?;
    }
    text.push_str("COMMIT;\n");
    Ok(text)
}

fn migrations(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let found = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = found.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// The rows of a schema, in the order of their keys, and where numbers go on.
async fn rows(connection: &mut PgConnection, schema: &str, text: &mut String) -> anyhow::Result<()> {
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace ORDER BY 1";
    let quoted = format!("\"{schema}\"");
    for table in sqlx::query(tables).bind(&quoted).fetch_all(&mut *connection).await? {
        let table: String = table.get(0);
        let columns = "SELECT column_name::text, is_identity = 'YES' FROM information_schema.columns \
            WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position";
        let columns = sqlx::query(columns).bind(schema).bind(&table).fetch_all(&mut *connection).await?;
        let cells: Vec<String> = columns
            .iter()
            .map(|row| format!("quote_nullable(\"{}\"::text)", row.get::<String, _>(0)))
            .collect();
        let asked = format!("SELECT {} FROM {quoted}.\"{table}\" ORDER BY 1", cells.join(" || ', ' || "));
        for row in sqlx::query(AssertSqlSafe(asked)).fetch_all(&mut *connection).await? {
            let values: String = row.get(0);
            writeln!(text, "INSERT INTO \"{table}\" OVERRIDING SYSTEM VALUE VALUES ({values});")?;
        }
        for column in columns.iter().filter(|row| row.get::<bool, _>(1)) {
            let column: String = column.get(0);
            writeln!(
                text,
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
                 (SELECT coalesce(max({column}), 0) + 1 FROM \"{table}\"), false);"
            )?;
        }
    }
    Ok(())
}
