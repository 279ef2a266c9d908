use super::Route;
use longwire_proto::heartbeat::Known;
use std::time::{Duration, SystemTime};

/// What is known of routes, and since when by the clock on the wall: a bounded
/// number of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entries(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) route: Route,
    pub(super) proven: Duration,
    pub(super) refuted: Option<Duration>,
    pub(super) learned: SystemTime,
}

impl Entries {
    /// How many routes are kept. For another one that which was learned first is
    /// given up.
    pub(super) const MAX: usize = 256;

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    pub(super) fn get(&self, route: &Route, now: SystemTime) -> Option<Known> {
        let entry = self.0.iter().find(|entry| entry.route == *route)?;
        Some(Known {
            proven: entry.proven,
            refuted: entry.refuted,
            // A clock that was put back has not made it any older.
            age: now.duration_since(entry.learned).unwrap_or_default(),
        })
    }

    pub(super) fn put(&mut self, route: &Route, known: &Known, now: SystemTime) {
        self.insert(Entry {
            route: route.clone(),
            proven: known.proven,
            refuted: known.refuted,
            learned: now.checked_sub(known.age).unwrap_or(now),
        });
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.remove(&entry.route);
        if self.0.len() >= Entries::MAX {
            let first = (0..self.0.len()).min_by_key(|&at| self.0[at].learned);
            first.map(|at| self.0.remove(at));
        }
        self.0.push(entry);
    }

    /// Whether there was something to remove.
    pub(super) fn remove(&mut self, route: &Route) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.route != *route);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn route(host: usize) -> Route {
        Route::parse("10.0.0.1", &format!("ws://host{host}:80")).unwrap()
    }

    fn known(age: Duration) -> Known {
        Known {
            proven: secs(60),
            refuted: None,
            age,
        }
    }

    #[test]
    fn what_is_known_ages_and_is_given_up_oldest_first() {
        let now = SystemTime::UNIX_EPOCH + secs(1_000_000);
        let mut entries = Entries::default();
        for host in 0..Entries::MAX {
            let age = secs(host as u64 * 7 % 1_000 + 1);
            entries.put(&route(host), &known(age), now);
        }
        let oldest = (0..Entries::MAX).max_by_key(|host| host * 7 % 1_000);
        let oldest = route(oldest.unwrap());
        assert!(entries.get(&oldest, now).is_some());
        let later = now + secs(5);
        entries.put(&route(Entries::MAX), &known(Duration::ZERO), later);
        assert_eq!(entries.iter().count(), Entries::MAX);
        assert_eq!(entries.get(&oldest, later), None);
        assert_eq!(entries.get(&route(0), later).unwrap().age, secs(6));
        let before = now - secs(100);
        assert_eq!(entries.get(&route(0), before).unwrap().age, Duration::ZERO);
    }

    #[test]
    fn a_route_is_kept_once() {
        let now = SystemTime::now();
        let mut entries = Entries::default();
        entries.put(&route(1), &known(Duration::ZERO), now);
        let mut longer = known(Duration::ZERO);
        longer.proven = secs(90);
        entries.put(&route(1), &longer, now);
        assert_eq!(entries.get(&route(1), now), Some(longer));
        assert!(entries.remove(&route(1)));
        assert!(!entries.remove(&route(1)));
    }
}
