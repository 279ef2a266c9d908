use core::time::Duration;

/// The time from a Ping to its Pong, smoothed as TCP does it (RFC 6298 section
/// 2), in microseconds: no connection needs more than the 71 minutes of 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    /// Zero before the first measurement.
    smoothed: u32,
    variation: u32,
}

impl RoundTrip {
    pub(super) const UNKNOWN: RoundTrip = RoundTrip {
        smoothed: 0,
        variation: 0,
    };

    pub(super) fn measured(&mut self, round_trip: Duration) {
        let measured = u32::try_from(round_trip.as_micros())
            .unwrap_or(u32::MAX)
            .max(1);
        if self.smoothed == 0 {
            self.smoothed = measured;
            self.variation = measured / 2;
            return;
        }
        let weigh = |old: u32, new: u32, eighths: u64| {
            ((u64::from(old) * (8 - eighths) + u64::from(new) * eighths) / 8) as u32
        };
        let off = self.smoothed.abs_diff(measured);
        self.variation = weigh(self.variation, off, 2);
        self.smoothed = weigh(self.smoothed, measured, 1).max(1);
    }

    pub(super) const fn smoothed(&self) -> Option<Duration> {
        match self.smoothed {
            0 => None,
            micros => Some(Duration::from_micros(micros as u64)),
        }
    }

    /// What hardly any round trip takes longer than: the smoothed one and four
    /// times its variation. At first, three times the only one that was measured.
    pub(super) fn limit(&self) -> Option<Duration> {
        let smoothed = self.smoothed()?;
        Some(smoothed + Duration::from_micros(u64::from(self.variation)) * 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_follows_what_is_measured_as_tcp_does() {
        let mut round_trip = RoundTrip::UNKNOWN;
        assert_eq!((round_trip.smoothed(), round_trip.limit()), (None, None));
        round_trip.measured(millis(80));
        assert_eq!(round_trip.smoothed(), Some(millis(80)));
        assert_eq!(round_trip.limit(), Some(millis(240)));
        round_trip.measured(millis(160));
        // 7/8 of 80 and 1/8 of 160; 3/4 of 40 and 1/4 of 80.
        assert_eq!(round_trip.smoothed(), Some(millis(90)));
        assert_eq!(round_trip.limit(), Some(millis(90 + 4 * 50)));
        for _ in 0..100 {
            round_trip.measured(millis(20));
        }
        let limit = round_trip.limit().unwrap_or_default();
        assert!((millis(20)..millis(21)).contains(&limit), "{limit:?}");
    }

    #[test]
    fn no_measurement_is_too_short_or_too_long() {
        let mut round_trip = RoundTrip::UNKNOWN;
        round_trip.measured(Duration::ZERO);
        assert_eq!(round_trip.smoothed(), Some(Duration::from_micros(1)));
        round_trip.measured(Duration::MAX);
        round_trip.measured(Duration::ZERO);
        assert!(round_trip.limit() > Some(Duration::from_secs(60)));
    }
}
