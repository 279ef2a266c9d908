//! Canaries: open connections that only find out how long they may be silent.
//! The handler never hears of one, and none is counted or has a topic.

use super::{Lent, Slot, Stage, Turn, env};
use crate::server::heartbeat;
use longwire_proto::{Connection, Event, Input, ReceiveMode, Role, heartbeat::CanaryPlace};
use std::sync::Arc;

pub(in crate::worker) struct Canary {
    pub(super) connection: Connection,
    /// Given back when dropped.
    _place: CanaryPlace,
}

impl<D: Send + 'static> Slot<D> {
    /// Opens a canary that was admitted.
    pub(super) fn open_canary<H>(&mut self, turn: &Turn<'_, H>, place: CanaryPlace) {
        let config = Arc::clone(&turn.options.config);
        let mut connection = Connection::new(Role::Server, config, turn.now);
        connection.watch();
        // Nothing of a message is kept.
        connection.set_receive_mode(ReceiveMode::Stream);
        let canary = Canary {
            connection,
            _place: place,
        };
        self.stage = Stage::Canary(Box::new(canary));
    }

    /// Gives input to a canary's connection, which answers Pings, and closes one
    /// that says more.
    pub(super) fn receive_canary<H>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        let Stage::Canary(canary) = &mut self.stage else {
            return;
        };
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let mut lent = Lent::default();
        let mut env = env(turn.now, output, &mut lent);
        let mut input = Input::new(bytes);
        while let Some(event) = canary.connection.next_event(&mut env, &mut input) {
            if matches!(event, Event::Chunk(_))
                && let Some(frame) = heartbeat::chatty()
            {
                // One that is closing already goes on with that.
                let _ = canary.connection.close(&mut env, frame);
            }
        }
    }
}
