//! Messages at a fixed rate.

use std::time::Duration;

/// How long before a message is due sleeping ends and looking at the clock
/// begins: the kernel wakes by the millisecond.
const AWAKE: Duration = Duration::from_millis(2);

/// When each message is due, whatever became of those before it.
///
/// Latencies are counted from these times and not from when a message could be
/// written, so that a server that stalls pays for every message that had to wait
/// ("coordinated omission" is what leaving them out is called).
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: f64,
    start: u64,
    next: u64,
}

impl Schedule {
    /// So many messages a second, from `start` on, in nanoseconds.
    pub(crate) fn new(rate: f64, start: u64) -> Schedule {
        Schedule {
            interval: 1e9 / rate,
            start,
            next: 0,
        }
    }

    /// The number of the next message and the time at which it was due, if that
    /// has come.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<(u64, u64)> {
        let due = self.due();
        (due <= now).then(|| {
            self.next += 1;
            (self.next - 1, due)
        })
    }

    /// How long nothing is due, by a clock that is too slow to hit the moment.
    pub(crate) fn sleep(&self, now: u64) -> Duration {
        Duration::from_nanos(self.due().saturating_sub(now)).saturating_sub(AWAKE)
    }

    fn due(&self) -> u64 {
        // A product, not a sum: errors do not add up.
        self.start + (self.next as f64 * self.interval) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_leaves_no_message_out() {
        let mut schedule = Schedule::new(1000.0, 5);
        assert_eq!(schedule.take_due(4), None);
        assert_eq!(schedule.take_due(5), Some((0, 5)));
        assert_eq!(schedule.take_due(5), None);
        let after_a_stall = 3_500_005;
        let due: Vec<_> = std::iter::from_fn(|| schedule.take_due(after_a_stall)).collect();
        assert_eq!(due, [(1, 1_000_005), (2, 2_000_005), (3, 3_000_005)]);
    }

    #[test]
    fn it_is_awake_before_a_message_is_due() {
        let schedule = Schedule::new(1.0, 1_000_000_000);
        assert_eq!(schedule.sleep(0), Duration::from_millis(998));
        assert_eq!(schedule.sleep(999_000_000), Duration::ZERO);
    }
}
