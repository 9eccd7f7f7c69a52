//! One call of the program: what it was told for all commands, and what commands need, made when they need it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use siyu_engine::traces::TARGET;
use siyu_model::name::TenantName;
use siyu_model::plugin::HostPattern;
use siyu_secrets::HostKeys;
use siyu_store::{Durability, PgStores};
use siyu_traces::Traces;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use crate::fault;
use crate::home::Home;
use crate::log::{self, Escape};
use crate::output::Screen;
use crate::plugins::{Installed, Kept};
use crate::tenants::DatabaseUrl;

/// Under which heading the help shows them.
const EVERY: &str = "For every command";

/// What every command understands.
#[derive(Args)]
pub(crate) struct Global {
    /// The data folder: tenants, compiled plugins, outbox
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_DATA",
        value_name = "DIR",
        default_value = "siyu-data",
        hide_env_values = true
    )]
    pub(crate) data: PathBuf,
    /// A Postgres database with the tenants, postgres://USER@HOST/NAME [default: files in the data folder]
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<DatabaseUrl>,
    /// The tenant
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_TENANT",
        value_name = "NAME",
        default_value = "default",
        hide_env_values = true
    )]
    pub(crate) tenant: TenantName,
    /// The folder with packed plugins, each named after its plugin [default: plugins beside the program, or ./plugins]
    #[arg(long, global = true, help_heading = EVERY, env = "SIYU_PLUGINS", value_name = "DIR", hide_env_values = true)]
    pub(crate) plugins: Option<PathBuf>,
    /// A file with the key that secrets are sealed under, for its owner alone [default: the key in SIYU_SECRETS_KEY]
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_SECRETS_KEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) secrets_key_file: Option<PathBuf>,
    /// A host that channels of plugins may send requests to: https://NAME, https://NAME:PORT, https://*.NAME, or an address; once for each
    #[arg(
        long = "allow-host",
        global = true, help_heading = EVERY,
        env = "SIYU_ALLOW_HOSTS",
        value_name = "HOST",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) allow_hosts: Vec<HostPattern>,
    /// When a commit into a tenant's file is acknowledged; the other value than the default is for tests of tests
    #[arg(long, global = true, hide = true, value_name = "WHEN", conflicts_with = "database")]
    pub(crate) durability: Option<Durable>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = EVERY)]
    pub(crate) json: bool,
    /// What is logged to standard error
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_LOG",
        value_name = "LEVEL",
        default_value = "warn",
        hide_env_values = true
    )]
    pub(crate) log: Level,
    /// How it is written: lines for people, or one JSON object a line for programs that gather logs
    #[arg(
        long,
        global = true, help_heading = EVERY,
        env = "SIYU_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        hide_env_values = true
    )]
    pub(crate) log_format: LogFormat,
}

/// How a log is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// When a commit is acknowledged. Hidden: it exists so that a test of power cuts can show that it would see a loss.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durable {
    /// Once it is on the disk.
    Full,
    /// At once: a power cut takes what was acknowledged.
    LosesCommitsOnPowerCut,
}

impl Durable {
    fn of_store(self) -> Durability {
        match self {
            Self::Full => Durability::Full,
            Self::LosesCommitsOnPowerCut => Durability::LosesCommitsOnPowerCut,
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

/// How a command ended that did what it was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing to complain about.
    Done,
    /// Something was found: a fault in a playbook, a test that fails.
    Found,
    /// Somebody stopped it; what it did is durable.
    Interrupted,
}

impl Exit {
    /// The exit status: 128 + SIGINT for an interruption, as shells have it.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Found => fault::FAILED,
            Self::Interrupted => 130,
        })
    }
}

/// One call of the program.
pub(crate) struct Session {
    global: Global,
    database: Option<PgStores>,
    /// Where answers go.
    pub(crate) screen: Screen,
}

impl Session {
    pub(crate) fn new(global: Global, database: Option<PgStores>, screen: Screen) -> Self {
        if global.durability == Some(Durable::LosesCommitsOnPowerCut) {
            tracing::warn!("a power cut will lose acknowledged commits: --durability says so");
        }
        Self { global, database, screen }
    }

    /// The data folder and the tenant; nothing is made or read yet.
    pub(crate) fn home(&self) -> Home {
        let durability = self.global.durability.map(Durable::of_store).unwrap_or_default();
        let home = Home::new(self.global.data.clone(), self.global.tenant.clone(), durability);
        home.with_database(self.database.clone())
            .permitting(&self.global.allow_hosts)
            .with_secrets_key(self.global.secrets_key_file.clone())
    }

    /// The keys under which secrets are sealed; none when nobody says any.
    pub(crate) fn secrets_keys(&self) -> anyhow::Result<HostKeys> {
        self.home().secrets_keys()
    }

    /// The installed plugins; compiled ones are kept in the data folder.
    pub(crate) fn plugins(&self, home: &Home) -> anyhow::Result<Arc<Installed>> {
        home.make()?;
        Installed::open(self.global.plugins.as_deref(), Kept::of_home(home)?)
    }

    /// The installed plugins for commands that need no data folder: without one, compiled plugins are kept in the user's
    /// cache.
    pub(crate) fn plugins_alone(&self) -> anyhow::Result<Arc<Installed>> {
        let home = self.home();
        let kept = if home.is_made() { Kept::of_home(&home)? } else { Kept::of_user() };
        Installed::open(self.global.plugins.as_deref(), kept)
    }

    /// Does what waits for timers, files and threads.
    pub(crate) fn wait_for<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the threads of the program cannot be started")?;
        let done = runtime.block_on(work);
        // What still blocks (a read of standard input) must not hold the program.
        runtime.shutdown_background();
        done
    }
}

/// Logs go to standard error, so that standard output stays what was asked for; spans go where traces go.
pub(crate) fn log_to_stderr(level: Level, format: LogFormat, traces: Option<&Traces>) {
    let level = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let lines = fmt::layer().with_ansi(false).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_writer(log::Lines(Escape::Text)).boxed(),
        // The fields of an event stand beside its message; those of its spans are under `span` and `spans`.
        LogFormat::Json => lines.json().flatten_event(true).with_writer(log::Lines(Escape::Json)).boxed(),
    };
    // What is for a collector is not for people.
    let is_for_people = filter_fn(move |metadata| metadata.target() != TARGET && *metadata.level() <= level);
    let lines = lines.with_filter(is_for_people.with_max_level_hint(level));
    registry().with(lines).with(traces.map(Traces::layer)).init();
}
