//! Leaving step by step: who is closed when, and until when it stays away.

use longwire_proto::{CloseCode, CloseFrame, ReconnectWindow};
use std::time::Duration;

/// How a server closes its connections so that their clients do not all come
/// back at once.
///
/// Connections are closed evenly over a time, and each Close frame tells its
/// client when to come back ([`ReconnectWindow`]): the first one at the beginning
/// of the window for all, the last one at its end. So the reconnects are even
/// over the whole window, and all are away for about as long. The reconnecting
/// client of this library does as it is told.
///
/// ```
/// use longwire::{Drain, reconnecting::ReconnectWindow};
/// use std::time::Duration;
///
/// // Closed within ten seconds; back from the twelfth second to the fortieth,
/// // counted from the beginning.
/// let window = ReconnectWindow {
///     from: Duration::from_secs(12),
///     to: Duration::from_secs(40),
/// };
/// let drain = Drain::restarting(Duration::from_secs(10), window);
/// ```
///
/// [`ServerHandle::drain`](crate::server::ServerHandle::drain) and, on the event
/// loops, `EngineHandle::drain` do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    code: CloseCode,
    over: Duration,
    reconnect: ReconnectWindow,
}

/// How often a drain goes on. What is due since the last time is closed at once.
pub(crate) const TICK: Duration = Duration::from_millis(50);

impl Drain {
    /// For a server that goes away for good, while others take its clients:
    /// closes with 1001 (RFC 6455, section 7.4.1), evenly over the time `over`.
    ///
    /// `reconnect` is when all are to come back, counted from the beginning of
    /// the drain, and at most a day ([`ReconnectWindow::MAX`]). For clients that are closed after their part of it, it says at
    /// once.
    pub fn leaving(over: Duration, reconnect: ReconnectWindow) -> Drain {
        let from = reconnect.from.min(ReconnectWindow::MAX);
        let to = reconnect.to.clamp(from, ReconnectWindow::MAX);
        Drain {
            code: CloseCode::GOING_AWAY,
            over,
            reconnect: ReconnectWindow { from, to },
        }
    }

    /// For a server that is started again: closes with 1012, service restart.
    /// Otherwise as [`leaving`](Self::leaving). The window had better begin when
    /// the next server listens.
    pub fn restarting(over: Duration, reconnect: ReconnectWindow) -> Drain {
        Drain {
            code: CloseCode::SERVICE_RESTART,
            ..Drain::leaving(over, reconnect)
        }
    }

    /// How long closing takes.
    pub const fn over(&self) -> Duration {
        self.over
    }

    /// The Close frame of a connection that is closed when so much time has
    /// passed, whatever its place in the order.
    pub(crate) fn frame(&self, elapsed: Duration) -> Option<CloseFrame> {
        self.frame_of(self.reconnect, elapsed)
    }

    /// `window` is counted from the beginning of the drain.
    fn frame_of(&self, window: ReconnectWindow, elapsed: Duration) -> Option<CloseFrame> {
        let why = match self.code {
            CloseCode::SERVICE_RESTART => "the server restarts",
            _ => "the server shuts down",
        };
        let window = ReconnectWindow {
            from: to_millis(window.from.saturating_sub(elapsed)),
            to: to_millis(window.to.saturating_sub(elapsed)),
        };
        CloseFrame::new(self.code, window.reason(why)).ok()
    }
}

/// What a person can read, and a client waits for as exactly.
fn to_millis(time: Duration) -> Duration {
    Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000)
}

/// A drain under way: tells what to close now, and knows neither clock nor
/// connection.
#[derive(Debug)]
pub(crate) struct Schedule {
    drain: Drain,
    connections: u32,
    closed: u32,
}

/// The next connections to close, all with one Close frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) size: usize,
    pub(crate) frame: CloseFrame,
}

impl Schedule {
    pub(crate) fn new(drain: Drain, connections: usize) -> Schedule {
        Schedule {
            drain,
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
            closed: 0,
        }
    }

    /// What is to be closed when so much time has passed since the beginning, if
    /// anything. To be asked once a [`TICK`].
    pub(crate) fn next(&mut self, elapsed: Duration) -> Option<Batch> {
        let due = self.due(elapsed) - self.closed;
        let size = due.min(self.most());
        if size == 0 {
            return None;
        }
        let window = ReconnectWindow {
            from: self.moment(self.closed),
            to: self.moment(self.closed + size),
        };
        let frame = self.drain.frame_of(window, elapsed)?;
        self.closed += size;
        Some(Batch {
            size: size as usize,
            frame,
        })
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.closed == self.connections
    }

    /// How many are to be closed by then.
    fn due(&self, elapsed: Duration) -> u32 {
        if elapsed >= self.drain.over {
            return self.connections;
        }
        self.share(elapsed).clamp(self.closed, self.connections)
    }

    /// How many may be closed at a time: twice what a tick brings. Who was late,
    /// such as a stopped process, does not make up for it at once.
    fn most(&self) -> u32 {
        if self.drain.over <= TICK {
            return self.connections;
        }
        self.share(2 * TICK).max(1)
    }

    /// How many are closed in so much time, which is not longer than all takes.
    fn share(&self, time: Duration) -> u32 {
        let share = u128::from(self.connections) * time.as_nanos();
        let share = share.div_ceil(self.drain.over.as_nanos().max(1));
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// When the client of this place in the order comes back, counted from the
    /// beginning.
    fn moment(&self, place: u32) -> Duration {
        let part = f64::from(place) / f64::from(self.connections.max(1));
        self.drain.reconnect.pick(part)
    }
}

#[cfg(test)]
mod tests;
