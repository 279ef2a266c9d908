use std::time::Duration;

/// How long to wait before the next try: exponential, with full jitter.
///
/// Each wait is a random time between nothing and a ceiling that doubles with
/// each try, so that clients that were lost together do not come back together.
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

    #[test]
    fn the_ceiling_doubles_up_to_the_highest() {
        let backoff = Backoff::default();
        let ceilings: Vec<u128> = (1..=8).map(|n| backoff.ceiling(n).as_millis()).collect();
        let expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000];
        assert_eq!(ceilings, expected);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.max);
    }

    proptest! {
        #[test]
        fn a_wait_is_below_the_ceiling(failures in 1u32.., at in 0.0..1.0) {
            let backoff = Backoff::default();
            prop_assert!(backoff.wait(failures, at) <= backoff.ceiling(failures));
        }
    }
}
