//! One connection of a worker: plain state, and what is done with it in a turn.

use super::{
    engine::EngineOptions,
    handler::{Handler, Peer},
    mailbox::Mailbox,
};
use crate::{
    deflate::ThreadCodecs,
    io::SLICES,
    server::{compress, late, mistake},
};
use longwire_proto::{
    CloseCode, CloseFrame, Connection, Env, Event, Input, Instant, MessageRef, NoMaskKeys, Output,
    PreparedMessage, Role, Transport,
    extension::MessageExtension,
    handshake::{Refusal, Request, RequestHead, RequestReader},
};
use mio::net::TcpStream;
use std::{
    io::{self, IoSlice, Read as _, Write as _},
    net::Shutdown,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

pub(super) struct Slot<D> {
    /// Which connection has this place now: see [`id_of`].
    pub(super) id: u64,
    pub(super) socket: TcpStream,
    stage: Stage<D>,
    /// What the socket did not take. Boxed, since most have none.
    backlog: Option<Box<Output>>,
    shut_down: bool,
}

enum Stage<D> {
    /// The request is coming.
    Handshake(Box<Opening>),
    Open(Connection, D),
    /// Refused: it may read the refusal until then.
    Refused(Instant),
    /// To be removed.
    Gone,
}

struct Opening {
    reader: RequestReader,
    deadline: Instant,
}

/// What a worker lends to the slot whose turn it is.
pub(super) struct Turn<'w, H> {
    pub(super) handler: &'w H,
    pub(super) options: &'w EngineOptions,
    pub(super) mailbox: &'w Arc<Mailbox>,
    /// Collects what is sent while one batch of input is handled.
    pub(super) cork: &'w mut Output,
    pub(super) now: Instant,
}

/// What a read came to.
pub(super) enum ReadOutcome {
    /// So many bytes.
    Some(usize),
    /// Nothing for now, or nothing any more.
    Nothing,
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
    pub(super) fn new<H>(id: u64, socket: TcpStream, turn: &Turn<'_, H>) -> Slot<D> {
        Slot {
            id,
            socket,
            stage: Stage::Handshake(Box::new(Opening {
                reader: RequestReader::new(turn.options.head_limits),
                deadline: turn.now + turn.options.handshake_timeout,
            })),
            backlog: None,
            shut_down: false,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    /// A peer that reads nothing is not read from either: what it sends would
    /// only make more to be written.
    pub(super) fn is_paused<H>(&self, turn: &Turn<'_, H>) -> bool {
        let limit = turn.options.config.limits.max_queued_output;
        self.backlog
            .as_ref()
            .is_some_and(|backlog| backlog.len() >= limit)
    }

    /// Reads once, and handles what came.
    pub(super) fn read<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        buffer: &mut [u8],
    ) -> ReadOutcome {
        let read = self.socket.read(buffer);
        match read {
            Ok(0) => self.eof(turn),
            Ok(len) => {
                self.take_in(turn, &mut buffer[..len]);
                self.flush(turn);
                return ReadOutcome::Some(len);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return ReadOutcome::Some(usize::MAX);
            }
            Err(error) => self.broken(turn, &error),
        }
        ReadOutcome::Nothing
    }

    fn take_in<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        match &mut self.stage {
            Stage::Open(..) => self.receive(turn, bytes),
            Stage::Handshake(_) => self.shake_hands(turn, bytes),
            Stage::Refused(_) | Stage::Gone => {}
        }
    }

    /// Gives input to the connection, and what it tells to the handler.
    fn receive<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, bytes: &mut [u8]) {
        let Stage::Open(connection, data) = &mut self.stage else {
            return;
        };
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let mut input = Input::new(bytes);
        let handled = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let mut unused = Default::default();
                let mut env = env(turn.now, output, &mut unused);
                let Some(event) = connection.next_event(&mut env, &mut input) else {
                    return;
                };
                let message = match &event {
                    Event::Text(text) => MessageRef::Text(text),
                    Event::Binary(bytes) => MessageRef::Binary(bytes),
                    Event::Closed => {
                        if let Some(info) = connection.close_info() {
                            turn.handler.on_close(data, info);
                        }
                        continue;
                    }
                    Event::Chunk(_) | Event::Ping(_) | Event::Pong(_) => continue,
                };
                let mut peer = Peer {
                    data,
                    connection,
                    output,
                    now: turn.now,
                    mailbox: turn.mailbox,
                    id: self.id,
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
                match decide(turn, head) {
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
        self.with_peer(turn, Handler::on_open);
    }

    fn refuse<H>(&mut self, turn: &mut Turn<'_, H>, refusal: &Refusal) {
        turn.cork.put(&refusal.to_bytes());
        self.stage = Stage::Refused(turn.now + turn.options.config.close_timeout);
    }

    /// Calls the handler for this connection, if it is open.
    fn with_peer<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        call: impl FnOnce(&H, &mut Peer<'_, D>),
    ) {
        let Stage::Open(connection, data) = &mut self.stage else {
            return;
        };
        let mut peer = Peer {
            data,
            connection,
            output: self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork),
            now: turn.now,
            mailbox: turn.mailbox,
            id: self.id,
        };
        if catch_unwind(AssertUnwindSafe(|| call(turn.handler, &mut peer))).is_err() {
            self.panicked(turn);
        }
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
        call(
            connection,
            &mut env(turn.now, output, &mut Default::default()),
        );
        self.receive(turn, &mut []);
    }

    pub(super) fn send<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        message: &PreparedMessage,
    ) {
        self.with_connection(turn, |connection, env| {
            // It may have begun to close since the message was handed over.
            let _ = connection.send_prepared(env, message);
        });
        self.flush(turn);
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

    fn broken<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>, error: &io::Error) {
        tracing::debug!(id = self.id, %error, "transport failed");
        self.with_connection(turn, |connection, env| connection.transport_error(env.now));
        self.backlog = None;
        turn.cork.advance(usize::MAX);
        self.stage = Stage::Gone;
    }

    /// Whether a deadline has come.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let deadline = match &self.stage {
            Stage::Open(connection, _) => connection.next_timeout(),
            Stage::Handshake(opening) => Some(opening.deadline),
            Stage::Refused(deadline) => Some(*deadline),
            Stage::Gone => None,
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
        let was_full = self.is_paused(turn);
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let before = output.len();
        let written = write(&mut self.socket, output);
        let (left, now) = (output.len(), turn.now);
        if let Err(error) = written {
            return self.broken(turn, &error);
        }
        if left == 0 {
            self.backlog = None;
            if before > 0 {
                self.written(turn);
            }
        } else {
            if self.backlog.is_none() {
                turn.cork.move_to(self.backlog.insert(Box::default()));
            }
            if let Stage::Open(connection, _) = &mut self.stage {
                if left < before {
                    connection.write_progressed(now);
                } else {
                    connection.write_blocked(now);
                }
            }
        }
        if was_full && left == 0 {
            self.with_peer(turn, Handler::on_drained);
        }
        self.end_transport(left == 0);
    }

    fn written<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        let Stage::Open(connection, _) = &mut self.stage else {
            return;
        };
        connection.output_written(&mut env(turn.now, turn.cork, &mut Default::default()));
        if !turn.cork.is_empty() {
            // The Pong that was owed.
            self.flush(turn);
        }
    }

    fn end_transport(&mut self, flushed: bool) {
        let transport = match &self.stage {
            Stage::Open(connection, _) => connection.transport(),
            Stage::Refused(_) => Transport::ShutdownWrite,
            Stage::Handshake(_) | Stage::Gone => Transport::Open,
        };
        match transport {
            Transport::ShutdownWrite if flushed && !self.shut_down => {
                self.shut_down = true;
                if self.socket.shutdown(Shutdown::Write).is_err() {
                    self.stage = Stage::Gone;
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
) -> Result<Admission<H::Data>, Refusal> {
    let request = Request::from_head(head)?;
    let options = turn.options;
    options.origin.check(&request, &options.origin_setting)?;
    let asked = catch_unwind(AssertUnwindSafe(|| turn.handler.on_request(&request)));
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

/// What a server lends to the core: it masks nothing.
fn env<'e>(
    now: Instant,
    output: &'e mut Output,
    (unused, codecs): &'e mut (NoMaskKeys, ThreadCodecs),
) -> Env<'e> {
    Env {
        now,
        output,
        mask_keys: unused,
        codecs,
    }
}

/// Writes until all is written or the socket takes no more.
fn write(socket: &mut TcpStream, output: &mut Output) -> io::Result<()> {
    while !output.is_empty() {
        let mut slices = [&[][..]; SLICES];
        let written = match output.slices(&mut slices) {
            1 => socket.write(slices[0]),
            filled => socket.write_vectored(&slices.map(IoSlice::new)[..filled]),
        };
        match written {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => output.advance(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
