//! Counts what is allocated, for tests that say how much may be.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ops::Sub,
};

/// The system's allocator, which counts for each thread:
///
/// ```
/// use testkit::{Allocations, Counting};
///
/// #[global_allocator]
/// static ALLOCATOR: Counting = Counting;
///
/// let before = Allocations::of_thread();
/// let held = vec![0u8; 100];
/// let made = Allocations::of_thread() - before;
/// assert_eq!((made.count, made.held), (1, 100));
/// # drop(held);
/// ```
#[derive(Debug)]
pub struct Counting;

/// What a thread has allocated since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocations {
    /// How often memory was taken, or moved to grow.
    pub count: i64,
    /// How many bytes were taken and not given back: negative if the thread gave
    /// back what another had taken.
    pub held: i64,
}

thread_local! {
    static COUNT: Cell<i64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

impl Allocations {
    /// Those of the current thread; all zero without [`Counting`].
    pub fn of_thread() -> Allocations {
        Allocations {
            count: COUNT.get(),
            held: HELD.get(),
        }
    }
}

impl Sub for Allocations {
    type Output = Allocations;

    fn sub(self, earlier: Allocations) -> Allocations {
        Allocations {
            count: self.count - earlier.count,
            held: self.held - earlier.held,
        }
    }
}

fn note(count: i64, held: i64) {
    // While a thread ends its counters may be gone; nobody reads them then.
    let _ = COUNT.try_with(|all| all.set(all.get() + count));
    let _ = HELD.try_with(|all| all.set(all.get() + held));
}

/// A size as it is counted: no allocation is larger than `isize::MAX`.
fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator as it came. Counting takes
// no memory: the counters are constants without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, size(layout.size()));
        // SAFETY: the caller's promises are those that are asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        note(0, -size(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(1, size(new_size) - size(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
