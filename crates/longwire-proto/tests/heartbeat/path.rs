//! Simulated paths: what a middlebox makes of silence.

use longwire_proto::Instant;
use std::time::Duration;

/// How a middlebox ends a connection that it has forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Packets vanish; the ends learn it when nothing is answered.
    Silence,
    /// Both ends are told when the time is up.
    Reset,
}

/// A path with a middlebox that forgets.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// The limit from each instant on; the first is at the beginning.
    pub(crate) limits: Vec<(Instant, Duration)>,
    pub(crate) end: End,
    /// A limit that changes is that of the packets that pass from then on, as
    /// with a timer for each flow, and not at once that of all flows.
    pub(crate) timers: bool,
    /// Out of a hundred canaries, how many are lost whatever the limit.
    pub(crate) loss: u8,
}

impl Path {
    pub(crate) fn fixed(limit: Duration, end: End) -> Path {
        Path {
            limits: vec![(Instant::default(), limit)],
            end,
            timers: false,
            loss: 0,
        }
    }

    pub(crate) fn limit_at(&self, now: Instant) -> Duration {
        let past = self.limits.iter().take_while(|(from, _)| *from <= now);
        past.last().expect("a limit from the beginning").1
    }

    /// When a flow that was last used at `last` is forgotten, seen from `now`.
    pub(crate) fn forgotten_at(&self, last: Instant, now: Instant) -> Instant {
        last + self.limit_at(if self.timers { last } else { now })
    }

    /// How often the limit shrinks.
    pub(crate) fn shrinkings(&self) -> usize {
        let pairs = self.limits.windows(2);
        pairs.filter(|pair| pair[1].1 < pair[0].1).count()
    }
}
