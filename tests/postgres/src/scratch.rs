//! A database for one test.
//!
//! Making a database is cheap and dropping one is not: it makes everything durable first. So a database that a test is done
//! with is emptied and given to the next one of the process, and dropped by a later process that finds its owner gone.

use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::{Binaries, Server, VARIABLE};

/// What the databases of tests begin with; the process's id and a number follow.
const PREFIX: &str = "siyu_test_";
/// Ends whoever is still connected, forgets settings, and drops all schemas that a test made.
const EMPTY: &str = "
DO $$
DECLARE made name;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
    FOR made IN SELECT nspname FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public')
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', made);
    END LOOP;
END $$";

/// What this process has.
static OWN: Mutex<Own> = Mutex::new(Own { server: None, at: None, made: 0, idle: Vec::new() });

struct Own {
    /// The server, when nobody named one.
    server: Option<Server>,
    /// Where the server is.
    at: Option<PgConnectOptions>,
    /// Databases made.
    made: u32,
    /// Empty databases that nobody uses.
    idle: Vec<String>,
}

/// An empty database; it is emptied when this value goes, whoever is still connected.
pub struct Scratch {
    server: PgConnectOptions,
    name: String,
}

impl Scratch {
    /// A database on the server of the tests, which is started when nobody named one.
    pub fn make() -> anyhow::Result<Self> {
        let mut own = own();
        let server = match &own.at {
            Some(server) => server.clone(),
            None => own.begin()?,
        };
        if let Some(name) = own.idle.pop() {
            return Ok(Self { server, name });
        }
        own.made += 1;
        let name = format!("{PREFIX}{}_{}", std::process::id(), own.made);
        drop(own);
        execute(&server, format!("CREATE DATABASE {name}"))?;
        Ok(Self { server, name })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.at().to_url_lossy().to_string()
    }

    /// Runs statements in it, as its owner: what a test breaks on purpose.
    pub fn execute(&self, text: &str) -> anyhow::Result<()> {
        execute(&self.at(), text.to_owned()).map(drop)
    }

    fn at(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A setting of the database that refuses changes must not keep it from being emptied.
        let at = self.at().options([("default_transaction_read_only", "off")]);
        if execute(&at, EMPTY.to_owned()).is_ok() {
            own().idle.push(self.name.clone());
        }
    }
}

fn own() -> MutexGuard<'static, Own> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Own {
    /// Finds or starts the server, and drops what processes left that are gone.
    fn begin(&mut self) -> anyhow::Result<PgConnectOptions> {
        let url = match std::env::var(VARIABLE) {
            Ok(url) => url,
            Err(_) => self.server.insert(Server::start(&Binaries::find()?)?).url().to_owned(),
        };
        let at = PgConnectOptions::from_str(&url).with_context(|| format!("{VARIABLE} is no URL"))?;
        let names = format!("SELECT datname::text FROM pg_database WHERE datname LIKE '{PREFIX}%'");
        for name in execute(&at, names)?.iter().filter(|name| is_left(name)) {
            execute(&at, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        }
        self.at = Some(at.clone());
        Ok(at)
    }
}

/// Whether the process is gone that made a database; one of this process's id was made by an earlier one.
fn is_left(name: &str) -> bool {
    let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next());
    process.and_then(|process| process.parse::<u32>().ok()).is_some_and(|process| {
        process == std::process::id() || !Path::new("/proc").join(process.to_string()).exists()
    })
}

/// Runs statements on a thread of its own, so that it can be waited for anywhere, also while a value is dropped. Gives the
/// texts that they answer.
pub(crate) fn execute(at: &PgConnectOptions, text: String) -> anyhow::Result<Vec<String>> {
    let at = at.clone();
    let work = std::thread::spawn(move || -> anyhow::Result<Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connection: PgConnection = at.disable_statement_logging().connect().await?;
            let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&mut connection).await?;
            connection.close().await?;
            Ok(rows.iter().filter_map(|row| row.try_get(0).ok()).collect())
        })
    });
    match work.join() {
        Ok(done) => done,
        Err(_) => anyhow::bail!("the thread of a statement ended early"),
    }
}
