//! The one place where the host turns bytes into machine code.
//!
//! `Component::deserialize` is unsafe because it trusts its bytes: wasmtime checks that they were made by this version
//! with these settings, and not that they were made by a compiler. Here is why they were:
//!
//! - The bytes come from the compiler that this process just ran ([`Sealed::from_compiler`]), or from a cache file whose
//!   seal, a keyed BLAKE3 over the component's digest, the settings and every byte, was checked with the host's own key
//!   ([`crate::cache`] makes a [`Sealed`] nowhere else). Whoever can make such a seal has the host's key and needs no
//!   cache file.
//! - They are checked and deserialized from one buffer in memory that this process owns. No file is mapped, so nobody can
//!   change them between the check and the use, or later.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Compiled code that the host's own compiler made.
pub(crate) struct Sealed {
    bytes: Vec<u8>,
    /// Where the code begins: what stands before it in a cache file is not copied away.
    start: usize,
}

impl Sealed {
    /// What the compiler gave. Only [`crate::compile`] calls this.
    pub(crate) fn from_compiler(code: Vec<u8>) -> Self {
        Self { bytes: code, start: 0 }
    }

    /// A cache file whose seal was checked, and where the code begins in it. Only [`crate::cache`] calls this.
    pub(crate) fn from_checked_cache(file: Vec<u8>, start: usize) -> Self {
        Self { bytes: file, start }
    }

    /// The bytes of the code.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The component. An error means that another version or other settings made the code: it must be compiled again.
    #[expect(unsafe_code, reason = "the module says why it is sound")]
    pub(crate) fn component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: a `Sealed` is only made from what the host's own compiler gave, in memory that nobody else can change;
        // see the module.
        unsafe { Component::deserialize(engine, self.bytes()) }
    }
}
