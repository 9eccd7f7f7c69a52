//! One private server: a folder of its own, a socket in it, and an end that comes whatever happens to its owner.
//!
//! A shell stands between the owner and the server and reads from a pipe that only the owner holds. When the owner ends,
//! also by a kill, the pipe closes, and the shell ends the server by its process id and removes the folder.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::Binaries;

/// How long a server may take until it answers.
const STARTING: Duration = Duration::from_secs(60);
/// How often that is looked at: the server says it in a file.
const LOOKING: Duration = Duration::from_millis(20);
/// Ends the server at once: what it holds is thrown away. `$1` is the folder, the rest is the server's command line.
const KEEPER: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!
read -r _; kill -QUIT "$server"; wait "$server"; rm -rf "$folder""#;
/// The user of the test database; anybody who reaches the socket may be it.
const USER: &str = "siyu";

/// A running server; it ends with this value.
pub struct Server {
    keeper: Child,
    url: String,
}

/// The user as whom the server runs.
#[derive(Debug, Clone, Copy)]
struct Account {
    user: u32,
    group: u32,
}

impl Server {
    /// Makes a database folder and starts a server on it. It listens on a socket in that folder only, and makes commits
    /// durable, as in earnest.
    pub fn start(binaries: &Binaries) -> anyhow::Result<Self> {
        Self::start_with(binaries, &[])
    }

    /// The same with other settings, such as `fsync=off`.
    pub fn start_with(binaries: &Binaries, settings: &[&str]) -> anyhow::Result<Self> {
        let account = account()?;
        let folder = tempfile::Builder::new().prefix("siyu-postgres-").tempdir()?.keep();
        let started = start_in(&folder, binaries, account, settings);
        if started.is_err() {
            fs::remove_dir_all(&folder).ok();
        }
        started
    }

    /// Its URL, for a user who may do everything.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The keeper reads the end of the pipe and does the rest.
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

fn start_in(
    folder: &Path,
    binaries: &Binaries,
    account: Option<Account>,
    settings: &[&str],
) -> anyhow::Result<Server> {
    if let Some(account) = account {
        std::os::unix::fs::chown(folder, Some(account.user), Some(account.group))?;
    }
    let data = folder.join("data");
    make(&data, binaries, account)?;
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "keeper"]).arg(folder).arg(binaries.program("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(folder);
    let usual = ["listen_addresses=", "max_connections=300", "max_wal_size=2GB", "log_checkpoints=off"];
    for setting in usual.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    let mut keeper = run_as(&mut command, account)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("a shell cannot be started")?;
    if let Err(fault) = wait(folder, &data) {
        drop(keeper.stdin.take());
        keeper.wait().ok();
        return Err(fault);
    }
    let url = format!("postgres://{USER}@localhost/postgres?host={}", folder.display());
    Ok(Server { keeper, url })
}

/// Makes an empty database. Its texts are ordered as people of some country would, where that can be had, so that no test
/// passes only because the server orders as the store does.
fn make(data: &Path, binaries: &Binaries, account: Option<Account>) -> anyhow::Result<()> {
    let initdb = binaries.program("initdb");
    let help = Command::new(&initdb).arg("--help").output()?;
    let mut command = Command::new(&initdb);
    command.arg("-D").arg(data);
    command.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync", "--username", USER]);
    if String::from_utf8_lossy(&help.stdout).contains("--icu-locale") {
        command.args(["--locale-provider=icu", "--icu-locale=zh"]);
    }
    let folder = data.parent().unwrap_or(data);
    let done = run_as(&mut command, account).current_dir(folder).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{} ended with {}: {said}", initdb.display(), done.status);
    Ok(())
}

fn run_as(command: &mut Command, account: Option<Account>) -> &mut Command {
    match account {
        Some(account) => command.uid(account.user).gid(account.group),
        None => command,
    }
}

/// Postgres refuses to run as root: then it runs as the user that its package makes.
fn account() -> anyhow::Result<Option<Account>> {
    let own = Command::new("id").arg("-u").output().context("`id -u` cannot be asked")?;
    if String::from_utf8_lossy(&own.stdout).trim() != "0" {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let account = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_it = fields.first() == Some(&"postgres");
        Some(Account { user: fields.get(2)?.parse().ok()?, group: fields.get(3)?.parse().ok()? })
            .filter(|_| is_it)
    });
    let account = account.context("there is no user `postgres`, and Postgres does not run as root")?;
    Ok(Some(account))
}

/// Waits until the server says that it is ready, in the file in which it says so.
fn wait(folder: &Path, data: &Path) -> anyhow::Result<()> {
    let until = Instant::now() + STARTING;
    let log: PathBuf = folder.join("log");
    loop {
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return Ok(());
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        if said.contains("FATAL:") || Instant::now() >= until {
            bail!("the private Postgres did not start: {}", said.trim());
        }
        std::thread::sleep(LOOKING);
    }
}
