use std::time::{Duration, Instant, SystemTime};

/// Whether the machine has slept. A connection that does not survive that says
/// nothing of the path.
///
/// The clock that programs measure with stands still meanwhile on most systems,
/// and the one on the wall does not. That one may also be set: then one death of
/// a connection is taken for the machine's, and the next one counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awake {
    wall: SystemTime,
    clock: Instant,
}

impl Awake {
    pub(super) fn now() -> Awake {
        Awake {
            wall: SystemTime::now(),
            clock: Instant::now(),
        }
    }

    pub(super) fn has_slept_since(&self, earlier: &Awake) -> bool {
        const SLEEP: Duration = Duration::from_secs(5);
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        wall.saturating_sub(self.clock - earlier.clock) > SLEEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_on_the_wall_tells_of_sleep() {
        let begun = Awake::now();
        let later = |wall, clock| Awake {
            wall: begun.wall + Duration::from_secs(wall),
            clock: begun.clock + Duration::from_secs(clock),
        };
        assert!(!later(3_600, 3_600).has_slept_since(&begun));
        assert!(!later(3_603, 3_600).has_slept_since(&begun));
        assert!(later(3_600, 60).has_slept_since(&begun));
        let mut back = later(0, 60);
        back.wall -= Duration::from_secs(3_600);
        assert!(!back.has_slept_since(&begun));
    }
}
