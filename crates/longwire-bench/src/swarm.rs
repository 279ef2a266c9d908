//! All connections, on one event loop.

use crate::{
    Error, Target, limits,
    outgoing::Outgoing,
    peer::{Peer, Turn},
};
use mio::{Events, Poll, Token};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

/// What is read at once.
pub(crate) const BUFFER: usize = 256 * 1024;
pub(crate) const EVENTS: usize = 1024;
/// How often a loop looks up from waiting.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// How many connections are opened at the same time: fewer than a listener's
/// backlog has room for.
const OPENING: usize = 100;
/// How long the server may be silent while connections open.
const SILENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Swarm<'a> {
    target: &'a Target,
    outgoing: Outgoing,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    peers: Vec<Peer>,
    /// How many of them are not open yet.
    opening: usize,
    clock: Instant,
}

impl<'a> Swarm<'a> {
    pub(crate) fn new(target: &'a Target, outgoing: Outgoing) -> Result<Swarm<'a>, Error> {
        Ok(Swarm {
            target,
            outgoing,
            poll: Poll::new().map_err(Error::System)?,
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; BUFFER],
            peers: Vec::new(),
            opening: 0,
            clock: Instant::now(),
        })
    }

    /// The time, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        nanoseconds(self.clock)
    }

    /// Opens connections until there are `count`.
    pub(crate) fn grow(
        &mut self,
        count: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(), Error> {
        limits::allow(count)?;
        let mut heard = Instant::now();
        while self.peers.len() < count || self.opening > 0 {
            while self.peers.len() < count && self.opening < OPENING {
                let token = Token(self.peers.len());
                let peer = Peer::start(self.target, self.poll.registry(), token)?;
                self.peers.push(peer);
                self.opening += 1;
            }
            let before = self.opening;
            self.turn(TICK, |_, _, _, _| {})?;
            if self.opening < before {
                heard = Instant::now();
                progress(self.peers.len() - self.opening);
            } else if heard.elapsed() > SILENCE {
                return Err(Error::Silent("the answer to a handshake"));
            }
        }
        Ok(())
    }

    /// Has messages sent on one connection.
    pub(crate) fn send(&mut self, number: usize, messages: u64, time: u64) -> Result<(), Error> {
        if let Some(peer) = self.peers.get_mut(number) {
            peer.queue(messages, time, &self.outgoing);
            peer.flush(&self.outgoing)?;
        }
        Ok(())
    }

    /// Waits for events, at most for `timeout`, and handles them. `received` is
    /// called with how many messages came on a connection, and when; what it has
    /// sent there goes out at once.
    pub(crate) fn turn(
        &mut self,
        timeout: Duration,
        mut received: impl FnMut(&mut Peer, u64, u64, &Outgoing),
    ) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(Error::System)?,
        }
        for event in &self.events {
            let Some(peer) = self.peers.get_mut(event.token().0) else {
                continue;
            };
            let protocol = self.target.protocol;
            match peer.turn(event, &mut self.buffer, &self.outgoing, protocol)? {
                Turn::Opening | Turn::Messages(0) => {}
                Turn::Opened => self.opening -= 1,
                Turn::Messages(messages) => {
                    received(peer, messages, nanoseconds(self.clock), &self.outgoing);
                }
            }
            peer.flush(&self.outgoing)?;
        }
        Ok(())
    }

    /// The connections.
    pub(crate) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Says goodbye on every connection.
    pub(crate) fn close(self) {
        for peer in self.peers {
            peer.close(&self.outgoing);
        }
    }
}

fn nanoseconds(clock: Instant) -> u64 {
    // Five hundred years fit.
    clock.elapsed().as_nanos() as u64
}
