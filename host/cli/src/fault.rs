//! Why a command did not do what was asked: what was found, what was expected, what helps, and the exit status.

use std::fmt;

use siyu_engine::tenant::Unavailable;

/// Wrong arguments or surroundings: the exit status of every error that says nothing else.
pub(crate) const WRONG: u8 = 2;
/// What was asked failed, or something was found.
pub(crate) const FAILED: u8 = 1;

/// An error for people, with the exit status that programs see.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    help: Option<String>,
    /// What the program ends with.
    pub(crate) status: u8,
}

impl Fault {
    /// The arguments or the surroundings are not as they must be.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, status: WRONG }
    }

    /// It was tried and did not succeed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, status: FAILED }
    }

    /// The tenant stopped or failed while something was asked of it.
    pub(crate) fn unavailable(why: Unavailable) -> Self {
        Self::failed(why.to_string())
            .help("what was acknowledged is durable: mend the cause and call the same command again")
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What helps against an error, wherever in its chain it is said.
    pub(crate) fn help_of(error: &anyhow::Error) -> Option<&str> {
        error.chain().find_map(|cause| cause.downcast_ref::<Self>()?.help.as_deref())
    }

    /// The exit status of an error.
    pub(crate) fn status_of(error: &anyhow::Error) -> u8 {
        error.chain().find_map(|cause| cause.downcast_ref::<Self>()).map_or(WRONG, |fault| fault.status)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
