//! What the system knows of the bytes that were written: acknowledged ones are
//! a sign of life, and such as stay unacknowledged one of death.

use super::Keepalive;
use crate::{Config, Instant, time::CoarseInstant};
use core::time::Duration;

/// What the system knows of the bytes that a transport took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgements {
    /// How many bytes the peer's system has acknowledged so far, modulo 2^32.
    pub acknowledged: u32,
    /// Whether there are bytes that it has not.
    pub pending: bool,
    /// If some of these are under way: for how long the oldest ones have been, at
    /// least. Bytes that wait because the peer has no room are not under way.
    pub in_flight: Option<Duration>,
    /// What hardly any acknowledgement takes longer than.
    pub round_trip_limit: Duration,
}

/// What is known of the bytes that the transport took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// None wait for their acknowledgement.
    Settled,
    /// Nothing was heard since some were taken. The system is asked about them
    /// soon, but not before `writes_due`.
    Taken,
    /// Some were under way when the system was asked, and are to be acknowledged
    /// by `writes_due`.
    InFlight,
}

/// After which part of the time that bytes may stay unacknowledged the system is
/// asked about the first ones, since the peer was heard. It tells less than their
/// whole age, and the sooner it is asked the less that matters.
const FIRST_LOOK: u32 = 8;

/// After which part it is asked again about a peer that says nothing and
/// acknowledges all that it gets: as costs next to nothing for each of many.
const NEXT_LOOK: u32 = 2;

impl Keepalive {
    /// The transport took bytes.
    ///
    /// It is not told when: the time would be read for every message. What was
    /// last heard, or asked, says how long ago it can be at most.
    pub(in super::super) const fn write_taken(&mut self) {
        if matches!(self.writes, Writes::Settled) {
            self.writes = Writes::Taken;
        }
    }

    pub(in super::super) const fn awaits_acknowledgement(&self) -> bool {
        !matches!(self.writes, Writes::Settled)
    }

    /// The system was asked.
    pub(in super::super) fn acknowledged(
        &mut self,
        now: Instant,
        acknowledgements: &Acknowledgements,
        config: &Config,
    ) {
        let known = core::mem::replace(&mut self.acknowledged, acknowledgements.acknowledged);
        let progressed = known != acknowledgements.acknowledged;
        if progressed && acknowledgements.pending {
            // The Ping waits behind these bytes, if one was sent.
            self.not_listening(now);
            if let Some(blocked) = &mut self.write_blocked {
                *blocked = now;
            }
        }
        match acknowledgements.in_flight {
            None => {
                self.writes = Writes::Settled;
                self.writes_due = Some(CoarseInstant::after(now + floor(config) / NEXT_LOOK));
            }
            // The same bytes as before: they have to be acknowledged by then.
            Some(_) if self.writes == Writes::InFlight && !progressed => {}
            Some(age) => {
                let patience = config.min_pong_timeout + acknowledgements.round_trip_limit;
                let patience = patience.min(config.pong_timeout);
                self.writes = Writes::InFlight;
                self.writes_due = Some(CoarseInstant::after(now + patience.saturating_sub(age)));
            }
        }
    }

    /// What was taken is of no account: something was heard.
    pub(super) const fn settle_writes(&mut self) {
        self.writes = Writes::Settled;
        self.writes_due = None;
    }

    pub(super) fn acknowledgement_timeout(&self, config: &Config) -> Option<Instant> {
        let due = self.writes_due.map(|due| due.near(self.last_heard));
        match self.writes {
            Writes::Settled => None,
            Writes::Taken => {
                let first_look = self.last_heard + floor(config) / FIRST_LOOK;
                Some(due.map_or(first_look, |due| due.max(first_look)))
            }
            Writes::InFlight => due,
        }
    }

    /// Whether what is under way is overdue now, which is when `writes_due` has
    /// come. What nobody could tell about is forgotten.
    pub(super) fn is_unacknowledged(&mut self, now: Instant, config: &Config) -> bool {
        if self.writes == Writes::Taken {
            self.writes = Writes::Settled;
            self.writes_due = Some(CoarseInstant::after(now + floor(config) / NEXT_LOOK));
        }
        self.writes == Writes::InFlight
    }
}

/// How long bytes may stay unacknowledged if the round trip takes no time.
fn floor(config: &Config) -> Duration {
    config.min_pong_timeout.min(config.pong_timeout)
}
