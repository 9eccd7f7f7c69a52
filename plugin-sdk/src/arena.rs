//! The allocator of a component: an arena inside the module's own data, and growth of the memory only when that is used up.
//!
//! Growing a memory costs two system calls an instance, and every call has a fresh instance; most calls fit the arena
//! (`host/decisions/031-guest-memory.md`). The one other place with `unsafe`, besides the generated bindings.
#![allow(unsafe_code, reason = "a global allocator is unsafe to write; each use says why it is sound")]

use std::alloc::Layout;
use std::mem::MaybeUninit;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// Bytes of the arena. It lies in zeroed data, so only what a call touches costs anything.
const ARENA_BYTES: usize = 512 << 10;
/// Bytes of a page of WebAssembly.
const PAGE_BYTES: usize = 64 << 10;
/// The fewest pages that the memory grows by: a call that needs more needs much more.
const GROWTH_PAGES: usize = 16;

static mut ARENA: [MaybeUninit<u8>; ARENA_BYTES] = [MaybeUninit::uninit(); ARENA_BYTES];

#[global_allocator]
static ALLOCATOR: TalcSyncCell<ArenaThenGrowth, WasmBinning> =
    TalcSyncCell::new_wasm(ArenaThenGrowth { is_claimed: false });

/// Where the allocator gets memory from.
#[derive(Debug)]
struct ArenaThenGrowth {
    is_claimed: bool,
}

// SAFETY: `acquire` allocates nothing and does not touch `ALLOCATOR` but through the reference that it is given.
unsafe impl Source for ArenaThenGrowth {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, wanted: Layout) -> Result<(), ()> {
        if !talc.source.is_claimed {
            talc.source.is_claimed = true;
            // SAFETY: nothing else reads or writes `ARENA`, and it is claimed once.
            unsafe { talc.claim((&raw mut ARENA).cast(), ARENA_BYTES) };
            return Ok(());
        }
        // What the allocator keeps beside the block is less than its alignment and 64 bytes.
        let bytes = wanted.size() + wanted.align() + 64;
        let pages = bytes.div_ceil(PAGE_BYTES).max(GROWTH_PAGES);
        let pages_before = core::arch::wasm32::memory_grow::<0>(pages);
        if pages_before == usize::MAX {
            return Err(());
        }
        let base = (pages_before * PAGE_BYTES) as *mut u8;
        // SAFETY: these pages did not exist before, so nobody else has them.
        unsafe { talc.claim(base, pages * PAGE_BYTES) }.map(drop).ok_or(())
    }
}
