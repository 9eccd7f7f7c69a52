//! `log`: lines for the run's log. Every plugin has it.
//!
//! A line has at most 4 KiB; control characters are escaped. At most 200 lines and 64 KiB a call are kept, further ones
//! are dropped and counted. Lines of a call that failed are kept as well: they say why.
//!
//! ```
//! use siyu_plugin::log;
//!
//! fn notice(batch: &str, left: u64) {
//!     if left < 10 {
//!         log::warn(format_args!("{left} coupons of {batch} are left"));
//!     }
//! }
//! ```

use std::fmt::Display;

use crate::port;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// For whoever looks.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// A line of a level.
pub fn write(level: Level, message: impl Display) {
    port::log(level, &message.to_string());
}

/// A line for the plugin's author.
pub fn debug(message: impl Display) {
    write(Level::Debug, message);
}

/// A line for whoever looks.
pub fn info(message: impl Display) {
    write(Level::Info, message);
}

/// Something is odd.
pub fn warn(message: impl Display) {
    write(Level::Warn, message);
}

/// Something is wrong.
pub fn error(message: impl Display) {
    write(Level::Error, message);
}
