//! An allocator that serves most calls from memory that is there already: a plugin that never grows its memory costs the
//! host no system call. What does not fit goes to the standard allocator, so that a memory bomb is a bomb.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

const BYTES: usize = 128 << 10;

#[repr(align(16))]
struct Memory(UnsafeCell<[u8; BYTES]>);

struct Arena {
    memory: Memory,
    used: AtomicUsize,
}

// SAFETY: a plugin has one thread.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena { memory: Memory(UnsafeCell::new([0; BYTES])), used: AtomicUsize::new(0) };

impl Arena {
    fn base(&self) -> usize {
        self.memory.0.get() as usize
    }

    fn holds(&self, pointer: *mut u8) -> bool {
        (self.base()..self.base() + BYTES).contains(&(pointer as usize))
    }
}

// SAFETY: pieces of the arena are handed out once each, in order, within its bounds and aligned; the rest is `System`'s.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = (self.base() + self.used.load(Ordering::Relaxed)).next_multiple_of(layout.align());
        let end = start.saturating_add(layout.size());
        if end <= self.base() + BYTES {
            self.used.store(end - self.base(), Ordering::Relaxed);
            start as *mut u8
        } else {
            // SAFETY: the caller's promise about `layout` is passed on.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if !self.holds(pointer) {
            // SAFETY: what does not lie in the arena came from `System` with this layout.
            unsafe { System.dealloc(pointer, layout) }
        }
    }
}
