//! A host among others: says that it lives, takes its part of the tenants, gives up what is beyond it, and goes on with
//! those of a host that is gone.
//!
//! Nothing here keeps two hosts from writing one tenant: the store does, by the epoch of the lease.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siyu_model::limits::fleet::BEAT_MS;
use siyu_model::name::TenantName;
use tokio::sync::{Mutex as Turn, Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::asking::{Asking, ToPost};
use super::room::Room;
use super::{HostError, Shared, spread};
use crate::ports::fleet::{Fleet, News};
use crate::ports::store::StoreError;

/// The pause between two beats.
const BEAT: Duration = Duration::from_millis(BEAT_MS);

/// A host's place in a fleet.
pub(super) struct Member {
    pub(super) fleet: Arc<dyn Fleet>,
    /// What is asked of other hosts.
    pub(super) asking: Asking,
    /// When the last beat that the database answered began.
    heard_at: Mutex<Instant>,
    /// Held while the roster is read and acted on: what it says is true until somebody here changes it.
    turn: Turn<()>,
    /// Tenants that are being ended, to be given up then.
    leaving: Mutex<BTreeSet<TenantName>>,
    /// Somebody came or went.
    pub(super) roster: Notify,
    /// There may be letters.
    pub(super) letters: Notify,
}

impl Member {
    /// A host that was heard a moment ago, with the letters that it is to post.
    pub(super) fn new(fleet: Arc<dyn Fleet>) -> (Self, mpsc::Receiver<ToPost>) {
        let (asking, posting) = Asking::new();
        let member = Self {
            fleet,
            asking,
            heard_at: Mutex::new(Instant::now()),
            turn: Turn::new(()),
            leaving: Mutex::default(),
            roster: Notify::new(),
            letters: Notify::new(),
        };
        (member, posting)
    }

    /// Makes a tenant, or finds that this host has it.
    pub(super) async fn found(&self, shared: &Shared, name: &TenantName) -> Result<Arc<Room>, HostError> {
        if let Some(room) = shared.room(name) {
            return Ok(room);
        }
        let _turn = self.turn.lock().await;
        if self.fleet.found(name).await? {
            return Ok(shared.room_or_new(name));
        }
        Err(HostError::Elsewhere(name.clone()))
    }

    /// The database has answered a beat that began at this instant.
    fn heard(&self, at: Instant) {
        *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Returns once the database has not heard of this host for as long as it lives without: what it had may be others' by
    /// now, and nothing that it is asked for can be made durable by it.
    pub(super) async fn unheard(&self) {
        loop {
            let heard_at = *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner);
            let until = heard_at + self.fleet.lease().to_std();
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn leaving(&self) -> std::sync::MutexGuard<'_, BTreeSet<TenantName>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives until the host stops.
pub(super) async fn attend(shared: Arc<Shared>, member: Arc<Member>) {
    let mut ending = JoinSet::new();
    loop {
        if let Err(fault) = settle(&shared, &member, &mut ending).await {
            // What cannot be written here cannot be written by the tenants either; whoever takes over fences them.
            tracing::warn!(%fault, "the fleet's roster cannot be kept");
        }
        tokio::select! {
            biased;
            () = shared.stopping() => break,
            () = member.roster.notified() => {}
            () = tokio::time::sleep(BEAT) => {}
        }
        while ending.try_join_next().is_some() {}
    }
    ending.join_all().await;
}

/// Passes on what other hosts say, until the host stops.
pub(super) async fn listen(shared: Arc<Shared>, member: Arc<Member>) {
    loop {
        tokio::select! {
            biased;
            () = shared.stopping() => return,
            news = member.fleet.news() => {
                if matches!(news, News::Letters | News::Anything) {
                    member.letters.notify_one();
                }
                if matches!(news, News::Answers | News::Anything) {
                    member.asking.answered.notify_one();
                }
                if matches!(news, News::Roster | News::Anything) {
                    member.roster.notify_one();
                }
            }
        }
    }
}

/// One look at the roster, and what follows from it.
async fn settle(shared: &Shared, member: &Arc<Member>, ending: &mut JoinSet<()>) -> Result<(), StoreError> {
    let _turn = member.turn.lock().await;
    let asked_at = Instant::now();
    let roster = member.fleet.beat().await?;
    member.heard(asked_at);
    let me = member.fleet.me();
    let mine: BTreeSet<&TenantName> =
        roster.tenants.iter().filter(|(_, holder)| *holder == Some(me)).map(|(name, _)| name).collect();
    drop_lost(shared, &mine, ending);
    let leaving = member.leaving().clone();
    let held: Vec<&TenantName> = mine.into_iter().filter(|name| !leaving.contains(*name)).collect();
    for name in &held {
        // One whose claim was answered when nobody listened any more.
        drop(shared.room_or_new(name));
    }
    let homes = spread::homes(&roster);
    let free: Vec<TenantName> = roster
        .tenants
        .iter()
        .filter(|(name, holder)| holder.is_none() && homes.get(name) == Some(&me))
        .map(|(name, _)| name.clone())
        .collect();
    if !free.is_empty() {
        let got = member.fleet.claim(&free).await?;
        for name in &got {
            // It may be on its way out of this very host, lost and won again: its old room ends by itself.
            drop(shared.room_or_new(name));
        }
        if !got.is_empty() {
            tracing::info!(host = %me, tenants = got.len(), "took tenants that nobody had");
            shared.changed.notify_one();
            member.letters.notify_one();
        }
    }
    for name in spread::excess(&roster, me, &held, &homes) {
        give_up(shared, member, name, ending);
    }
    Ok(())
}

/// Ends tenants that another host has now. What they still try to write is refused.
fn drop_lost(shared: &Shared, mine: &BTreeSet<&TenantName>, ending: &mut JoinSet<()>) {
    let lost: Vec<Arc<Room>> = {
        let mut rooms = shared.lock();
        let lost = rooms.extract_if(.., |name, _| !mine.contains(name));
        lost.map(|(_, room)| room).collect()
    };
    for room in lost {
        tracing::warn!(tenant = %room.name(), "another host has the tenant now");
        ending.spawn(async move { room.end().await });
    }
}

/// Ends a tenant gracefully and lets another host have it.
fn give_up(shared: &Shared, member: &Arc<Member>, name: TenantName, ending: &mut JoinSet<()>) {
    let Some(room) = shared.lock().remove(&name) else { return };
    let member = member.clone();
    member.leaving().insert(name.clone());
    ending.spawn(async move {
        room.end().await;
        if let Err(fault) = member.fleet.release(std::slice::from_ref(&name)).await {
            // It is still this host's: the next look at the roster finds it and goes on with it.
            tracing::warn!(tenant = %name, %fault, "the tenant could not be given up");
        }
        member.leaving().remove(&name);
    });
}
