use super::LearningConfig;
use crate::Instant;
use core::time::Duration;

/// Whether the peer beats by itself.
///
/// Two ends that beat defeat learning: no canary stays silent, and what is
/// measured is the peer's interval. Then the peer keeps the connection alive,
/// and nothing needs to be added.
#[derive(Debug, Default)]
pub(super) struct PeerBeats {
    last: Option<Instant>,
    gap: Option<Duration>,
    /// How many gaps like this one followed each other.
    alike: u8,
    interval: Option<Duration>,
}

impl PeerBeats {
    /// So many gaps of one length make a beat.
    const ENOUGH: u8 = 2;

    /// The peer's interval, if it beats.
    pub(super) const fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// A Ping came on the live connection.
    pub(super) fn pinged(&mut self, now: Instant, config: &LearningConfig) {
        if let Some(last) = self.last.replace(now) {
            self.note(now - last, config);
        }
    }

    /// A canary was spoken to after this silence.
    pub(super) fn spoke(&mut self, silence: Duration, now: Instant, config: &LearningConfig) {
        self.last = Some(now);
        self.note(silence, config);
    }

    fn note(&mut self, gap: Duration, config: &LearningConfig) {
        let near = |other: Duration| gap.abs_diff(other) <= other / 4;
        self.alike = match self.gap {
            Some(other) if near(other) => self.alike.saturating_add(1),
            _ => 1,
        };
        self.gap = Some(gap);
        if self.alike >= Self::ENOUGH && gap <= config.max {
            self.interval = Some(gap);
        }
    }

    /// When a peer that beat counts as having stopped.
    pub(super) fn expires(&self) -> Option<Instant> {
        Some(self.last? + self.interval? * 3)
    }

    /// Forgets a beat that has stopped. True if it did.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let stopped = self.expires().is_some_and(|expires| expires <= now);
        if stopped {
            *self = PeerBeats::default();
        }
        stopped
    }
}
