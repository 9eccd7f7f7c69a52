//! Flash sales (秒杀): few goods, many customers, one instant.
//!
//! The plugin decides who may have what; the host keeps stock and limits, so nothing is oversold whatever this code does.
//! It never scans, never counts in its own documents what the host counts, and never sends a message.

mod abuse;
mod ending;
mod events;
mod gate;
mod hold;
mod invites;
mod live;
mod millis;
mod mine;
mod opening;
mod orders;
mod pay;
mod queue;
mod refund;
mod refusals;
mod reserve;
mod restock;
mod sale;
mod session;
mod status;
mod waitlist;

use siyu_plugin::host_events::ReservationExpired;
use siyu_plugin::prelude::*;

siyu_plugin::export! {
    name: "flash-sale",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Flash sales (秒杀): stock and customers' limits that no rush can break, with queue, waiting list and late payments.",
    steps: [
        opening::Open,
        opening::Close,
        reserve::Reserve,
        pay::Pay,
        ending::Cancel,
        refund::Refund,
        queue::EnterQueue,
        queue::Admit,
        invites::Invite,
        status::Status,
        restock::Restock,
        live::Live,
        live::LiveEnded,
        orders::OrderPaid,
        orders::OrderCancelled,
        orders::OrderRefunded,
        opening::OnOpenDue,
        opening::OnCloseDue,
        ending::OnExpired,
        waitlist::OnCalled,
        waitlist::OnWaitlistDue,
    ],
    resources: [session::Session],
    events: [
        events::Opened<'static>,
        events::Closed<'static>,
        events::QueueEntered<'static>,
        events::Reserved<'static>,
        events::Refused<'static>,
        events::Committed<'static>,
        events::Released<'static>,
        events::LatePayment<'static>,
        events::Refunded<'static>,
        events::SoldOut<'static>,
        events::Restocked<'static>,
        events::Waitlisted<'static>,
        events::WaitlistCalled<'static>,
        events::OpenDue,
        events::CloseDue,
        events::WaitlistDue,
    ],
    reactions: {
        events::OpenDue::TYPE => opening::OnOpenDue,
        events::CloseDue::TYPE => opening::OnCloseDue,
        ReservationExpired::TYPE => ending::OnExpired,
        events::WaitlistCalled::TYPE => waitlist::OnCalled,
        events::WaitlistDue::TYPE => waitlist::OnWaitlistDue,
    },
    capabilities: {
        Counters: "keeps how many units a customer holds and has bought",
        Customers: "asks who is a member, in a group, tagged, or a friend still",
        Events: "records what is held, sold and given back, and opens and ends sales in time",
        Expressions: "evaluates the condition that an operator wrote for a sale",
        Pools: "holds and sells stock",
        Records: "keeps sales, orders, places in line and friends that were brought",
        Resources: "reads the sessions that operators defined",
    },
}

#[cfg(test)]
mod kit;
