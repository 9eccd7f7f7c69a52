//! Reading and writing JSON at the plugin's edge. A document that does not fit its type is refused with a JSON pointer to
//! the wrong place.
//!
//! The type is read once, by serde; only when that fails, the place of the failure is looked up in the text. So the good
//! case pays nothing for the words of the bad one, and no type is compiled twice.

mod locate;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stop::Fault;

/// Why a document is not of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if pointer.is_empty() { String::new() } else { format!("{pointer}: ") })]
pub(crate) struct Unreadable {
    /// Where, as a JSON pointer.
    pub(crate) pointer: String,
    /// What was found and what was expected.
    pub(crate) message: String,
}

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|fault| locate::locate(text, &fault))
}

/// Writes a document.
pub(crate) fn write<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|fault| Fault::permanent("NOT_JSON", format!("{what} cannot be written as JSON: {fault}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_has_no_json_form_is_a_fault_in_words() {
        let fault = write("the output", &BTreeMap::from([((1, 2), 3)])).unwrap_err();
        assert_eq!(
            fault,
            Fault::permanent("NOT_JSON", "the output cannot be written as JSON: key must be a string")
        );
    }
}
