use crate::{Closer, WebSocket, keeper::lock};
use longwire_proto::{CloseCode, CloseFrame};
use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};

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
    leaving: bool,
}

impl Connections {
    pub(super) fn add(&self, ws: &WebSocket) {
        let closer = ws.closer();
        let mut state = self.lock();
        if state.leaving {
            close(&closer);
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
            state.leaving = true;
            state.closers.clone()
        };
        closers.iter().for_each(close);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.lock().leaving
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

/// RFC 6455, section 7.4.1: 1001 is for an endpoint that goes away, such as a
/// server that shuts down.
fn close(closer: &Closer) {
    if let Ok(frame) = CloseFrame::new(CloseCode::GOING_AWAY, "the server shuts down") {
        closer.close(frame);
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("closers", &self.lock().closers.len())
            .finish_non_exhaustive()
    }
}
