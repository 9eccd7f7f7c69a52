//! Couriers of a tenant: channels that take one message at a time, and may take seconds for it. Each has places of its own, so that
//! a slow one holds up nobody else; what waits is kept by id, the one whose time ends first in front.
//!
//! When the turn of a message has come, the executor looks at the rules once more. A message goes to a courier whose other side does not
//! know ids only after it is durable that it does: after a crash it is asked for, and never handed over again by itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::limits::deliveries::{AT_ONCE, PAUSE_MS, PAUSE_MS_MAX, URGENT, URGENT_MS};
use siyu_model::limits::network::DELIVERY_MS;
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::{ChannelName, TenantName};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use super::dispatcher::{Channels, Delivered};
use crate::ports::channel::{Courier, Parcel, Receipt, Tried, Verdict};
use crate::ports::clock::Clock;
use crate::ports::store::{Store, Wants};
use crate::traces;

/// The couriers of a tenant, and what is with them.
pub(crate) struct Couriers {
    tenant: TenantName,
    channels: Channels,
    clock: Arc<dyn Clock>,
    receipts: mpsc::UnboundedSender<Delivered>,
    lanes: BTreeMap<ChannelName, Lane>,
    /// Messages that have a place, and at which courier.
    under_way: HashMap<MessageId, ChannelName>,
    tasks: JoinSet<()>,
}

/// One courier.
struct Lane {
    courier: Arc<dyn Courier>,
    /// What waits, by the end of its time.
    waiting: BTreeSet<(UtcMs, MessageId)>,
    /// Places that are taken.
    taken: usize,
}

/// The turn of a message at its courier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) message: MessageId,
    /// Whether the other side knows messages by their ids.
    pub(crate) is_idempotent: bool,
}

/// What is to be done with a message that has a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is handed over.
    HandOver,
    /// It was handed over before the host stopped: its courier is asked what became of it.
    Ask,
    /// It does not go, or not now.
    Gone,
}

impl Couriers {
    pub(crate) fn new(
        tenant: TenantName,
        channels: Channels,
        clock: Arc<dyn Clock>,
        receipts: mpsc::UnboundedSender<Delivered>,
    ) -> Self {
        let (lanes, under_way) = (BTreeMap::new(), HashMap::new());
        Self { tenant, channels, clock, receipts, lanes, under_way, tasks: JoinSet::new() }
    }

    /// Takes messages that go to couriers, and gives the others back.
    pub(crate) fn take(&mut self, messages: Vec<Message>) -> Vec<Message> {
        let mut rest = Vec::new();
        for message in messages {
            let Some(courier) = self.channels.courier(&message.channel) else {
                rest.push(message);
                continue;
            };
            let lane = self.lanes.entry(message.channel).or_insert_with(|| Lane {
                courier,
                waiting: BTreeSet::new(),
                taken: 0,
            });
            if !self.under_way.contains_key(&message.id) {
                lane.waiting.insert((message.expires_at, message.id));
            }
        }
        rest
    }

    /// Whether messages are with couriers.
    pub(crate) fn are_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether messages wait for a place.
    pub(crate) fn are_waited_for(&self) -> bool {
        self.lanes.values().any(|lane| !lane.waiting.is_empty())
    }

    /// Gives places to messages that wait: their turn has come.
    pub(crate) fn next(&mut self) -> Vec<Turn> {
        let now = self.clock.now();
        let mut turns = Vec::new();
        for (name, lane) in &mut self.lanes {
            while let Some(message) = lane.next(now) {
                self.under_way.insert(message, name.clone());
                turns.push(Turn { message, is_idempotent: lane.courier.is_idempotent() });
            }
        }
        turns
    }

    /// Goes on with a message that has a place.
    pub(crate) fn begin(&mut self, id: MessageId, begun: Begun, store: &Arc<dyn Store>) {
        let lane = self.under_way.get(&id).and_then(|name| self.lanes.get_key_value(name));
        let Some((channel, lane)) = lane.filter(|_| begun != Begun::Gone) else {
            return self.release(id);
        };
        let span = traces::delivery(&self.tenant, channel, (id, begun));
        let delivery =
            Delivery { courier: lane.courier.clone(), store: store.clone(), clock: self.clock.clone() };
        let (receipts, clock) = (self.receipts.clone(), self.clock.clone());
        self.tasks.spawn(async move {
            // A task of its own contains a panic; it is awaited here.
            let is_idempotent = delivery.courier.is_idempotent();
            let task = tokio::spawn(async move { delivery.make(id, begun).await }.instrument(span.clone()));
            let receipts_of = task.await.unwrap_or_else(|fault| {
                tracing::error!(%fault, "a courier failed");
                vec![Receipt { message: id, verdict: failed(is_idempotent) }]
            });
            traces::delivered(&span, &receipts_of);
            drop(span);
            let at = (!clock.is_virtual()).then(|| clock.now());
            // Nobody hears it when the tenant is closed: the store knows where the message stands.
            drop(receipts.send(Delivered {
                receipts: receipts_of,
                messages: 0,
                at,
                courier: Some(id),
                to_begin: Vec::new(),
            }));
        });
    }

    /// A courier is done with a message: its place is free.
    pub(crate) fn release(&mut self, id: MessageId) {
        if let Some(lane) = self.under_way.remove(&id).and_then(|name| self.lanes.get_mut(&name)) {
            lane.taken = lane.taken.saturating_sub(1);
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// Forgets what waits, and ends once couriers are done with what they have.
    pub(crate) async fn stop(&mut self) {
        self.lanes.clear();
        self.under_way.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    /// Receipts go elsewhere from now on.
    pub(crate) fn tell(&mut self, receipts: mpsc::UnboundedSender<Delivered>) {
        self.receipts = receipts;
    }
}

impl Lane {
    /// The message whose time ends first, if there is a place for it. Some places are for those that end soon.
    fn next(&mut self, now: UtcMs) -> Option<MessageId> {
        let (expires_at, id) = *self.waiting.first()?;
        let is_urgent = expires_at <= now + DurationMs::from_millis(URGENT_MS);
        let places = if is_urgent { AT_ONCE + URGENT } else { AT_ONCE };
        if self.taken >= places {
            return None;
        }
        self.waiting.pop_first();
        self.taken += 1;
        Some(id)
    }
}

/// One delivery.
struct Delivery {
    courier: Arc<dyn Courier>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Delivery {
    /// Hands a message over, or asks for it; what became of it.
    async fn make(&self, id: MessageId, begun: Begun) -> Vec<Receipt> {
        let (message, verdict) = match self.parcel(id).await {
            Ok(Some(parcel)) => {
                let message = parcel.message.clone();
                traces::delivering(&Span::current(), &message);
                (Some(message), self.tried(parcel, begun).await)
            }
            Ok(None) => return Vec::new(),
            Err(why) => (None, Verdict::Later(why)),
        };
        let attempts = message.map_or(0, |message| message.attempts);
        let receipt = |verdict| Receipt { message: id, verdict };
        match with_pause(verdict, id, attempts) {
            // What the customer has was sent.
            Verdict::Became(MessageStatus::Delivered) => [MessageStatus::Sent, MessageStatus::Delivered]
                .map(|status| receipt(Verdict::Became(status)))
                .into(),
            Verdict::BecameWith(MessageStatus::Delivered, details) => vec![
                receipt(Verdict::BecameWith(MessageStatus::Sent, details.clone())),
                receipt(Verdict::BecameWith(MessageStatus::Delivered, details)),
            ],
            verdict => vec![receipt(verdict)],
        }
    }

    /// A message that is planned, with its customer.
    async fn parcel(&self, id: MessageId) -> Result<Option<Parcel>, String> {
        let read = |fault: crate::ports::store::StoreError| format!("the message cannot be read: {fault}");
        let loaded = self.store.load(Wants { messages: vec![id], ..Wants::default() }).await.map_err(read)?;
        let planned = loaded.messages.into_iter().find(|message| message.status == MessageStatus::Planned);
        let Some(message) = planned else { return Ok(None) };
        let wants = Wants { customers: vec![message.customer], ..Wants::default() };
        let loaded = self.store.load(wants).await.map_err(read)?;
        let customer =
            loaded.customers.first().map(|image| crate::sight::described(&image.customer, self.clock.now()));
        Ok(Some(Parcel { message, customer: customer.unwrap_or_else(|| "null".to_owned()).into() }))
    }

    async fn tried(&self, parcel: Parcel, begun: Begun) -> Verdict {
        let now = self.clock.now();
        if begun == Begun::Ask {
            let why = "it was handed over, and nothing is known of it since".to_owned();
            return self.asked(parcel, now, why).await;
        }
        if parcel.message.expires_at <= now {
            // Its timer finds that its time is over.
            return Verdict::AgainAfter("its time passed while it waited".to_owned(), DurationMs::default());
        }
        // Whoever has the tenant then asks for it, and must not do so while it is still under way.
        if parcel.message.is_handed_over()
            && now + DurationMs::from_millis(DELIVERY_MS) > parcel.message.due_at
        {
            return Verdict::Later("it was not handed over in time".to_owned());
        }
        match self.courier.hand_over(parcel.clone(), now).await {
            Tried::Said(Verdict::Uncertain(why)) => self.asked(parcel, now, why).await,
            Tried::Said(verdict) => verdict,
            Tried::Unknown(why) if self.courier.is_idempotent() => Verdict::Later(why),
            Tried::Unknown(why) => self.asked(parcel, now, why).await,
            Tried::CannotTell => Verdict::Later("the courier said nothing of it".to_owned()),
        }
    }

    /// What became of a message of which nobody knows.
    async fn asked(&self, parcel: Parcel, now: UtcMs, why: String) -> Verdict {
        match self.courier.reconcile(parcel, now).await {
            Tried::Said(verdict) => verdict,
            Tried::Unknown(fault) => {
                Verdict::AskAgain(format!("{why}; asking for it failed: {fault}"), DurationMs::default())
            }
            Tried::CannotTell => Verdict::Uncertain(why),
        }
    }
}

/// A courier that panicked may have handed the message over.
fn failed(is_idempotent: bool) -> Verdict {
    let (why, pause) = ("the courier failed".to_owned(), DurationMs::from_millis(PAUSE_MS));
    if is_idempotent { Verdict::AgainAfter(why, pause) } else { Verdict::AskAgain(why, pause) }
}

/// A verdict with the pause before the next try: it doubles, differs from message to message, and is no shorter than the other side
/// wants it.
fn with_pause(verdict: Verdict, id: MessageId, attempts: u32) -> Verdict {
    match verdict {
        Verdict::Later(why) => Verdict::AgainAfter(why, pause(id, attempts)),
        Verdict::AgainAfter(why, wish) => Verdict::AgainAfter(why, pause(id, attempts).max(wish)),
        Verdict::AskAgain(why, wish) => Verdict::AskAgain(why, pause(id, attempts).max(wish)),
        verdict => verdict,
    }
}

fn pause(id: MessageId, attempts: u32) -> DurationMs {
    let pause_ms = PAUSE_MS.saturating_mul(1 << attempts.min(16)).min(PAUSE_MS_MAX);
    let seed = blake3::hash(format!("{id}/{attempts}").as_bytes());
    // Up to a quarter more, so that those that failed together do not come back together.
    let jitter_ms = pause_ms / 4 * u64::from(seed.as_bytes()[0]) / 255;
    DurationMs::from_millis(pause_ms + jitter_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_differ_and_hear_the_other_side() {
        let at = UtcMs::from_millis(1);
        let ids: Vec<_> = (0..50u8).map(|number| MessageId::derive(at, &[&[number]])).collect();
        let pause = |id, attempts, wish_ms| {
            let wish = DurationMs::from_millis(wish_ms);
            match with_pause(Verdict::AgainAfter(String::new(), wish), id, attempts) {
                Verdict::AgainAfter(_, pause) => pause.as_millis(),
                other => panic!("{other:?}"),
            }
        };
        for attempts in 0..20 {
            let least = (PAUSE_MS << attempts).min(PAUSE_MS_MAX);
            let pauses: BTreeSet<u64> = ids.iter().map(|id| pause(*id, attempts, 0)).collect();
            assert!(
                pauses.iter().all(|pause| (least..=least + least / 4).contains(pause)),
                "{attempts}: {pauses:?}"
            );
            assert!(pauses.len() > 20, "{attempts}: {pauses:?}");
        }
        assert_eq!(pause(ids[0], 0, 60_000), 60_000);
        assert_eq!(
            with_pause(Verdict::Refused("no".to_owned()), ids[0], 3),
            Verdict::Refused("no".to_owned())
        );
    }
}
