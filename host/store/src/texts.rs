//! Texts of several questions, put together once: a few dozen combinations exist in practice and each stays prepared.
//!
//! It knows no database: how statements become one text is said by whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Texts by the places of their statements in memory.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashMap<Vec<usize>, Arc<str>>>);

impl Texts {
    /// The text of these statements, made by `make` the first time.
    pub(crate) fn of(
        &self,
        statements: &[&'static str],
        make: impl FnOnce(&[&'static str]) -> String,
    ) -> Arc<str> {
        let key = statements.iter().map(|text| text.as_ptr().addr()).collect();
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.entry(key).or_insert_with(|| make(statements).into()).clone()
    }
}
