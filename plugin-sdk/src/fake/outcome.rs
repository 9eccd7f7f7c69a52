//! How a call of a test went.

use siyu_model::plugin::{Fault, FaultKind, FieldFault};

use crate::stop::{Fault as Stopped, Refused};

/// How a call went: what the host would do with it.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a call that failed is silent: ask for what it should have done"]
pub enum Outcome<T> {
    /// The step did its work; effects are kept.
    Done(T),
    /// The business says no; effects are kept.
    Refused(Refused),
    /// The call failed; effects are dropped.
    Failed(Fault),
}

impl<T> Outcome<T> {
    /// The output.
    ///
    /// # Panics
    /// When the step refused or failed.
    #[track_caller]
    pub fn done(self) -> T {
        match self {
            Self::Done(output) => output,
            Self::Refused(no) => panic!("expected an output, it refused with {}: {}", no.code, no.message),
            Self::Failed(fault) => panic!("expected an output, it failed with {}", words(&fault)),
        }
    }

    /// The refusal of this code.
    ///
    /// # Panics
    /// When the step did something else.
    #[track_caller]
    pub fn refused(self, code: &str) -> Refused {
        match self {
            Self::Refused(refused) if refused.code == code => refused,
            Self::Refused(no) => panic!("expected {code}, it refused with {}: {}", no.code, no.message),
            Self::Done(_) => panic!("expected {code}, the step did its work"),
            Self::Failed(fault) => panic!("expected {code}, it failed with {}", words(&fault)),
        }
    }

    /// The fault of this code.
    ///
    /// # Panics
    /// When the step did something else.
    #[track_caller]
    pub fn failed(self, code: &str) -> Fault {
        match self {
            Self::Failed(fault) if fault.code == code => fault,
            Self::Failed(fault) => panic!("expected the fault {code}, it failed with {}", words(&fault)),
            Self::Done(_) => panic!("expected the fault {code}, the step did its work"),
            Self::Refused(no) => {
                panic!("expected the fault {code}, it refused with {}: {}", no.code, no.message)
            }
        }
    }

    /// With another output.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(output) => Outcome::Done(change(output)),
            Self::Refused(refused) => Outcome::Refused(refused),
            Self::Failed(fault) => Outcome::Failed(fault),
        }
    }
}

/// A fault with the fields that it names.
pub(super) fn words(fault: &Fault) -> String {
    let fields: String =
        fault.fields.iter().map(|field| format!("\n  {}: {}", field.pointer, field.message)).collect();
    format!("{fault}{fields}")
}

/// A plugin's fault as the host sees it.
pub(super) fn fault(stopped: Stopped) -> Fault {
    let code = stopped.code().to_owned();
    let (kind, message, fields) = match stopped {
        Stopped::Transient { message, retry_after, .. } => {
            let retry_after_ms =
                retry_after.map(|length| u32::try_from(length.as_millis()).unwrap_or(u32::MAX));
            (FaultKind::Transient { retry_after_ms }, message, Vec::new())
        }
        Stopped::Permanent { message, .. } => (FaultKind::Permanent, message, Vec::new()),
        Stopped::InvalidInput(fields) => {
            let message = match fields.as_slice() {
                [] => "the plugin refuses its input".to_owned(),
                [one] => one.message.clone(),
                [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
            };
            (FaultKind::InvalidInput, message, fields)
        }
    };
    let fields = fields
        .into_iter()
        .map(|field| FieldFault { pointer: field.pointer, message: field.message })
        .collect();
    Fault { kind, code, message, fields }
}
