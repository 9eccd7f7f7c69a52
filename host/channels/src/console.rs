//! The console as a channel: messages are printed, for whoever watches a run.

use std::io::Write;

use async_trait::async_trait;
use siyu_engine::ports::channel::{Channel, Receipt, Verdict};
use siyu_model::clock::UtcMs;
use siyu_model::message::{Message, MessageStatus};

use crate::line;

/// Prints each message as one line of JSON to standard output. After a crash a message may be printed again.
#[derive(Debug, Default, Clone, Copy)]
pub struct ConsoleChannel;

#[async_trait]
impl Channel for ConsoleChannel {
    async fn deliver(&self, messages: &[Message], now: UtcMs) -> Vec<Receipt> {
        let text: String = messages.iter().map(|message| line(message, now) + "\n").collect();
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let verdict = match written {
            Ok(()) => Verdict::Became(MessageStatus::Sent),
            Err(why) => Verdict::Later(format!("standard output: {why}")),
        };
        messages.iter().map(|message| Receipt { message: message.id, verdict: verdict.clone() }).collect()
    }
}
