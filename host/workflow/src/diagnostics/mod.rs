//! What was found wrong: as data, as text with carets, as JSON. Never decides what is wrong.

mod render;
mod report;
pub(crate) mod rules;

use std::ops::Range;

use serde::Serialize;

pub use render::Style;
pub(crate) use render::{Files, render};
pub(crate) use report::{Fault, Report, diagnostic, quoted};
pub use rules::{Code, RULES, Rule, explain};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The playbook cannot be published.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The rule; [`explain`] has a page about it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What was found and what was expected. One line, safe to print.
    pub message: String,
    /// The file, relative to the playbook's folder.
    pub file: String,
    /// Bytes of the file; empty when the whole file is meant.
    pub span: Range<usize>,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// The column of the first byte in characters, from 1.
    pub column: u32,
    /// A few words at the place itself.
    pub label: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// What to do.
    pub help: Option<String>,
}

/// Another place that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// The file.
    pub file: String,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// The column of the first byte in characters, from 1.
    pub column: u32,
    /// What is there.
    pub label: String,
}
