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

pub(super) struct Slot<D> {
    /// Which connection has this place now: see [`id_of`].
    pub(super) id: u64,
    pub(super) socket: Socket,
    pub(super) stage: Stage<D>,
    /// What the socket did not take. Boxed, since most have none.
    backlog: Option<Box<Output>>,
    /// So much was to be written that the handler is told when it is.
    was_full: bool,
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
            was_full: false,
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

    /// A peer that reads nothing is not read from either: what it sends would
    /// only make more to be written.
    pub(super) fn is_paused<H>(&self, turn: &Turn<'_, H>) -> bool {
        let limit = turn.options.config.limits.max_queued_output;
        let backlog = self.backlog.as_ref().map_or(0, |backlog| backlog.len());
        let queued = backlog + self.socket.unwritten();
        queued > 0 && queued >= limit
    }

    /// Reads once, and handles what came.
    pub(super) fn read<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        buffer: &mut [u8],
    ) -> Incoming {
        #[cfg(feature = "tls")]
        if let Stage::Securing(_) = self.stage {
            return self.secure(turn, buffer);
        }
        let incoming = match self.socket.read(buffer) {
            Ok(incoming) => incoming,
            Err(error) => {
                self.broken(turn, error);
                return Incoming::End;
            }
        };
        match incoming {
            Incoming::Bytes { len, .. } => {
                self.take_in(turn, &mut buffer[..len]);
                self.flush(turn);
            }
            Incoming::End => self.eof(turn),
            Incoming::Nothing => {}
        }
        incoming
    }

    fn take_in<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        match &mut self.stage {
            Stage::Open(..) => self.receive(turn, bytes),
            Stage::Handshake(_) => self.shake_hands(turn, bytes),
            _ => {}
        }
    }

    /// Gives input to the connection, and what it tells to the handler.
    fn receive<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        let Stage::Open(connection, data) = &mut self.stage else {
            return;
        };
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let mut room = Room::of(connection);
        let mut input = Input::new(bytes).with_scratch(room.bytes());
        let handled = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let mut lent = Lent::default();
                let mut env = env(turn.now, output, &mut lent);
                let Some(event) = connection.next_event(&mut env, &mut input) else {
                    return;
                };
                let mut peer = Peer {
                    data,
                    connection,
                    output,
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
                if let Some(answer) = turn.handler.on_message(&mut peer, message) {
                    // A peer that is full is paused, and one that closes has
                    // no use for answers.
                    let _ = peer.send(answer);
                }
            }
        }));
        if handled.is_err() {
            self.panicked(turn);
        }
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

    fn shake_hands<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        let Stage::Handshake(opening) = &mut self.stage else {
            return;
        };
        let mut rest: &[u8] = bytes;
        match opening.reader.receive(&mut rest) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let frames = bytes.len() - rest.len();
                if let (Some(http), false) = (&turn.options.http, head.is_upgrade()) {
                    return match http.admit(head, rest) {
                        Some(leaving) => self.stage = Stage::Http(leaving),
                        None => self.refuse(turn, &crowded()),
                    };
                }
                match decide(turn, head, &self.socket) {
                    Ok((response, extension, data)) => {
                        turn.cork.put(&response);
                        self.open(turn, extension, data);
                        self.take_in(turn, &mut bytes[frames..]);
                    }
                    Err(refusal) => self.refuse(turn, &refusal),
                }
            }
            Err(error) => self.refuse(turn, &error.into()),
        }
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
        self.receive(turn, &mut []);
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
                self.flush(turn);
            }
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
            Stage::Refused(deadline) => Some(*deadline),
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
        loop {
            let limit = turn.options.config.limits.max_queued_output;
            self.was_full |= self.queued(turn) >= limit;
            if let Err(error) = self.write_queued(turn) {
                return self.broken(turn, error);
            }
            if !self.was_full || self.queued(turn) > 0 {
                break;
            }
            self.was_full = false;
            turn.desk.has_room(self.id);
            // What it sends now collects in the cork again.
            self.with_peer(turn, Handler::on_drained);
        }
        self.end_transport(self.queued(turn) == 0);
    }

    /// How many bytes wait to be written.
    fn queued<H>(&self, turn: &Turn<'_, H>) -> usize {
        self.backlog.as_deref().unwrap_or(turn.cork).len() + self.socket.unwritten()
    }

    fn write_queued<H>(&mut self, turn: &mut Turn<'_, H>) -> io::Result<()> {
        loop {
            let before = self.queued(turn);
            let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
            self.socket.write(output, &[])?;
            let left = self.queued(turn);
            if left > 0 {
                self.keep_rest(turn, left < before);
                return Ok(());
            }
            self.backlog = None;
            if before > 0
                && let Stage::Open(connection, _) = &mut self.stage
            {
                connection.output_written(&mut env(turn.now, turn.cork, &mut Lent::default()));
            }
            if turn.cork.is_empty() {
                return Ok(());
            }
            // The Pong that was owed.
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
