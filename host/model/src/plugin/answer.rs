//! What a call of a plugin gives: an answer of the plugin, or a fault.

use serde::{Deserialize, Serialize};

/// What a step says when it ran. Its effects are kept in both cases.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It did its work; the output as JSON text.
    Done(String),
    /// The business says no.
    Refused(Refusal),
}

/// A business "no", such as `SOLD_OUT`: an answer, not a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What YAML branches on; capital letters and underscores.
    pub code: String,
    /// For people.
    pub message: String,
    /// More about it, a JSON document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// A call that failed. None of its effects is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// What a retry can do about it.
    pub kind: FaultKind,
    /// A stable name in capital letters.
    pub code: String,
    /// What was found, what was expected, and where.
    pub message: String,
    /// Which fields of the input are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
}

/// What a retry can do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It may pass; the step's `retry` policy decides.
    Transient {
        /// The plugin's own wish, in milliseconds.
        retry_after_ms: Option<u32>,
    },
    /// It will not pass.
    Permanent,
    /// The input is wrong, so it will not pass.
    InvalidInput,
    /// The sandbox ended the call.
    Host,
}

/// A wrong field of an input or a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// Where, as a JSON pointer; empty for the whole document.
    pub pointer: String,
    /// What was found and what was expected.
    pub message: String,
}

/// Why the sandbox ended a call. The code of each is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostFault {
    /// The fuel of the call is used up: an endless loop or too much work.
    FuelExhausted,
    /// The processor time of the call ran out.
    Deadline,
    /// More memory than allowed.
    MemoryLimit,
    /// Larger tables than allowed.
    TableLimit,
    /// Recursion deeper than the stack.
    StackOverflow,
    /// More output than allowed.
    OutputTooLarge,
    /// More input than allowed.
    InputTooLarge,
    /// More host calls than allowed.
    HostCallLimit,
    /// The plugin panicked.
    GuestPanic,
    /// The plugin trapped in another way.
    Trap,
    /// The output is no acceptable JSON.
    BadOutput,
    /// The host itself panicked during the call.
    HostPanic,
    /// The store could not be read during the call.
    Storage,
    /// The component asks for what it was not granted, or is of another world.
    NotLoadable,
}

impl HostFault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::FuelExhausted,
        Self::Deadline,
        Self::MemoryLimit,
        Self::TableLimit,
        Self::StackOverflow,
        Self::OutputTooLarge,
        Self::InputTooLarge,
        Self::HostCallLimit,
        Self::GuestPanic,
        Self::Trap,
        Self::BadOutput,
        Self::HostPanic,
        Self::Storage,
        Self::NotLoadable,
    ];

    /// The stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::FuelExhausted => "FUEL_EXHAUSTED",
            Self::Deadline => "DEADLINE",
            Self::MemoryLimit => "MEMORY_LIMIT",
            Self::TableLimit => "TABLE_LIMIT",
            Self::StackOverflow => "STACK_OVERFLOW",
            Self::OutputTooLarge => "OUTPUT_TOO_LARGE",
            Self::InputTooLarge => "INPUT_TOO_LARGE",
            Self::HostCallLimit => "HOST_CALL_LIMIT",
            Self::GuestPanic => "GUEST_PANIC",
            Self::Trap => "TRAP",
            Self::BadOutput => "BAD_OUTPUT",
            Self::HostPanic => "HOST_PANIC",
            Self::Storage => "STORAGE",
            Self::NotLoadable => "NOT_LOADABLE",
        }
    }

    /// The fault with words about this case.
    pub fn fault(self, message: impl Into<String>) -> Fault {
        let kind = match self {
            Self::Storage => FaultKind::Transient { retry_after_ms: None },
            _ => FaultKind::Host,
        };
        Fault { kind, code: self.code().to_owned(), message: message.into(), fields: Vec::new() }
    }
}

impl Fault {
    /// A fault that will not pass.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Permanent, code: code.into(), message: message.into(), fields: Vec::new() }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FaultKind::Transient { .. })
    }

    /// Whether it is this fault of the sandbox.
    pub fn is_host(&self, fault: HostFault) -> bool {
        self.code == fault.code()
    }
}
