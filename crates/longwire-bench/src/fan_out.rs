//! One publishes, all get it.

use crate::{
    Error, Latency, Measured, Process, Target,
    measured::Meters,
    outgoing::Outgoing,
    swarm::{Swarm, TICK},
};
use std::{collections::VecDeque, time::Duration};

/// How long the server may be silent while deliveries are awaited.
const SILENCE: Duration = Duration::from_secs(10);

/// What is published, and to how many.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many connections, all of which get every publication; one of them
    /// publishes. Default: 1,000.
    pub subscribers: usize,
    /// How many publications are on their way at the same time. Default: 1.
    pub outstanding: u32,
    /// The length of a publication, in bytes. Default: 128.
    pub size: usize,
    /// Whether the publications are text. Default: true.
    pub text: bool,
    /// How long publications are made before the measuring begins. Default: 0.5 s.
    pub warm_up: Duration,
    /// How long is measured. Default: 10 s.
    pub duration: Duration,
    /// The server's process, if it is on this machine.
    pub process: Option<Process>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            subscribers: 1000,
            outstanding: 1,
            size: 128,
            text: true,
            warm_up: Duration::from_millis(500),
            duration: Duration::from_secs(10),
            process: None,
        }
    }
}

/// Publishes, and counts what comes to the subscribers: a server sends to all of
/// them, also to the one that published. The latency is that of a publication
/// until the last subscriber has it. `progress` is told how many connections
/// are open, and then how many deliveries there were.
///
/// # Errors
/// [`Error`]: there is no result as soon as one connection fails.
pub fn fan_out(
    target: &Target,
    options: &Options,
    progress: &mut dyn FnMut(usize, u64),
) -> Result<Measured, Error> {
    let mut session = Session::open(target, options, progress)?;
    let measured = session.turn(progress)?;
    session.close();
    Ok(measured)
}

/// Open connections, for any number of measurements. Between these nothing is
/// read from them.
#[derive(Debug)]
pub struct Session<'a> {
    options: &'a Options,
    swarm: Swarm<'a>,
    deliveries: u64,
    /// How many publications everybody has.
    completed: u64,
    /// When those that are on their way were published.
    published: VecDeque<u64>,
    latency: Latency,
    /// When the last delivery came.
    heard: u64,
}

impl<'a> Session<'a> {
    /// Opens the connections. `progress` is that of [`fan_out()`].
    ///
    /// # Errors
    /// [`Error`], as soon as one of them fails.
    pub fn open(
        target: &'a Target,
        options: &'a Options,
        progress: &mut dyn FnMut(usize, u64),
    ) -> Result<Session<'a>, Error> {
        let in_flight = options.outstanding as usize;
        let outgoing = Outgoing::published(target, options.size, options.text, in_flight);
        let mut swarm = Swarm::new(target, outgoing)?;
        swarm.grow(options.subscribers, &mut |open| progress(open, 0))?;
        Ok(Session {
            options,
            swarm,
            deliveries: 0,
            completed: 0,
            published: VecDeque::new(),
            latency: Latency::new(),
            heard: 0,
        })
    }

    /// Publishes, and measures until everybody has everything.
    ///
    /// # Errors
    /// [`Error`]: there is no result as soon as one connection fails, or if a
    /// publication does not come to everybody.
    pub fn turn(&mut self, progress: &mut dyn FnMut(usize, u64)) -> Result<Measured, Error> {
        let subscribers = self.options.subscribers;
        let mut tick = |session: &Self| progress(subscribers, session.deliveries);
        self.publish_for(self.options.warm_up, &mut tick)?;

        let meters = Meters::start(self.options.process.as_ref())?;
        self.latency = Latency::new();
        let (start, before) = (self.swarm.now(), self.deliveries);
        self.publish_for(self.options.duration, &mut tick)?;
        let elapsed = Duration::from_nanos(self.heard - start);
        let latency = std::mem::replace(&mut self.latency, Latency::new());
        meters.stop(elapsed, self.deliveries - before, latency)
    }

    /// Says goodbye on every connection.
    pub fn close(self) {
        self.swarm.close();
    }

    /// Publishes for so long, and waits for the deliveries.
    fn publish_for(&mut self, time: Duration, tick: &mut dyn FnMut(&Self)) -> Result<(), Error> {
        self.heard = self.swarm.now();
        let end = self.heard + time.as_nanos() as u64;
        let mut next_tick = 0;
        loop {
            let now = self.swarm.now();
            if now < end {
                self.publish(now)?;
            } else if self.published.is_empty() {
                return Ok(());
            }
            if now >= next_tick {
                tick(self);
                next_tick = now + TICK.as_nanos() as u64;
            }
            if now > self.heard + SILENCE.as_nanos() as u64 {
                return Err(Error::Silent("a publication"));
            }
            self.wait()?;
        }
    }

    /// Publishes as many as may be on their way.
    fn publish(&mut self, now: u64) -> Result<(), Error> {
        let more = self.options.outstanding as usize - self.published.len();
        if more > 0 {
            self.published.extend((0..more).map(|_| now));
            self.swarm.send(0, more as u64, now)?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), Error> {
        let Session {
            swarm,
            deliveries,
            heard,
            ..
        } = self;
        swarm.turn(TICK, |peer, messages, now, _| {
            *heard = now;
            *deliveries += messages;
            peer.sent.clear();
        })?;
        // Subscribers may differ in how far they are, but all get everything: so
        // many deliveries are so many publications.
        let now = self.swarm.now();
        while self.completed < self.deliveries / self.options.subscribers as u64 {
            self.completed += 1;
            if let Some(published) = self.published.pop_front() {
                self.latency.record(now - published);
            }
        }
        Ok(())
    }
}
