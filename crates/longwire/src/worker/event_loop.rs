//! A worker: one event loop with connections of its own.

mod leave;
mod mail;

use super::{
    connection::{Slot, Turn, id_of},
    desk::Desk,
    engine::EngineOptions,
    handler::Handler,
    socket::Socket,
};
use crate::drain::TICK;
use leave::Draining;
use longwire_proto::{Instant, Output};
use mio::{
    Events, Interest, Poll, Token,
    event::Event,
    net::{TcpListener, TcpStream},
};
use slab::Slab;
use std::{
    io,
    sync::Arc,
    time::{self, Duration},
};

/// The size of a worker's read buffer. One for all its connections, so it can be
/// larger than most messages: those that get whole in it are not copied. The
/// pages behind what was ever read take no memory.
const READ_BUFFER: usize = 2 * 1024 * 1024;

/// How often deadlines are looked at. They are as coarse as this.
const SWEEP: Duration = Duration::from_millis(250);

/// How many connections are accepted before those that there are get theirs.
const ACCEPTS: usize = 64;

/// How long accepting pauses when the process has run out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(usize::MAX);
pub(super) const MAILBOX: Token = Token(usize::MAX - 1);

/// What an event tells of a connection.
#[derive(Debug, Clone, Copy)]
struct Readiness {
    readable: bool,
    writable: bool,
    /// The peer has closed its half, or both are closed.
    closed: bool,
}

impl Readiness {
    fn of(event: &Event) -> Readiness {
        let closed = event.is_read_closed();
        Readiness {
            readable: event.is_readable() || closed,
            writable: event.is_writable(),
            closed,
        }
    }
}

pub(super) struct Worker<H: Handler> {
    handler: Arc<H>,
    options: Arc<EngineOptions>,
    desk: Desk,
    poll: Poll,
    listener: Option<TcpListener>,
    slots: Slab<Slot<H::Data>>,
    /// Told from place to place, so that ids do not come back. The workers take
    /// turns, so that they give out different ones.
    given: u32,
    origin: time::Instant,
    /// The time at which this turn of the loop began. All that is measured by
    /// it is as coarse as the sweep.
    now: Instant,
    next_sweep: Instant,
    /// How many connections are in their opening handshake.
    opening: usize,
    /// Accepting is paused because they are as many as are allowed.
    crowded: bool,
    /// Accepting is paused until then.
    paused_until: Option<Instant>,
    buffer: Vec<u8>,
    cork: Output,
    /// Connections that had more to read than their turn allowed, or clients to
    /// accept.
    unfinished: Vec<Token>,
    leaving: bool,
    draining: Option<Box<Draining>>,
    /// Memory for lists of connections.
    keys: Vec<usize>,
}

impl<H: Handler> Worker<H> {
    pub(super) fn new(
        poll: Poll,
        mut listener: TcpListener,
        handler: Arc<H>,
        options: Arc<EngineOptions>,
        desk: Desk,
    ) -> io::Result<Worker<H>> {
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Worker {
            handler,
            options,
            given: desk.number(),
            desk,
            poll,
            listener: Some(listener),
            slots: Slab::new(),
            origin: time::Instant::now(),
            now: Instant::default(),
            next_sweep: Instant::default(),
            opening: 0,
            crowded: false,
            paused_until: None,
            buffer: vec![0; READ_BUFFER],
            cork: Output::new(),
            unfinished: Vec::new(),
            leaving: false,
            draining: None,
            keys: Vec::new(),
        })
    }

    /// Runs until the engine is told to leave and all connections have closed.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !(self.leaving && self.slots.is_empty()) {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "a worker cannot wait for events and ends");
                    break;
                }
                _ => {}
            }
            self.look_at_the_clock();
            for token in std::mem::take(&mut self.unfinished) {
                self.go_on(token);
            }
            for event in &events {
                self.handle(event);
                if self.desk.has_posted_much() {
                    self.read_own_mail();
                }
            }
            self.sweep();
            self.go_on_draining();
            self.read_own_mail();
        }
        self.desk.mailbox().close();
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() || self.desk.has_posted() {
            return Some(Duration::ZERO);
        }
        if self.draining.is_some() {
            return Some(TICK);
        }
        // Without connections there are no deadlines.
        let idle = self.slots.is_empty() && self.paused_until.is_none();
        (!idle).then_some(SWEEP)
    }

    fn look_at_the_clock(&mut self) {
        let micros = self.origin.elapsed().as_micros();
        self.now = Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
    }

    fn handle(&mut self, event: &Event) {
        match event.token() {
            LISTENER => self.accept(),
            MAILBOX => self.read_mail(),
            Token(key) => self.ready(key, Readiness::of(event)),
        }
    }

    /// Does what a connection is ready for. There may be none any more, or a
    /// new one, which then finds that it is not.
    fn ready(&mut self, key: usize, readiness: Readiness) {
        let mut more = false;
        self.with_slot(key, |slot, turn, buffer| {
            if readiness.writable && slot.has_backlog() {
                slot.flush(turn);
            }
            if readiness.readable {
                more = slot.read(turn, buffer, readiness.closed);
            }
        });
        if more {
            self.unfinished.push(Token(key));
        }
    }

    fn go_on(&mut self, token: Token) {
        match token {
            LISTENER => self.accept(),
            Token(key) => self.read(key, true),
        }
    }

    fn read(&mut self, key: usize, closed: bool) {
        let readiness = Readiness {
            readable: true,
            writable: false,
            closed,
        };
        self.ready(key, readiness);
    }

    /// Calls `act` for the connection at `key`, if there is one, and removes it
    /// if that was its end.
    fn with_slot(
        &mut self,
        key: usize,
        act: impl FnOnce(&mut Slot<H::Data>, &mut Turn<'_, H>, &mut [u8]),
    ) {
        let now = self.now;
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        let mut turn = Turn {
            handler: &*self.handler,
            options: &self.options,
            desk: &mut self.desk,
            cork: &mut self.cork,
            wrote: false,
            now,
        };
        let was_paused = slot.is_paused(&turn);
        let was_opening = slot.is_opening();
        act(slot, &mut turn, &mut self.buffer);
        let again = slot.tell_drained(&mut turn);
        if again || was_paused && !slot.is_paused(&turn) {
            // What came while it was paused told of itself only once.
            self.unfinished.push(Token(key));
        }
        if was_opening && !slot.is_opening() {
            self.opening -= 1;
            if std::mem::take(&mut self.crowded) {
                self.unfinished.push(LISTENER);
            }
        }
        debug_assert!(turn.cork.is_empty(), "the next connection would get it");
        if slot.is_gone() {
            let mut slot = self.slots.remove(key);
            // A closed socket needs no deregistering, and may refuse it.
            let _ = slot.socket.deregister(self.poll.registry());
            self.desk.forget(slot.id);
            slot.leave(&self.options);
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else {
                return;
            };
            let most = self.options.max_handshakes / self.options.workers.max(1);
            if self.opening >= most.max(1) {
                self.crowded = true;
                return;
            }
            match listener.accept() {
                Ok((socket, _)) => self.take(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The client gave up before its turn came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, most likely: those who wait keep
                    // their place in the backlog.
                    tracing::warn!(%error, "accepting pauses");
                    self.paused_until = Some(self.now + PAUSE);
                    return;
                }
            }
        }
        self.unfinished.push(LISTENER);
    }

    /// Takes in a client.
    fn take(&mut self, tcp: TcpStream) {
        // What fails here fails again, and with a reason, on the first read.
        let _ = tcp.set_nodelay(true);
        let socket = Socket::new(tcp);
        #[cfg(feature = "tls")]
        let Some(socket) = self.secure(socket) else {
            return;
        };
        self.adopt(socket);
    }

    /// Has a client's socket speak TLS, if the engine does.
    #[cfg(feature = "tls")]
    fn secure(&self, mut socket: Socket) -> Option<Socket> {
        if let Some(handshakes) = &self.desk.handshakes {
            match handshakes.session() {
                Ok(session) => socket.set_session(session),
                Err(error) => {
                    tracing::error!(%error, "TLS cannot be spoken");
                    return None;
                }
            }
        }
        Some(socket)
    }

    fn adopt(&mut self, mut socket: Socket) {
        let now = self.now;
        let entry = self.slots.vacant_entry();
        let key = entry.key();
        if let Err(error) = socket.register(self.poll.registry(), Token(key)) {
            tracing::warn!(%error, "a connection cannot be watched and is closed");
            return;
        }
        self.given = self.given.wrapping_add(self.desk.workers());
        let turn = Turn {
            handler: &*self.handler,
            options: &self.options,
            desk: &mut self.desk,
            cork: &mut self.cork,
            wrote: false,
            now,
        };
        self.opening += 1;
        entry.insert(Slot::new(id_of(key, self.given), socket, &turn));
    }

    /// Looks at every connection's deadlines: a few nanoseconds for each, and
    /// nothing to be kept up to date with every message.
    fn sweep(&mut self) {
        let now = self.now;
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now + SWEEP;
        self.read_mail();
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
            self.accept();
        }
        let due = self.slots.iter().filter(|(_, slot)| slot.is_due(now));
        let due: Vec<usize> = due.map(|(key, _)| key).collect();
        for key in due {
            // After a stopped process or a slept laptop, what proves the peer
            // alive waits in the socket.
            self.read(key, false);
            let now = self.now;
            self.with_slot(key, |slot, turn, _| {
                if slot.is_due(now) {
                    slot.handle_timeout(turn);
                }
            });
        }
    }

    fn keys(&self) -> Vec<usize> {
        self.slots.iter().map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests;
