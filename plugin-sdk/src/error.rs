//! What the host answers instead of a result. Never a reason to trap: a plugin can go on, or hand it up with `?`.

use std::fmt;

/// Why the host did not do what was asked.
///
/// With `?` it becomes a permanent [`Fault`](crate::Fault), so a call that ignores the possibility is undone as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of refusal it is.
    pub code: ErrorCode,
    /// What was found, what was expected, and the rule.
    pub message: String,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// An argument breaks its rule.
    Invalid,
    /// A limit of the call is used up.
    Limit,
    /// What was named does not exist.
    NotFound,
    /// It would break an invariant, such as lowering a pool below what is sold.
    Conflict,
}

impl ErrorCode {
    /// The code of the fault that it becomes when nobody handles it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID_ARGUMENT",
            Self::Limit => "CALL_LIMIT",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error of a kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An argument that breaks its rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// Whether an argument broke its rule.
    pub fn is_invalid(&self) -> bool {
        self.code == ErrorCode::Invalid
    }

    /// Whether a limit of the call is used up.
    pub fn is_limit(&self) -> bool {
        self.code == ErrorCode::Limit
    }

    /// Whether what was named does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code == ErrorCode::NotFound
    }

    /// Whether it would break an invariant.
    pub fn is_conflict(&self) -> bool {
        self.code == ErrorCode::Conflict
    }
}
