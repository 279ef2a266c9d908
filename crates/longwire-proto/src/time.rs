use core::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    ops::{Add, Sub},
    time::Duration,
};

/// A point on the driver's clock, in microseconds since an origin that the
/// driver chose.
///
/// The core has no clock. The clock must not go backwards; where it does, time
/// counts as not having passed.
///
/// An `Option<Instant>` is as small as an `Instant`: a connection has several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// One more than the microseconds.
    after: NonZeroU64,
}

impl Instant {
    /// The instant this many microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant {
            after: NonZeroU64::MIN.saturating_add(micros),
        }
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.after.get() - 1
    }

    /// How long before this `earlier` was; zero if it was not before.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.after.get().saturating_sub(earlier.after.get()))
    }
}

/// An [`Instant`] in half the room, for a deadline of seconds: to the next 65 ms,
/// and within four years of an instant that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoarseInstant {
    /// Of 2^16 microseconds each, modulo 2^32, and 1 for 0.
    ticks: NonZeroU32,
}

impl CoarseInstant {
    const TICK: u64 = 1 << 16;

    /// `instant`, or the next tick after it.
    pub(crate) fn after(instant: Instant) -> CoarseInstant {
        let ticks = instant.as_micros().div_ceil(CoarseInstant::TICK) as u32;
        CoarseInstant {
            ticks: NonZeroU32::new(ticks).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The instant, which lies nearer to `known` than all others that it might be.
    pub(crate) const fn near(self, known: Instant) -> Instant {
        let known = known.as_micros() / CoarseInstant::TICK;
        let ahead = self.ticks.get().wrapping_sub(known as u32).cast_signed();
        let ticks = known.saturating_add_signed(ahead as i64);
        Instant::from_micros(ticks.saturating_mul(CoarseInstant::TICK))
    }
}

/// The earlier of two points that may be unset.
pub(crate) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, None) => one,
        (None, other) => other,
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates at the end of the clock, which no driver lives to see.
    fn add(self, duration: Duration) -> Instant {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Instant {
            after: self.after.saturating_add(micros),
        }
    }
}

impl Default for Instant {
    /// The origin.
    fn default() -> Self {
        Instant::from_micros(0)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&self.as_micros()).finish()
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optional_instant_needs_no_more_room() {
        assert_eq!(size_of::<Option<Instant>>(), size_of::<Instant>());
    }

    #[test]
    fn the_clock_begins_at_zero_and_saturates() {
        assert_eq!(Instant::default().as_micros(), 0);
        assert_eq!(Instant::from_micros(7).as_micros(), 7);
        let later = Instant::from_micros(7) + Duration::from_micros(5);
        assert_eq!(later - Instant::from_micros(7), Duration::from_micros(5));
        assert_eq!(Instant::default() - later, Duration::ZERO);
        assert_eq!(later + Duration::MAX, Instant::from_micros(u64::MAX));
    }

    #[test]
    fn a_coarse_instant_is_found_again_on_either_side_of_a_known_one() {
        const YEARS_4: u64 = 4 * 365 * 24 * 3_600 * 1_000_000;
        let tick = Duration::from_micros(CoarseInstant::TICK);
        // Of a process's clock, and of one that counts from 1970: 32 bits do not
        // hold its ticks.
        for known in [YEARS_4, 56 * YEARS_4 / 4 + 12_345] {
            for instant in [
                known - YEARS_4,
                known - 1,
                known,
                known + 1,
                known + YEARS_4,
            ] {
                let (known, instant) = (Instant::from_micros(known), Instant::from_micros(instant));
                let after = CoarseInstant::after(instant).near(known);
                assert!(after >= instant && after - instant <= tick);
            }
        }
    }

    #[test]
    fn a_coarse_instant_never_leaves_the_clock() {
        let first = Instant::default();
        let last = Instant::from_micros(u64::MAX);
        assert_eq!(CoarseInstant::after(last).near(last), last);
        let tick = Duration::from_micros(CoarseInstant::TICK);
        assert_eq!(CoarseInstant::after(first).near(first), first + tick);
    }
}
