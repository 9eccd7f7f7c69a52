//! Asking for what a tenant is wanted to do, wherever it is executed: here directly, at another host by letter.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use siyu_model::event::{IncomingEvent, Subject};
use siyu_model::id::{CustomerId, HostId, MessageId, RunId};
use siyu_model::limits::fleet::{LETTER_BYTES_MAX, POLL_MS};
use siyu_model::message::MessageStatus;
use siyu_model::name::TenantName;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::letters::{Answered, Wanted};
use super::member::Member;
use super::{Host, HostError, Shared, post};
use crate::operate::{Fate, ManualStart, ManuallyStarted, Publication, Published, RunAction};
use crate::ports::fleet::{LetterId, Posted, Posting};
use crate::ports::store::StoreError;
use crate::tenant::{Admitted, Tenant, Unavailable};

const POLL: Duration = Duration::from_millis(POLL_MS);
/// Letters that are written in one transaction at most.
const POSTED_AT_ONCE: usize = 256;

/// What a host tells whoever asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<T> {
    /// It is done, and durable.
    Done(T),
    /// It is kept durably for the host that has the tenant, which has not answered yet.
    Kept(LetterId),
}

impl Told<Answered> {
    fn read<T>(self, read: impl FnOnce(Answered) -> Result<T, HostError>) -> Result<Told<T>, HostError> {
        match self {
            Self::Done(answered) => read(answered).map(Told::Done),
            Self::Kept(id) => Ok(Told::Kept(id)),
        }
    }
}

/// A letter to be posted, and where its place goes.
pub(super) type ToPost = (Posting, oneshot::Sender<Result<Posted, StoreError>>);

/// What is asked of other hosts.
pub(super) struct Asking {
    outgoing: mpsc::Sender<ToPost>,
    waiting: Mutex<Waiting>,
    /// How many wishes got a name.
    named: AtomicU64,
    /// There may be answers.
    pub(super) answered: Notify,
}

/// Letters of this host whose answers are still to come, and answers that came before anybody waited. A letter is in one
/// of the three until its answer was given.
#[derive(Default)]
struct Waiting {
    waiters: HashMap<LetterId, oneshot::Sender<String>>,
    early: HashMap<LetterId, String>,
    /// Whoever asked was told that the wish is kept.
    given_up: HashSet<LetterId>,
}

impl Waiting {
    /// An answer has come.
    fn answered(&mut self, id: LetterId, text: String) {
        if let Some(waiter) = self.waiters.remove(&id) {
            // Whoever waited may be gone.
            drop(waiter.send(text));
        } else if !self.given_up.remove(&id) {
            self.early.insert(id, text);
        }
    }

    /// Somebody waits for an answer, which may have come already.
    fn wait(&mut self, id: LetterId) -> oneshot::Receiver<String> {
        let (waiter, answer) = oneshot::channel();
        match self.early.remove(&id) {
            Some(text) => drop(waiter.send(text)),
            None => drop(self.waiters.insert(id, waiter)),
        }
        answer
    }

    /// Whether an answer is to come, for whoever waits or for nobody any more.
    fn expects(&self) -> bool {
        !self.waiters.is_empty() || !self.given_up.is_empty()
    }

    /// Nobody ever waited.
    fn forget(&mut self, id: LetterId) {
        if self.early.remove(&id).is_none() {
            self.given_up.insert(id);
        }
    }

    /// Nobody waits any more.
    fn give_up(&mut self, id: LetterId) {
        if self.waiters.remove(&id).is_some() {
            self.given_up.insert(id);
        }
    }
}

impl Asking {
    /// With the letters to be posted, which are for [`send`].
    pub(super) fn new() -> (Self, mpsc::Receiver<ToPost>) {
        let (outgoing, posting) = mpsc::channel(4 * POSTED_AT_ONCE);
        let asking =
            Self { outgoing, waiting: Mutex::default(), named: AtomicU64::new(0), answered: Notify::new() };
        (asking, posting)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name that no other wish of any host has.
    fn name(&self, me: HostId) -> String {
        format!("{me}-{}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    async fn post(&self, letter: Posting) -> Result<LetterId, HostError> {
        let tenant = letter.tenant.clone();
        let (place, posted) = oneshot::channel();
        self.outgoing.send((letter, place)).await.map_err(|_| HostError::Stopping)?;
        match posted.await.map_err(|_| HostError::Stopping)?? {
            Posted::Taken(id) => Ok(id),
            Posted::Full => Err(Unavailable::Busy.into()),
            Posted::NoTenant => Err(HostError::NoTenant(tenant)),
            Posted::Closed { place, why, is_gone } => Err(StoreError::Closed { place, why, is_gone }.into()),
        }
    }
}

/// Posts letters, many in one transaction when many come, until the host stops.
pub(super) async fn send(shared: Arc<Shared>, member: Arc<Member>, mut posting: mpsc::Receiver<ToPost>) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = shared.stopping() => return,
            count = posting.recv_many(&mut batch, POSTED_AT_ONCE) => {
                if count == 0 {
                    return;
                }
            }
        }
        let (letters, places): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        match member.fleet.post(letters).await {
            Ok(posted) => {
                for (place, at) in places.into_iter().zip(posted) {
                    // Whoever gave up waiting for the place is told nothing; the letter is kept all the same.
                    if let Err(Ok(Posted::Taken(id))) = place.send(Ok(at)) {
                        member.asking.waiting().forget(id);
                    }
                }
            }
            Err(fault) => places.into_iter().for_each(|place| drop(place.send(Err(fault.clone())))),
        }
    }
}

/// Takes answers and gives them to whoever waits, until the host stops.
pub(super) async fn receive(shared: Arc<Shared>, member: Arc<Member>) {
    loop {
        let was_told = tokio::select! {
            biased;
            () = shared.stopping() => return,
            () = member.asking.answered.notified() => true,
            () = tokio::time::sleep(POLL) => false,
        };
        if !was_told && !member.asking.waiting().expects() {
            continue;
        }
        match member.fleet.answers().await {
            Ok(answers) => {
                let mut waiting = member.asking.waiting();
                answers.into_iter().for_each(|(id, text)| waiting.answered(id, text));
            }
            Err(fault) => tracing::warn!(%fault, "answers of other hosts cannot be read"),
        }
    }
}

impl Shared {
    /// The same wish with a name where it has none: a letter may be read twice, and is done once by its name.
    fn named(&self, wanted: Wanted) -> Wanted {
        match &self.member {
            Some(member) => wanted.once(&member.asking.name(member.fleet.me()), self.ports.clock.now()),
            None => wanted,
        }
    }

    /// Asks the host that has the tenant, by letter, and tells something by an instant.
    async fn ask(
        &self,
        name: &TenantName,
        wanted: &Wanted,
        until: Instant,
    ) -> Result<Told<Answered>, HostError> {
        let Some(member) = &self.member else { return Err(HostError::NoTenant(name.clone())) };
        let body = serde_json::to_string(wanted).map_err(|fault| HostError::Refused(fault.to_string()))?;
        if body.len() > LETTER_BYTES_MAX {
            let found = body.len();
            return Err(HostError::Refused(format!(
                "{found} bytes for another host: expected at most {LETTER_BYTES_MAX}"
            )));
        }
        let asking = &member.asking;
        let posted = asking.post(Posting { tenant: name.clone(), body, is_awaited: true });
        let id = tokio::time::timeout_at(until, posted).await.map_err(|_| HostError::Late)??;
        let answer = asking.waiting().wait(id);
        let until = until.min(Instant::now() + self.rules.patience.to_std());
        let answer = tokio::select! {
            biased;
            answer = answer => answer.ok(),
            () = tokio::time::sleep_until(until) => None,
            // Others will answer it; this host does not hear it any more.
            () = self.stopping() => None,
            () = member.unheard() => None,
        };
        let Some(text) = answer else {
            asking.waiting().give_up(id);
            return Ok(Told::Kept(id));
        };
        match serde_json::from_str(&text) {
            Ok(answered) => Ok(Told::Done(answered)),
            Err(fault) => Err(HostError::Refused(format!("another host's answer: {fault}"))),
        }
    }

    /// When whoever asks now must have been told something.
    fn answer_until(&self) -> Instant {
        Instant::now() + self.rules.answer.to_std()
    }

    /// Does it as long as the fleet's database hears this host. What is given up may be done all the same; a letter that is
    /// durable is told as kept in that moment, since the work is asked first.
    async fn while_heard<T>(&self, work: impl Future<Output = Result<T, HostError>>) -> Result<T, HostError> {
        let Some(member) = &self.member else { return work.await };
        tokio::select! {
            biased;
            done = work => done,
            () = member.unheard() => Err(HostError::Unheard),
        }
    }
}

impl Host {
    /// Hands an event in, for whichever host has the tenant, and returns once it and everything that it caused at once
    /// are durable. A host of a fleet tells something within [`Rules::answer`](super::Rules::answer).
    pub async fn admit(&self, name: &TenantName, event: IncomingEvent) -> Result<Told<Admitted>, HostError> {
        if self.shared.member.is_none() {
            return Ok(Told::Done(self.tenant(name).await?.admit(event).await?));
        }
        // In a box, so that an admission to a host alone need not carry the room for it.
        Box::pin(self.admit_in_fleet(name, event)).await
    }

    async fn admit_in_fleet(
        &self,
        name: &TenantName,
        event: IncomingEvent,
    ) -> Result<Told<Admitted>, HostError> {
        let until = self.shared.answer_until();
        let admitted = tokio::time::timeout_at(until, self.admit_until(name, event, until));
        self.shared.while_heard(async { admitted.await.map_err(|_| HostError::Late)? }).await
    }

    async fn admit_until(
        &self,
        name: &TenantName,
        event: IncomingEvent,
        until: Instant,
    ) -> Result<Told<Admitted>, HostError> {
        match self.tenant(name).await {
            Ok(tenant) => match tenant.admit(event.clone()).await {
                Ok(admitted) => return Ok(Told::Done(admitted)),
                // Another host took the tenant meanwhile, which knows the event by its id if it was recorded.
                Err(Unavailable::Stopped | Unavailable::Failed(_)) => {}
                Err(fault) => return Err(fault.into()),
            },
            Err(fault) => elsewhere(fault)?,
        }
        self.shared.ask(name, &Wanted::Event(event), until).await?.read(Answered::event)
    }

    /// Publishes a checked playbook, for whichever host has the tenant; a tenant that is not there is made.
    pub async fn publish(
        &self,
        name: &TenantName,
        publication: Publication,
    ) -> Result<Told<Published>, HostError> {
        let work = async {
            let here = self.tenant_or_new(name).await;
            self.wish(name, here, Wanted::Publish(publication)).await?.read(Answered::published)
        };
        self.shared.while_heard(work).await
    }

    /// Does something to a run, for whichever host has the tenant; gives the run that goes on.
    pub async fn act(
        &self,
        name: &TenantName,
        run: RunId,
        action: RunAction,
    ) -> Result<Told<RunId>, HostError> {
        let work = async {
            let here = self.tenant(name).await;
            self.wish(name, here, Wanted::Act { run, action }).await?.read(Answered::run)
        };
        self.shared.while_heard(work).await
    }

    /// Settles a message that is uncertain, or has one go once more, for whichever host has the tenant; gives the status that it has then.
    pub async fn settle_message(
        &self,
        name: &TenantName,
        message: MessageId,
        fate: Fate,
    ) -> Result<Told<MessageStatus>, HostError> {
        let work = async {
            let here = self.tenant(name).await;
            self.wish(name, here, Wanted::Settle { message, fate }).await?.read(Answered::message)
        };
        self.shared.while_heard(work).await
    }

    /// Has a customer erased, for whichever host has the tenant; gives their id. It is done as soon as nothing is under way for
    /// them.
    pub async fn erase_customer(
        &self,
        name: &TenantName,
        who: Subject,
    ) -> Result<Told<CustomerId>, HostError> {
        let work = async {
            let here = self.tenant(name).await;
            self.wish(name, here, Wanted::Erase(who)).await?.read(Answered::erasing)
        };
        self.shared.while_heard(work).await
    }

    /// Starts a manual workflow, for whichever host has the tenant.
    pub async fn start_run(
        &self,
        name: &TenantName,
        start: ManualStart,
    ) -> Result<Told<ManuallyStarted>, HostError> {
        let work = async {
            let here = self.tenant(name).await;
            self.wish(name, here, Wanted::Start(start)).await?.read(Answered::started)
        };
        self.shared.while_heard(work).await
    }

    /// Has it done by the tenant when it is here, and asks the host that has it otherwise.
    async fn wish(
        &self,
        name: &TenantName,
        here: Result<Arc<Tenant>, HostError>,
        wanted: Wanted,
    ) -> Result<Told<Answered>, HostError> {
        match here {
            Ok(tenant) => Ok(Told::Done(post::do_one(&tenant, wanted).await?)),
            Err(fault) => {
                elsewhere(fault)?;
                let until = self.shared.answer_until();
                self.shared.ask(name, &self.shared.named(wanted), until).await
            }
        }
    }
}

/// Whether another host may have the tenant; every other fault is told.
fn elsewhere(fault: HostError) -> Result<(), HostError> {
    match fault {
        HostError::Elsewhere(_)
        | HostError::Store(StoreError::Elsewhere { .. } | StoreError::Fenced { .. }) => Ok(()),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::Waiting;

    #[test]
    fn an_answer_finds_whoever_waits_however_early_it_comes_and_leaves_nothing_behind() {
        let mut waiting = Waiting::default();
        waiting.answered(1, "early".to_owned());
        assert_eq!(waiting.wait(1).try_recv().as_deref(), Ok("early"));
        let mut late = waiting.wait(2);
        waiting.answered(2, "late".to_owned());
        assert_eq!(late.try_recv().as_deref(), Ok("late"));
        drop(waiting.wait(3));
        waiting.give_up(3);
        assert!(waiting.expects());
        waiting.answered(3, "for nobody".to_owned());
        assert!(!waiting.expects() && waiting.early.is_empty());
        for (letter, is_answered_first) in [(4, true), (5, false)] {
            if is_answered_first {
                waiting.answered(letter, "for nobody".to_owned());
                waiting.forget(letter);
            } else {
                waiting.forget(letter);
                waiting.answered(letter, "for nobody".to_owned());
            }
            assert!(!waiting.expects() && waiting.early.is_empty(), "{letter}");
        }
    }
}
