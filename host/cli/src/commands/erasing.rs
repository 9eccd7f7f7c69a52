//! `siyu customers erase WHO`: a customer asked to be forgotten.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;

use crate::fault::Fault;
use crate::host::{Host, Opening};
use crate::serving::{Served, told};
use crate::session::{Exit, Session};

/// How long to look whether it is done, where another process does it.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Options of `erase`.
#[derive(Args)]
pub(crate) struct Erase {
    /// cus_… or an outside name such as shop:00042
    customer: Subject,
    /// It cannot be taken back: say that it is meant
    #[arg(long)]
    yes: bool,
}

pub(super) fn erase(options: &Erase, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    if !session.wait_for(home.is_there())? {
        return Err(home.no_tenant().into());
    }
    if !options.yes {
        let why = format!("{} would be erased, and that cannot be taken back", options.customer);
        return Err(Fault::wrong(why)
            .help("add `--yes`; `siyu customers show` says what is known of them")
            .into());
    }
    let installed = session.plugins(&home)?;
    let customer = session.wait_for(async {
        let who = options.customer.clone();
        if let Some(served) = Served::find(&home, &installed).await? {
            let asked = served.host.erase_customer(&home.tenant, who).await;
            served.host.stop().await;
            return told(asked);
        }
        let host = Host::open(home.clone(), installed, Opening::default()).await?;
        let asked = host.tenant.erase_customer(who).await.map_err(Fault::unavailable)?;
        let settled = host.tenant.settle().await;
        host.stop().await;
        settled.map_err(Fault::unavailable)?;
        asked.map_err(|why| Fault::failed(why.to_string()).into())
    })?;
    let is_erased = session.wait_for(is_erased(session, customer))?;
    session.screen.json(&json!({ "customer": customer, "erased": is_erased }))?;
    session.screen.say(match is_erased {
        true => format!("{customer} is erased"),
        false => format!("{customer} will be erased as soon as what is under way for them has ended"),
    })?;
    Ok(Exit::Done)
}

async fn is_erased(session: &Session, customer: CustomerId) -> anyhow::Result<bool> {
    let inspect = session.home().inspect().await?;
    for _ in 0..LOOKS {
        if inspect.customer(Subject::Customer(customer)).await?.is_none() {
            return Ok(true);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(false)
}
