//! Letters for the tenants of this host: each is done once it is durable, and answered then.
//!
//! A letter may be read twice, when a host dies between its doing and its answer. An event, a start and a retry are known
//! by their ids then (whoever asks gives one to what has none), publishing what is in force changes nothing, and a run is
//! not ended twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use siyu_model::limits::fleet::{LETTERS_READ, POLL_MS};
use siyu_model::name::TenantName;
use tokio::task::JoinSet;

use super::letters::{Answered, Wanted};
use super::member::Member;
use super::{HostError, Shared};
use crate::operate::{OperateError, PublishError};
use crate::ports::fleet::{Letter, LetterId};
use crate::tenant::{Tenant, Unavailable};

const POLL: Duration = Duration::from_millis(POLL_MS);

/// Delivers until the host stops.
pub(super) async fn deliver(shared: Arc<Shared>, member: Arc<Member>) {
    let mut busy: BTreeSet<TenantName> = BTreeSet::new();
    let mut rounds: JoinSet<TenantName> = JoinSet::new();
    loop {
        for (name, letters) in new_letters(&shared, &member, &busy).await {
            busy.insert(name.clone());
            rounds.spawn(round(shared.clone(), member.clone(), name, letters));
        }
        tokio::select! {
            biased;
            () = shared.stopping() => break,
            // What a tenant's round leaves is looked for at once.
            Some(done) = rounds.join_next() => match done {
                Ok(name) => drop(busy.remove(&name)),
                Err(fault) => {
                    tracing::error!(%fault, "a round of letters ended badly");
                    busy.clear();
                }
            },
            () = member.letters.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    // Those under way end with their tenants: what is not answered is another host's.
    rounds.join_all().await;
}

/// Letters of the tenants that no round works on.
async fn new_letters(
    shared: &Shared,
    member: &Member,
    busy: &BTreeSet<TenantName>,
) -> BTreeMap<TenantName, Vec<Letter>> {
    let names: Vec<TenantName> = shared.lock().keys().filter(|name| !busy.contains(*name)).cloned().collect();
    let mut of_tenants: BTreeMap<TenantName, Vec<Letter>> = BTreeMap::new();
    if names.is_empty() {
        return of_tenants;
    }
    match member.fleet.letters(&names, LETTERS_READ).await {
        Ok(letters) => {
            for letter in letters {
                of_tenants.entry(letter.tenant.clone()).or_default().push(letter);
            }
        }
        Err(fault) => tracing::warn!(%fault, "letters cannot be read"),
    }
    of_tenants
}

/// Does the letters of one tenant, in their order, and answers them.
async fn round(
    shared: Arc<Shared>,
    member: Arc<Member>,
    name: TenantName,
    letters: Vec<Letter>,
) -> TenantName {
    if shared.is_stopping() {
        return name;
    }
    let answers = match tenant(&shared, &name).await {
        Ok(tenant) => {
            // All are handed over before the first answer comes, so that they share commits.
            let doing = letters.into_iter().map(|letter| done(&tenant, letter));
            futures_util::future::join_all(doing).await.into_iter().flatten().collect()
        }
        Err(fault) => {
            tracing::warn!(tenant = %name, %fault, "letters wait for the tenant");
            Vec::new()
        }
    };
    if !answers.is_empty()
        && let Err(fault) = member.fleet.answer(answers).await
    {
        tracing::warn!(tenant = %name, %fault, "letters cannot be answered, and will be read again");
        tokio::time::sleep(POLL).await;
    }
    name
}

async fn tenant(shared: &Shared, name: &TenantName) -> Result<Arc<Tenant>, HostError> {
    let room = shared.room(name).ok_or_else(|| shared.none(name))?;
    match shared.wake(&room).await {
        Err(fault) => {
            // Not again before a while: the same letters would fail the same way.
            tokio::time::sleep(POLL).await;
            Err(fault)
        }
        tenant => tenant,
    }
}

/// Does one letter; none when it stays as it is, to be done later or by another host.
async fn done(tenant: &Tenant, letter: Letter) -> Option<(LetterId, String)> {
    let answered = match serde_json::from_str(&letter.body) {
        Ok(wanted) => match do_one(tenant, wanted).await {
            Ok(answered) => answered,
            Err(unavailable) => {
                tracing::debug!(tenant = %letter.tenant, %unavailable, "a letter waits");
                return None;
            }
        },
        Err(fault) => Answered::Refused(format!("this host does not understand what is wanted: {fault}")),
    };
    match serde_json::to_string(&answered) {
        Ok(text) => Some((letter.id, text)),
        Err(fault) => {
            tracing::error!(%fault, "an answer cannot be written");
            None
        }
    }
}

/// Does what is wanted, and returns once it is durable.
pub(super) async fn do_one(tenant: &Tenant, wanted: Wanted) -> Result<Answered, Unavailable> {
    let refused = |why: String| Answered::Refused(why);
    let not_done = |fault: OperateError| match fault.is_missing() {
        true => Answered::Missing(fault.to_string()),
        false => Answered::Refused(fault.to_string()),
    };
    Ok(match wanted {
        Wanted::Event(event) => match event.check() {
            Ok(()) => Answered::Event(tenant.take_in(event).await?),
            Err(fault) => refused(fault.to_string()),
        },
        Wanted::Publish(publication) => match tenant.publish(publication).await? {
            Ok(published) => Answered::Published(published),
            Err(PublishError::Overtaken { in_force }) => Answered::Overtaken(in_force),
            Err(fault) => refused(fault.to_string()),
        },
        Wanted::Act { run, action } => match tenant.act(run, action).await? {
            Ok(run) => Answered::Run(run),
            Err(fault) => not_done(fault),
        },
        Wanted::Settle { message, fate } => match tenant.settle_message(message, fate).await? {
            Ok(status) => Answered::Message(status),
            Err(fault) => not_done(fault),
        },
        Wanted::Erase(who) => match tenant.erase_customer(who).await? {
            Ok(customer) => Answered::Erasing(customer),
            Err(fault) => not_done(fault),
        },
        Wanted::Start(start) => match tenant.start(start).await? {
            Ok(started) => Answered::Started(started),
            Err(fault) => not_done(fault),
        },
    })
}
