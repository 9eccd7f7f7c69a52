//! The dispatcher of a tenant: one task that hands messages to their channels, a batch at a time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
use siyu_model::message::Message;
use siyu_model::name::{ChannelName, TenantName};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::couriers::Turn;
use crate::ports::channel::{Channel, Courier, Receipt, Verdict};
use crate::ports::clock::Clock;
use crate::traces;

/// The channels of a host, by name.
#[derive(Clone, Default)]
pub struct Channels {
    by_name: HashMap<ChannelName, Arc<dyn Channel>>,
    couriers: HashMap<ChannelName, Arc<dyn Courier>>,
    fallback: Option<Arc<dyn Channel>>,
    of_tenants: Option<OfTenants>,
}

/// The channels of each tenant.
type OfTenants = Arc<dyn Fn(&TenantName) -> Channels + Send + Sync>;

impl Channels {
    /// All messages go over one channel, whatever their channel is called.
    pub fn all_over(channel: Arc<dyn Channel>) -> Self {
        Self { fallback: Some(channel), ..Self::default() }
    }

    /// Each tenant has channels of its own: made when it is opened, and once an opening.
    pub fn of_tenants(channels: impl Fn(&TenantName) -> Self + Send + Sync + 'static) -> Self {
        Self { of_tenants: Some(Arc::new(channels)), ..Self::default() }
    }

    /// Those of a tenant.
    pub(crate) fn of(&self, tenant: &TenantName) -> Self {
        match &self.of_tenants {
            Some(channels) => channels(tenant),
            None => self.clone(),
        }
    }

    /// Messages of a name go over this channel.
    #[must_use]
    pub fn with(mut self, name: ChannelName, channel: Arc<dyn Channel>) -> Self {
        self.by_name.insert(name, channel);
        self
    }

    /// Messages of a name go over this channel, one at a time.
    #[must_use]
    pub fn with_courier(mut self, name: ChannelName, courier: Arc<dyn Courier>) -> Self {
        self.couriers.insert(name, courier);
        self
    }

    /// The channel of a name that takes one message at a time.
    pub(super) fn courier(&self, name: &ChannelName) -> Option<Arc<dyn Courier>> {
        self.couriers.get(name).cloned()
    }

    fn find(&self, name: &ChannelName) -> Option<&Arc<dyn Channel>> {
        self.by_name.get(name).or(self.fallback.as_ref())
    }
}

/// Messages that a channel has answered for.
pub(crate) struct Delivered {
    pub(crate) receipts: Vec<Receipt>,
    /// How many messages they are for.
    pub(crate) messages: usize,
    /// When; none in virtual time, where a message has arrived at the instant at which it was handed over.
    pub(crate) at: Option<UtcMs>,
    /// The message whose courier is done with it.
    pub(crate) courier: Option<MessageId>,
    /// Messages whose turn at their couriers has come.
    pub(crate) to_begin: Vec<Turn>,
}

impl Delivered {
    /// Nothing is delivered yet: these are to be handed over.
    pub(crate) fn to_begin(turns: Vec<Turn>) -> Self {
        Self { receipts: Vec::new(), messages: 0, at: None, courier: None, to_begin: turns }
    }
}

/// Hands messages over; receipts come out at the other end.
pub(crate) struct Dispatcher {
    queue: mpsc::Sender<(Vec<Message>, UtcMs)>,
    task: JoinHandle<()>,
}

/// Batches on their way to the channels; the executor keeps further ones itself.
const BATCHES_MAX: usize = 4;

impl Dispatcher {
    /// Starts the task. Receipts go to `receipts`; there are at most as many as messages on their way.
    pub(crate) fn start(
        tenant: TenantName,
        channels: Channels,
        clock: Arc<dyn Clock>,
        receipts: mpsc::UnboundedSender<Delivered>,
    ) -> Self {
        let (queue, mut batches) = mpsc::channel::<(Vec<Message>, UtcMs)>(BATCHES_MAX);
        let task = tokio::spawn(async move {
            while let Some((messages, now)) = batches.recv().await {
                let delivered = Delivered {
                    messages: messages.len(),
                    receipts: deliver((&tenant, &channels), messages, now).await,
                    at: (!clock.is_virtual()).then(|| clock.now()),
                    courier: None,
                    to_begin: Vec::new(),
                };
                if receipts.send(delivered).is_err() {
                    return;
                }
            }
        });
        Self { queue, task }
    }

    /// Hands a batch over if there is room; gives it back if not.
    pub(crate) fn hand_over(&self, messages: Vec<Message>, now: UtcMs) -> Result<(), Vec<Message>> {
        self.queue.try_send((messages, now)).map_err(|refused| refused.into_inner().0)
    }

    /// Ends the task once what was handed over is delivered.
    pub(crate) async fn stop(self) {
        drop(self.queue);
        if let Err(fault) = self.task.await {
            tracing::error!(%fault, "the dispatcher ended badly");
        }
    }
}

async fn deliver(
    (tenant, channels): (&TenantName, &Channels),
    messages: Vec<Message>,
    now: UtcMs,
) -> Vec<Receipt> {
    let mut by_channel: BTreeMap<ChannelName, Vec<Message>> = BTreeMap::new();
    for message in messages {
        by_channel.entry(message.channel.clone()).or_default().push(message);
    }
    let mut receipts = Vec::new();
    for (name, messages) in by_channel {
        match channels.find(&name) {
            Some(channel) => {
                let span = traces::batch(tenant, &name, messages.len());
                receipts.extend(deliver_over(channel.clone(), messages, now).instrument(span).await);
            }
            None => {
                let reason = format!("this host has no channel `{name}`");
                let refused = messages.iter().map(|message| Receipt {
                    message: message.id,
                    verdict: Verdict::Refused(reason.clone()),
                });
                receipts.extend(refused);
            }
        }
    }
    receipts
}

/// Hands messages to one channel. One that panics, or says nothing of a message, costs that message a try and nothing else.
async fn deliver_over(channel: Arc<dyn Channel>, messages: Vec<Message>, now: UtcMs) -> Vec<Receipt> {
    let handed_over: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    // A task of its own contains a panic; it is awaited here.
    let task = tokio::spawn(async move { channel.deliver(&messages, now).await });
    let (mut receipts, why) = match task.await {
        Ok(receipts) => (receipts, "the channel said nothing of it"),
        Err(fault) => {
            tracing::error!(%fault, "a channel failed");
            (Vec::new(), "the channel failed")
        }
    };
    let mut said: HashSet<MessageId> = receipts.iter().map(|receipt| receipt.message).collect();
    let silent = handed_over.into_iter().filter(|message| said.insert(*message));
    receipts.extend(silent.map(|message| Receipt { message, verdict: Verdict::Later(why.to_owned()) }));
    receipts
}
