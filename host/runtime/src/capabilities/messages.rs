//! `messages`: planning a message to a customer. Never sends one: whatever leaves the host goes through the dispatcher.

use siyu_engine::ports::plugins::MessageRequest;
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::Offer;
use crate::sandbox::state::Call;

type Message = (String, String, Option<String>, String);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut messages = Offer::new(linker, Capability::Messages)?;
    messages.ask("enqueue", |host, (template, channel, customer, variables): Message| {
        host.enqueue_message(MessageRequest {
            template: &template,
            channel: &channel,
            customer: customer.as_deref(),
            variables: &variables,
        })
    })
}
