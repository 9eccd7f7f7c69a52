//! `cache`: what a channel remembers between two deliveries, such as an access token. In the host's memory only: it is gone when
//! the host starts again. At most 64 values of 16 KiB.
//!
//! Several deliveries may run at once. Of those that ask for a value that nobody has, one is told to fetch it, and the others wait
//! until it is there:
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::cache;
//!
//! fn token(fetch: impl Fn() -> Result<(String, Duration), Error>) -> Result<String, Error> {
//!     if let Some(token) = cache::get("token")? {
//!         return Ok(token);
//!     }
//!     let (token, lasts) = fetch()?;
//!     cache::put("token", &token, Instant::now() + lasts)?;
//!     Ok(token)
//! }
//! ```

use crate::error::Error;
use crate::port;
use crate::time::Instant;

/// The value of a key. `None`: nobody has it, and this delivery is the one to fetch it; others wait until it is put, or until this
/// delivery is over.
///
/// # Errors
/// `Invalid` for a key that is empty or has more than 256 bytes, and outside of deliveries.
pub fn get(key: &str) -> Result<Option<String>, Error> {
    port::cached(key)
}

/// The value of a key, if there is one. Nobody has to fetch it, and nobody waits.
///
/// # Errors
/// As [`get`].
pub fn peek(key: &str) -> Result<Option<String>, Error> {
    port::peek_cached(key)
}

/// Remembers a value until an instant, and gives it to those who wait for it.
///
/// # Errors
/// As [`get`], and `Limit` for a value of more than 16 KiB and beyond 64 values.
pub fn put(key: &str, value: &str, expires_at: Instant) -> Result<(), Error> {
    port::cache(key, value, expires_at)
}

/// Forgets a value, such as a token that the other side refuses. If others wait for it, one of them has to fetch it then.
///
/// # Errors
/// As [`get`].
pub fn remove(key: &str) -> Result<(), Error> {
    port::uncache(key)
}
