//! Programs of peers as processes: each leads a group of its own, has an end in time, and is ended by its own number.
//!
//! `timeout` of the coreutils stands between us and the program, so that it ends also when we are killed. Nothing is ended
//! by a name.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

/// No program runs longer than this.
const LIFE: Duration = Duration::from_secs(900);
/// How long a program may take to begin and to end in order.
const LONG: Duration = Duration::from_secs(90);
/// How often is looked whether it has.
const LOOKING: Duration = Duration::from_millis(20);
/// How much of what a program said is told when it failed.
const SAID_BYTES_MAX: usize = 2_000;

/// A program that runs.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    pipes: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Process {
    /// Starts a program whose words go to a file.
    pub(crate) fn start(program: &Path, log: &Path, set: impl FnOnce(&mut Command)) -> anyhow::Result<Self> {
        let mut command = bounded(program, LIFE);
        set(&mut command);
        let out = File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, log: log.to_owned(), pipes: None })
    }

    /// Starts a program that is asked and answers, a line each.
    pub(crate) fn start_asked(
        program: &Path,
        log: &Path,
        set: impl FnOnce(&mut Command),
    ) -> anyhow::Result<Self> {
        let mut command = bounded(program, LIFE);
        set(&mut command);
        let out = File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(out);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Ok(Self { child, log: log.to_owned(), pipes })
    }

    /// Writes a line to it.
    pub(crate) fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let (pipe, _) = self.pipes.as_mut().context("a program that nobody asks")?;
        let told = writeln!(pipe, "{line}").and_then(|()| pipe.flush());
        told.with_context(|| self.said())
    }

    /// The next line that it writes.
    pub(crate) fn hear(&mut self) -> anyhow::Result<String> {
        let (_, pipe) = self.pipes.as_mut().context("a program that nobody asks")?;
        let mut line = String::new();
        pipe.read_line(&mut line)?;
        ensure!(!line.is_empty(), "it ended: {}", self.said());
        Ok(line)
    }

    /// Waits until `look` finds something in what the program said, or elsewhere; an error when the program ends before, or
    /// takes too long.
    pub(crate) fn until<T>(&mut self, look: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            let why = match look(&fs::read_to_string(&self.log).unwrap_or_default()) {
                Ok(found) => return Ok(found),
                Err(why) => why,
            };
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}: {}", self.said());
            }
            ensure!(begun.elapsed() < LONG, "it is not ready: {why:#}: {}", self.said());
            std::thread::sleep(LOOKING);
        }
    }

    /// The number of its first process.
    pub(crate) fn number(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and waits for its end: one that is asked ends when nobody asks any more, another as a service manager does it.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        match self.pipes.take() {
            Some(pipes) => drop(pipes),
            None => self.signal(Signal::TERM),
        }
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(begun.elapsed() < LONG, "it does not end: {}", self.said());
            std::thread::sleep(LOOKING);
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            kill_process_group(group, signal).ok();
        }
    }

    fn said(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let last = said.len().saturating_sub(SAID_BYTES_MAX);
        String::from_utf8_lossy(&said[last..]).trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            self.child.wait().ok();
        }
    }
}

/// Runs a program to its end, within a time; an error that says what it said when it fails.
pub(crate) fn run(
    program: &Path,
    within: Duration,
    set: impl FnOnce(&mut Command),
) -> anyhow::Result<String> {
    let mut command = bounded(program, within);
    set(&mut command);
    let done = command.stdin(Stdio::null()).output();
    let done = done.with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let from = said.char_indices().rev().nth(SAID_BYTES_MAX).map_or(0, |(place, _)| place);
    ensure!(
        done.status.success(),
        "{} ended with {}: {}",
        program.display(),
        done.status,
        said[from..].trim()
    );
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn bounded(program: &Path, within: Duration) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("timeout");
    command.arg("--kill-after=10").arg(within.as_secs().to_string()).arg(program).process_group(0);
    command
}

/// A port of the loopback that nobody listens on.
pub(crate) fn port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
