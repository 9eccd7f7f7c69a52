//! `siyu serve`: executes tenants until it is told to stop, and answers requests over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use siyu_api::{Api, Door, Tls};
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::tenant::Settings;
use siyu_model::quota::QuotaTable;
use siyu_traces::{Collector, Traces};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::fault::Fault;
use crate::fleet;
use crate::home::Home;
use crate::hooks;
use crate::inspectors::Readings;
use crate::keyring::{Attended, Keyring};
use crate::lock::Lock;
use crate::outlets::Outlets;
use crate::plugins::Installed;
use crate::quotas;
use crate::serving;
use crate::session::{Exit, Session};
use crate::signals::interrupted;
use crate::sources::Configured;
use crate::workshop::Bench;

/// What lets the first one in.
const FIRST_TOKEN: &str = "make a token with `siyu tokens create NAME --role host-admin`";

/// Options of `serve`.
#[derive(Args)]
pub(crate) struct Options {
    /// Where requests come in; port 0 takes one that is free, and says which
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SIYU_LISTEN",
        default_value = "127.0.0.1:7710",
        hide_env_values = true
    )]
    listen: SocketAddr,
    /// What other hosts of the database call this one [default: the machine's name and the process's number]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Remove ended runs with their journals, events, finished messages and released stock after so many days; 0 keeps them
    #[arg(
        long,
        value_name = "DAYS",
        env = "SIYU_RETENTION_DAYS",
        default_value_t = 0,
        hide_env_values = true
    )]
    retention_days: u32,
    /// Events a second that a tenant may hand in at this host over HTTP, unless quotas.toml says another number; 0 is no bound but that of its inbox
    #[arg(
        long,
        value_name = "NUMBER",
        env = "SIYU_EVENTS_PER_SECOND",
        default_value_t = 0,
        hide_env_values = true
    )]
    events_per_second: u32,
    /// Send traces to an OpenTelemetry collector, over OTLP/HTTP: its root, such as http://127.0.0.1:4318
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true)]
    otlp: Option<String>,
    #[command(flatten)]
    entrance: Entrance,
}

/// What a host is reached by, and who may enter.
#[derive(Args)]
pub(crate) struct Entrance {
    /// Ask nobody for a token; only on a loopback address
    #[arg(long)]
    open: bool,
    /// Speak TLS: the host's certificate and those that lead to its root, as PEM; read when the host starts
    #[arg(long, value_name = "FILE", env = "SIYU_TLS_CHAIN", requires = "tls_key", hide_env_values = true)]
    tls_chain: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, value_name = "FILE", env = "SIYU_TLS_KEY", requires = "tls_chain", hide_env_values = true)]
    tls_key: Option<PathBuf>,
    /// Take requests from other machines without TLS: tokens and customers travel in the clear
    #[arg(long, conflicts_with = "open")]
    insecure: bool,
}

impl Options {
    /// Whether what is wanted is safe enough.
    fn check(&self) -> anyhow::Result<()> {
        let found = self.listen;
        if found.ip().is_loopback() {
            return Ok(());
        }
        if self.entrance.open {
            return Err(Fault::wrong(format!(
                "{found} is open to other machines, and --open asks nobody who they are"
            ))
            .help("listen on 127.0.0.1, or leave --open away and make tokens with `siyu tokens create`")
            .into());
        }
        if !self.entrance.insecure && self.entrance.tls_chain.is_none() {
            return Err(Fault::wrong(format!("{found} is open to other machines, and this host is to speak no TLS"))
                .help(
                    "give it --tls-chain and --tls-key; or listen on 127.0.0.1 and let a proxy with TLS lead to it; on a network \
                     that is yours, --insecure",
                )
                .into());
        }
        Ok(())
    }

    /// What sends traces, when they are wanted.
    pub(crate) fn traces(&self) -> anyhow::Result<Option<Traces>> {
        let Some(endpoint) = self.otlp.clone().filter(|_| self.has_traces()) else {
            return Ok(None);
        };
        let host = self.name.clone().unwrap_or_else(fleet::name);
        let collector = Collector { endpoint, host, version: env!("CARGO_PKG_VERSION") };
        Ok(Some(Traces::to(&collector).map_err(|why| Fault::wrong(why.to_string()))?))
    }

    /// Whether traces are wanted; a variable that is set to nothing asks for none.
    fn has_traces(&self) -> bool {
        self.otlp.as_ref().is_some_and(|endpoint| !endpoint.is_empty())
    }

    /// What channels of plugins are made of.
    fn outlets(&self, home: &Home, installed: &Arc<Installed>, keyring: Arc<Keyring>) -> Outlets {
        let outlets = Outlets::with_keyring(home, installed.clone(), keyring);
        if self.has_traces() { outlets.announcing(siyu_traces::parent_of) } else { outlets }
    }

    /// How much each tenant may use.
    fn quotas(&self, home: &Home) -> anyhow::Result<QuotaTable> {
        let mut table = quotas::read(home)?;
        if self.events_per_second > 0 {
            table.all.events_per_second.get_or_insert(self.events_per_second);
        }
        Ok(table)
    }

    /// What it speaks TLS with, when it is to.
    fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let (Some(chain), Some(key)) = (&self.entrance.tls_chain, &self.entrance.tls_key) else {
            return Ok(None);
        };
        let tls = Tls::read(chain, key).map_err(|why| Fault::wrong(why.to_string()))?;
        Ok(Some(tls))
    }

    /// The door, which asks for a token unless it is to be open. Without any token nobody could enter.
    async fn door(&self, home: &Home) -> anyhow::Result<Door> {
        let (access, clock) = (home.access().await?, Arc::new(SystemClock));
        if self.entrance.open {
            return Ok(Door::open(access, clock).await?);
        }
        let door = Door::closed(access, clock).await?;
        if !door.has_tokens() && !self.listen.ip().is_loopback() {
            return Err(Fault::wrong("there is no token, so nobody could enter").help(FIRST_TOKEN).into());
        }
        Ok(door)
    }
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    options.check()?;
    let tls = options.tls()?;
    let home = session.home();
    let installed = session.plugins(&home)?;
    let sources = Configured::read(&home, &installed)?;
    let quotas = Arc::new(options.quotas(&home)?);
    let settings =
        Settings { retention_days: options.retention_days, quotas: quotas.clone(), ..Settings::default() };
    // Files have one host; a database knows by itself who has what.
    let _lock = Lock::of_host(&home)?;
    session.wait_for(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("{} cannot be listened on", options.listen))?;
        let address = listener.local_addr()?;
        let started = (options.name.as_deref(), settings);
        // One vault for all who open secrets: channels, and webhooks that come in.
        let vault = Attended::start(&home).await?;
        let outlets = Arc::new(options.outlets(&home, &installed, vault.keyring.clone()));
        let (host, fleet) = serving::start(&home, (installed.clone(), outlets), started).await?;
        let host = Arc::new(host);
        let done = async {
            let door = Arc::new(options.door(&home).await?);
            let is_shut = !options.entrance.open && !door.has_tokens();
            let inspectors = Arc::new(Readings::new(&home));
            let workshop = Arc::new(Bench::new(&home, installed.clone(), fleet));
            let mut api = Api::new(host.clone(), inspectors, workshop, door).with_quotas(quotas);
            let told = sources.as_ref().map(Configured::tell).unwrap_or_default();
            if let Some(sources) = sources {
                let keyring = vault.keyring.clone();
                api = api.with_hooks(hooks::hooks(sources, &installed, host.clone(), keyring)?);
            }
            if options.has_traces() {
                api = api.adopting(siyu_traces::adopt);
            }
            let scheme = if tls.is_some() { "https" } else { "http" };
            session.screen.say(format!("serving {} on {scheme}://{address}", home.kept().place()))?;
            if is_shut {
                session.screen.say(format!("nobody can enter yet: {FIRST_TOKEN}"))?;
            }
            for source in told {
                session.screen.say(format!("webhooks: {source}"))?;
            }
            serve((listener, tls), Arc::new(api)).await;
            anyhow::Ok(())
        };
        let done = done.await;
        host.stop().await;
        vault.stop().await;
        done?;
        session.screen.say("stopped: what was taken in is durable")?;
        Ok(Exit::Done)
    })
}

/// Serves until somebody stops it.
async fn serve(listener: (TcpListener, Option<Tls>), api: Arc<Api>) {
    let (stop, mut stopping) = watch::channel(false);
    let door = siyu_api::serve(listener, api, async move {
        // Without a sender it is over too.
        drop(stopping.wait_for(|is_stopping| *is_stopping).await);
    });
    tokio::pin!(door);
    tokio::select! {
        () = &mut door => return,
        () = interrupted() => {}
    }
    stop.send_replace(true);
    if tokio::time::timeout(siyu_api::LAST_REQUESTS, door).await.is_err() {
        tracing::warn!("requests were still open when the host stopped");
    }
}
