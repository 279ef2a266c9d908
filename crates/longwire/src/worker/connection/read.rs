//! What comes from the peer.

use super::{Lent, Room, Slot, Stage, Turn, env};
use crate::{
    Error,
    worker::{handler::Handler, peer::Peer, socket::Incoming},
};
use longwire_proto::{Connection, Event, Input, MessageRef};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How much is read at once: the more the fewer calls, but a batch that leaves
/// the processor's cache costs more than a call.
const READ: usize = 256 * 1024;

/// How many batches are read of one connection before others get their turn.
const BATCHES: usize = 8;

/// From this size on an answer is written from where it is, if the batch ends
/// with it and is written now in any case: a second piece in a write costs as
/// much as a copy of so many bytes.
const LEND: usize = 16 * 1024;

/// From this size on it is in any case: a write of its own costs less than a
/// copy.
const LEND_AMONG: usize = 64 * 1024;

impl<D: Send + 'static> Slot<D> {
    /// Reads what there is, up to the connection's share of the turn, and
    /// handles it. Whether there may be more.
    ///
    /// A short read has drained the socket, unless the peer has closed its
    /// half: then the end may lie behind it, and no event tells of it again.
    pub(in crate::worker) fn read<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        buffer: &mut [u8],
        closed: bool,
    ) -> bool {
        // A cut frame that waits in the buffer for the rest.
        let mut kept = 0..0;
        for others_wait in (0..BATCHES).map(|batch| batch + 1 == BATCHES) {
            if let Stage::Announcing(_) = self.stage
                && !self.read_proxy_header(turn, buffer)
            {
                return false;
            }
            #[cfg(feature = "tls")]
            if let Stage::Securing(..) = self.stage {
                match self.secure(turn, buffer) {
                    Incoming::Bytes { .. } => continue,
                    Incoming::Nothing | Incoming::End => return false,
                }
            }
            if self.is_gone() || self.is_paused(turn) && kept.is_empty() {
                return false; // A pause ends when the backlog is written.
            }
            if kept.end == buffer.len() {
                buffer.copy_within(kept.clone(), 0);
                kept = 0..kept.len();
            }
            let end = buffer.len().min(kept.end + READ);
            match self.socket.read(&mut buffer[kept.end..end]) {
                Ok(Incoming::Bytes { len, drained }) => {
                    let end = kept.end + len;
                    // What is encrypted is kept where it was read, and not here.
                    let room = if drained || others_wait || self.socket.is_secure() {
                        0
                    } else {
                        buffer.len()
                    };
                    let cut = self.take_in(turn, &mut buffer[kept.start..end], room);
                    self.flush(turn);
                    kept = if cut > 0 { end - cut..end } else { 0..0 };
                    if drained && !closed {
                        return false;
                    }
                }
                Ok(Incoming::Nothing) => {
                    self.take_in(turn, &mut buffer[kept], 0);
                    self.flush(turn);
                    return false;
                }
                Ok(Incoming::End) => {
                    self.eof(turn);
                    return false;
                }
                Err(error) => {
                    self.broken(turn, error);
                    return false;
                }
            }
        }
        true
    }

    /// Takes what was read. A frame that the end of the bytes has cut may be
    /// left there if it does not get longer than `room`: the length of what was.
    pub(super) fn take_in<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        bytes: &mut [u8],
        room: usize,
    ) -> usize {
        match &mut self.stage {
            Stage::Open(..) => self.receive(turn, bytes, room),
            Stage::Canary(_) => {
                self.receive_canary(turn, bytes);
                0
            }
            Stage::Handshake(_) => self.shake_hands(turn, bytes, room),
            _ => 0,
        }
    }

    /// Gives input to the connection, and what it tells to the handler. What it
    /// leaves is as in [`take_in`](Self::take_in).
    pub(super) fn receive<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        bytes: &mut [u8],
        room: usize,
    ) -> usize {
        let Stage::Open(connection, data) = &mut self.stage else {
            return 0;
        };
        // Behind what the socket did not take there is nothing to be written yet,
        // and what is encrypted is copied in any case.
        let mut lends = self.backlog.is_none() && !self.socket.is_secure();
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let mut scratch = Room::of(connection);
        let mut lent = Lent::default();
        let mut env = env(turn.now, output, &mut lent);
        let mut input = Input::new(bytes).with_scratch(scratch.bytes());
        let handled = catch_unwind(AssertUnwindSafe(|| {
            loop {
                if room > 0 && fits(connection, &input, room) {
                    return input.len();
                }
                let Some(event) = connection.next_event(&mut env, &mut input) else {
                    return 0;
                };
                let mut peer = Peer {
                    data,
                    connection,
                    output: env.output,
                    now: turn.now,
                    desk: turn.desk,
                    id: self.id,
                };
                let message = match &event {
                    Event::Text(text) => MessageRef::Text(text),
                    Event::Binary(bytes) => MessageRef::Binary(bytes),
                    Event::Closed => {
                        tell_end(turn.handler, &mut peer);
                        continue;
                    }
                    Event::Chunk(_) | Event::Ping(_) | Event::Pong(_) => continue,
                };
                let Some(answer) = turn.handler.on_message(&mut peer, message) else {
                    continue;
                };
                // A peer that is full is paused, and one that closes has no use
                // for answers.
                let lend_from = if input.is_empty() { LEND } else { LEND_AMONG };
                if !lends || answer.as_bytes().len() < lend_from {
                    let _ = connection.send_ref(&mut env, answer);
                } else if let Ok(payload) = connection.send_lent(&mut env, answer) {
                    // The flush that follows meets an error again.
                    let before = env.output.len() + payload.len();
                    let _ = self.socket.write(env.output, payload);
                    lends = env.output.is_empty();
                    turn.wrote |= env.output.len() < before;
                }
            }
        }));
        handled.unwrap_or_else(|_| {
            self.panicked(turn);
            0
        })
    }

    pub(super) fn eof<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        match &self.stage {
            Stage::Open(..) | Stage::Canary(_) => {
                self.with_connection(turn, |connection, env| connection.receive_eof(env.now));
                if self.has_backlog() {
                    self.stage = Stage::Draining(turn.now + turn.options.config.close_timeout);
                }
                self.flush(turn);
            }
            Stage::Draining(_) => {}
            _ => self.stage = Stage::Gone,
        }
    }
}

/// Tells the handler how the connection ended.
fn tell_end<H: Handler>(handler: &H, peer: &mut Peer<'_, H::Data>) {
    let Some(info) = peer.connection.close_info().cloned() else {
        return;
    };
    peer.desk.mailbox().closed();
    if !info.was_clean() {
        let error = Error::Ended {
            cause: info.cause,
            source: peer.desk.transport_error.take(),
        };
        // Whatever becomes of this, `on_close` is called.
        if catch_unwind(AssertUnwindSafe(|| handler.on_error(peer, &error))).is_err() {
            tracing::error!(id = peer.id, "the handler panicked");
        }
    }
    handler.on_close(peer, &info);
}

/// Whether the frame that the input's end has cut will be whole within `room`.
fn fits(connection: &Connection, input: &Input<'_>, room: usize) -> bool {
    let missing = connection.missing(input);
    missing.is_some_and(|missing| missing <= room - input.len())
}
