//! The engine: how wasmtime is set, the same for the host that runs components and the process that compiles them.
//!
//! It never turns on a feature of WebAssembly that no plugin needs: half of the runtime's advisories of 2026 need one.

use siyu_model::limits;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, PoolingAllocationConfig,
    VariableOperatorCost,
};

use crate::config::{Allocation, PoolSize};

/// Bytes of the native stack of a call: the guest's part is [`limits::call::STACK_BYTES_MAX`], host functions have the
/// rest.
const STACK_BYTES: usize = 2 << 20;
/// Bytes of a memory that stay mapped for its next user. Measured: with `pagemap_scan` a call then makes one system
/// call instead of five, and two threads scale.
const MEMORY_KEPT_BYTES: usize = 2 << 20;
/// The same where the kernel has no `pagemap_scan` (before Linux 6.7): what is kept is zeroed by hand, so less of it.
const MEMORY_KEPT_BYTES_WITHOUT_SCAN: usize = 128 << 10;
/// Bytes of a table and of a stack that stay mapped.
const TABLE_KEPT_BYTES: usize = 64 << 10;
/// Tables that a unit of the pool has: a packed component uses two.
const TABLES_PER_UNIT: u32 = 4;
/// Bytes of bookkeeping for one component: interpreters come as dozens of core modules.
const INSTANCE_BYTES_MAX: usize = 16 << 20;

/// Fuel of an instruction that calls into the host's runtime, before what it costs a byte, element or page.
const BULK_FUEL: u8 = 50;
/// Fuel of `memory.grow` and `table.grow`, and of each page: a page costs page faults, a call system calls.
const GROW_FUEL: u8 = 250;

/// An engine, and how it gets its memory.
pub(crate) struct Made {
    /// The engine.
    pub(crate) engine: Engine,
    /// How many units of the pool there are; calls at once without a pool.
    pub(crate) units: u32,
    /// Whether instances come from the pool.
    pub(crate) is_pooling: bool,
}

/// Makes the engine that runs components. A pool that cannot be had (little address space) is replaced by allocation on
/// demand, which is slower and does not scale over threads, and gives the same answers.
pub(crate) fn make(allocation: &Allocation) -> wasmtime::Result<Made> {
    let size = match allocation {
        Allocation::Pooling(size) => size,
        Allocation::OnDemand { calls_max } => return on_demand(*calls_max),
    };
    let mut config = settings();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(size)));
    match Engine::new(&config) {
        Ok(engine) => Ok(Made { engine, units: size.calls_max, is_pooling: true }),
        Err(fault) => {
            tracing::warn!(fault = %format!("{fault:#}"), "no pool for instances, allocating on demand");
            on_demand(size.calls_max)
        }
    }
}

/// An engine that reserves nothing: for the compiling process and for tools.
pub(crate) fn on_demand(calls_max: u32) -> wasmtime::Result<Made> {
    Ok(Made { engine: Engine::new(&settings())?, units: calls_max.max(1), is_pooling: false })
}

/// How much of the pool a component takes, in units: a unit is one memory, [`TABLES_PER_UNIT`] tables, a stack, and
/// [`limits::call::INSTANCES_MAX`] core instances.
pub(crate) fn units_of(component: &wasmtime::component::Component) -> u32 {
    let Some(needed) = component.resources_required() else {
        return 1;
    };
    needed.num_memories.max(needed.num_tables.div_ceil(TABLES_PER_UNIT)).max(1)
}

/// What the code of a component depends on besides the component: the runtime's version, these settings, the processor.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    use std::hash::Hash;
    let mut hasher = Blake3Hasher(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().to_hex()[..16].to_owned()
}

struct Blake3Hasher(blake3::Hasher);

impl std::hash::Hasher for Blake3Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // The budget: the same call never passes here and fails there.
        .consume_fuel(true)
        .operator_cost(costs())
        .max_wasm_stack(limits::call::STACK_BYTES_MAX)
        .async_stack_size(STACK_BYTES)
        // The same call gives the same answer: no bits of a NaN, no choice of the processor, no threads.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        // Panics never unwind through a plugin's frames: the runtime catches them at its boundary.
        .native_unwind_info(false);
    config
}

/// One unit an instruction as wasmtime has it, and what is done in bulk costs by its size: without that a loop of
/// `memory.fill` runs a thousand times longer than its fuel says.
fn costs() -> OperatorCost {
    OperatorCost {
        MemoryGrow: GROW_FUEL,
        TableGrow: GROW_FUEL,
        MemoryCopy: BULK_FUEL,
        MemoryFill: BULK_FUEL,
        MemoryInit: BULK_FUEL,
        TableCopy: BULK_FUEL,
        TableFill: BULK_FUEL,
        TableInit: BULK_FUEL,
        variable: VariableOperatorCost {
            memory_copy_per_byte: 1,
            memory_fill_per_byte: 1,
            memory_init_per_byte: 1,
            memory_grow_per_page: GROW_FUEL,
            table_copy_per_element: 1,
            table_fill_per_element: 1,
            table_init_per_element: 1,
            table_grow_per_element: 1,
            ..VariableOperatorCost::new()
        },
        ..OperatorCost::new()
    }
}

fn pool(size: &PoolSize) -> PoolingAllocationConfig {
    let calls = size.calls_max.max(1);
    let instances = u32::try_from(limits::call::INSTANCES_MAX).unwrap_or(u32::MAX);
    let kept = if PoolingAllocationConfig::is_pagemap_scan_available() {
        MEMORY_KEPT_BYTES
    } else {
        MEMORY_KEPT_BYTES_WITHOUT_SCAN
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(instances))
        .total_memories(calls)
        .total_tables(calls.saturating_mul(TABLES_PER_UNIT))
        .total_stacks(calls)
        .max_memories_per_module(instances)
        .max_tables_per_module(instances)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_memory_size(size.memory_bytes_max)
        .table_elements(size.table_elements_max)
        .linear_memory_keep_resident(kept)
        .table_keep_resident(TABLE_KEPT_BYTES)
        .async_stack_keep_resident(TABLE_KEPT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}
