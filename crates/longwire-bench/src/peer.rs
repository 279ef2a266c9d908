//! One connection.

use crate::{
    Error, Target, deflate,
    opening::Opening,
    outgoing::{Outgoing, frame},
    scanner::{Scanner, Seen},
    target::Protocol,
    transport::Transport,
};
use longwire_proto::Opcode;
use mio::{Interest, Registry, Token, event::Event};
use std::{collections::VecDeque, io::ErrorKind};

/// Payload of which that much is still to come is not read but skipped.
const SKIPPED: usize = 8 * 1024;
/// What is read of a message whose payload is then skipped.
const HEAD: usize = 256;

/// With Socket.IO: the open packet of Engine.IO, and the answer to ours.
const SOCKET_IO_GREETINGS: u64 = 2;
/// Connects to the default namespace.
const SOCKET_IO_CONNECT: &[u8] = b"40";
/// Answers a heartbeat of Engine.IO.
const SOCKET_IO_PONG: &[u8] = b"3";

#[derive(Debug)]
pub(crate) struct Peer {
    transport: Transport,
    state: State,
    /// How many bytes of frames are to be written.
    unsent: u64,
    /// How far into the run of frames the last one was written.
    at: usize,
    /// Another frame, to be written before the next one.
    aside: Vec<u8>,
    /// When each message in flight was sent, or should have been.
    pub(crate) sent: VecDeque<u64>,
}

#[derive(Debug)]
enum State {
    Opening(Box<Opening>),
    WebSocket {
        scanner: Scanner,
        /// How many messages come before the connection is open.
        greetings: u64,
    },
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
        let mut transport = Transport::connect(target)?;
        // Once, for all that the connection lives: events come by edges.
        registry
            .register(
                transport.tcp(),
                token,
                Interest::READABLE | Interest::WRITABLE,
            )
            .map_err(Error::System)?;
        Ok(Peer {
            transport,
            state: State::Opening(Box::new(Opening::new(target))),
            unsent: 0,
            at: 0,
            aside: Vec::new(),
            sent: VecDeque::new(),
        })
    }

    /// Reads what an event announces.
    pub(crate) fn turn(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        outgoing: &Outgoing,
        protocol: Protocol,
    ) -> Result<Turn, Error> {
        if let State::Opening(opening) = &mut self.state {
            let Some(leftover) = opening.turn(&mut self.transport, buffer)? else {
                return Ok(Turn::Opening);
            };
            self.open(protocol, outgoing)?;
            // A Ping, or a greeting: no answer, as nothing was sent.
            let mut messages = self.take(&leftover, outgoing)?;
            if self.transport.is_tls() {
                // Records that were read already are announced by no event.
                messages += self.receive(buffer, event.is_read_closed(), outgoing)?;
            }
            return Ok(self.greeted(messages, outgoing).unwrap_or(Turn::Opened));
        }
        if !event.is_readable() {
            return Ok(Turn::Messages(0));
        }
        let messages = self.receive(buffer, event.is_read_closed(), outgoing)?;
        let turn = self.greeted(messages, outgoing);
        Ok(turn.unwrap_or(Turn::Messages(messages)))
    }

    /// What messages come to while greetings are awaited; none if none are.
    fn greeted(&mut self, messages: u64, outgoing: &Outgoing) -> Option<Turn> {
        let State::WebSocket { scanner, greetings } = &mut self.state else {
            return None;
        };
        if *greetings == 0 {
            return None;
        }
        *greetings = greetings.saturating_sub(messages);
        if *greetings > 0 {
            return Some(Turn::Opening);
        }
        if outgoing.is_echoed() {
            scanner.sample_next();
        }
        Some(Turn::Opened)
    }

    fn open(&mut self, protocol: Protocol, outgoing: &Outgoing) -> Result<(), Error> {
        let nodelay = self.transport.tcp().set_nodelay(true);
        nodelay.map_err(Error::System)?;
        self.state = match protocol {
            Protocol::Tcp => State::Tcp { received: 0 },
            Protocol::WebSocket => {
                let mut scanner = match outgoing.is_compressed() {
                    true => Scanner::with_deflate(),
                    false => Scanner::default(),
                };
                if outgoing.is_echoed() {
                    scanner.sample_next();
                }
                State::WebSocket {
                    scanner,
                    greetings: 0,
                }
            }
            Protocol::SocketIo => {
                self.aside = frame(Opcode::Text, SOCKET_IO_CONNECT);
                State::WebSocket {
                    scanner: Scanner::with_heartbeats(),
                    greetings: SOCKET_IO_GREETINGS,
                }
            }
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
            let skips = self.unwanted(outgoing).min(buffer.len());
            let room = match skips {
                0 => self.room(outgoing).min(buffer.len()),
                skips => skips,
            };
            let place = &mut buffer[..room];
            let came = match skips {
                0 => self.transport.read(place),
                _ => self.transport.skip(place),
            };
            match came {
                Ok(0) => return Err(Error::Closed(None)),
                Ok(came) => {
                    messages += match skips {
                        0 => self.take(&buffer[..came], outgoing)?,
                        _ => self.skip(came, outgoing)?,
                    };
                    if came < room && !self.transport.is_tls() && !hung_up {
                        return Ok(messages);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(messages),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::Lost(error)),
            }
        }
    }

    /// How many bytes come next that need not be looked at, if they are so many
    /// that it pays.
    fn unwanted(&self, outgoing: &Outgoing) -> usize {
        let left = match &self.state {
            State::Opening(_) => 0,
            State::WebSocket { scanner, .. } => scanner.unwanted() as usize,
            State::Tcp { received } => outgoing.frame_len() - received,
        };
        if left < SKIPPED || !self.transport.can_skip() {
            return 0;
        }
        left
    }

    /// How much is read at once: no more than the header where a long payload
    /// follows.
    fn room(&self, outgoing: &Outgoing) -> usize {
        match &self.state {
            State::WebSocket { scanner, .. }
                if scanner.is_at_header()
                    && outgoing.frame_len() >= SKIPPED + HEAD
                    && self.transport.can_skip() =>
            {
                HEAD
            }
            _ => usize::MAX,
        }
    }

    /// Looks at bytes that came, and says how many messages ended in them.
    fn take(&mut self, input: &[u8], outgoing: &Outgoing) -> Result<u64, Error> {
        match &mut self.state {
            State::WebSocket { scanner, .. } => {
                let seen = scanner.scan(input).map_err(Error::Protocol)?;
                self.heed(seen, outgoing)
            }
            _ => self.skip(input.len(), outgoing),
        }
    }

    /// The same with bytes of which only the number is known.
    fn skip(&mut self, bytes: usize, outgoing: &Outgoing) -> Result<u64, Error> {
        match &mut self.state {
            State::Opening(_) => Ok(0),
            State::Tcp { received } => {
                *received += bytes;
                let messages = *received / outgoing.frame_len();
                *received %= outgoing.frame_len();
                Ok(messages as u64)
            }
            State::WebSocket { scanner, .. } => {
                let seen = scanner.skip(bytes as u64);
                self.heed(seen, outgoing)
            }
        }
    }

    /// Does what control frames ask for, and says how many messages there were.
    fn heed(&mut self, seen: Seen, outgoing: &Outgoing) -> Result<u64, Error> {
        if let Some(code) = seen.close {
            return Err(Error::Closed(code));
        }
        let is_echo = seen.sample.is_none_or(|it| match it.compressed {
            true => deflate::is_compressed(it.payload, outgoing.payload()),
            false => it.payload == outgoing.payload(),
        });
        if !is_echo {
            return Err(Error::NotAnEcho);
        }
        // A Pong that still waits answers this Ping as well.
        if self.aside.is_empty() {
            if let Some(payload) = seen.ping {
                self.aside = frame(Opcode::Pong, &payload);
            } else if seen.heartbeat {
                self.aside = frame(Opcode::Text, SOCKET_IO_PONG);
            }
        }
        Ok(seen.messages)
    }

    /// Has messages sent, as of `time`. [`flush`](Peer::flush) sends them.
    pub(crate) fn queue(&mut self, messages: u64, time: u64, outgoing: &Outgoing) {
        self.unsent += messages * outgoing.frame_len() as u64;
        self.sent.extend((0..messages).map(|_| time));
    }

    /// Writes as much as the socket takes.
    pub(crate) fn flush(&mut self, outgoing: &Outgoing) -> Result<(), Error> {
        self.transport.flush().map_err(Error::Lost)?;
        loop {
            let is_aside = self.is_between_frames(outgoing) && !self.aside.is_empty();
            let piece = if is_aside {
                &self.aside[..]
            } else {
                outgoing.piece(self.at, self.unsent)
            };
            if piece.is_empty() {
                return Ok(());
            }
            let whole = piece.len();
            let written = match self.transport.write(piece) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::Lost(error)),
            };
            if is_aside {
                self.aside.drain(..written);
            } else {
                self.unsent -= written as u64;
                self.at = outgoing.wrap(self.at + written);
            }
            if written < whole && !self.transport.is_tls() {
                return Ok(());
            }
        }
    }

    fn is_between_frames(&self, outgoing: &Outgoing) -> bool {
        self.at.is_multiple_of(outgoing.frame_len())
    }

    /// Says goodbye, as far as that goes without waiting.
    pub(crate) fn close(mut self, outgoing: &Outgoing) {
        let is_open = matches!(self.state, State::WebSocket { .. });
        if is_open && self.is_between_frames(outgoing) {
            let frame = frame(Opcode::Close, &1000_u16.to_be_bytes());
            let _ = self.transport.write(&frame);
        }
    }

    /// Breaks the connection off, so that nothing of it stays: a port that waits
    /// for late packets cannot be used again for a minute.
    pub(crate) fn abort(mut self) {
        let socket = socket2::SockRef::from(&*self.transport.tcp());
        let _ = socket.set_linger(Some(std::time::Duration::ZERO));
    }
}
