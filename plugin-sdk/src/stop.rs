//! The two ways in which a step ends without an output: a refusal, which is an answer, and a fault, which is a failure.

use std::borrow::Cow;

use serde::Serialize;

use crate::error::Error;
use crate::json;
use crate::time::Duration;

/// Why a step has no output. Everything that can go wrong becomes one of the two with `?`.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The business says no. What the call did is kept, and YAML branches on the code.
    Refused(Refused),
    /// The call failed. Nothing that it did is kept.
    Fault(Fault),
}

/// A way in which a step says no: declared once, listed in the manifest, and used with `?`.
///
/// ```
/// use siyu_plugin::{Refusal, Stop};
///
/// const SOLD_OUT: Refusal = Refusal::new("SOLD_OUT", "no unit is left");
/// const CLOSED: Refusal = Refusal::new("CLOSED", "the sale is not open");
///
/// fn buy(open: bool, left: u32) -> Result<u32, Stop> {
///     CLOSED.unless(open)?;
///     if left == 0 {
///         Err(SOLD_OUT.because("the last unit went at 12:00"))?;
///     }
///     Ok(left - 1)
/// }
/// assert!(matches!(buy(true, 0), Err(Stop::Refused(no)) if no.code == "SOLD_OUT"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What YAML branches on.
    pub code: &'static str,
    /// When it happens, for people.
    pub summary: &'static str,
}

impl Refusal {
    /// Declares a refusal. The code is 1 to 64 capital letters, digits and underscores, and begins with a letter; another
    /// one does not compile.
    pub const fn new(code: &'static str, summary: &'static str) -> Self {
        assert!(
            is_code(code),
            "a refusal's code is 1 to 64 capital letters, digits and underscores, such as SOLD_OUT"
        );
        assert!(!summary.is_empty(), "a refusal's summary says when it happens");
        Self { code, summary }
    }

    /// This refusal with words about the case.
    pub fn because(self, message: impl Into<String>) -> Refused {
        Refused { code: self.code, message: message.into(), details: None }
    }

    /// Refuses unless `holds`.
    ///
    /// # Errors
    /// This refusal, with its summary as words, when `holds` is false.
    pub fn unless(self, holds: bool) -> Result<(), Refused> {
        if holds { Ok(()) } else { Err(self.into()) }
    }
}

/// The rule of the contract for codes of refusals and faults.
pub(crate) const fn is_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 || !bytes[0].is_ascii_uppercase() {
        return false;
    }
    let mut place = 0;
    while place < bytes.len() {
        let byte = bytes[place];
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        place += 1;
    }
    true
}

/// A refusal that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// What YAML branches on.
    pub code: &'static str,
    /// What was found, for people.
    pub message: String,
    /// More about it; expressions read it as `steps.<id>.details`.
    pub details: Option<serde_json::Value>,
}

impl Refused {
    /// With more about it, anything that is JSON. What cannot be written as JSON is left out.
    pub fn details(mut self, details: impl Serialize) -> Self {
        self.details = serde_json::to_value(details).ok();
        self
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        refusal.because(refusal.summary)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// A call that failed: none of its effects is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It may pass: tried again by the step's `retry` policy.
    Transient {
        /// A stable name in capital letters.
        code: Cow<'static, str>,
        /// What was found and what was expected.
        message: String,
        /// When to try again, if the plugin knows.
        retry_after: Option<Duration>,
    },
    /// It will not pass.
    Permanent {
        /// A stable name in capital letters.
        code: Cow<'static, str>,
        /// What was found and what was expected.
        message: String,
    },
    /// The input is wrong.
    InvalidInput(Vec<FieldFault>),
}

/// A wrong field of an input or a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Where, as a JSON pointer such as `/prizes/0/weight`; empty for the whole document.
    pub pointer: String,
    /// What was found and what was expected.
    pub message: String,
}

impl Fault {
    /// It may pass: a peer is busy, something is not there yet.
    pub fn transient(code: &'static str, message: impl Into<String>) -> Self {
        Self::Transient { code: code.into(), message: message.into(), retry_after: None }
    }

    /// It will not pass.
    pub fn permanent(code: &'static str, message: impl Into<String>) -> Self {
        Self::Permanent { code: code.into(), message: message.into() }
    }

    /// A field of the input is wrong, beyond what its type says. `pointer` is a JSON pointer such as `/units`.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidInput(vec![FieldFault { pointer: pointer.into(), message: message.into() }])
    }

    /// A transient fault with a wish when to try again; any other is left as it is.
    pub fn retry_after(mut self, length: Duration) -> Self {
        if let Self::Transient { retry_after, .. } = &mut self {
            *retry_after = Some(length);
        }
        self
    }

    /// The stable name.
    pub fn code(&self) -> &str {
        match self {
            Self::Transient { code, .. } | Self::Permanent { code, .. } => code,
            Self::InvalidInput(_) => "INVALID_INPUT",
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::permanent(error.code.as_str(), error.message)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<json::Unreadable> for Fault {
    fn from(unreadable: json::Unreadable) -> Self {
        Self::invalid(unreadable.pointer, unreadable.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Refusal = Refusal::new("NO", "never");

    #[test]
    fn everything_becomes_a_stop_with_a_question_mark() {
        fn step(n: u8) -> Result<(), Stop> {
            match n {
                0 => NO.unless(false)?,
                1 => Err(NO)?,
                2 => Err(Error::invalid("x"))?,
                _ => Err(Fault::transient("BUSY", "later").retry_after(Duration::seconds(5)))?,
            }
            Ok(())
        }
        let refused = Stop::Refused(NO.because("never"));
        assert_eq!(step(0), Err(refused.clone()));
        assert_eq!(step(1), Err(refused));
        assert!(matches!(step(2), Err(Stop::Fault(fault)) if fault.code() == "INVALID_ARGUMENT"));
        let Err(Stop::Fault(Fault::Transient { retry_after, .. })) = step(3) else {
            panic!("expected a transient fault");
        };
        assert_eq!(retry_after, Some(Duration::from_millis(5_000)));
    }

    #[test]
    fn codes_are_capital_letters() {
        for code in ["A", "SOLD_OUT", "L2"] {
            assert!(is_code(code), "{code}");
        }
        for code in ["", "sold", "_A", "1A", "A-B", "Ä"] {
            assert!(!is_code(code), "{code}");
        }
        assert!(!is_code(&"A".repeat(65)));
    }
}
