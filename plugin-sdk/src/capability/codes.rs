//! `codes`: codes that people type. Unguessable, unique in the tenant, without look-alike symbols, with a check symbol.
//!
//! A code is bound to a reference of the plugin, such as the key of a record. `space` separates the plugin's kinds of
//! codes. Codes are kept for ever: what has expired is for the plugin to say.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::codes::{self, Found};
//!
//! const CODE_UNKNOWN: Refusal = Refusal::new("CODE_UNKNOWN", "there is no such code");
//!
//! fn which(typed: &str) -> Result<String, Stop> {
//!     match codes::find("coupon", typed)? {
//!         Found::Known { reference, .. } => Ok(reference),
//!         Found::Malformed(hint) => Err(CODE_UNKNOWN.because(hint).into()),
//!         Found::Unknown => Err(CODE_UNKNOWN.into()),
//!     }
//! }
//! ```

use crate::error::Error;
use crate::port;

/// The usual number of random symbols: 59.5 bits, so a guess among a million codes hits once in 10^12.
pub const RANDOM_LEN: u8 = 12;

/// What became of a typed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is such a code.
    Known {
        /// As it is written.
        code: String,
        /// What the plugin bound it to.
        reference: String,
    },
    /// It cannot be a code: which symbol, and what may have been meant.
    Malformed(String),
    /// It could be one, and is none.
    Unknown,
}

/// A new code of `random_len` symbols, 8 to 24, and a check symbol.
///
/// # Errors
/// `Invalid` for a space, a length or a reference that is none.
pub fn mint(space: &str, random_len: u8, reference: &str) -> Result<String, Error> {
    port::mint_code(space, random_len, reference)
}

/// Takes a code from outside in; says whether it was free. It needs no check symbol.
///
/// # Errors
/// `Invalid` for a space, a code or a reference that is none.
pub fn adopt(space: &str, code: &str, reference: &str) -> Result<bool, Error> {
    port::adopt_code(space, code, reference)
}

/// Looks up what a person typed: case, full-width letters, spaces and hyphens do not matter.
///
/// # Errors
/// `Invalid` for a space that is none.
pub fn find(space: &str, typed: &str) -> Result<Found, Error> {
    port::find_code(space, typed)
}
