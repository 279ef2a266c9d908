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
    /// Which of how many schedules this is, from 0.
    part: (u32, u32),
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
            part: (0, 1),
        }
    }

    /// One of as many schedules as there are `workers`, each for connections of
    /// its own. They take turns, so that they do not all close their first one
    /// at once.
    #[cfg(feature = "worker")]
    pub(crate) fn of_worker(self, number: u32, workers: u32) -> Schedule {
        Schedule {
            part: (number, workers.max(1)),
            ..self
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
        let window = self.window(self.closed, self.closed + size - 1);
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
        let (number, schedules) = self.part;
        let over = self.drain.over.as_nanos();
        let share = u128::from(self.connections)
            .saturating_mul(elapsed.as_nanos())
            .saturating_mul(schedules.into())
            .saturating_sub(over * u128::from(number))
            .div_ceil(over * u128::from(schedules));
        self.at_most_all(share).max(self.closed)
    }

    /// How many may be closed at a time: twice what a tick brings. Who was late,
    /// such as a stopped process, does not make up for it at once.
    fn most(&self) -> u32 {
        if self.drain.over <= TICK {
            return self.connections;
        }
        let share = u128::from(self.connections) * (2 * TICK).as_nanos();
        let share = share.div_ceil(self.drain.over.as_nanos());
        self.at_most_all(share).max(1)
    }

    fn at_most_all(&self, share: u128) -> u32 {
        u32::try_from(share).map_or(self.connections, |share| share.min(self.connections))
    }

    /// The part of the window for these places in the order, counted from the
    /// beginning. Between two places of one schedule are those of the others.
    fn window(&self, first: u32, last: u32) -> ReconnectWindow {
        let (number, schedules) = self.part;
        let moment = |place: u32, number: u32| {
            let place = f64::from(place) + f64::from(number) / f64::from(schedules);
            let part = place / f64::from(self.connections);
            self.drain.reconnect.pick(part)
        };
        ReconnectWindow {
            from: moment(first, number),
            to: moment(last, number + 1),
        }
    }
}

#[cfg(test)]
mod tests;
