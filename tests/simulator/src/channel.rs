//! The channel of a simulated host: it sends, and now and then it refuses, says nothing, says too much or breaks.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use siyu_engine::ports::channel::{Channel, Receipt, Verdict};
use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
use siyu_model::message::{Message, MessageStatus};
use tokio::sync::oneshot;

use crate::durable::Shared;
use crate::{WAY, locked};

/// What a channel does wrong with the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelFault {
    /// It will never go.
    Refuse,
    /// It may go later.
    Later,
    /// Nothing is said of it.
    Silence,
    /// It goes, and that is said twice.
    Twice,
    /// It goes, and the receipt says what a message that was only planned cannot have become.
    Odd,
    /// It goes, and a message is named that there is not.
    Stranger,
    /// The channel breaks.
    Break,
    /// The channel stands still until it is let go.
    Stall,
}

/// A channel of one host.
pub(crate) struct SimChannel {
    durable: Shared,
    host: usize,
    plan: Mutex<VecDeque<ChannelFault>>,
    stalled: Mutex<Vec<oneshot::Sender<()>>>,
    /// Of so many messages of a hundred the channel says by their ids that they never go.
    refused_percent: u64,
}

impl SimChannel {
    /// A channel that sends everything but what it refuses by id.
    pub(crate) fn new(durable: Shared, host: usize, refused_percent: u64) -> Self {
        Self { durable, host, plan: Mutex::default(), stalled: Mutex::default(), refused_percent }
    }

    /// Does the next message wrong, behind those that are already planned.
    pub(crate) fn plan(&self, fault: ChannelFault) {
        locked(&self.plan).push_back(fault);
    }

    /// Lets go what stands still.
    pub(crate) fn release(&self) {
        locked(&self.stalled).drain(..).for_each(|go| {
            // Who waited may be gone.
            let _nobody = go.send(());
        });
    }

    /// Lets go what stands still, and does nothing wrong any more.
    pub(crate) fn heal(&self) {
        locked(&self.plan).clear();
        self.release();
    }

    fn is_refused(&self, id: MessageId) -> bool {
        id.as_bytes().iter().map(|byte| u64::from(*byte)).sum::<u64>() % 100 < self.refused_percent
    }
}

fn receipt(message: MessageId, verdict: Verdict) -> Receipt {
    Receipt { message, verdict }
}

#[async_trait]
impl Channel for SimChannel {
    async fn deliver(&self, messages: &[Message], _: UtcMs) -> Vec<Receipt> {
        // The way to the channel takes until the host has nothing else to do: the order of things is that of the seed.
        tokio::time::sleep(WAY).await;
        let sent = || Verdict::Became(MessageStatus::Sent);
        let mut receipts = Vec::new();
        for message in messages {
            let id = message.id;
            self.durable.lock().handed_over(self.host, message);
            let fault = locked(&self.plan).pop_front();
            match fault {
                None if self.is_refused(id) => {
                    receipts.push(receipt(id, Verdict::Refused("no friend".to_owned())))
                }
                None => receipts.push(receipt(id, sent())),
                Some(ChannelFault::Refuse) => {
                    receipts.push(receipt(id, Verdict::Refused("no friend".to_owned())));
                }
                Some(ChannelFault::Later) => receipts.push(receipt(id, Verdict::Later("busy".to_owned()))),
                Some(ChannelFault::Silence) => {}
                Some(ChannelFault::Twice) => receipts.extend([receipt(id, sent()), receipt(id, sent())]),
                Some(ChannelFault::Odd) => {
                    receipts.push(receipt(id, Verdict::Became(MessageStatus::Delivered)));
                }
                Some(ChannelFault::Stranger) => {
                    let nobody = MessageId::from_bytes([7; 16]);
                    receipts.extend([receipt(nobody, sent()), receipt(id, sent())]);
                }
                // The same as a panic, without its noise.
                Some(ChannelFault::Break) => std::panic::resume_unwind(Box::new("a channel that breaks")),
                Some(ChannelFault::Stall) => {
                    let (go, gone) = oneshot::channel();
                    locked(&self.stalled).push(go);
                    // Whoever drops the other end lets it go as well.
                    drop(gone.await);
                    receipts.push(receipt(id, sent()));
                }
            }
        }
        receipts
    }
}
