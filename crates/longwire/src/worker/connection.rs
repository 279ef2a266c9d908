//! One connection of a worker: plain state, and what is done with it in a turn.

mod admit;
mod canary;
mod deliver;
mod read;
mod write;

use super::{
    desk::Desk, engine::EngineOptions, handler::Handler, http::Leaving, peer::Peer, socket::Socket,
};
use crate::{
    deflate::{Room, ThreadCodecs},
    server::{ProxyHeaderReader, late},
};
use canary::Canary;
use longwire_proto::{
    CloseCode, CloseFrame, Connection, Env, Instant, NoMaskKeys, Output, handshake::RequestReader,
};
use std::{
    io,
    net::SocketAddr,
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
    /// The queue was full, and [`Handler::on_drained`] is still to be told that
    /// it was written.
    full: bool,
    shut_down: bool,
}

pub(super) enum Stage<D> {
    /// The PROXY header of a trusted proxy is coming.
    Announcing(Box<Announcing>),
    /// The TLS handshake is under way, and may take until then; the client is at
    /// this address, if a proxy has said so. Its session is
    /// in the socket, or where a step of it is done.
    #[cfg(feature = "tls")]
    Securing(Instant, Option<SocketAddr>),
    /// The request is coming.
    Handshake(Box<Arriving>),
    Open(Connection, D),
    /// A canary, of which the handler knows nothing.
    Canary(Box<Canary>),
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
    /// Where the client is, if a trusted proxy has announced it.
    pub(super) announced: Option<SocketAddr>,
}

pub(super) struct Announcing {
    pub(super) reader: ProxyHeaderReader,
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

impl<D> Stage<D> {
    /// What comes first on a connection, behind a PROXY header.
    pub(super) fn first<H>(
        turn: &Turn<'_, H>,
        deadline: Instant,
        announced: Option<SocketAddr>,
    ) -> Stage<D> {
        #[cfg(feature = "tls")]
        if turn.desk.handshakes.is_some() {
            return Stage::Securing(deadline, announced);
        }
        Stage::request(turn, deadline, announced)
    }

    /// What comes first behind TLS.
    pub(super) fn request<H>(
        turn: &Turn<'_, H>,
        deadline: Instant,
        announced: Option<SocketAddr>,
    ) -> Stage<D> {
        Stage::Handshake(Box::new(Arriving {
            reader: RequestReader::new(turn.options.head_limits),
            deadline,
            announced,
        }))
    }

    /// The connection, once its opening handshake is done.
    fn connection_mut(&mut self) -> Option<&mut Connection> {
        match self {
            Stage::Open(connection, _) => Some(connection),
            Stage::Canary(canary) => Some(&mut canary.connection),
            _ => None,
        }
    }
}

impl<D: Send + 'static> Slot<D> {
    pub(super) fn new<H>(id: u64, socket: Socket, turn: &Turn<'_, H>) -> Slot<D> {
        let deadline = turn.now + turn.options.handshake_timeout;
        let stage = if socket.expects_proxy_header(&turn.options.proxies) {
            Stage::Announcing(Box::new(Announcing {
                reader: ProxyHeaderReader::default(),
                deadline,
            }))
        } else {
            Stage::first(turn, deadline, None)
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

    /// The worker leaves: who has not come in yet does not, and a canary, which
    /// nobody misses, is closed with `frame`.
    pub(super) fn give_up<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        frame: CloseFrame,
    ) {
        if self.is_opening() || matches!(self.stage, Stage::Canary(_)) {
            self.close(turn, frame);
        }
    }

    /// Whether its opening handshake is under way, TLS included.
    pub(super) fn is_opening(&self) -> bool {
        match self.stage {
            #[cfg(feature = "tls")]
            Stage::Securing(..) => true,
            Stage::Announcing(_) | Stage::Handshake(_) => true,
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

    /// The handler panicked: this connection is closed, the others go on.
    fn panicked<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        tracing::error!(id = self.id, "the handler panicked");
        if let Ok(frame) = CloseFrame::new(CloseCode::INTERNAL_ERROR, "") {
            self.with_connection(turn, |connection, env| {
                let _ = connection.close(env, frame);
            });
        }
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
        let Some(connection) = self.stage.connection_mut() else {
            return;
        };
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        call(connection, &mut env(turn.now, output, &mut Lent::default()));
        self.take_in(turn, &mut [], 0);
    }

    pub(super) fn close<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        frame: CloseFrame,
    ) {
        match self.stage {
            Stage::Open(..) | Stage::Canary(_) => self.with_connection(turn, |connection, env| {
                let _ = connection.close(env, frame);
            }),
            _ => self.stage = Stage::Gone,
        }
        self.flush(turn);
    }

    pub(super) fn broken<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        error: io::Error,
    ) {
        tracing::debug!(id = self.id, %error, "transport failed");
        let timed_out = error.kind() == io::ErrorKind::TimedOut;
        turn.desk.transport_error = Some(Arc::new(error));
        self.with_connection(turn, |connection, env| {
            if timed_out {
                connection.transport_timed_out(env.now);
            } else {
                connection.transport_error(env.now);
            }
        });
        turn.desk.transport_error = None;
        self.backlog = None;
        turn.cork.advance(usize::MAX);
        self.stage = Stage::Gone;
    }

    /// Whether a deadline has come.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let deadline = match &self.stage {
            Stage::Open(connection, _) => connection.next_timeout(),
            Stage::Canary(canary) => canary.connection.next_timeout(),
            #[cfg(feature = "tls")]
            Stage::Securing(deadline, _) => Some(*deadline),
            Stage::Announcing(announcing) => Some(announcing.deadline),
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
            Stage::Open(..) | Stage::Canary(_) => {
                let acknowledgements = self.socket.acknowledgements();
                self.with_connection(turn, |connection, env| {
                    if let Some(acknowledgements) = &acknowledgements {
                        connection.acknowledged(env.now, acknowledgements);
                    }
                    connection.handle_timeout(env);
                });
            }
            Stage::Handshake(opening) if opening.reader.received() > 0 => {
                self.refuse(turn, &late());
            }
            Stage::Announcing(_) => {
                let peer = self.socket.peer_addr().ok().map(tracing::field::display);
                tracing::warn!(peer, "the proxy sent no whole PROXY header in time");
                self.stage = Stage::Gone;
            }
            _ => self.stage = Stage::Gone,
        }
        self.flush(turn);
    }
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
