//! Limits of a call and what it used of them.

use serde::{Deserialize, Serialize};

use crate::limits;

/// What one call may use. Defaults and units are those of [`limits::call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallLimits {
    /// Instructions.
    pub fuel: u64,
    /// Processor time, milliseconds: waiting does not count.
    pub cpu_ms: u64,
    /// Bytes of all memories together.
    pub memory_bytes_max: usize,
    /// Elements of all tables together.
    pub table_elements_max: usize,
    /// Bytes of input.
    pub input_bytes_max: usize,
    /// Bytes of output.
    pub output_bytes_max: usize,
    /// Host calls.
    pub host_calls_max: u32,
    /// Lines of log.
    pub log_lines_max: u32,
    /// Bytes of log.
    pub log_bytes_max: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            fuel: limits::call::FUEL,
            cpu_ms: limits::call::CPU_MS,
            memory_bytes_max: limits::call::MEMORY_BYTES_MAX,
            table_elements_max: limits::call::TABLE_ELEMENTS_MAX,
            input_bytes_max: limits::call::INPUT_BYTES_MAX,
            output_bytes_max: limits::call::OUTPUT_BYTES_MAX,
            host_calls_max: limits::call::HOST_CALLS_MAX,
            log_lines_max: limits::call::LOG_LINES_MAX,
            log_bytes_max: limits::call::LOG_BYTES_MAX,
        }
    }
}

/// What one call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallUsage {
    /// Instructions.
    pub fuel: u64,
    /// Wall clock, microseconds.
    pub wall_us: u64,
    /// Bytes of all memories together, at their largest.
    pub memory_bytes: usize,
    /// Host calls.
    pub host_calls: u32,
    /// Bytes of output.
    pub output_bytes: usize,
    /// Lines of log that were dropped.
    pub log_lines_dropped: u32,
}

/// How much a line of log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// For whoever looks.
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// A line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What it says; cut at [`limits::call::LOG_LINE_BYTES_MAX`], control characters escaped.
    pub message: String,
}

/// What a plugin's own check finds in a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// Whether publishing is refused; else it is a warning.
    pub is_error: bool,
    /// A stable name of the rule.
    pub code: String,
    /// What was found and what was expected, with the source of the rule.
    pub message: String,
}
