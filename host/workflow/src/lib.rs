//! Reads a playbook: YAML text becomes a checked [`Playbook`](siyu_model::playbook::Playbook), or diagnostics.
//!
//! ```text
//! bytes ─> source ─> overlay ─> shape ─> types, checks ─> lower ─> Playbook, Scenarios
//!            └─────────┴─────────┴───────────┴─> diagnostics (all at once, with carets; a page each in rules/)
//! ```
//! `source` has limits and two parsers that must agree; `overlay` lays a client's changes over the base; `shape` reads what one file says; `checks` what all say
//! together, with the `types` of expressions; `lower` makes the model. This crate never calls a plugin, reads no clock
//! and has no `async`; [`Bundle::read`] is its only input and output.

mod bundle;
mod catalog;
mod checks;
mod compile;
mod diagnostics;
mod lower;
mod overlay;
mod shape;
mod source;
mod types;

pub use bundle::{Bundle, BundleError, FileNameError};
pub use catalog::{Catalog, CatalogPlugin};
pub use compile::{Compiled, compile};
pub use diagnostics::{Code, Diagnostic, RULES, Related, Rule, Severity, Style, explain};
pub use overlay::Change;

/// What of a document does not fit a schema, such as a channel's configuration: each with its JSON pointer, ten at most.
///
/// # Errors
/// Why the schema is none.
pub fn document_faults(
    schema: &serde_json::Value,
    document: &serde_json::Value,
) -> Result<Vec<String>, String> {
    checks::document_faults(schema, document)
}

/// The host's own events with their fields, as `LANGUAGE.md` lists them: type, then name and type of each field.
pub fn host_events() -> impl Iterator<Item = (&'static str, &'static [(&'static str, &'static str)])> {
    checks::HOST_EVENTS.iter().copied()
}
