use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How many canaries a server holds at one time. Shared by all that it serves.
///
/// ```
/// use longwire_proto::{Config, heartbeat::CanaryBudget};
/// let mut config = Config::server();
/// config.canaries = CanaryBudget::new(100).into();
/// ```
#[derive(Debug)]
pub struct CanaryBudget {
    max: usize,
    open: AtomicUsize,
}

impl CanaryBudget {
    /// At most `max` canaries; none are welcome if that is 0.
    pub const fn new(max: usize) -> CanaryBudget {
        CanaryBudget {
            max,
            open: AtomicUsize::new(0),
        }
    }

    /// The most that there may be.
    pub const fn max(&self) -> usize {
        self.max
    }

    /// How many there are now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// A place for one more, if there is one. It is free again when dropped.
    pub fn take(self: &Arc<Self>) -> Option<CanaryPlace> {
        let more = |open: usize| (open < self.max).then_some(open + 1);
        let taken = self
            .open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then(|| CanaryPlace(Arc::clone(self)))
    }
}

/// The place of a canary in its [`CanaryBudget`].
#[derive(Debug)]
pub struct CanaryPlace(Arc<CanaryBudget>);

impl Drop for CanaryPlace {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let budget = Arc::new(CanaryBudget::new(2));
        let first = budget.take();
        let second = budget.take();
        assert!(first.is_some() && second.is_some() && budget.take().is_none());
        drop(first);
        assert_eq!(budget.open(), 1);
        assert!(budget.take().is_some());
        assert_eq!(budget.open(), 1, "it was dropped at once");
        assert!(Arc::new(CanaryBudget::new(0)).take().is_none());
    }
}
