//! A coarse timer wheel.

use super::Tick;

/// Slots of one tick each. What lies further ahead than the wheel is long is
/// put as far ahead as it goes, and looked at again there.
const SLOTS: Tick = 512;

/// Entries by the tick at which they are due.
///
/// An entry costs its slot's share of a vector: nothing is allocated for it
/// alone, and nothing is searched to move it. A deadline that moves is entered
/// again; the entry that it leaves behind is recognised by its owner as stale.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    slots: Vec<Vec<T>>,
    /// All slots up to this tick have been emptied.
    done: Tick,
    /// The tick of the next entry. It is asked for much oftener than it changes,
    /// and with all that waits far ahead the search for it goes all around.
    next: Option<Tick>,
    len: usize,
}

impl<T> Wheel<T> {
    pub(super) fn new() -> Wheel<T> {
        Wheel {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            done: 0,
            next: None,
            len: 0,
        }
    }

    /// Enters `entry` at `tick`, or as near to it as the wheel reaches.
    /// Returns where.
    pub(super) fn insert(&mut self, tick: Tick, now: Tick, entry: T) -> Tick {
        if self.len == 0 {
            self.done = self.done.max(now.saturating_sub(1));
        }
        let tick = tick.clamp(self.done + 1, self.done + SLOTS - 1);
        self.slots[(tick % SLOTS) as usize].push(entry);
        self.len += 1;
        self.next = Some(self.next.map_or(tick, |next| next.min(tick)));
        tick
    }

    /// Takes out the next slot that is due by `now`: its tick and its entries.
    pub(super) fn pop(&mut self, now: Tick) -> Option<(Tick, Vec<T>)> {
        let next = self.next?;
        if next > now {
            self.done = self.done.max(now);
            return None;
        }
        let entries = std::mem::take(&mut self.slots[(next % SLOTS) as usize]);
        self.len -= entries.len();
        self.done = next;
        self.next = self.search();
        Some((next, entries))
    }

    /// The tick of the next entry.
    pub(super) fn next(&self) -> Option<Tick> {
        self.next
    }

    fn search(&self) -> Option<Tick> {
        if self.len == 0 {
            return None;
        }
        (self.done + 1..self.done + SLOTS)
            .find(|tick| !self.slots[(tick % SLOTS) as usize].is_empty())
    }

    pub(super) fn clear(&mut self) {
        *self = Wheel::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_at_their_tick_and_far_ones_early() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.insert(5, 3, "five"), 5);
        assert_eq!(wheel.insert(1, 3, "past"), 3);
        assert_eq!(wheel.insert(9_000, 3, "far"), 2 + SLOTS - 1);
        assert_eq!(wheel.next(), Some(3));
        assert_eq!(wheel.pop(4), Some((3, vec!["past"])));
        assert_eq!(wheel.pop(4), None);
        assert_eq!(wheel.next(), Some(5));
        assert_eq!(wheel.pop(10_000), Some((5, vec!["five"])));
        assert_eq!(wheel.pop(10_000), Some((2 + SLOTS - 1, vec!["far"])));
        assert_eq!((wheel.pop(10_000), wheel.next()), (None, None));
    }

    #[test]
    fn the_next_entry_is_known_whatever_comes_and_goes() {
        let mut wheel = Wheel::new();
        // Entries of a tick, by their number: what the wheel is to hold.
        let mut held = std::collections::BTreeMap::<Tick, usize>::new();
        for now in 1_000..5_000 {
            while let Some((tick, entries)) = wheel.pop(now) {
                assert!(tick <= now);
                assert_eq!(held.pop_first(), Some((tick, entries.len())));
                assert_eq!(wheel.next(), held.keys().next().copied());
            }
            assert!(held.keys().all(|tick| *tick > now));
            // None, one or two, near and far, and now and then a while of none.
            for n in 0..now % 3 * (now / 700 % 2) {
                let tick = wheel.insert(now + now * (n + 7) % 611, now, ());
                *held.entry(tick).or_default() += 1;
            }
            assert_eq!(wheel.next(), held.keys().next().copied());
        }
        assert_eq!(wheel.len, held.values().sum());
    }

    #[test]
    fn an_empty_wheel_skips_the_time_that_passed() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.insert(1_000_010, 1_000_000, ()), 1_000_010);
        assert_eq!(wheel.next(), Some(1_000_010));
        assert_eq!(wheel.pop(1_000_009), None);
        assert!(wheel.pop(1_000_010).is_some());
    }
}
