//! Dispatch: messages leave the host, through channels only, after the commit that holds them; and their receipts
//! come back as commands.

mod contact;
mod couriers;
mod dispatcher;
mod leaving;
pub(crate) mod plan;
mod quota;
mod receipts;
mod touches;

pub(crate) use couriers::{Begun, Couriers};
pub use dispatcher::Channels;
pub(crate) use dispatcher::{Delivered, Dispatcher};
pub(crate) use leaving::{begin, due, redeliver, settle, was_under_way};
pub(crate) use receipts::{change, receipt};
