use std::time::Duration;

/// How long to wait before the next try: exponential, with full jitter.
///
/// Each wait is a random time between nothing and a ceiling that doubles with
/// each try, so that clients that were lost together do not come back together.
///
/// What a server has to expect of `n` clients that were all lost at once, and
/// find nothing: within `t` seconds at most this many tries, on average,
///
/// ```text
/// n × (log2(1 + 2t / min) + 2t / max)
/// ```
///
/// and so `n × (2.9 / (min + 2t) + 2 / max)` a second. By default, with 200
/// clients: 20 tries a second in the long run, and at first some 500 in the first
/// second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The ceiling of the first wait. Default: 0.5 s.
    pub min: Duration,
    /// The highest ceiling. Default: 20 s.
    pub max: Duration,
    /// How long a connection has to be open for the ceiling to begin again at
    /// `min`: one that is dropped right away is no success. Default: 10 s.
    pub proven_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            min: Duration::from_millis(500),
            max: Duration::from_secs(20),
            proven_after: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The longest wait after so many failures in a row, of which there is one at
    /// least.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.min.saturating_mul(1 << doublings).min(self.max)
    }

    /// The wait after so many failures; `at` is random, from 0 to 1.
    pub(super) fn wait(&self, failures: u32, at: f64) -> Duration {
        self.ceiling(failures).mul_f64(at.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    #[test]
    fn the_ceiling_doubles_up_to_the_highest() {
        let backoff = Backoff::default();
        let ceilings: Vec<u128> = (1..=8).map(|n| backoff.ceiling(n).as_millis()).collect();
        let expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000];
        assert_eq!(ceilings, expected);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.max);
    }

    /// How many tries a client makes within `t` seconds, at most, on average.
    fn curve(backoff: &Backoff, t: f64) -> f64 {
        let (min, max) = (backoff.min.as_secs_f64(), backoff.max.as_secs_f64());
        (1.0 + 2.0 * t / min).log2() + 2.0 * t / max
    }

    #[test]
    fn tries_stay_under_the_curve_that_is_told() {
        const CLIENTS: u32 = 4_000;
        const SECONDS: usize = 120;
        let mut random = StdRng::seed_from_u64(1);
        for (min, max) in [(0.5, 20.0), (0.5, 2.0), (0.1, 60.0), (1.0, 1.0)] {
            let backoff = Backoff {
                min: Duration::from_secs_f64(min),
                max: Duration::from_secs_f64(max),
                ..Backoff::default()
            };
            let mut tries = [0.0; SECONDS];
            for _ in 0..CLIENTS {
                let mut at = 0.0;
                for failures in 1.. {
                    at += backoff.wait(failures, random.random()).as_secs_f64();
                    match tries.get_mut(at as usize) {
                        Some(second) => *second += 1.0 / f64::from(CLIENTS),
                        None => break,
                    }
                }
            }
            let mut sum = 0.0;
            for (second, tries) in (0_u32..).zip(tries) {
                sum += tries;
                let end = f64::from(second + 1);
                assert!(sum < curve(&backoff, end), "{min}-{max} s, {end} s: {sum}");
                // Single seconds scatter; and it is not idle talk either.
                let most = curve(&backoff, end) - curve(&backoff, end - 1.0);
                assert!(tries < 1.1 * most, "{min}-{max} s, {end} s: {tries}");
                assert!(
                    sum > 0.4 * curve(&backoff, end),
                    "{min}-{max} s, {end} s: {sum}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_below_the_ceiling(failures in 1u32.., at in 0.0..1.0) {
            let backoff = Backoff::default();
            prop_assert!(backoff.wait(failures, at) <= backoff.ceiling(failures));
        }
    }
}
