//! What decides how often the live connection beats.

use longwire_proto::{
    Instant,
    heartbeat::{Beat, CanaryId, Known, Learner, LearningConfig, Outcome, Step},
};
use std::time::Duration;

/// A way to choose the interval, driven by the simulation.
pub(crate) trait Choose {
    fn interval(&self) -> Duration;
    fn step(&mut self, _: Instant) -> Option<Step> {
        None
    }
    fn next_timeout(&self) -> Option<Instant> {
        None
    }
    fn finished(&mut self, _: CanaryId, _: Outcome, _: Instant) {}
    /// A beat was answered.
    fn answered(&mut self, now: Instant);
    fn lost(&mut self, silence: Duration);
}

/// Always the same.
pub(crate) struct Fixed(pub(crate) Duration);

impl Choose for Fixed {
    fn interval(&self) -> Duration {
        self.0
    }
    fn answered(&mut self, _: Instant) {}
    fn lost(&mut self, _: Duration) {}
}

/// Tencent Mars, from its description: from 4.5 min in steps of a minute up to
/// 9 min 50 s, each step after three beats that were answered; after three that
/// were not it falls back by 80 s and stays there. What it tries, it tries on the
/// live connection.
pub(crate) struct Mars {
    interval: Duration,
    answered: u32,
    failed: u32,
    settled: bool,
}

impl Mars {
    const MIN: Duration = Duration::from_secs(270);
    const MAX: Duration = Duration::from_secs(590);

    pub(crate) fn new() -> Mars {
        Mars {
            interval: Mars::MIN,
            answered: 0,
            failed: 0,
            settled: false,
        }
    }
}

impl Choose for Mars {
    fn interval(&self) -> Duration {
        self.interval
    }

    fn answered(&mut self, _: Instant) {
        self.failed = 0;
        self.answered += 1;
        if self.answered >= 3 && !self.settled {
            self.answered = 0;
            self.interval = (self.interval + Duration::from_secs(60)).min(Mars::MAX);
            self.settled = self.interval == Mars::MAX;
        }
    }

    fn lost(&mut self, _: Duration) {
        self.answered = 0;
        self.failed += 1;
        if self.failed >= 3 {
            self.failed = 0;
            self.interval = match self.settled {
                true => Mars::MIN,
                false => (self.interval - Duration::from_secs(80)).max(Mars::MIN),
            };
            self.settled = !self.settled;
        }
    }
}

impl Choose for Learner {
    fn interval(&self) -> Duration {
        match self.beat() {
            Beat::Every(interval) | Beat::Peer(interval) => interval,
        }
    }
    fn step(&mut self, now: Instant) -> Option<Step> {
        self.next_step(now)
    }
    fn next_timeout(&self) -> Option<Instant> {
        Learner::next_timeout(self)
    }
    fn finished(&mut self, canary: CanaryId, outcome: Outcome, now: Instant) {
        Learner::finished(self, canary, outcome, now);
    }
    fn answered(&mut self, now: Instant) {
        self.heard(now);
    }
    fn lost(&mut self, silence: Duration) {
        Learner::lost(self, silence);
    }
}

pub(crate) fn learner(config: LearningConfig, known: Option<&Known>) -> Learner {
    Learner::new(config, known, Instant::default())
}
