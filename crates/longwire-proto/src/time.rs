use core::{
    fmt,
    num::NonZeroU64,
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
}
