//! The cell that holds a tenant's memory, and lends it to the sandbox for the time of a call.

use std::ops::{Deref, DerefMut};

use super::Memory;

/// Holds the memory. While a plugin is called the call owns it; nothing else runs in that time.
pub(crate) struct MemoryCell(Option<Box<Memory>>);

/// The documented invariant: [`MemoryCell::lend`] and [`MemoryCell::give_back`] stand around one call, in one function.
const HELD: &str = "memory is lent to a call of a plugin";

impl MemoryCell {
    pub(crate) fn new(memory: Memory) -> Self {
        Self(Some(Box::new(memory)))
    }

    /// Hands the memory out for a call.
    pub(crate) fn lend(&mut self) -> Box<Memory> {
        self.0.take().expect(HELD)
    }

    /// Takes it back after the call.
    pub(crate) fn give_back(&mut self, memory: Box<Memory>) {
        self.0 = Some(memory);
    }
}

impl Deref for MemoryCell {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        self.0.as_deref().expect(HELD)
    }
}

impl DerefMut for MemoryCell {
    fn deref_mut(&mut self) -> &mut Memory {
        self.0.as_deref_mut().expect(HELD)
    }
}
