use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also after a panic in another thread.
///
/// Nothing that runs under the hub's locks is left half done by a panic: a
/// publication is appended or not, a subscriber is counted or not. To go on is
/// right, and better than to take everyone else on the channel down.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
