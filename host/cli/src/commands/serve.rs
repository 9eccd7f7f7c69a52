//! `siyu serve`: executes tenants until it is told to stop, and takes events in over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use siyu_engine::host::Host;
use siyu_engine::tenant::Settings;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::fault::Fault;
use crate::lock::Lock;
use crate::serving;
use crate::session::{Exit, Session};
use crate::signals::interrupted;

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
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    if !options.listen.ip().is_loopback() {
        let found = options.listen;
        return Err(Fault::wrong(format!(
            "{found} is open to other machines, and requests carry no token yet"
        ))
        .help("listen on 127.0.0.1, and let a proxy that knows who asks lead to it")
        .into());
    }
    let home = session.home();
    let installed = session.plugins(&home)?;
    let settings = Settings { retention_days: options.retention_days, ..Settings::default() };
    // Files have one host; a database knows by itself who has what.
    let _lock = Lock::of_host(&home)?;
    session.wait_for(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("{} cannot be listened on", options.listen))?;
        let address = listener.local_addr()?;
        let host = serving::start(&home, installed, (options.name.as_deref(), settings)).await?;
        let host = Arc::new(host);
        session.screen.say(format!("serving {} on http://{address}", home.kept().place()))?;
        let served = serve(listener, host.clone()).await;
        host.stop().await;
        served?;
        session.screen.say("stopped: what was taken in is durable")?;
        Ok(Exit::Done)
    })
}

/// Serves until somebody stops it.
async fn serve(listener: TcpListener, host: Arc<Host>) -> anyhow::Result<()> {
    let (stop, mut stopping) = watch::channel(false);
    let door = siyu_api::serve(listener, host, async move {
        // Without a sender it is over too.
        drop(stopping.wait_for(|is_stopping| *is_stopping).await);
    });
    tokio::pin!(door);
    tokio::select! {
        done = &mut door => return done.context("requests cannot be taken in"),
        () = interrupted() => {}
    }
    stop.send_replace(true);
    match tokio::time::timeout(siyu_api::LAST_REQUESTS, door).await {
        Ok(done) => done.context("requests cannot be taken in"),
        Err(_) => {
            tracing::warn!("requests were still open when the host stopped");
            Ok(())
        }
    }
}
