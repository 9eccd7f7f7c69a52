//! Bounds of memory and tables: the sum over everything that a call has, and why more was refused.

use siyu_model::limits;
use siyu_model::plugin::CallLimits;
use wasmtime::ResourceLimiter;

/// What a call holds of memory and tables. wasmtime asks for each memory and table by itself; the limits are of all
/// together.
#[derive(Debug)]
pub(crate) struct Bounds {
    memory: Bound,
    table: Bound,
    /// The last refusal: a guest that is refused memory usually panics, and the refusal is the reason.
    refused: Option<Refusal>,
}

/// A refused growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Of memory, in bytes.
    Memory {
        /// What there would be in all.
        wanted: usize,
        /// What there may be.
        limit: usize,
    },
    /// Of tables, in elements.
    Table {
        /// What there would be in all.
        wanted: usize,
        /// What there may be.
        limit: usize,
    },
}

#[derive(Debug)]
struct Bound {
    used: usize,
    limit: usize,
    /// The growth that was permitted last, in case it fails after all.
    last_growth: usize,
}

impl Bound {
    fn new(limit: usize) -> Self {
        Self { used: 0, limit, last_growth: 0 }
    }

    /// Permits a growth, or says what there would be in all and what there may be. `maximum` is what the one memory or
    /// table may have: by its own type, or by the pool's slots.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<(), (usize, usize)> {
        let more = desired.saturating_sub(current);
        let wanted = self.used.saturating_add(more);
        self.last_growth = 0;
        if wanted > self.limit {
            return Err((wanted, self.limit));
        }
        if let Some(maximum) = maximum.filter(|maximum| desired > *maximum) {
            return Err((desired, maximum));
        }
        self.used = wanted;
        self.last_growth = more;
        Ok(())
    }

    fn take_back(&mut self) {
        self.used -= std::mem::take(&mut self.last_growth);
    }
}

impl Bounds {
    /// Nothing is held yet.
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self {
            memory: Bound::new(limits.memory_bytes_max),
            table: Bound::new(limits.table_elements_max),
            refused: None,
        }
    }

    /// Bytes of all memories. They never shrink, so this is their largest size too.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.used
    }

    /// The last refusal.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused
    }
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.memory.grow(current, desired, maximum);
        if let Err((wanted, limit)) = grown {
            self.refused = Some(Refusal::Memory { wanted, limit });
        }
        Ok(grown.is_ok())
    }

    fn memory_grow_failed(&mut self, _fault: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.table.grow(current, desired, maximum);
        if let Err((wanted, limit)) = grown {
            self.refused = Some(Refusal::Table { wanted, limit });
        }
        Ok(grown.is_ok())
    }

    fn table_grow_failed(&mut self, _fault: wasmtime::Error) -> wasmtime::Result<()> {
        self.table.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        limits::call::INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        limits::call::INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        limits::call::INSTANCES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> Bounds {
        Bounds::new(&CallLimits { memory_bytes_max: 1_000, table_elements_max: 10, ..CallLimits::default() })
    }

    #[test]
    fn memories_are_summed_and_a_refusal_is_remembered() {
        let mut bounds = bounds();
        assert!(bounds.memory_growing(0, 600, None).unwrap(), "the first memory");
        assert!(bounds.memory_growing(0, 400, None).unwrap(), "the second memory");
        assert_eq!(bounds.refused(), None);
        assert!(!bounds.memory_growing(400, 401, None).unwrap());
        assert_eq!(bounds.refused(), Some(Refusal::Memory { wanted: 1_001, limit: 1_000 }));
        assert_eq!(bounds.memory_bytes(), 1_000);
        assert!(bounds.table_growing(0, 10, None).unwrap());
        assert!(!bounds.table_growing(0, 1, None).unwrap());
        assert_eq!(bounds.refused(), Some(Refusal::Table { wanted: 11, limit: 10 }));
    }

    #[test]
    fn what_failed_after_all_is_not_counted() {
        let mut bounds = bounds();
        assert!(bounds.memory_growing(0, 600, None).unwrap());
        bounds.memory_grow_failed(wasmtime::Error::msg("the system has none")).unwrap();
        assert_eq!(bounds.memory_bytes(), 0);
        assert!(!bounds.memory_growing(0, 600, Some(500)).unwrap());
        assert_eq!(bounds.refused(), Some(Refusal::Memory { wanted: 600, limit: 500 }));
        bounds.memory_grow_failed(wasmtime::Error::msg("refused")).unwrap();
        assert_eq!(bounds.memory_bytes(), 0);
    }
}
