//! Heartbeats: when to ping, and when a silent peer counts as dead.

use crate::{Config, Instant};

/// When the peer was last heard, and whether a Ping of ours waits for it.
#[derive(Debug)]
pub(super) struct Keepalive {
    last_heard: Instant,
    ping_sent: Option<Instant>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    /// The peer is dead.
    Dead,
}

impl Keepalive {
    pub(super) const fn new(now: Instant) -> Keepalive {
        Keepalive {
            last_heard: now,
            ping_sent: None,
        }
    }

    /// The peer gave a sign of life: any byte is one.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.ping_sent = None;
    }

    pub(super) fn next_timeout(&self, config: &Config) -> Option<Instant> {
        let interval = config.ping_interval?;
        Some(match self.ping_sent {
            None => self.last_heard + interval,
            Some(sent) => sent + config.pong_timeout,
        })
    }

    /// What is due now. A `Ping` that is reported counts as sent.
    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Due {
        match self.next_timeout(config) {
            Some(timeout) if timeout <= now => match self.ping_sent {
                None => {
                    self.ping_sent = Some(now);
                    Due::Ping
                }
                Some(_) => Due::Dead,
            },
            _ => Due::Nothing,
        }
    }
}
