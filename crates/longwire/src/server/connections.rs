use crate::{
    Closer, Drain, WebSocket,
    drain::{Schedule, TICK},
    keeper::lock,
};
use longwire_proto::{CloseCode, CloseFrame};
use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The open WebSockets of a server, so that it can close them when it leaves.
///
/// Closers are weak, and swept out when their number has doubled: what a
/// connection costs here is a pointer, and its end costs nothing.
#[derive(Default)]
pub(super) struct Connections(Mutex<State>);

#[derive(Default)]
struct State {
    closers: Vec<Closer>,
    /// How many closers there may be before those of closed connections go.
    sweep_at: usize,
    leaving: Option<Leaving>,
}

/// How the server leaves.
#[derive(Clone, Copy)]
enum Leaving {
    AtOnce,
    /// Step by step, since then.
    Draining(Drain, Instant),
}

impl Connections {
    pub(super) fn add(&self, ws: &WebSocket) {
        let closer = ws.closer();
        let mut state = self.lock();
        if let Some(leaving) = state.leaving {
            leaving.close(&closer);
        }
        if state.closers.len() >= state.sweep_at {
            state.closers.retain(|closer| !closer.is_closed());
            state.sweep_at = (2 * state.closers.len()).max(64);
        }
        state.closers.push(closer);
    }

    /// Closes all connections, and those that are yet to come.
    pub(super) fn leave(&self) {
        let closers = {
            let mut state = self.lock();
            state.leaving = Some(Leaving::AtOnce);
            state.closers.clone()
        };
        for closer in &closers {
            Leaving::AtOnce.close(closer);
        }
    }

    /// Closes all connections step by step, and those that are yet to come, as
    /// soon as they have. Ends when none is open any more, which may be before
    /// its time. Does nothing when the server leaves already.
    pub(super) async fn drain(&self, drain: Drain) {
        let began = Instant::now();
        let Some(closers) = self.begin(Leaving::Draining(drain, began)) else {
            return;
        };
        let mut schedule = Schedule::new(drain, closers.len());
        let mut closers = closers.iter();
        let mut ticks = interval(TICK);
        // A late one is not made up for: the schedule knows what is due.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !schedule.is_done() && self.open() > 0 {
            ticks.tick().await;
            if let Some(batch) = schedule.next(began.elapsed()) {
                for closer in closers.by_ref().take(batch.size) {
                    closer.close(batch.frame.clone());
                }
            }
        }
    }

    /// The open connections, in the order in which they came, unless the server
    /// leaves already.
    fn begin(&self, leaving: Leaving) -> Option<Vec<Closer>> {
        let mut state = self.lock();
        if state.leaving.is_some() {
            return None;
        }
        state.leaving = Some(leaving);
        state.closers.retain(|closer| !closer.is_closed());
        Some(state.closers.clone())
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.lock().leaving.is_some()
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        let mut state = self.lock();
        state.closers.retain(|closer| !closer.is_closed());
        state.closers.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves the list valid.
        lock(&self.0)
    }
}

impl Leaving {
    /// Closes a connection that nothing else is known of.
    fn close(self, closer: &Closer) {
        let frame = match self {
            // RFC 6455, section 7.4.1: 1001 is for an endpoint that goes away,
            // such as a server that shuts down.
            Leaving::AtOnce => CloseFrame::new(CloseCode::GOING_AWAY, "the server shuts down").ok(),
            Leaving::Draining(drain, began) => drain.frame(began.elapsed()),
        };
        if let Some(frame) = frame {
            closer.close(frame);
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("closers", &self.lock().closers.len())
            .finish_non_exhaustive()
    }
}
