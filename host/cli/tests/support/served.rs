//! Hosts as processes of the real program, and requests to them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No request and no change of hosts takes longer on any machine.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// A host, killed when the test is over.
pub(crate) struct Served {
    process: Child,
    address: String,
    agent: ureq::Agent,
}

/// A way to a host.
pub(crate) fn agent() -> ureq::Agent {
    agent_for(LONG)
}

/// A way to a host for somebody who waits no longer than this.
pub(crate) fn agent_for(limit: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(limit)).http_status_as_error(false);
    config.max_idle_connections_per_host(512).max_idle_connections(512).build().into()
}

impl Served {
    /// Starts a host on a data folder, and on a database when one is named.
    ///
    /// # Panics
    /// When it does not serve.
    pub(crate) fn start(data: &Path, database: Option<&str>, name: &str) -> Self {
        Self::start_as(super::siyu(data), database, name)
    }

    /// The same with a program that was told more.
    ///
    /// # Panics
    /// When it does not serve.
    pub(crate) fn start_as(mut siyu: Command, database: Option<&str>, name: &str) -> Self {
        if let Some(url) = database {
            siyu.env("SIYU_DATABASE_URL", url);
        }
        siyu.args(["serve", "--listen", "127.0.0.1:0", "--open", "--name", name]);
        Self::run(siyu)
    }

    /// Starts a host on a data folder with something set in the environment.
    ///
    /// # Panics
    /// When it does not serve.
    pub(crate) fn start_with(data: &Path, variables: &[(&str, PathBuf)]) -> Self {
        let mut siyu = super::siyu(data);
        siyu.envs(variables.iter().map(|(name, value)| (name, value)));
        siyu.args(["serve", "--listen", "127.0.0.1:0", "--open"]);
        Self::run(siyu)
    }

    fn run(mut siyu: Command) -> Self {
        let mut process = siyu.stdout(Stdio::piped()).spawn().expect("siyu runs");
        let out = process.stdout.take().expect("it has a standard output");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("it says where it serves");
        let address = line.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{line}");
        Self { process, address, agent: agent() }
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The tenants that it has.
    pub(crate) fn tenants(&self) -> Vec<String> {
        let answer = self.agent.get(format!("{}/v1/host", self.address)).call();
        let text = answer.expect("a host answers").body_mut().read_to_string().expect("text");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let names = answer["tenants"].as_array().expect("tenants").iter();
        names.map(|name| name.as_str().expect("a name").to_owned()).collect()
    }

    /// Hands an event in; gives the status and the answer.
    pub(crate) fn post(&self, tenant: &str, event: &Value) -> (u16, Value) {
        post(&self.agent, &self.address, tenant, event)
    }

    /// Sends a signal, such as `KILL`.
    pub(crate) fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args([&format!("-{signal}"), &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "{signal}");
    }

    /// Stops it as a service manager does; gives its exit status.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child can be waited for") {
                return status.code();
            }
            assert!(begun.elapsed() < LONG, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // One that ended already cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Hands an event in.
///
/// # Panics
/// When there is no answer.
pub(crate) fn post(agent: &ureq::Agent, address: &str, tenant: &str, event: &Value) -> (u16, Value) {
    try_post(agent, address, tenant, event).unwrap_or_else(|why| panic!("{address}: {why}"))
}

/// The same; a host that is gone is an error.
pub(crate) fn try_post(
    agent: &ureq::Agent,
    address: &str,
    tenant: &str,
    event: &Value,
) -> Result<(u16, Value), String> {
    let url = format!("{address}/v1/tenants/{tenant}/events");
    let answer = agent.post(url).header("content-type", "application/json").send(event.to_string());
    let mut answer = answer.map_err(|why| why.to_string())?;
    let text = answer.body_mut().read_to_string().map_err(|why| why.to_string())?;
    let value = serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))?;
    Ok((answer.status().as_u16(), value))
}

/// Waits until something holds.
///
/// # Panics
/// When it does not within a long time.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONG, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}
