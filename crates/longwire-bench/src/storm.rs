//! Connections that are opened and dropped, as many as the server takes.

use crate::{
    Error, Latency, Measured, Process, Target, limits,
    measured::Meters,
    outgoing::Outgoing,
    peer::{Peer, Turn},
    swarm::{BUFFER, EVENTS, TICK},
};
use mio::{Events, Poll, Token};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// How many connections, and for how long.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many are opened at the same time. Default: 50.
    pub at_once: usize,
    /// How many at most in all. Default: 20,000.
    pub limit: u64,
    /// How long at most. Default: 10 s.
    pub duration: Duration,
    /// The server's process, if it is on this machine.
    pub process: Option<Process>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            at_once: 50,
            limit: 20_000,
            duration: Duration::from_secs(10),
            process: None,
        }
    }
}

/// Opens connections, and drops each as soon as it is open. `progress` is told
/// how long that has gone on, and how many were opened. The latency is that from
/// connecting to the end of the handshake.
///
/// They are broken off, without a closing handshake: the opening one is measured.
///
/// # Errors
/// [`Error`]: there is no result as soon as one connection fails.
pub fn storm(
    target: &Target,
    options: &Options,
    progress: &mut dyn FnMut(Duration, u64),
) -> Result<Measured, Error> {
    limits::allow(options.at_once)?;
    let meters = Meters::start(options.process.as_ref())?;
    let mut run = Run::new(target, options)?;
    let start = Instant::now();
    let mut next_tick = TICK;
    while !run.is_done() {
        run.turn()?;
        let elapsed = start.elapsed();
        if elapsed >= next_tick {
            next_tick = elapsed + TICK;
            progress(elapsed, run.latency.count());
        }
        if elapsed >= options.duration {
            run.left = 0;
        }
    }
    let opened = run.latency.count();
    meters.stop(start.elapsed(), opened, run.latency)
}

struct Run<'a> {
    target: &'a Target,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    /// Those that are opening, with when they began to.
    places: Vec<Option<(Peer, Instant)>>,
    /// How many are still to begin.
    left: u64,
    latency: Latency,
    outgoing: Outgoing,
    heard: Instant,
}

impl<'a> Run<'a> {
    fn new(target: &'a Target, options: &Options) -> Result<Run<'a>, Error> {
        let mut run = Run {
            target,
            poll: Poll::new().map_err(Error::System)?,
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; BUFFER],
            places: Vec::new(),
            left: options.limit,
            latency: Latency::new(),
            outgoing: Outgoing::published(target, 0, false, 1),
            heard: Instant::now(),
        };
        for place in 0..options.at_once {
            run.places.push(None);
            run.start(place)?;
        }
        Ok(run)
    }

    /// Starts a connection at a place, if there is one more to start.
    fn start(&mut self, place: usize) -> Result<(), Error> {
        if self.left > 0 {
            self.left -= 1;
            let peer = Peer::start(self.target, self.poll.registry(), Token(place))?;
            self.places[place] = Some((peer, Instant::now()));
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.left == 0 && self.places.iter().all(Option::is_none)
    }

    fn turn(&mut self) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, Some(TICK)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(Error::System)?,
        }
        let mut opened = Vec::new();
        for event in &self.events {
            let place = event.token().0;
            let Some((peer, _)) = self.places.get_mut(place).and_then(Option::as_mut) else {
                continue;
            };
            let protocol = self.target.protocol;
            let turn = peer.turn(event, &mut self.buffer, &self.outgoing, protocol)?;
            peer.flush(&self.outgoing)?;
            if turn == Turn::Opened {
                opened.push(place);
            }
        }
        for &place in &opened {
            if let Some((peer, since)) = self.places[place].take() {
                self.latency.record(since.elapsed().as_nanos() as u64);
                peer.abort();
            }
            self.start(place)?;
        }
        if !opened.is_empty() {
            self.heard = Instant::now();
        } else if self.heard.elapsed() > SILENCE {
            return Err(Error::Silent("the answer to a handshake"));
        }
        Ok(())
    }
}
