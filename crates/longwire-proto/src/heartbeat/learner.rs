use super::{Known, LearningConfig, bracket::Bracket, peer::PeerBeats};
use crate::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// Learns how often the connections to one endpoint on one network have to beat.
///
/// # How it is driven
///
/// The driver has a live connection, and
///
/// 1. beats on it as [`beat`](Self::beat) says;
/// 2. does what [`next_step`](Self::next_step) gives until it gives `None`, after
///    each call of another method and when [`next_timeout`](Self::next_timeout)
///    comes;
/// 3. tells what becomes of each canary by [`finished`](Self::finished);
/// 4. tells of the live connection: when something is received
///    ([`heard`](Self::heard)), when a Ping is ([`pinged`](Self::pinged)), and
///    when it is lost ([`lost`](Self::lost)).
///
/// While the live connection is down it asks for no steps.
///
/// # What is promised
///
/// The live connection never stays silent for longer than a canary did that was
/// answered, less the margin. So it dies of its beat only when the path's limit
/// has shrunk since, and once for each time that it does: from then on it beats
/// at [`LearningConfig::start`] until canaries have gone ahead again.
#[derive(Debug)]
pub struct Learner {
    config: LearningConfig,
    bracket: Bracket,
    canaries: Vec<Canary>,
    cancelled: Vec<CanaryId>,
    /// Spans that failed, and that count once the live connection shows that it
    /// was not the whole network.
    unconfirmed: Vec<(Duration, Instant)>,
    ping_wanted: bool,
    peer: PeerBeats,
    phase: Phase,
    last_id: u32,
    /// How many canaries were sent since learning began.
    sent: u32,
    /// The next canary waits until then.
    not_before: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Learning,
    /// Nothing more is to be learned until then.
    Settled {
        until: Instant,
    },
    Forbidden,
}

#[derive(Debug)]
struct Canary {
    id: CanaryId,
    span: Duration,
}

/// Tells canaries apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CanaryId(u32);

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Open a canary: a connection to the same endpoint that says what it is,
    /// stays silent for `span` from the end of its handshake, and then sends a
    /// Ping.
    Open {
        /// Its name, for [`Learner::finished`].
        canary: CanaryId,
        /// How long it stays silent.
        span: Duration,
    },
    /// Close a canary, of which nothing more can be learned. It is not finished
    /// by [`Learner::finished`].
    Cancel(CanaryId),
    /// Send a Ping on the live connection: a canary failed, and whether that was
    /// the path's limit or the whole network shows in whether this is answered.
    Ping,
}

/// What became of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its Ping was answered after all of its span.
    Answered,
    /// Its Ping was not answered in the time in which the live connection's are.
    Silent,
    /// It was ended after this silence: TCP was closed or reset, or a server said
    /// goodbye to a connection that said nothing.
    Dropped {
        /// How long nothing had passed.
        after: Duration,
    },
    /// Something was received before its span was over, after this silence. It
    /// proves nothing then.
    Heard {
        /// How long nothing had passed.
        after: Duration,
    },
    /// The server refused it, or closed it for a reason of its own: canaries are
    /// not wanted here, at least for now.
    Refused,
    /// It could not be opened, for want of a network, or the server restarted:
    /// this says nothing of the path. Another is tried later.
    Void,
}

/// What keeps the live connection alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// This end beats after so long a silence.
    Every(Duration),
    /// The peer does, about so often; this end adds nothing.
    Peer(Duration),
}

impl Learner {
    /// Begins with what is known of this endpoint on this network, if anything
    /// is and it is not older than [`LearningConfig::recheck`].
    pub fn new(config: LearningConfig, known: Option<&Known>, now: Instant) -> Learner {
        let known = known.filter(|known| known.age < config.recheck);
        let bracket = match known {
            Some(known) => Bracket::of_known(known, &config),
            None => Bracket::new(config.start),
        };
        let phase = match known {
            Some(known) if bracket.is_narrow(&config) => Phase::Settled {
                until: now + config.recheck.saturating_sub(known.age),
            },
            _ => Phase::Learning,
        };
        Learner {
            config,
            bracket,
            canaries: Vec::new(),
            cancelled: Vec::new(),
            unconfirmed: Vec::new(),
            ping_wanted: false,
            peer: PeerBeats::default(),
            phase,
            last_id: 0,
            sent: 0,
            not_before: now,
        }
    }

    /// What keeps the live connection alive now.
    pub fn beat(&self) -> Beat {
        match self.peer.interval() {
            Some(interval) => Beat::Peer(interval),
            None => Beat::Every(self.config.interval(self.bracket.proven())),
        }
    }

    /// What has been learned, to be kept. Its age is for the keeper to count.
    pub fn known(&self) -> Known {
        Known {
            proven: self.bracket.proven(),
            refuted: self.bracket.refuted(),
            age: Duration::ZERO,
        }
    }

    /// Whether nothing is being learned now.
    pub fn is_settled(&self) -> bool {
        self.phase != Phase::Learning || self.peer.interval().is_some()
    }

    /// The next thing to do, if there is one now.
    pub fn next_step(&mut self, now: Instant) -> Option<Step> {
        self.peer.expire(now);
        if let Phase::Settled { until } = self.phase
            && until <= now
        {
            self.bracket.reopen(&self.config);
            self.begin();
        }
        if let Some(cancelled) = self.cancelled.pop() {
            return Some(Step::Cancel(cancelled));
        }
        if core::mem::take(&mut self.ping_wanted) {
            return Some(Step::Ping);
        }
        self.open(now)
    }

    /// When there may be something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        let due = match self.phase {
            Phase::Settled { until } => Some(until),
            Phase::Learning if self.next_span().is_some() => Some(self.not_before),
            Phase::Learning | Phase::Forbidden => None,
        };
        let peer = self.peer.expires();
        if peer.is_some() { peer } else { due }
    }

    /// Tells what became of a canary. One that was cancelled tells nothing more.
    pub fn finished(&mut self, canary: CanaryId, outcome: Outcome, now: Instant) {
        let Some(at) = self.canaries.iter().position(|it| it.id == canary) else {
            return;
        };
        let span = self.canaries.swap_remove(at).span;
        match outcome {
            Outcome::Answered => self.bracket.carried(span),
            Outcome::Silent => self.doubt(span, now),
            Outcome::Dropped { after } => self.doubt(after.min(span), now),
            Outcome::Heard { after } => {
                self.peer.spoke(after, now, &self.config);
                if self.peer.interval().is_some() {
                    self.cancel_all();
                }
            }
            Outcome::Refused => self.settle(now),
            // As often as an unlearned connection beats, so that what is broken
            // does not use up the canaries in no time.
            Outcome::Void => self.not_before = now + self.config.pace.max(self.config.start),
        }
        self.settle_if_done(now);
    }

    /// Something was received on the live connection: the network is there.
    pub fn heard(&mut self, now: Instant) {
        let failed = |&mut (_, at): &mut (Duration, Instant)| at < now;
        let confirmed: Vec<_> = self.unconfirmed.extract_if(.., failed).collect();
        if confirmed.is_empty() {
            return;
        }
        for (span, _) in confirmed {
            if self.bracket.failed(span, &self.config) {
                self.cancel_all();
            }
        }
        self.cancel_pointless();
        self.settle_if_done(now);
    }

    /// A Ping was received on the live connection.
    pub fn pinged(&mut self, now: Instant) {
        self.heard(now);
        self.peer.pinged(now, &self.config);
        if self.peer.interval().is_some() {
            self.cancel_all();
        }
    }

    /// The live connection was lost after this silence, not by a Close frame.
    ///
    /// If it had been silent for longer than what is safe, what was learned is
    /// forgotten at once.
    pub fn lost(&mut self, silence: Duration) {
        self.cancel_all();
        self.unconfirmed.clear();
        self.ping_wanted = false;
        self.peer = PeerBeats::default();
        if silence > self.config.start {
            self.bracket = Bracket::new(self.config.start);
            self.bracket.failed(silence, &self.config);
            self.begin();
        }
    }

    /// The server or the user wants no canaries.
    pub fn forbid(&mut self) {
        self.cancel_all();
        self.phase = Phase::Forbidden;
    }

    fn begin(&mut self) {
        if self.phase != Phase::Forbidden {
            self.phase = Phase::Learning;
            self.sent = 0;
        }
    }

    fn open(&mut self, now: Instant) -> Option<Step> {
        if self.not_before > now {
            return None;
        }
        let span = self.next_span()?;
        self.sent += 1;
        self.last_id = self.last_id.wrapping_add(1);
        self.not_before = now + self.config.pace;
        let id = CanaryId(self.last_id);
        self.canaries.push(Canary { id, span });
        Some(Step::Open { canary: id, span })
    }

    /// The span of the next canary.
    fn next_span(&self) -> Option<Duration> {
        let may = self.phase == Phase::Learning
            && self.peer.interval().is_none()
            && self.unconfirmed.is_empty()
            && self.sent < self.config.max_total;
        let under_way: Vec<_> = self.canaries.iter().map(|it| it.span).collect();
        may.then(|| self.bracket.next_span(&self.config, &under_way))?
    }

    /// A span failed: that counts when the live connection is heard after it.
    fn doubt(&mut self, span: Duration, now: Instant) {
        self.unconfirmed.push((span, now));
        self.ping_wanted = true;
    }

    fn settle_if_done(&mut self, now: Instant) {
        let learning = self.phase == Phase::Learning && self.unconfirmed.is_empty();
        let done = self.bracket.is_narrow(&self.config)
            || (self.sent >= self.config.max_total && self.canaries.is_empty());
        if learning && done {
            self.settle(now);
        }
    }

    fn settle(&mut self, now: Instant) {
        self.cancel_all();
        if self.phase == Phase::Learning {
            let until = now + self.config.recheck;
            self.phase = Phase::Settled { until };
        }
    }

    fn cancel_all(&mut self) {
        self.cancelled
            .extend(self.canaries.drain(..).map(|it| it.id));
    }

    /// Cancels the canaries whose spans have been refuted.
    fn cancel_pointless(&mut self) {
        let Some(refuted) = self.bracket.refuted() else {
            return;
        };
        let pointless = self.canaries.extract_if(.., |it| it.span >= refuted);
        self.cancelled.extend(pointless.map(|it| it.id));
    }
}
