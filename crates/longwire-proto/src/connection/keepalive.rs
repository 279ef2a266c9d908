//! Heartbeats: when to ping, and when a peer that is silent, or that takes
//! nothing, counts as dead.

use crate::{CloseCause, Config, Instant, time::earlier};

/// When the peer was last heard, and what of ours waits for it.
#[derive(Debug)]
pub(super) struct Keepalive {
    last_heard: Instant,
    ping_sent: Option<Instant>,
    /// Since when the transport takes nothing of what is to be written.
    write_blocked: Option<Instant>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    /// The peer is dead, for this reason.
    Dead(CloseCause),
}

impl Keepalive {
    pub(super) const fn new(now: Instant) -> Keepalive {
        Keepalive {
            last_heard: now,
            ping_sent: None,
            write_blocked: None,
        }
    }

    /// The peer gave a sign of life: any byte is one.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.ping_sent = None;
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
        earlier(self.heartbeat_timeout(config), self.write_timeout(config))
    }

    /// What is due now. A `Ping` that is reported counts as sent.
    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Due {
        let is_due = |timeout: Option<Instant>| timeout.is_some_and(|timeout| timeout <= now);
        if is_due(self.write_timeout(config)) {
            return Due::Dead(CloseCause::WriteTimeout);
        }
        if !is_due(self.heartbeat_timeout(config)) {
            return Due::Nothing;
        }
        match self.ping_sent {
            None => {
                self.ping_sent = Some(now);
                Due::Ping
            }
            Some(_) => Due::Dead(CloseCause::KeepaliveTimeout),
        }
    }

    fn heartbeat_timeout(&self, config: &Config) -> Option<Instant> {
        let interval = config.ping_interval?;
        Some(match self.ping_sent {
            None => self.last_heard + interval,
            Some(sent) => sent + config.pong_timeout,
        })
    }

    fn write_timeout(&self, config: &Config) -> Option<Instant> {
        Some(self.write_blocked? + config.write_timeout)
    }
}
