//! A tenant at work: its inbox, its executor, and the handle that others have of it.

mod command;
mod executor;
mod inbox;
mod lane;
mod lanes;
mod numbers;
mod outbox;
mod settings;
mod upkeep;

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::event::{IncomingEvent, Subject};
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::message::MessageStatus;
use siyu_model::name::TenantName;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub use command::{Admitted, Unavailable};
pub use lanes::Lanes;
pub use numbers::TenantNumbers;
pub use settings::Settings;

use crate::dispatch::Channels;
use crate::operate::{
    Fate, ManualStart, ManuallyStarted, OperateError, Publication, PublishError, Published, RunAction,
};
use crate::ports::clock::Clock;
use crate::ports::plugins::Plugins;
use crate::ports::store::{StoreError, Stores};
pub(crate) use command::{Command, Wish};
use executor::{Ends, Executor};
use inbox::Inbox;
pub(crate) use numbers::Numbers;

/// What a tenant works with.
#[derive(Clone)]
pub struct Ports {
    /// Durable state.
    pub stores: Arc<dyn Stores>,
    /// Sandboxes.
    pub plugins: Arc<dyn Plugins>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ways to reach customers.
    pub channels: Channels,
    /// How many batches execute at once, over all tenants of the host: as many as it has processors. Who waits is served
    /// in turn.
    pub lanes: Arc<Lanes>,
}

/// A tenant that is open: its executor runs until it is stopped or dropped.
pub struct Tenant {
    name: TenantName,
    inbox: Inbox,
    clock: Arc<dyn Clock>,
    plugins: Arc<dyn Plugins>,
    stop: watch::Sender<bool>,
    executor: JoinHandle<()>,
    ended: watch::Receiver<()>,
    commits: watch::Receiver<u64>,
    numbers: Arc<Numbers>,
}

impl Tenant {
    /// Opens a tenant and starts its executor.
    pub async fn open(name: TenantName, ports: Ports, settings: Settings) -> Result<Self, StoreError> {
        Self::open_counted(name, ports, settings, Arc::default()).await
    }

    /// The same for a tenant that was counted before.
    pub(crate) async fn open_counted(
        name: TenantName,
        ports: Ports,
        settings: Settings,
        numbers: Arc<Numbers>,
    ) -> Result<Self, StoreError> {
        let ports = Ports { channels: ports.channels.of(&name), ..ports };
        let (inbox, commands, pace) = Inbox::new(name.clone(), &settings);
        let (stop, stopping) = watch::channel(false);
        let (clock, plugins) = (ports.clock.clone(), ports.plugins.clone());
        let (committed, commits) = watch::channel(0);
        let ends = Ends { inbox: commands, pace, numbers: numbers.clone(), stopping, committed };
        let executor = Executor::open(name.clone(), ports, settings, ends).await?;
        let (alive, ended) = watch::channel(());
        let executor = tokio::spawn(async move {
            executor.run().await;
            drop(alive);
        });
        Ok(Self { name, inbox, clock, plugins, stop, executor, ended, commits, numbers })
    }

    /// Says when something became durable, with the number of commits since it was opened. It goes on for as long as the
    /// tenant is open.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Its name.
    pub fn name(&self) -> &TenantName {
        &self.name
    }

    /// Hands an event in and returns once it and everything that it caused at once are durable. An inbox that is full, or
    /// that would come to it late, refuses.
    pub async fn admit(&self, event: IncomingEvent) -> Result<Admitted, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.offer(Wish::Event { event, feed: None, reply: Some(reply) })?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// The same for events that are durable elsewhere until they are answered: waits for room.
    pub async fn take_in(&self, event: IncomingEvent) -> Result<Admitted, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Event { event, feed: None, reply: Some(reply) }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Hands an event of an ordered feed in, waiting for room; it is acknowledged through `reply` when that is given.
    /// `place` is the number of events of the feed with this one: a host that starts again knows where to go on. After an
    /// event that is refused the feed goes on with its place again, and further ones fail.
    pub async fn feed(
        &self,
        event: IncomingEvent,
        (feed, place): (Arc<str>, u64),
        reply: Option<oneshot::Sender<Result<Admitted, Unavailable>>>,
    ) -> Result<(), Unavailable> {
        let wish = Wish::Event { event, feed: Some((feed, place)), reply };
        self.insist(wish).await
    }

    /// How many events of a feed are durable.
    pub async fn fed(&self, feed: &str) -> Result<u64, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Fed { feed: feed.to_owned(), reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Publishes a checked playbook.
    pub async fn publish(
        &self,
        publication: Publication,
    ) -> Result<Result<Published, PublishError>, Unavailable> {
        if let Err(fault) = self.plugins.make_ready(&publication.playbook).await {
            return Ok(Err(PublishError::Unready(Box::new(fault))));
        }
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Publish { publication: Box::new(publication), reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Does something to a run; gives the run that goes on.
    pub async fn act(
        &self,
        run: RunId,
        action: RunAction,
    ) -> Result<Result<RunId, OperateError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Act { run, action, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Settles a message that is uncertain, or has one go once more; gives the status that it has then.
    pub async fn settle_message(
        &self,
        message: MessageId,
        fate: Fate,
    ) -> Result<Result<MessageStatus, OperateError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::SettleMessage { message, fate, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Has a customer erased as soon as nothing is under way for them; gives their id.
    pub async fn erase_customer(
        &self,
        who: Subject,
    ) -> Result<Result<CustomerId, OperateError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Erase { who, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Starts a manual workflow.
    pub async fn start(
        &self,
        request: ManualStart,
    ) -> Result<Result<ManuallyStarted, OperateError>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Start { request: Box::new(request), reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// Returns once nothing is left to do at the clock's instant: no command, no due timer, no message on its way.
    /// Gives the next instant at which something falls due.
    pub async fn settle(&self) -> Result<Option<UtcMs>, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.insist(Wish::Settle { reply }).await?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::unanswered()))
    }

    /// What it did, and how much waits.
    pub(crate) fn numbers(&self) -> TenantNumbers {
        self.numbers.read(self.inbox.waiting())
    }

    /// Whether its executor has ended: it was fenced, it broke, or it was stopped.
    pub fn is_over(&self) -> bool {
        self.executor.is_finished()
    }

    /// Ends gracefully although others hold the tenant too: what is in the inbox is done and answered, what comes later is
    /// refused.
    pub async fn end(&self) {
        // The executor sees it at its next turn; without a receiver it has ended already.
        let _ended = self.stop.send(true);
        // The sender is dropped after the executor.
        drop(self.ended.clone().changed().await);
    }

    /// Ends gracefully: what is in the inbox is done and answered, messages on their way are delivered, the store is
    /// closed.
    pub async fn stop(self) {
        // As above.
        let _ended = self.stop.send(true);
        drop(self.inbox);
        if let Err(fault) = self.executor.await {
            tracing::error!(tenant = %self.name, %fault, "the executor ended badly");
        }
    }

    /// For what the outside wants.
    fn offer(&self, wish: Wish) -> Result<(), Unavailable> {
        self.inbox.offer(self.clock.now(), wish)
    }

    /// For what operators want.
    async fn insist(&self, wish: Wish) -> Result<(), Unavailable> {
        self.inbox.insist(self.clock.now(), wish).await
    }
}
