//! A worker: one event loop with connections of its own.

mod mail;

use super::{
    connection::{Slot, Turn, id_of},
    desk::Desk,
    engine::EngineOptions,
    handler::Handler,
    socket::{Incoming, Socket},
};
use longwire_proto::{CloseCode, CloseFrame, Instant, Output};
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
/// larger than most messages: those that are whole in it are not copied.
const READ_BUFFER: usize = 256 * 1024;

/// How often deadlines are looked at. They are as coarse as this.
const SWEEP: Duration = Duration::from_millis(250);

/// How many batches are read of one connection before others get their turn.
const BATCHES: usize = 8;

/// How many connections are accepted before those that there are get theirs.
const ACCEPTS: usize = 64;

/// How long accepting pauses when the process has run out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(usize::MAX);
pub(super) const MAILBOX: Token = Token(usize::MAX - 1);

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
            next_sweep: Instant::default(),
            opening: 0,
            crowded: false,
            paused_until: None,
            buffer: vec![0; READ_BUFFER],
            cork: Output::new(),
            unfinished: Vec::new(),
            leaving: false,
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
            self.read_own_mail();
        }
        self.desk.mailbox().close();
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() || self.desk.has_posted() {
            return Some(Duration::ZERO);
        }
        // Without connections there are no deadlines.
        let idle = self.slots.is_empty() && self.paused_until.is_none();
        (!idle).then_some(SWEEP)
    }

    fn now(&self) -> Instant {
        let micros = self.origin.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn handle(&mut self, event: &Event) {
        match event.token() {
            LISTENER => self.accept(),
            MAILBOX => self.read_mail(),
            Token(key) => {
                if event.is_writable() {
                    self.with_slot(key, |slot, turn, _| slot.flush(turn));
                }
                if event.is_readable() || event.is_read_closed() {
                    self.read(key, event.is_read_closed());
                }
            }
        }
    }

    fn go_on(&mut self, token: Token) {
        match token {
            LISTENER => self.accept(),
            Token(key) => self.read(key, true),
        }
    }

    /// Reads what there is, up to the connection's share of the turn.
    ///
    /// A short read has drained the socket, unless the peer has closed its
    /// half: then the end may lie behind it, and no event tells of it again.
    fn read(&mut self, key: usize, closed: bool) {
        for _ in 0..BATCHES {
            let mut drained = true;
            self.with_slot(key, |slot, turn, buffer| {
                if slot.is_paused(turn) {
                    return; // It goes on when the backlog is written.
                }
                if let Incoming::Bytes { drained: all, .. } = slot.read(turn, buffer) {
                    drained = all && !closed;
                }
            });
            if drained {
                return;
            }
        }
        if self.slots.contains(key) {
            self.unfinished.push(Token(key));
        }
    }

    /// Calls `act` for the connection at `key`, if there is one, and removes it
    /// if that was its end.
    fn with_slot(
        &mut self,
        key: usize,
        act: impl FnOnce(&mut Slot<H::Data>, &mut Turn<'_, H>, &mut [u8]),
    ) {
        let now = self.now();
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        let mut turn = Turn {
            handler: &*self.handler,
            options: &self.options,
            desk: &mut self.desk,
            cork: &mut self.cork,
            now,
        };
        let was_paused = slot.is_paused(&turn);
        let was_opening = slot.is_opening();
        act(slot, &mut turn, &mut self.buffer);
        if was_paused && !slot.is_paused(&turn) {
            // What came while it was paused told of itself only once.
            self.unfinished.push(Token(key));
        }
        if was_opening && !slot.is_opening() {
            self.opening -= 1;
            if std::mem::take(&mut self.crowded) {
                self.unfinished.push(LISTENER);
            }
        }
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
                    self.paused_until = Some(self.now() + PAUSE);
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
        let mut socket = Socket::new(tcp);
        #[cfg(feature = "tls")]
        if let Some(handshakes) = &self.desk.handshakes {
            match handshakes.session() {
                Ok(session) => socket.set_session(session),
                Err(error) => return tracing::error!(%error, "TLS cannot be spoken"),
            }
        }
        let now = self.now();
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
            now,
        };
        self.opening += 1;
        entry.insert(Slot::new(id_of(key, self.given), socket, &turn));
    }

    /// Stops listening, and closes every connection with 1001.
    fn leave(&mut self) {
        self.listener = None;
        self.leaving = true;
        let Ok(frame) = CloseFrame::new(CloseCode::GOING_AWAY, "the server shuts down") else {
            return;
        };
        for key in self.keys() {
            self.with_slot(key, |slot, turn, _| slot.close(turn, frame.clone()));
        }
    }

    /// Looks at every connection's deadlines: a few nanoseconds for each, and
    /// nothing to be kept up to date with every message.
    fn sweep(&mut self) {
        let now = self.now();
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
            let now = self.now();
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
