//! The program `siyu` as a host of one tenant with a sale, and a token to enter it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// The tenant that is asked.
const TENANT: &str = "shop";

/// A host that serves, ended when it is dropped.
pub(super) struct Host {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub(super) address: String,
    /// What opens its door.
    pub(super) token: String,
    /// Removed after the process has ended.
    data: TempDir,
}

/// What is started.
pub(super) struct Program<'p> {
    /// The program.
    pub(super) siyu: &'p Path,
    /// Its packed plugins.
    pub(super) plugins: &'p Path,
    /// Where the data folder is made.
    pub(super) folder: &'p Path,
}

impl Program<'_> {
    /// Publishes the sale, makes a token, and serves.
    pub(super) fn serve(&self) -> anyhow::Result<Host> {
        let data = TempDir::new_in(self.folder)?;
        let playbook = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sale");
        self.run(data.path(), |siyu| siyu.arg("publish").arg(&playbook))?;
        let token = self.make_token(data.path(), ("load", "integrator"))?;
        let mut serve = self.siyu(data.path());
        let serve = serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = serve.spawn().with_context(|| self.siyu.display().to_string())?;
        let mut line = String::new();
        let out = process.stdout.take().context("a host without an output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim_end().rsplit("http://").next().unwrap_or_default().to_owned();
        let host = Host { process, address, token, data };
        ensure!(host.address.starts_with("127.0.0.1:"), "it does not serve: {line}");
        Ok(host)
    }

    /// A further token of a host, that reads what is there.
    pub(super) fn token(&self, host: &Host, name: &str) -> anyhow::Result<String> {
        self.make_token(host.data.path(), (name, "viewer"))
    }

    fn make_token(&self, data: &Path, (name, role): (&str, &str)) -> anyhow::Result<String> {
        let said = self
            .run(data, |siyu| siyu.args(["tokens", "create", name, "--role", role, "--tenants", TENANT]))?;
        let token = said.split_whitespace().find(|word| word.starts_with("siyu_"));
        Ok(token.with_context(|| format!("no token in: {said}"))?.to_owned())
    }

    fn siyu(&self, data: &Path) -> Command {
        let mut siyu = Command::new(self.siyu);
        siyu.env("SIYU_DATA", data).env("SIYU_PLUGINS", self.plugins).env("SIYU_TENANT", TENANT);
        siyu.env_remove("SIYU_DATABASE_URL").stdin(Stdio::null());
        siyu
    }

    fn run(&self, data: &Path, set: impl FnOnce(&mut Command) -> &mut Command) -> anyhow::Result<String> {
        let mut siyu = self.siyu(data);
        let done = set(&mut siyu).output().with_context(|| self.siyu.display().to_string())?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        ensure!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        Ok(said)
    }
}

impl Host {
    /// The path of events.
    pub(super) fn events() -> String {
        format!("/v1/tenants/{TENANT}/events")
    }

    /// The path of what happens.
    pub(super) fn stream() -> String {
        format!("/v1/tenants/{TENANT}/stream")
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // One that ended already cannot be ended again.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
