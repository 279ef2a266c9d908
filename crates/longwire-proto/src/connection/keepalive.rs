//! Heartbeats: when to ping, and when a peer that is silent, or that takes
//! nothing, counts as dead.

mod acknowledged;

pub use acknowledged::Acknowledgements;

use super::round_trip::RoundTrip;
use crate::{
    CloseCause, Config, ControlPayload, Instant,
    time::{CoarseInstant, earlier},
};
use acknowledged::Writes;
use core::{num::NonZeroU32, time::Duration};

/// When the peer was last heard, and what of ours waits for it.
#[derive(Debug)]
pub(super) struct Keepalive {
    last_heard: Instant,
    /// When the first Ping was sent whose Pong has not come.
    ping_sent: Option<Instant>,
    /// How many Pings were sent since the peer was last heard.
    probes: u8,
    /// The peer keeps the connection alive: it is not pinged.
    watches: bool,
    /// After how much silence it is pinged, in milliseconds, where that is not
    /// as the configuration says.
    interval: Option<NonZeroU32>,
    /// Since when the transport takes nothing of what is to be written.
    write_blocked: Option<Instant>,
    /// What is known of that which the transport took.
    writes: Writes,
    writes_due: Option<CoarseInstant>,
    /// How many bytes were acknowledged when the system was last asked.
    acknowledged: u32,
    round_trip: RoundTrip,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping(ControlPayload),
    /// The peer is dead, for this reason.
    Dead(CloseCause),
}

/// How many Pings a silent peer gets before it is given up.
///
/// TCP repeats what was lost, ever more seldom; what is written anew gives it a
/// reason to look whether the path is back.
const PROBES: u8 = 3;

impl Keepalive {
    pub(super) const fn new(now: Instant) -> Keepalive {
        Keepalive {
            last_heard: now,
            ping_sent: None,
            probes: 0,
            watches: false,
            interval: None,
            write_blocked: None,
            writes: Writes::Settled,
            writes_due: None,
            acknowledged: 0,
            round_trip: RoundTrip::UNKNOWN,
        }
    }

    /// The peer gave a sign of life: any byte is one.
    pub(super) fn heard(&mut self, now: Instant) {
        self.not_listening(now);
        self.settle_writes();
    }

    /// Whatever sign of life the peer gave, we would not know.
    pub(super) fn not_listening(&mut self, now: Instant) {
        self.last_heard = now;
        self.probes = 0;
    }

    pub(super) const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// The peer keeps the connection alive from now on.
    pub(super) fn watch(&mut self) {
        self.watches = true;
    }

    /// Pings after so much silence from now on.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        let millis = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        self.interval = NonZeroU32::new(millis.max(1));
    }

    /// A Pong came.
    pub(super) fn ponged(&mut self, payload: &[u8], now: Instant) {
        // That of a repeated Ping does not tell how long the first one took.
        if payload.is_empty()
            && let Some(sent) = self.ping_sent.take()
        {
            self.round_trip.measured(now - sent);
        }
    }

    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip.smoothed()
    }

    pub(super) fn write_blocked(&mut self, now: Instant) {
        self.write_blocked.get_or_insert(now);
    }

    /// The peer took something of what had been blocked.
    pub(super) fn write_progressed(&mut self, now: Instant) {
        self.heard(now);
        self.write_blocked = Some(now);
    }

    pub(super) fn write_unblocked(&mut self) {
        self.write_blocked = None;
    }

    pub(super) fn next_timeout(&self, config: &Config) -> Option<Instant> {
        let write = earlier(
            self.write_timeout(config),
            self.acknowledgement_timeout(config),
        );
        earlier(self.heartbeat_timeout(config), write)
    }

    /// What is due now. A `Ping` that is reported counts as sent.
    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Due {
        let is_due = |timeout: Option<Instant>| timeout.is_some_and(|timeout| timeout <= now);
        if is_due(self.acknowledgement_timeout(config)) && self.is_unacknowledged(now, config) {
            return Due::Dead(CloseCause::Unacknowledged);
        }
        if is_due(self.write_timeout(config)) {
            return Due::Dead(CloseCause::WriteTimeout);
        }
        if !is_due(self.heartbeat_timeout(config)) {
            return Due::Nothing;
        }
        if self.watches || self.probes == PROBES {
            return Due::Dead(match self.writes {
                Writes::InFlight => CloseCause::Unacknowledged,
                Writes::Settled | Writes::Taken => CloseCause::KeepaliveTimeout,
            });
        }
        self.probes += 1;
        if self.probes == 1 {
            self.ping_sent = Some(now);
            return Due::Ping(ControlPayload::EMPTY);
        }
        Due::Ping(ControlPayload::of_received(&[self.probes]))
    }

    fn heartbeat_timeout(&self, config: &Config) -> Option<Instant> {
        if self.watches {
            return Some(self.last_heard + config.max_silence);
        }
        let interval = match self.interval {
            Some(millis) => Duration::from_millis(millis.get().into()),
            None => config.ping_interval?,
        };
        Some(match self.ping_sent.filter(|_| self.probes > 0) {
            None => self.last_heard + interval,
            Some(sent) => sent + self.patience(config) * self.probes.into() / PROBES.into(),
        })
    }

    /// How long a peer may be silent that has been pinged.
    pub(super) fn patience(&self, config: &Config) -> Duration {
        match self.round_trip.limit() {
            None => config.pong_timeout,
            Some(limit) => (config.min_pong_timeout + limit).min(config.pong_timeout),
        }
    }

    fn write_timeout(&self, config: &Config) -> Option<Instant> {
        Some(self.write_blocked? + config.write_timeout)
    }
}
