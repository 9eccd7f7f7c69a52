//! PgBouncer in front of a database, for tests: it ends with its value.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sqlx::postgres::PgConnectOptions;

use crate::server::account;

/// Where Debian keeps the program beside the search path.
const DEBIAN: &str = "/usr/sbin/pgbouncer";
/// The number in the name of its socket; nothing listens on the network.
const PORT: u16 = 6_432;
/// How long it may take until it listens, and how often that is looked at.
const STARTING: Duration = Duration::from_secs(30);
const LOOKING: Duration = Duration::from_millis(10);
/// Ends the pooler when the pipe closes that only its owner holds. `$1` is its program, `$2` its file of settings.
const KEEPER: &str = r#""$1" --quiet "$2" & pooler=$!; read -r _; kill -s KILL "$pooler"; wait "$pooler""#;

/// When a session goes to another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// When its client has gone.
    Session,
    /// After every transaction.
    Transaction,
}

/// A pooler at work.
pub struct Pooler {
    keeper: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Pooler {
    /// Whether the program is here.
    pub fn is_installed() -> bool {
        program().is_some()
    }

    /// Starts one in front of the database of a URL.
    pub fn start(url: &str, pooling: Pooling) -> anyhow::Result<Self> {
        let program = program().context("no `pgbouncer` is here: install Debian's package `pgbouncer`")?;
        let folder = tempfile::tempdir()?;
        // It runs as another user when we are root, which it refuses to be.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        let at = PgConnectOptions::from_str(url)?;
        let settings = folder.path().join("pgbouncer.ini");
        fs::write(&settings, text(&at, folder.path(), pooling))?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program).arg(&settings);
        if let Some(account) = account()? {
            command.uid(account.user).gid(account.group);
        }
        let log = fs::File::create(folder.path().join("said"))?;
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn()?;
        let database = at.get_database().unwrap_or("postgres");
        let url = format!("postgres://siyu@localhost:{PORT}/{database}?host={}", folder.path().display());
        let pooler = Self { keeper, url, folder };
        pooler.wait()?;
        Ok(pooler)
    }

    /// The URL of the database by way of the pooler.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait(&self) -> anyhow::Result<()> {
        let (folder, until) = (self.folder.path(), Instant::now() + STARTING);
        while !folder.join(format!(".s.PGSQL.{PORT}")).exists() {
            let said = fs::read_to_string(folder.join("said")).unwrap_or_default();
            ensure!(Instant::now() < until && !said.contains("FATAL"), "pgbouncer did not start: {said}");
            std::thread::sleep(LOOKING);
        }
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Its shell ends when the pooler has.
        self.keeper.wait().ok();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&path).map(|folder| folder.join("pgbouncer"));
    named.chain([PathBuf::from(DEBIAN)]).find(|program| program.is_file())
}

/// The settings that somebody would begin with: nothing is said of what comes with the greeting.
fn text(at: &PgConnectOptions, folder: &Path, pooling: Pooling) -> String {
    let host = at.get_socket().map_or_else(|| at.get_host().to_owned(), |path| path.display().to_string());
    let (port, user, folder) = (at.get_port(), at.get_username(), folder.display());
    let mode = match pooling {
        Pooling::Session => "session",
        Pooling::Transaction => "transaction",
    };
    format!(
        "[databases]\n* = host={host} port={port} user={user}\n[pgbouncer]\nlisten_port = {PORT}\n\
         unix_socket_dir = {folder}\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = 100\n\
         max_client_conn = 300\nlogfile = {folder}/log\n"
    )
}
