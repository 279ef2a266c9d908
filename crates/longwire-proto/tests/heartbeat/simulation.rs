//! A live connection, its canaries and a path, on a virtual clock.

use crate::{
    path::{End, Path},
    strategy::Choose,
};
use longwire_proto::{
    Instant,
    heartbeat::{CanaryId, Outcome, Step},
};
use std::time::Duration;
use testkit::Rng;

/// How long an answer takes. That none comes is noticed at once here: this is
/// about spans of minutes.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// What came of a run.
#[derive(Debug, Default, Clone)]
pub(crate) struct Report {
    pub(crate) beats: u32,
    pub(crate) canaries: u32,
    /// When the live connection died, and after which silence.
    pub(crate) deaths: Vec<(Instant, Duration)>,
    /// When the interval changed last.
    pub(crate) settled_at: Instant,
    /// The most canaries at one time.
    pub(crate) most_canaries: usize,
    /// The intervals, each from an instant on.
    pub(crate) intervals: Vec<(Instant, Duration)>,
    /// The canaries, in the order in which they ended.
    pub(crate) flights: Vec<Flight>,
}

/// What a canary did.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(crate) opened: Instant,
    pub(crate) span: Duration,
    /// When it was known what became of it.
    pub(crate) ended: Instant,
    pub(crate) fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Lost,
    CalledBack,
}

struct Canary {
    id: CanaryId,
    opened: Instant,
    span: Duration,
}

pub(crate) struct Simulation<'s, S: ?Sized> {
    path: &'s Path,
    strategy: &'s mut S,
    rng: Rng,
    now: Instant,
    /// When something last passed on the live connection.
    last: Instant,
    canaries: Vec<Canary>,
    report: Report,
}

/// Runs `strategy` on `path` for `span`.
pub(crate) fn run<S: Choose + ?Sized>(
    strategy: &mut S,
    path: &Path,
    seed: u64,
    span: Duration,
) -> Report {
    let mut simulation = Simulation {
        path,
        strategy,
        rng: Rng::new(seed),
        now: Instant::default(),
        last: Instant::default(),
        canaries: Vec::new(),
        report: Report::default(),
    };
    simulation.run(Instant::default() + span);
    simulation.report
}

impl<S: Choose + ?Sized> Simulation<'_, S> {
    fn run(&mut self, end: Instant) {
        let begin = (self.now, self.strategy.interval());
        self.report.intervals.push(begin);
        while self.now < end {
            let interval = self.strategy.interval();
            self.take_steps();
            self.now = self.next_event().max(self.now + Duration::from_micros(1));
            self.live();
            self.fly();
            if self.strategy.interval() != interval {
                self.report.settled_at = self.now;
                let interval = (self.now, self.strategy.interval());
                self.report.intervals.push(interval);
            }
        }
    }

    fn take_steps(&mut self) {
        while let Some(step) = self.strategy.step(self.now) {
            match step {
                Step::Open { canary, span } => {
                    self.report.canaries += 1;
                    self.canaries.push(Canary {
                        id: canary,
                        opened: self.now,
                        span,
                    });
                    let most = self.report.most_canaries.max(self.canaries.len());
                    self.report.most_canaries = most;
                }
                Step::Cancel(id) => {
                    let called = self.canaries.extract_if(.., |canary| canary.id == id);
                    let called: Vec<Canary> = called.collect();
                    for canary in called {
                        self.log(&canary, Fate::CalledBack);
                    }
                }
                Step::Ping => self.beat(),
            }
        }
    }

    fn next_event(&self) -> Instant {
        let reset = |last| self.path.forgotten_at(last, self.now);
        let resets = self.path.end == End::Reset;
        let canaries = self.canaries.iter().map(|canary| {
            let due = canary.opened + canary.span;
            if resets {
                due.min(reset(canary.opened))
            } else {
                due
            }
        });
        let live = self.last + self.strategy.interval();
        let live = if resets {
            live.min(reset(self.last))
        } else {
            live
        };
        let limits = self.path.limits.iter().map(|(from, _)| *from);
        let changes = limits.filter(|from| *from > self.now);
        let own = self.strategy.next_timeout();
        [live]
            .into_iter()
            .chain(own)
            .chain(canaries)
            .chain(changes)
            .min()
            .expect("the beat")
    }

    /// The live connection's beat, or its reset.
    fn live(&mut self) {
        let forgotten = self.path.forgotten_at(self.last, self.now);
        if self.path.end == End::Reset && forgotten <= self.now {
            return self.die();
        }
        if self.last + self.strategy.interval() <= self.now {
            self.beat();
        }
    }

    fn beat(&mut self) {
        self.report.beats += 1;
        if self.path.forgotten_at(self.last, self.now) <= self.now {
            return self.die();
        }
        self.last = self.now;
        self.strategy.answered(self.now + ROUND_TRIP);
    }

    fn die(&mut self) {
        let silence = self.now - self.last;
        self.report.deaths.push((self.now, silence));
        self.strategy.lost(silence);
        // Noticed, and opened again.
        self.last = self.now;
    }

    fn fly(&mut self) {
        let now = self.now;
        let due = |canary: &Canary| {
            let forgotten = self.path.forgotten_at(canary.opened, now);
            canary.opened + canary.span <= now || (self.path.end == End::Reset && forgotten <= now)
        };
        let (done, rest) = self.canaries.drain(..).partition(due);
        self.canaries = rest;
        let done: Vec<Canary> = done;
        for canary in done {
            let silence = now - canary.opened;
            let forgotten = self.path.forgotten_at(canary.opened, now) <= now;
            let lost = self.rng.below(100) < usize::from(self.path.loss);
            let outcome = match self.path.end {
                End::Reset if forgotten => Outcome::Dropped { after: silence },
                End::Silence if forgotten => Outcome::Silent,
                _ if lost => Outcome::Silent,
                _ => Outcome::Answered,
            };
            let fate = match outcome {
                Outcome::Answered => Fate::Answered,
                _ => Fate::Lost,
            };
            self.log(&canary, fate);
            self.strategy.finished(canary.id, outcome, now);
        }
    }

    fn log(&mut self, canary: &Canary, fate: Fate) {
        self.report.flights.push(Flight {
            opened: canary.opened,
            span: canary.span,
            ended: self.now,
            fate,
        });
    }
}
