use super::LearningConfig;
use alloc::vec::Vec;
use core::time::Duration;

/// What was learned of a path, to be kept for the next connection on it: for
/// each network and endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The longest silence that the path carried.
    pub proven: Duration,
    /// The shortest that it did not carry, if one was found.
    pub refuted: Option<Duration>,
    /// How long ago that was learned.
    pub age: Duration,
}

/// Between which spans the path's limit lies.
///
/// One failure proves nothing: a packet was lost, a server restarted. A span is
/// refuted by two failures of spans that are no longer than it.
#[derive(Debug)]
pub(super) struct Bracket {
    proven: Duration,
    refuted: Option<Duration>,
    /// The shortest span that failed, once.
    suspect: Option<Duration>,
    /// The proven span is to be tried again.
    doubted: bool,
}

impl Bracket {
    pub(super) const fn new(start: Duration) -> Bracket {
        Bracket {
            proven: start,
            refuted: None,
            suspect: None,
            doubted: false,
        }
    }

    pub(super) fn of_known(known: &Known, config: &LearningConfig) -> Bracket {
        let proven = known.proven.max(config.start).min(config.max);
        Bracket {
            proven,
            refuted: known.refuted.filter(|&refuted| refuted > proven),
            suspect: None,
            doubted: false,
        }
    }

    pub(super) const fn proven(&self) -> Duration {
        self.proven
    }

    pub(super) const fn refuted(&self) -> Option<Duration> {
        self.refuted
    }

    /// A span was answered.
    pub(super) fn carried(&mut self, span: Duration) {
        self.doubted &= span < self.proven;
        self.proven = self.proven.max(span);
        self.suspect = self.suspect.filter(|&suspect| suspect > span);
        self.refuted = self.refuted.filter(|&refuted| refuted > span);
    }

    /// A span was not answered. Whether that refutes one that had been proven:
    /// the path has changed.
    pub(super) fn failed(&mut self, span: Duration, config: &LearningConfig) -> bool {
        let Some(suspect) = self.suspect else {
            self.suspect = Some(span);
            return false;
        };
        let refuted = suspect.max(span);
        self.suspect = Some(suspect.min(span));
        self.refuted = Some(self.refuted.map_or(refuted, |known| known.min(refuted)));
        // The second failure of one span leaves nothing to be suspected.
        if self.suspect == self.refuted {
            self.suspect = None;
        }
        let changed = refuted <= self.proven;
        if changed {
            self.proven = config.start;
            self.doubted = false;
        }
        changed
    }

    /// What is known may be outdated: the proven span is tried again, and all
    /// above it.
    pub(super) fn reopen(&mut self, config: &LearningConfig) {
        self.refuted = None;
        self.suspect = None;
        self.doubted = self.proven > config.start;
    }

    /// The limit is known as closely as it is wanted.
    pub(super) fn is_narrow(&self, config: &LearningConfig) -> bool {
        match self.refuted {
            _ if self.doubted => false,
            None => self.suspect.is_none() && self.proven >= config.max,
            Some(refuted) => {
                refuted.saturating_sub(self.proven) <= config.resolution_at(self.proven)
            }
        }
    }

    /// The span to be tried next, beside those that are `under_way`.
    pub(super) fn next_span(
        &self,
        config: &LearningConfig,
        under_way: &[Duration],
    ) -> Option<Duration> {
        if under_way.len() >= config.max_canaries || self.is_narrow(config) {
            return None;
        }
        let again = [self.suspect, self.doubted.then_some(self.proven)];
        let again = again
            .into_iter()
            .flatten()
            .find(|span| !under_way.contains(span));
        again.or_else(|| match self.suspect.or(self.refuted) {
            None => self.rung(config, under_way),
            Some(limit) => self.middle(limit, config, under_way),
        })
    }

    /// Without a limit in sight each span doubles the one before.
    fn rung(&self, config: &LearningConfig, under_way: &[Duration]) -> Option<Duration> {
        let top = under_way.iter().copied().fold(self.proven, Duration::max);
        (top < config.max).then(|| (top * 2).min(config.max))
    }

    /// The middle of the widest gap between the spans that are known or under
    /// way, if it is wide enough to matter.
    fn middle(
        &self,
        limit: Duration,
        config: &LearningConfig,
        under_way: &[Duration],
    ) -> Option<Duration> {
        let inside = |span: &Duration| (self.proven..limit).contains(span);
        let mut points: Vec<_> = under_way.iter().copied().filter(inside).collect();
        points.extend([self.proven, limit]);
        points.sort_unstable();
        let gaps = points.windows(2).map(|pair| (pair[1] - pair[0], pair[0]));
        let (width, from) = gaps.max()?;
        (width > config.resolution_at(from)).then(|| from + width / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn spans_double_until_one_fails_and_then_cut_the_bracket() {
        let config = LearningConfig::default();
        let mut bracket = Bracket::new(config.start);
        let mut under_way = Vec::new();
        while let Some(span) = bracket.next_span(&config, &under_way) {
            under_way.push(span);
        }
        assert_eq!(under_way, [secs(30), secs(60), secs(120), secs(240)]);
        bracket.carried(under_way.remove(0));
        assert_eq!(bracket.next_span(&config, &under_way), Some(secs(480)));

        bracket.carried(secs(60));
        assert!(!bracket.failed(secs(120), &config));
        let again = bracket.next_span(&config, &[secs(240)]);
        assert_eq!(again, Some(secs(120)));
        bracket.failed(secs(240), &config);
        assert_eq!(bracket.refuted(), Some(secs(240)));
        bracket.failed(secs(120), &config);
        assert_eq!(bracket.refuted(), Some(secs(120)));
        let mut under_way = Vec::new();
        while let Some(span) = bracket.next_span(&config, &under_way) {
            under_way.push(span);
        }
        let last = Duration::from_millis(112_500);
        assert_eq!(under_way, [secs(90), secs(105), secs(75), last]);
        bracket.carried(secs(105));
        assert!(!bracket.is_narrow(&config));
        bracket.carried(secs(112));
        assert!(bracket.is_narrow(&config));
        assert_eq!(bracket.next_span(&config, &[]), None);
    }

    #[test]
    fn one_failure_refutes_nothing_and_an_answer_clears_it() {
        let config = LearningConfig::default();
        let mut bracket = Bracket::new(config.start);
        bracket.failed(secs(60), &config);
        bracket.carried(secs(60));
        assert_eq!((bracket.proven(), bracket.refuted()), (secs(60), None));
        bracket.failed(secs(240), &config);
        assert_eq!(bracket.refuted(), None);
    }

    #[test]
    fn a_path_that_got_worse_is_learned_anew() {
        let config = LearningConfig::default();
        let mut bracket = Bracket::new(config.start);
        bracket.carried(secs(240));
        assert!(!bracket.failed(secs(120), &config));
        assert!(bracket.failed(secs(200), &config));
        assert_eq!(bracket.proven(), config.start);
        assert_eq!(bracket.refuted(), Some(secs(200)));
    }

    #[test]
    fn the_longest_span_is_tried_and_is_the_end() {
        let config = LearningConfig::default();
        let mut bracket = Bracket::new(config.start);
        bracket.carried(secs(960));
        assert_eq!(bracket.next_span(&config, &[]), Some(config.max));
        bracket.carried(config.max);
        assert!(bracket.is_narrow(&config));
    }
}
