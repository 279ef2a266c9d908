//! One connection.

use crate::{
    Error, Target,
    opening::Opening,
    outgoing::{Outgoing, control},
    scanner::{Scanner, Seen},
    target::Protocol,
};
use longwire_proto::Opcode;
use mio::{Interest, Registry, Token, event::Event, net::TcpStream};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
};

#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    state: State,
    /// How many bytes of frames are to be written.
    unsent: u64,
    /// How far into the run of frames the last one was written.
    at: usize,
    /// A control frame that is to be written before the next frame.
    control: Vec<u8>,
    /// When each message in flight was sent, or should have been.
    pub(crate) sent: VecDeque<u64>,
}

#[derive(Debug)]
enum State {
    Opening(Box<Opening>),
    WebSocket(Scanner),
    /// Without a protocol: so many bytes of a message came.
    Tcp {
        received: usize,
    },
}

/// What an event brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The connection is not open yet.
    Opening,
    /// The connection is open now.
    Opened,
    /// So many messages.
    Messages(u64),
}

impl Peer {
    /// Connects.
    pub(crate) fn start(target: &Target, registry: &Registry, token: Token) -> Result<Peer, Error> {
        let mut stream = TcpStream::connect(target.address).map_err(Error::Connect)?;
        // Once, for all that the connection lives: events come by edges.
        registry
            .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
            .map_err(Error::System)?;
        Ok(Peer {
            stream,
            state: State::Opening(Box::new(Opening::new(target))),
            unsent: 0,
            at: 0,
            control: Vec::new(),
            sent: VecDeque::new(),
        })
    }

    /// Reads what an event announces. `first` is for a connection that opens.
    pub(crate) fn turn(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        outgoing: &Outgoing,
        protocol: Protocol,
    ) -> Result<Turn, Error> {
        if let State::Opening(opening) = &mut self.state {
            let Some(leftover) = opening.turn(&mut self.stream, buffer)? else {
                return Ok(Turn::Opening);
            };
            self.open(protocol, outgoing)?;
            // A Ping, or a greeting: no answer, as nothing was sent.
            self.take(&leftover, outgoing)?;
            return Ok(Turn::Opened);
        }
        if !event.is_readable() {
            return Ok(Turn::Messages(0));
        }
        self.receive(buffer, event.is_read_closed(), outgoing)
            .map(Turn::Messages)
    }

    fn open(&mut self, protocol: Protocol, outgoing: &Outgoing) -> Result<(), Error> {
        self.stream.set_nodelay(true).map_err(Error::System)?;
        self.state = match protocol {
            Protocol::WebSocket if outgoing.is_echoed() => State::WebSocket(Scanner::sampling()),
            Protocol::WebSocket => State::WebSocket(Scanner::default()),
            Protocol::Tcp => State::Tcp { received: 0 },
        };
        Ok(())
    }

    /// Reads what is there, and says how many messages ended in it.
    ///
    /// After a read that did not fill the buffer nothing is left, unless the
    /// server `hung_up`: then the end is still to be read.
    fn receive(
        &mut self,
        buffer: &mut [u8],
        hung_up: bool,
        outgoing: &Outgoing,
    ) -> Result<u64, Error> {
        let mut messages = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(Error::Closed(None)),
                Ok(read) => {
                    messages += self.take(&buffer[..read], outgoing)?;
                    if read < buffer.len() && !hung_up {
                        return Ok(messages);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(messages),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Lost(error)),
            }
        }
    }

    /// Looks at bytes that came, and says how many messages ended in them.
    fn take(&mut self, input: &[u8], outgoing: &Outgoing) -> Result<u64, Error> {
        match &mut self.state {
            State::Opening(_) => Ok(0),
            State::Tcp { received } => {
                *received += input.len();
                let messages = *received / outgoing.frame_len();
                *received %= outgoing.frame_len();
                Ok(messages as u64)
            }
            State::WebSocket(scanner) => {
                let seen = scanner.scan(input).map_err(Error::Protocol)?;
                let messages = seen.messages;
                self.heed(seen, outgoing)?;
                Ok(messages)
            }
        }
    }

    fn heed(&mut self, seen: Seen, outgoing: &Outgoing) -> Result<(), Error> {
        if let Some(code) = seen.close {
            return Err(Error::Closed(code));
        }
        if seen.sample.is_some_and(|it| it != outgoing.payload()) {
            return Err(Error::NotAnEcho);
        }
        // A Pong that still waits answers this Ping as well.
        if let Some(payload) = seen.ping
            && self.control.is_empty()
        {
            self.control = control(Opcode::Pong, &payload);
        }
        Ok(())
    }

    /// Has messages sent, as of `time`. [`flush`](Peer::flush) sends them.
    pub(crate) fn queue(&mut self, messages: u64, time: u64, outgoing: &Outgoing) {
        self.unsent += messages * outgoing.frame_len() as u64;
        self.sent.extend((0..messages).map(|_| time));
    }

    /// Writes as much as the socket takes.
    pub(crate) fn flush(&mut self, outgoing: &Outgoing) -> Result<(), Error> {
        loop {
            let sends_control = self.is_between_frames(outgoing) && !self.control.is_empty();
            let piece = if sends_control {
                &self.control[..]
            } else {
                outgoing.piece(self.at, self.unsent)
            };
            if piece.is_empty() {
                return Ok(());
            }
            let whole = piece.len();
            let written = match self.stream.write(piece) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::Lost(error)),
            };
            if sends_control {
                self.control.drain(..written);
            } else {
                self.unsent -= written as u64;
                self.at = outgoing.wrap(self.at + written);
            }
            if written < whole {
                return Ok(());
            }
        }
    }

    fn is_between_frames(&self, outgoing: &Outgoing) -> bool {
        self.at.is_multiple_of(outgoing.frame_len())
    }

    /// Says goodbye, as far as that goes without waiting.
    pub(crate) fn close(mut self, outgoing: &Outgoing) {
        if matches!(self.state, State::WebSocket(_)) && self.is_between_frames(outgoing) {
            let frame = control(Opcode::Close, &1000_u16.to_be_bytes());
            let _ = self.stream.write(&frame);
        }
    }

    /// Breaks the connection off, so that nothing of it stays: a port that waits
    /// for late packets cannot be used again for a minute.
    pub(crate) fn abort(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO));
    }
}
