//! `events`: recording events, planning them for later, counting what happened.
//!
//! Events of a call are recorded when the call is kept, at most 100 a call. The data is an object; `amount_fen` in it is
//! added to the customer's facts. [`Event::emit`](crate::Event::emit) and [`Event::plan`](crate::Event::plan) do the same for the call's
//! customer. Types of the host (`tag.*`, `reservation.*`, `segment.*`, `message.*`, `customer.*`, `run.*`) are refused.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::{events, key};
//!
//! /// A coupon expires soon.
//! #[derive(Serialize, JsonSchema)]
//! struct CouponExpiring {
//!     code: String,
//! }
//!
//! impl Event for CouponExpiring {
//!     const TYPE: &'static str = "coupon.expiring";
//! }
//!
//! fn remind(code: &str, expires_at: Instant) -> Result<(), Stop> {
//!     let event = CouponExpiring { code: code.to_owned() };
//!     event.plan(&key(&["expiring", code]), expires_at - Duration::days(1))?;
//!     Ok(())
//! }
//!
//! fn redeemed(code: &str) -> Result<(), Stop> {
//!     events::cancel(&key(&["expiring", code]))?;
//!     Ok(())
//! }
//! ```

use super::written;
use crate::error::Error;
use crate::event::Event;
use crate::port;
use crate::time::Instant;

/// Records an event of the call's customer.
///
/// # Errors
/// `Invalid` when the data is no object or the type is the host's, `Limit` beyond 100 events a call.
pub fn emit<E: Event>(event: &E) -> Result<(), Error> {
    port::emit(E::TYPE, None, &written(E::TYPE, event)?)
}

/// Records an event of another customer.
///
/// # Errors
/// As [`emit`], and `NotFound` when there is no such customer.
pub fn emit_for<E: Event>(customer: &str, event: &E) -> Result<(), Error> {
    port::emit(E::TYPE, Some(customer), &written(E::TYPE, event)?)
}

/// Plans an event of the call's customer for later, under a key of the plugin: planning again replaces it.
///
/// # Errors
/// As [`emit`], and `Invalid` for a key that is none.
pub fn plan<E: Event>(key: &str, at: Instant, event: &E) -> Result<(), Error> {
    port::emit_at(key, at, E::TYPE, None, &written(E::TYPE, event)?)
}

/// Plans an event of another customer.
///
/// # Errors
/// As [`plan`], and `NotFound` when there is no such customer.
pub fn plan_for<E: Event>(key: &str, at: Instant, customer: &str, event: &E) -> Result<(), Error> {
    port::emit_at(key, at, E::TYPE, Some(customer), &written(E::TYPE, event)?)
}

/// Takes a planned event back; says whether there was one.
///
/// # Errors
/// `Invalid` for a key that is none.
pub fn cancel(key: &str) -> Result<bool, Error> {
    port::cancel_planned(key)
}

/// How many events of a type the call's customer has had since an instant. What this call emits does not count yet.
///
/// # Errors
/// `Invalid` without a customer, `Invalid` for a type that is none.
pub fn count(event_type: &str, since: Instant) -> Result<u64, Error> {
    port::count_events(event_type, None, since)
}

/// How many events of a type another customer has had since an instant.
///
/// # Errors
/// `NotFound` when there is no such customer, `Invalid` for a type that is none.
pub fn count_of(customer: &str, event_type: &str, since: Instant) -> Result<u64, Error> {
    port::count_events(event_type, Some(customer), since)
}
