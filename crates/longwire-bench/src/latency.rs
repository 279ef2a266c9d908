use hdrhistogram::Histogram;
use std::time::Duration;

/// A minute, in nanoseconds: what took longer counts as so long.
const LONGEST: u64 = 60_000_000_000;

/// How long something took, each time: exact to three digits.
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Latency {
        // Fails only for bounds that make no sense, which these are not.
        let histogram = Histogram::new_with_bounds(100, LONGEST, 3);
        Latency(histogram.unwrap_or_else(|error| unreachable!("{error}")))
    }

    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds);
    }

    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time within which that share of all ended: `0.99` for p99.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }

    /// The longest time.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    /// The mean of all times.
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.0.mean() as u64)
    }

    /// How many ended after `from` and up to `to`.
    pub fn count_between(&self, from: Duration, to: Duration) -> u64 {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (low, high) = (nanoseconds(from).saturating_add(1), nanoseconds(to));
        self.0
            .iter_recorded()
            .filter(|step| (low..=high).contains(&step.value_iterated_to()))
            .map(|step| step.count_at_value())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_three_digits() {
        let mut latency = Latency::new();
        (1..=1000).for_each(|microsecond| latency.record(microsecond * 1000));
        let median = latency.quantile(0.5).as_nanos() as f64;
        assert!((median / 500_000.0 - 1.0).abs() < 0.002, "{median}");
        let tail = latency.quantile(0.99).as_nanos() as f64;
        assert!((tail / 990_000.0 - 1.0).abs() < 0.002, "{tail}");
        assert_eq!(latency.count(), 1000);
    }

    #[test]
    fn what_took_too_long_is_counted() {
        let mut latency = Latency::new();
        latency.record(u64::MAX);
        assert_eq!(latency.count(), 1);
        assert!(latency.max() >= Duration::from_secs(59));
    }
}
