//! Capabilities: what a plugin may ask of the host, one module an interface of the contract.
//!
//! Arguments are checked and turned into their types here; the host decides. Nothing here keeps state, except that the
//! call's context is asked for once.

pub mod cache;
pub mod codes;
pub mod context;
pub mod counters;
pub mod customers;
pub mod events;
pub mod expressions;
pub mod http;
pub mod ledger;
pub mod log;
pub mod messages;
pub mod pools;
pub mod random;
pub mod records;
pub mod resources;
pub mod secrets;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::json;

/// The largest whole number that crosses the contract: 2^53 - 1, what a JavaScript guest can hold without loss.
pub(crate) const WHOLE_MAX: u64 = (1 << 53) - 1;

/// A whole number that can cross.
fn whole(what: &str, number: u64) -> Result<u64, Error> {
    if number <= WHOLE_MAX {
        Ok(number)
    } else {
        Err(Error::invalid(format!("`{what}` is {number}: expected a whole number from 0 to {WHOLE_MAX}")))
    }
}

/// A document for the host.
fn written<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<String, Error> {
    json::write(what, value).map_err(|fault| match fault {
        crate::stop::Fault::Permanent { message, .. } => Error::invalid(message),
        _ => Error::invalid(format!("{what} cannot be written as JSON")),
    })
}

/// A document of the host.
pub(crate) fn read<T: DeserializeOwned>(what: impl FnOnce() -> String, text: &str) -> Result<T, Error> {
    json::read(text).map_err(|unreadable| {
        Error::invalid(format!("{} is not what this version of the plugin expects: {unreadable}", what()))
    })
}
