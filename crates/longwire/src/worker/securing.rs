//! A connection of a worker in its TLS handshake: the worker reads and writes,
//! the [`Handshakes`](super::handshakes::Handshakes) compute.

use super::{
    connection::{Slot, Stage, Turn},
    handler::Handler,
    handshakes::Step,
    socket::Incoming,
};
use crate::{server::not_tls, tls};

/// How much is read at a time: what comes behind a handshake stays in the
/// socket until it is over.
const READ: usize = 16 * 1024;

impl<D: Send + 'static> Slot<D> {
    /// Reads until the next step of the handshake can be done, and has it done.
    pub(super) fn secure<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        buffer: &mut [u8],
    ) -> Incoming {
        let Some(mut session) = self.socket.take_session() else {
            // A step is being done; it is read on after that.
            return Incoming::Nothing;
        };
        let buffer = &mut buffer[..READ];
        loop {
            // Without its session the socket gives what comes as it is.
            match self.socket.read(buffer) {
                Ok(Incoming::Bytes { len, .. }) => {
                    if session.is_new() && buffer[0] != tls::HANDSHAKE {
                        self.refuse(turn, &not_tls());
                        self.flush(turn);
                        return Incoming::Bytes {
                            len,
                            drained: false,
                        };
                    }
                    if session.receive(&buffer[..len]) {
                        turn.desk.submit(self.id, session);
                        return Incoming::Nothing;
                    }
                }
                Ok(Incoming::Nothing) => {
                    self.socket.set_session(session);
                    return Incoming::Nothing;
                }
                Ok(Incoming::End) => {
                    self.stage = Stage::Gone;
                    return Incoming::End;
                }
                Err(error) => {
                    self.broken(turn, error);
                    return Incoming::End;
                }
            }
        }
    }

    /// A step of the handshake was done.
    pub(super) fn secured<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, step: Step) {
        let Stage::Securing(deadline, announced) = self.stage else {
            return;
        };
        match step.result {
            Ok(()) => {
                if !step.session.is_handshaking() {
                    self.stage = Stage::request(turn, deadline, announced);
                }
                self.socket.set_session(step.session);
            }
            Err(error) => {
                tracing::debug!(id = self.id, %error, "TLS handshake failed");
                // The alert is ready for the wire as it is. It is lost if the
                // socket is closed on what the peer has still sent.
                turn.cork.put(step.session.unsent());
                self.stage = Stage::Refused(turn.now + turn.options.config.close_timeout);
            }
        }
        self.flush(turn);
    }
}
