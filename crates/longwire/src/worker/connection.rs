//! One connection of a worker: plain state, and what is done with it in a turn.

mod deliver;

use super::{
    desk::Desk,
    engine::EngineOptions,
    handler::Handler,
    http::Leaving,
    opening::Opening,
    peer::Peer,
    socket::{Incoming, Socket},
};
use crate::{
    Error,
    deflate::{Room, ThreadCodecs},
    server::{compress, crowded, late, mistake},
};
use longwire_proto::{
    CloseCode, CloseFrame, Connection, Env, Event, Input, Instant, MessageRef, NoMaskKeys, Output,
    Role, Transport,
    extension::MessageExtension,
    handshake::{Refusal, Request, RequestHead, RequestReader},
};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// How much is read at once: the more the fewer calls, but a batch that leaves
/// the processor's cache costs more than a call.
const READ: usize = 256 * 1024;

/// How many batches are read of one connection before others get their turn.
const BATCHES: usize = 8;

/// From this size on an answer is written from where it is, if the batch ends
/// with it and is written now in any case.
const LEND: usize = 4 * 1024;

/// From this size on it is in any case: a write of its own costs less than a
/// copy.
const LEND_AMONG: usize = 64 * 1024;

pub(super) struct Slot<D> {
    /// Which connection has this place now: see [`id_of`].
    pub(super) id: u64,
    pub(super) socket: Socket,
    pub(super) stage: Stage<D>,
    /// What the socket did not take. Boxed, since most have none.
    backlog: Option<Box<Output>>,
    /// The queue was full, and [`Handler::on_drained`] is still to be told that
    /// it was written.
    full: bool,
    shut_down: bool,
}

pub(super) enum Stage<D> {
    /// The TLS handshake is under way, and may take until then. Its session is
    /// in the socket, or where a step of it is done.
    #[cfg(feature = "tls")]
    Securing(Instant),
    /// The request is coming.
    Handshake(Box<Arriving>),
    Open(Connection, D),
    /// Refused: it may read the refusal until then.
    Refused(Instant),
    /// It asks for no WebSocket, and is to be removed.
    Http(Box<Leaving>),
    /// Ended, with the peer's half closed: it may read what it has not got yet
    /// until then.
    Draining(Instant),
    /// To be removed.
    Gone,
}

pub(super) struct Arriving {
    pub(super) reader: RequestReader,
    pub(super) deadline: Instant,
}

/// What a worker lends to the slot whose turn it is.
pub(super) struct Turn<'w, H> {
    pub(super) handler: &'w H,
    pub(super) options: &'w EngineOptions,
    pub(super) desk: &'w mut Desk,
    /// Collects what is sent while one batch of input is handled.
    pub(super) cork: &'w mut Output,
    /// Something was written before the flush.
    pub(super) wrote: bool,
    pub(super) now: Instant,
}

/// A place and how often it was given: no two connections of a worker have the
/// same within four billion.
pub(super) fn id_of(key: usize, generation: u32) -> u64 {
    (u64::from(generation) << 32) | key as u64
}

/// The place in an id.
pub(super) fn key_of(id: u64) -> usize {
    (id & u64::from(u32::MAX)) as usize
}

impl<D: Send + 'static> Slot<D> {
    pub(super) fn new<H>(id: u64, socket: Socket, turn: &Turn<'_, H>) -> Slot<D> {
        let deadline = turn.now + turn.options.handshake_timeout;
        let stage = Stage::Handshake(Box::new(Arriving {
            reader: RequestReader::new(turn.options.head_limits),
            deadline,
        }));
        #[cfg(feature = "tls")]
        let stage = match turn.desk.handshakes {
            Some(_) => Stage::Securing(deadline),
            None => stage,
        };
        Slot {
            id,
            socket,
            stage,
            backlog: None,
            full: false,
            shut_down: false,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Http(_) | Stage::Gone)
    }

    /// Its worker has removed it and is done with it.
    pub(super) fn leave(self, options: &EngineOptions) {
        let Slot { stage, socket, .. } = self;
        match (stage, &options.http) {
            (Stage::Http(leaving), Some(http)) => http.take(socket, *leaving),
            _ => socket.say_goodbye(),
        }
    }

    /// Whether its opening handshake is under way, TLS included.
    pub(super) fn is_opening(&self) -> bool {
        match self.stage {
            #[cfg(feature = "tls")]
            Stage::Securing(_) => true,
            Stage::Handshake(_) => true,
            _ => false,
        }
    }

    /// Whether something waits for the socket to take it.
    pub(super) fn has_backlog(&self) -> bool {
        self.backlog.is_some() || self.socket.unwritten() > 0
    }

    /// A peer that reads nothing is not read from either: what it sends would
    /// only make more to be written.
    pub(super) fn is_paused<H>(&self, turn: &Turn<'_, H>) -> bool {
        let limit = turn.options.config.limits.max_queued_output;
        let backlog = self.backlog.as_ref().map_or(0, |backlog| backlog.len());
        let queued = backlog + self.socket.unwritten();
        queued > 0 && queued >= limit
    }

    /// Reads what there is, up to the connection's share of the turn, and
    /// handles it. Whether there may be more.
    ///
    /// A short read has drained the socket, unless the peer has closed its
    /// half: then the end may lie behind it, and no event tells of it again.
    pub(super) fn read<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        buffer: &mut [u8],
        closed: bool,
    ) -> bool {
        // A cut frame that waits in the buffer for the rest.
        let mut kept = 0..0;
        for others_wait in (0..BATCHES).map(|batch| batch + 1 == BATCHES) {
            #[cfg(feature = "tls")]
            if let Stage::Securing(_) = self.stage {
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
    fn take_in<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        bytes: &mut [u8],
        room: usize,
    ) -> usize {
        match &mut self.stage {
            Stage::Open(..) => self.receive(turn, bytes, room),
            Stage::Handshake(_) => self.shake_hands(turn, bytes, room),
            _ => 0,
        }
    }

    /// Gives input to the connection, and what it tells to the handler. What it
    /// leaves is as in [`take_in`](Self::take_in).
    fn receive<H: Handler<Data = D>>(
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

    /// The handler panicked: this connection is closed, the others go on.
    fn panicked<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        tracing::error!(id = self.id, "the handler panicked");
        if let Ok(frame) = CloseFrame::new(CloseCode::INTERNAL_ERROR, "") {
            self.with_connection(turn, |connection, env| {
                let _ = connection.close(env, frame);
            });
        }
    }

    fn shake_hands<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        bytes: &mut [u8],
        room: usize,
    ) -> usize {
        let Stage::Handshake(opening) = &mut self.stage else {
            return 0;
        };
        let mut rest: &[u8] = bytes;
        match opening.reader.receive(&mut rest) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let frames = bytes.len() - rest.len();
                if let (Some(http), false) = (&turn.options.http, head.is_upgrade()) {
                    match http.admit(head, rest) {
                        Some(leaving) => self.stage = Stage::Http(leaving),
                        None => self.refuse(turn, &crowded()),
                    }
                    return 0;
                }
                match decide(turn, head, &self.socket) {
                    Ok((response, extension, data)) => {
                        turn.cork.put(&response);
                        self.open(turn, extension, data);
                        return self.take_in(turn, &mut bytes[frames..], room);
                    }
                    Err(refusal) => self.refuse(turn, &refusal),
                }
            }
            Err(error) => self.refuse(turn, &error.into()),
        }
        0
    }

    fn open<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        extension: Option<Box<dyn MessageExtension>>,
        data: D,
    ) {
        let config = Arc::clone(&turn.options.config);
        let mut connection = Connection::new(Role::Server, config, turn.now);
        if let Some(extension) = extension {
            connection = connection.with_extension(extension);
        }
        self.stage = Stage::Open(connection, data);
        turn.desk.mailbox().opened();
        self.with_peer(turn, Handler::on_open);
    }

    pub(super) fn refuse<H>(&mut self, turn: &mut Turn<'_, H>, refusal: &Refusal) {
        turn.cork.put(&refusal.to_bytes());
        self.stage = Stage::Refused(turn.now + turn.options.config.close_timeout);
    }

    /// Calls the handler for this connection, if it has not ended.
    fn with_peer<H: Handler<Data = D>, R>(
        &mut self,
        turn: &mut Turn<'_, H>,
        call: impl FnOnce(&H, &mut Peer<'_, D>) -> R,
    ) -> Option<R> {
        let Stage::Open(connection, data) = &mut self.stage else {
            return None;
        };
        if connection.close_info().is_some() {
            return None;
        }
        let mut peer = Peer {
            data,
            connection,
            output: self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork),
            now: turn.now,
            desk: turn.desk,
            id: self.id,
        };
        let called = catch_unwind(AssertUnwindSafe(|| call(turn.handler, &mut peer)));
        if called.is_err() {
            self.panicked(turn);
        }
        called.ok()
    }

    /// Calls the core for this connection, and tells the handler what came of
    /// it.
    fn with_connection<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        call: impl FnOnce(&mut Connection, &mut Env<'_>),
    ) {
        let Stage::Open(connection, _) = &mut self.stage else {
            return;
        };
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        call(connection, &mut env(turn.now, output, &mut Lent::default()));
        self.receive(turn, &mut [], 0);
    }

    pub(super) fn close<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        frame: CloseFrame,
    ) {
        match self.stage {
            Stage::Open(..) => self.with_connection(turn, |connection, env| {
                let _ = connection.close(env, frame);
            }),
            _ => self.stage = Stage::Gone,
        }
        self.flush(turn);
    }

    fn eof<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        match &self.stage {
            Stage::Open(..) => {
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

    pub(super) fn broken<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        error: io::Error,
    ) {
        tracing::debug!(id = self.id, %error, "transport failed");
        turn.desk.transport_error = Some(Arc::new(error));
        self.with_connection(turn, |connection, env| connection.transport_error(env.now));
        turn.desk.transport_error = None;
        self.backlog = None;
        turn.cork.advance(usize::MAX);
        self.stage = Stage::Gone;
    }

    /// Whether a deadline has come.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let deadline = match &self.stage {
            Stage::Open(connection, _) => connection.next_timeout(),
            #[cfg(feature = "tls")]
            Stage::Securing(deadline) => Some(*deadline),
            Stage::Handshake(opening) => Some(opening.deadline),
            Stage::Refused(deadline) | Stage::Draining(deadline) => Some(*deadline),
            Stage::Http(_) | Stage::Gone => None,
        };
        deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Does what is due. The socket was read before: what proves the peer alive
    /// may have waited there.
    pub(super) fn handle_timeout<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        match &self.stage {
            Stage::Open(..) => self.with_connection(turn, Connection::handle_timeout),
            Stage::Handshake(opening) if opening.reader.received() > 0 => {
                self.refuse(turn, &late());
            }
            _ => self.stage = Stage::Gone,
        }
        self.flush(turn);
    }

    /// Writes what there is to write, keeps what the socket does not take, and
    /// takes the transport down as far as the core says.
    pub(super) fn flush<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        let before = self.queued(turn);
        // It may take more than one write until it is not.
        self.full |= before >= turn.options.config.limits.max_queued_output;
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let written = self.socket.write(output, &[]);
        let wrote = std::mem::take(&mut turn.wrote);
        if let Err(error) = written {
            return self.broken(turn, error);
        }
        let left = self.queued(turn);
        if left > 0 {
            self.keep_rest(turn, left < before || wrote);
        } else {
            self.backlog = None;
            if before > 0 || wrote {
                self.written(turn);
            }
        }
        self.end_transport(self.queued(turn) == 0);
    }

    /// How many bytes wait to be written.
    fn queued<H>(&self, turn: &Turn<'_, H>) -> usize {
        self.backlog.as_deref().unwrap_or(turn.cork).len() + self.socket.unwritten()
    }

    /// Tells the handler that a queue which was full has been written. Whether
    /// the queue was filled again and written again: of that it is told in its
    /// next turn, so that the others have theirs.
    pub(super) fn tell_drained<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) -> bool {
        if !self.full || self.has_backlog() {
            return false;
        }
        self.full = false;
        turn.desk.has_room(self.id);
        self.with_peer(turn, Handler::on_drained);
        self.flush(turn);
        self.full && !self.has_backlog()
    }

    fn written<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        let Stage::Open(connection, _) = &mut self.stage else {
            return;
        };
        connection.output_written(&mut env(turn.now, turn.cork, &mut Lent::default()));
        if !turn.cork.is_empty() {
            // The Pong that was owed.
            self.flush(turn);
        }
    }

    /// The socket did not take all.
    fn keep_rest<H>(&mut self, turn: &mut Turn<'_, H>, progressed: bool) {
        if self.backlog.is_none() && !turn.cork.is_empty() {
            turn.cork.move_to(self.backlog.insert(Box::default()));
        }
        if let Stage::Open(connection, _) = &mut self.stage {
            if progressed {
                connection.write_progressed(turn.now);
            } else {
                connection.write_blocked(turn.now);
            }
        }
    }

    fn end_transport(&mut self, flushed: bool) {
        let transport = match &self.stage {
            Stage::Open(connection, _) => connection.transport(),
            Stage::Refused(_) => Transport::ShutdownWrite,
            Stage::Draining(_) if flushed => Transport::Close,
            _ => Transport::Open,
        };
        match transport {
            Transport::ShutdownWrite if flushed && !self.shut_down => {
                match self.socket.shutdown() {
                    Ok(done) => self.shut_down = done,
                    Err(_) => self.stage = Stage::Gone,
                }
            }
            Transport::Close => self.stage = Stage::Gone,
            _ => {}
        }
    }
}

/// The response of a client that is let in, what was agreed with it, and what
/// the handler keeps for it.
type Admission<D> = (Vec<u8>, Option<Box<dyn MessageExtension>>, D);

/// Checks a request and asks the handler.
fn decide<H: Handler>(
    turn: &Turn<'_, H>,
    head: RequestHead,
    socket: &Socket,
) -> Result<Admission<H::Data>, Refusal> {
    let request = Request::from_head(head)?;
    let options = turn.options;
    options.origin.check(&request, &options.origin_setting)?;
    let peer_addr = || socket.peer_addr();
    let opening = Opening::new(&request, &peer_addr);
    let asked = catch_unwind(AssertUnwindSafe(|| turn.handler.on_request(&opening)));
    let (acceptance, data) = asked.map_err(|_| mistake())??;
    let (acceptance, extension) = compress(acceptance, &request, &options.config);
    match request.accept(&acceptance) {
        Ok(response) => Ok((response, extension, data)),
        Err(misuse) => {
            tracing::error!(path = request.path(), reason = %misuse, "this answer cannot be sent");
            Err(mistake())
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

/// What a worker lends to the core: a server masks nothing.
#[derive(Default)]
struct Lent {
    mask_keys: NoMaskKeys,
    codecs: ThreadCodecs,
}

fn env<'e>(now: Instant, output: &'e mut Output, lent: &'e mut Lent) -> Env<'e> {
    Env {
        now,
        output,
        mask_keys: &mut lent.mask_keys,
        codecs: &mut lent.codecs,
    }
}
