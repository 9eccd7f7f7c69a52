//! What the runtime is told when it is made. It never reads arguments, files or the environment itself.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use siyu_model::limits;

/// How to run plugins.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Where compiled components are kept between starts; made with mode 0700. None keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// The host's own key: only cache files that were sealed with it are ever loaded.
    pub key: CacheKey,
    /// What compiles components.
    pub compiler: Compiler,
    /// Where instances get their memory.
    pub allocation: Allocation,
}

/// The key of the cache. Whoever has it can make the host run machine code, so it cannot be printed.
#[derive(Clone)]
pub struct CacheKey(pub(crate) [u8; 32]);

impl CacheKey {
    /// From 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey(…)")
    }
}

/// What compiles components.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// A child process with limits: a hostile component can make a compiler run for minutes.
    Child(CompileChild),
    /// This process, without limits: for tools that build plugins of their own.
    InProcess,
}

/// A child process that calls [`compile_child_main`](crate::compile_child_main) and nothing else.
#[derive(Debug, Clone)]
pub struct CompileChild {
    /// The program, usually this one.
    pub program: PathBuf,
    /// The arguments that make it call [`compile_child_main`](crate::compile_child_main).
    pub args: Vec<OsString>,
    /// What it may use.
    pub limits: CompileLimits,
}

/// What compiling one component may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Seconds of processor time.
    pub cpu_seconds: u64,
    /// Bytes of address space.
    pub memory_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            cpu_seconds: limits::component::COMPILE_CPU_SECONDS,
            memory_bytes: limits::component::COMPILE_MEMORY_BYTES,
        }
    }
}

/// Where instances get their memory.
#[derive(Debug, Clone)]
pub enum Allocation {
    /// From slots that are reserved once and cleaned after each call: fast, and scales over threads. Falls back to
    /// [`Allocation::OnDemand`] when the address space cannot be had.
    Pooling(PoolSize),
    /// From the system, for each call anew.
    OnDemand {
        /// Calls at once; a further one waits.
        calls_max: u32,
    },
}

impl Default for Allocation {
    fn default() -> Self {
        Self::Pooling(PoolSize::default())
    }
}

/// How large the pool is. It is address space, not memory: a slot costs memory once it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Calls at once; a further one waits until one ends.
    pub calls_max: u32,
    /// Bytes of one memory: the highest `memory_bytes_max` that a call can have.
    pub memory_bytes_max: usize,
    /// Elements of one table: the highest `table_elements_max` that a call can have.
    pub table_elements_max: usize,
}

impl Default for PoolSize {
    fn default() -> Self {
        Self {
            calls_max: 256,
            memory_bytes_max: 4 * limits::call::MEMORY_BYTES_MAX,
            table_elements_max: limits::call::TABLE_ELEMENTS_MAX,
        }
    }
}
