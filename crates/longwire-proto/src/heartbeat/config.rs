use core::time::Duration;

/// How a [`Learner`](super::Learner) goes about it. All spans are silences of a
/// connection, in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LearningConfig {
    /// What is taken to be safe before anything is known. Default: 15 s, below
    /// the shortest limits that have been seen.
    pub start: Duration,
    /// The longest span that is tried, and so the longest that is used. Default:
    /// 30 min.
    pub max: Duration,
    /// How close to the limit is close enough: learning ends when the longest
    /// span that was answered and the shortest that was not are no further apart
    /// than this, or than a sixteenth of the span. Default: 10 s.
    pub resolution: Duration,
    /// How far below the longest span that was answered the beat stays; at least
    /// a twentieth of it. Default: 5 s.
    pub margin: Duration,
    /// The most canaries at one time; with 0 there are none, and only what is
    /// known already is used. Default: 4.
    pub max_canaries: usize,
    /// The least time between the opening of two canaries. Default: 1 s.
    pub pace: Duration,
    /// The most canaries until something is learned. Default: 64.
    pub max_total: u32,
    /// After how long what was learned is checked again, and what is older is
    /// not believed. Default: 7 days.
    pub recheck: Duration,
}

impl Default for LearningConfig {
    fn default() -> Self {
        LearningConfig {
            start: Duration::from_secs(15),
            max: Duration::from_secs(30 * 60),
            resolution: Duration::from_secs(10),
            margin: Duration::from_secs(5),
            max_canaries: 4,
            pace: Duration::from_secs(1),
            max_total: 64,
            recheck: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

impl LearningConfig {
    /// The same for a server that gives up a client which is silent for
    /// `max_silence`: no span comes near that.
    #[must_use]
    pub fn within(mut self, max_silence: Duration) -> LearningConfig {
        let room = self.margin.max(max_silence / 20).min(max_silence / 2);
        self.max = self.max.min(max_silence - room);
        self.start = self.start.min(self.max);
        self
    }

    /// The interval of a live connection on a path that carries `proven`.
    pub fn interval(&self, proven: Duration) -> Duration {
        let margin = self.margin.max(proven / 20);
        proven.saturating_sub(margin).max(self.start)
    }

    /// How far apart two spans near `span` may be to count as one.
    pub(super) fn resolution_at(&self, span: Duration) -> Duration {
        self.resolution.max(span / 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn no_span_comes_near_what_the_server_allows() {
        let within = |max_silence| {
            let config = LearningConfig::default().within(max_silence);
            (config.start, config.max)
        };
        assert_eq!(within(secs(86_400)), (secs(15), secs(1_800)));
        assert_eq!(within(secs(600)), (secs(15), secs(570)));
        assert_eq!(within(secs(60)), (secs(15), secs(55)));
        assert_eq!(within(secs(8)), (secs(4), secs(4)));
    }
}
