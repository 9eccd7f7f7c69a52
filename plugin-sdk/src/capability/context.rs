//! `context`: who calls, for whom, and what time it is. Every plugin has it.
//!
//! The instant of a call is recorded: it is the same however often the call is repeated. There is no other clock.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::context;
//!
//! /// The customer of the run, and the day on which the playbook's zone is.
//! fn who_and_when() -> Result<(String, String), Stop> {
//!     let today = context::now().local(&Zone::of_playbook())?.date();
//!     Ok((context::customer()?, today))
//! }
//! ```

use std::cell::RefCell;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::read;
use crate::error::Error;
use crate::event::Incoming;
use crate::port;
use crate::time::Instant;

/// A call: who makes it and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Names the call: the same when it is repeated after a crash, another for every other call.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// `name@version` of this plugin.
    pub plugin: String,
    /// The step, or the kind of resource that is applied.
    pub step: String,
    /// The run; absent while a resource is applied.
    pub run: Option<String>,
    /// The customer that the run is for.
    pub customer: Option<String>,
    /// The event that started the run, as JSON; see [`Call::event`].
    pub event_json: Option<String>,
    /// 1 for the first try.
    pub attempt: u32,
    /// The instant of the call.
    pub now: Instant,
    /// The playbook's time zone, an IANA name.
    pub zone: String,
}

impl Call {
    /// The event that started the run, with data of a type; `Incoming<serde_json::Value>` takes any.
    ///
    /// # Errors
    /// `Invalid` when its data does not fit the type.
    pub fn event<T: DeserializeOwned>(&self) -> Result<Option<Incoming<T>>, Error> {
        self.event_json.as_deref().map(|text| read(|| "the event".to_owned(), text)).transpose()
    }
}

thread_local! {
    /// The call's context: asked for once, because it holds the event.
    static CALL: RefCell<Option<Rc<Call>>> = const { RefCell::new(None) };
}

/// This call.
pub fn current() -> Rc<Call> {
    CALL.with_borrow_mut(|call| call.get_or_insert_with(|| Rc::new(port::current())).clone())
}

/// Another call begins.
pub(crate) fn forget() {
    CALL.set(None);
}

/// The instant of this call.
pub fn now() -> Instant {
    current().now
}

/// The customer of this call.
///
/// # Errors
/// `Invalid` when the run is for nobody.
pub fn customer() -> Result<String, Error> {
    let customer = current().customer.clone();
    customer.ok_or_else(|| Error::invalid("this call is for no customer: its event has no subject"))
}
