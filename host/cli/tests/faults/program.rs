//! The real program with the real plugins, replaying real orders, from its start to whatever ends it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::ledger::Ledger;
use crate::support::{playbook, plugins};

/// No life of the program lasts longer.
const LIFE_MAX: Duration = Duration::from_secs(600);
/// How often is looked at what the program acknowledged: a file tells nobody that it grew.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A data folder with the host's key and the plugins' machine code, which stays for the next time.
static PREPARED: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("siyu-faults");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut list = Command::new(env!("CARGO_BIN_EXE_siyu"));
    list.arg("--data").arg(&folder).arg("--plugins").arg(plugins()).args(["plugins", "list"]);
    assert!(
        list.stdout(Stdio::null()).status().expect("siyu starts").success(),
        "plugins cannot be compiled"
    );
    folder
});

/// Makes a data folder in which the plugins are compiled already: that takes longer than all else.
fn prepare(data: &Path) {
    let compiled = PREPARED.join("compiled");
    std::fs::create_dir_all(data.join("compiled")).expect("a folder");
    std::fs::copy(PREPARED.join("host.key"), data.join("host.key")).expect("the key");
    for entry in std::fs::read_dir(compiled).expect("machine code") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a file");
        std::fs::copy(&path, data.join("compiled").join(name)).expect("machine code");
    }
}

/// Writes the events of so many customers, of the 23,570 of the order history.
pub(crate) fn feed(folder: &Path, customers: usize) -> PathBuf {
    let feed = folder.join("events.ndjson");
    siyu_cdnow::write(&feed, Some(customers)).expect("events");
    feed
}

/// A tenant that replays a feed, and the file in which its events are acknowledged.
pub(crate) struct Stage {
    pub(crate) data: PathBuf,
    feed: PathBuf,
    acks: PathBuf,
    database: Option<String>,
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, OsString)>,
}

impl Stage {
    /// A tenant in a data folder; its acknowledgements stand beside the feed, which no fault befalls.
    pub(crate) fn new(data: impl Into<PathBuf>, feed: &Path) -> Self {
        let data = data.into();
        prepare(&data);
        let name = data.file_name().expect("a folder with a name").to_string_lossy().into_owned();
        Self {
            acks: feed.with_file_name(format!("{name}.acks")),
            feed: feed.to_owned(),
            data,
            database: None,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The same in a Postgres database.
    pub(crate) fn in_database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// With other arguments for the program.
    pub(crate) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments = arguments.to_vec();
        self
    }

    /// With something more in the program's environment.
    pub(crate) fn with_environment(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// The program, told what is the same for all commands.
    pub(crate) fn siyu(&self) -> Command {
        let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
        for variable in ["SIYU_DATA", "SIYU_DATABASE_URL", "SIYU_TENANT", "SIYU_PLUGINS"] {
            siyu.env_remove(variable);
        }
        siyu.arg("--data").arg(&self.data).arg("--plugins").arg(plugins()).args(&self.arguments);
        if let Some(database) = &self.database {
            siyu.env("SIYU_DATABASE_URL", database);
        }
        siyu.stdout(Stdio::piped()).stderr(Stdio::piped());
        siyu
    }

    /// Calls the program; it must succeed.
    pub(crate) fn call(&self, words: &[&str]) {
        let output = self.siyu().args(words).output().expect("siyu starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the replay, or goes on with it.
    pub(crate) fn start(&self) -> Life<'_> {
        let mut run = self.siyu();
        run.envs(self.environment.iter().map(|(name, value)| (name, value)));
        run.args(["run", "--virtual", "--seed", "faults", "--events"]).arg(&self.feed);
        run.arg("--acks").arg(&self.acks).arg(playbook("steak-club"));
        Life { stage: self, child: run.spawn().expect("siyu starts"), began: Instant::now() }
    }

    /// Replays the rest, undisturbed.
    pub(crate) fn finish(&self) {
        let said = self.start().end();
        assert_eq!(said.status, Some(0), "{}", said.text);
    }

    /// What the database says.
    pub(crate) fn ledger(&self) -> Ledger {
        match &self.database {
            Some(url) => Ledger::Schema(url.clone()),
            None => Ledger::File(self.data.join("tenants/default.db")),
        }
    }

    /// Bytes of acknowledgements.
    pub(crate) fn acknowledged_bytes(&self) -> u64 {
        self.acks.metadata().map_or(0, |found| found.len())
    }

    /// The ids that were acknowledged, in whole lines.
    pub(crate) fn acknowledged(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(&self.acks).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// Forgets what was acknowledged, so that it is acknowledged anew.
    pub(crate) fn forget(&self) {
        std::fs::write(&self.acks, "").expect("acknowledgements are forgotten");
    }

    /// Ids of messages in the file into which the channel writes, in its order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.data.join("outbox/default.ndjson")).unwrap_or_default();
        let id = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line)
                .unwrap_or_else(|why| panic!("{why}: {:.200}", line.escape_debug().to_string()));
            line["id"].as_str().expect("an id").to_owned()
        };
        text.lines().map(id).collect()
    }
}

/// How the program ended.
pub(crate) struct Said {
    /// Its exit status; none when a signal ended it.
    pub(crate) status: Option<i32>,
    /// All that it printed.
    pub(crate) text: String,
}

/// The program at work. It does not outlive this value.
pub(crate) struct Life<'a> {
    stage: &'a Stage,
    child: Child,
    began: Instant,
}

impl Life<'_> {
    /// Returns once so many bytes are acknowledged; gives whether the program ended before.
    pub(crate) fn until(&mut self, bytes: u64) -> bool {
        while self.stage.acknowledged_bytes() < bytes {
            if self.is_over() {
                return true;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        false
    }

    /// Returns after some time; gives whether the program ended before.
    pub(crate) fn go_on_for(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while Instant::now() < until {
            if self.is_over() {
                return true;
            }
            std::thread::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
        }
        self.is_over()
    }

    fn is_over(&mut self) -> bool {
        assert!(self.began.elapsed() < LIFE_MAX, "it neither goes on nor ends");
        self.child.try_wait().expect("it can be waited for").is_some()
    }

    /// From now on it does nothing until it is killed.
    pub(crate) fn stand_still(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::STOP).expect("SIGSTOP");
    }

    /// Ends it in order, as Ctrl-C does.
    pub(crate) fn interrupt(self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).expect("SIGINT");
        let said = self.end();
        assert_eq!(said.status, Some(130), "{}", said.text);
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("it is dead");
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(mut self) -> Said {
        while !self.is_over() {
            std::thread::sleep(LOOK_EVERY);
        }
        let mut text = String::new();
        let (mut out, mut err) = (self.child.stdout.take(), self.child.stderr.take());
        let pipes = [out.as_mut().map(|pipe| pipe as &mut dyn Read), err.as_mut().map(|pipe| pipe as _)];
        for pipe in pipes.into_iter().flatten() {
            pipe.read_to_string(&mut text).expect("its output");
        }
        let status = self.child.wait().expect("it can be waited for");
        Said { status: status.code(), text }
    }
}

impl Drop for Life<'_> {
    fn drop(&mut self) {
        // It has ended already, or a test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
