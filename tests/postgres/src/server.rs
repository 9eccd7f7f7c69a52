//! One private server: a folder of its own, a socket in it, and an end that comes whatever happens to its owner.
//!
//! A shell stands between the owner and the server and reads from a pipe that only the owner holds. When the owner ends,
//! also by a kill, the pipe closes, and the shell ends the server by its process id and removes the folder. A server may
//! also be stopped in the ways in which servers stop, and started again on its folder.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use sqlx::postgres::PgConnectOptions;

use crate::Binaries;

/// How long a server may take until it answers.
const STARTING: Duration = Duration::from_secs(60);
/// How often that is looked at: the server says it in a file.
const LOOKING: Duration = Duration::from_millis(20);
/// Starts the server, hands on the signals that it is told, and ends the server when the pipe closes: what it holds is thrown
/// away then. `$1` is the folder, the rest is the server's command line. The server stays this shell's child until it is
/// waited for, so its process id is nobody else's.
const KEEPER: &str = r#"folder=$1; shift; "$@" >"$folder/log" 2>&1 & server=$!
if read -r how; then kill -s "$how" "$server"; wait "$server"; exit; fi
kill -s QUIT "$server"; wait "$server"; rm -rf "$folder""#;
/// The user of the test database; anybody who reaches the socket may be it.
const USER: &str = "siyu";

/// A server; it ends with this value, and its folder goes.
pub struct Server {
    /// None while it is stopped.
    keeper: Option<Child>,
    url: String,
    cluster: Cluster,
}

/// A database folder, and how a server is started on it.
struct Cluster {
    folder: PathBuf,
    binaries: Binaries,
    account: Option<Account>,
    settings: Vec<String>,
}

/// How a server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends sessions and writes everything: what `pg_ctl restart` does.
    Fast,
    /// As after a crash of the server: nothing is written, the next start recovers from the log.
    Immediate,
    /// As when the kernel kills it. Its processes end by themselves a little later.
    Kill,
}

/// The user as whom the server runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
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
        let cluster = Cluster::make(binaries, account, settings)?;
        cluster.filled(|data| make(data, binaries, account))?.started()
    }

    /// Makes a copy of a running server that follows it: a standby, to which every commit goes. The primary waits for it
    /// before it answers a commit once [`Server::wait_for_standby`] was called.
    pub fn standby(&self) -> anyhow::Result<Self> {
        let primary = &self.cluster;
        let settings: Vec<&str> = primary.settings.iter().map(String::as_str).collect();
        let cluster = Cluster::make(&primary.binaries, primary.account, &settings)?;
        cluster.filled(|data| primary.copy_to(data))?.started()
    }

    /// From now on a commit is answered when a standby has it on its disk too; returns when one follows.
    pub fn wait_for_standby(&self) -> anyhow::Result<()> {
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.execute("SELECT pg_reload_conf()")?;
        let until = Instant::now() + STARTING;
        while self.execute("SELECT pid::text FROM pg_stat_replication WHERE sync_state = 'sync'")?.is_empty()
        {
            ensure!(Instant::now() < until, "no standby follows");
            std::thread::sleep(LOOKING);
        }
        Ok(())
    }

    /// Makes a standby a server of its own; returns when it can be written.
    pub fn promote(&self) -> anyhow::Result<()> {
        self.execute("SELECT pg_promote()").map(drop)
    }

    /// Its URL, for a user who may do everything.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement, and gives the texts that it answers.
    pub fn execute(&self, text: &str) -> anyhow::Result<Vec<String>> {
        let at = PgConnectOptions::from_str(&self.url)?;
        crate::scratch::execute(&at, text.to_owned())
    }

    /// Stops it; its folder stays.
    pub fn stop(&mut self, how: Stop) -> anyhow::Result<()> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(()) };
        let signal = match how {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
            Stop::Kill => "KILL",
        };
        let mut pipe = keeper.stdin.take().context("the pipe of a keeper")?;
        writeln!(pipe, "{signal}")?;
        keeper.wait()?;
        Ok(())
    }

    /// Starts it again after it was stopped.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        ensure!(self.keeper.is_none(), "the server was not stopped");
        let until = Instant::now() + STARTING;
        // The processes of a server that was killed may still be there for a moment.
        self.keeper = loop {
            match self.cluster.start() {
                Ok(keeper) => break Some(keeper),
                Err(fault) if Instant::now() >= until => return Err(fault),
                Err(_) => std::thread::sleep(LOOKING),
            }
        };
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper.take() {
            // The keeper reads the end of the pipe and does the rest.
            Some(mut keeper) => {
                drop(keeper.stdin.take());
                keeper.wait().ok();
            }
            None => drop(fs::remove_dir_all(&self.cluster.folder)),
        }
    }
}

impl Cluster {
    /// A folder without a database yet.
    fn make(binaries: &Binaries, account: Option<Account>, settings: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("siyu-postgres-").tempdir()?.keep();
        if let Some(account) = account {
            std::os::unix::fs::chown(&folder, Some(account.user), Some(account.group))?;
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Ok(Self { folder, binaries: binaries.clone(), account, settings })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// With a database in it; without a folder when that fails.
    fn filled(self, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<Self> {
        match fill(&self.data()) {
            Ok(()) => Ok(self),
            Err(fault) => {
                fs::remove_dir_all(&self.folder).ok();
                Err(fault)
            }
        }
    }

    /// Copies the database of the running server, as one that follows it.
    fn copy_to(&self, data: &Path) -> anyhow::Result<()> {
        let mut copy = Command::new(self.binaries.program("pg_basebackup"));
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        copy.arg("--dbname").arg(format!("host={} user={USER}", self.folder.display()));
        copy.arg("--pgdata").arg(data);
        let done = run_as(&mut copy, self.account).current_dir(&self.folder).output()?;
        ensure!(done.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    fn started(self) -> anyhow::Result<Server> {
        let started = self.start();
        if started.is_err() {
            fs::remove_dir_all(&self.folder).ok();
        }
        let url = format!("postgres://{USER}@localhost/postgres?host={}", self.folder.display());
        Ok(Server { keeper: Some(started?), url, cluster: self })
    }

    /// Starts a server on the folder; returns when it is ready.
    fn start(&self) -> anyhow::Result<Child> {
        // What a server that was killed left behind says that it is ready, and what one said that is gone is not said anew.
        let before = process(&self.data());
        fs::remove_file(self.folder.join("log")).ok();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.folder).arg(self.binaries.program("postgres"));
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder);
        let usual = ["listen_addresses=", "max_connections=300", "max_wal_size=2GB", "log_checkpoints=off"];
        for setting in usual.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let mut keeper = run_as(&mut command, self.account)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("a shell cannot be started")?;
        if let Err(fault) = self.wait(before.as_deref()) {
            // Its folder stays: whoever started it decides.
            if let Some(mut pipe) = keeper.stdin.take() {
                // A server that has hardly begun does not listen to the others yet.
                writeln!(pipe, "KILL").ok();
            }
            keeper.wait().ok();
            return Err(fault);
        }
        Ok(keeper)
    }

    /// Waits until a server says that it is ready, in the file in which it says so.
    fn wait(&self, before: Option<&str>) -> anyhow::Result<()> {
        let until = Instant::now() + STARTING;
        let log: PathBuf = self.folder.join("log");
        loop {
            let state = fs::read_to_string(pid_file(&self.data())).unwrap_or_default();
            let is_new = state.lines().next() != before;
            let is_ready = ["ready", "standby"];
            let is_ready = state.lines().nth(7).is_some_and(|state| is_ready.contains(&state.trim()));
            if is_new && is_ready {
                return Ok(());
            }
            let said = fs::read_to_string(&log).unwrap_or_default();
            // A client that comes too early is told with FATAL too.
            let is_early = |line: &str| line.contains("the database system is");
            let is_dead = said.lines().any(|line| line.contains("FATAL:") && !is_early(line));
            if is_dead || Instant::now() >= until {
                bail!("the private Postgres did not start: {}", said.trim());
            }
            std::thread::sleep(LOOKING);
        }
    }
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// The process of the server that used a folder last, when it did not end in order.
fn process(data: &Path) -> Option<String> {
    fs::read_to_string(pid_file(data)).ok()?.lines().next().map(str::to_owned)
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
pub(crate) fn account() -> anyhow::Result<Option<Account>> {
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
