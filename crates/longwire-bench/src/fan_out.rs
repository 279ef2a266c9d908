//! One publishes, all get it.

use crate::{
    Error, Latency, Measured, Process, Target,
    measured::Meters,
    outgoing::Outgoing,
    swarm::{Swarm, TICK},
};
use std::{collections::VecDeque, time::Duration};

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
    let in_flight = options.outstanding as usize;
    let outgoing = Outgoing::published(target, options.size, options.text, in_flight);
    let mut swarm = Swarm::new(target, outgoing)?;
    swarm.grow(options.subscribers, &mut |open| progress(open, 0))?;
    let mut run = Run {
        swarm,
        subscribers: options.subscribers as u64,
        outstanding: options.outstanding as usize,
        deliveries: 0,
        completed: 0,
        published: VecDeque::new(),
        latency: Latency::new(),
    };
    let mut tick = |run: &Run<'_>| progress(options.subscribers, run.deliveries);
    run.for_time(options.warm_up, &mut tick)?;
    if run.deliveries == 0 {
        return Err(Error::Silent("a publication"));
    }

    let meters = Meters::start(options.process.as_ref())?;
    run.latency = Latency::new();
    let (start, before) = (run.swarm.now(), run.deliveries);
    run.for_time(options.duration, &mut tick)?;
    let elapsed = Duration::from_nanos(run.swarm.now() - start);
    let measured = meters.stop(elapsed, run.deliveries - before, run.latency)?;
    run.swarm.close();
    Ok(measured)
}

struct Run<'a> {
    swarm: Swarm<'a>,
    subscribers: u64,
    outstanding: usize,
    deliveries: u64,
    /// How many publications everybody has.
    completed: u64,
    /// When those that are on their way were published.
    published: VecDeque<u64>,
    latency: Latency,
}

impl Run<'_> {
    fn for_time(&mut self, time: Duration, tick: &mut dyn FnMut(&Self)) -> Result<(), Error> {
        let end = self.swarm.now() + time.as_nanos() as u64;
        let mut next_tick = 0;
        loop {
            let now = self.swarm.now();
            if now >= end {
                return Ok(());
            }
            if now >= next_tick {
                tick(self);
                next_tick = now + TICK.as_nanos() as u64;
            }
            let more = self.outstanding - self.published.len();
            if more > 0 {
                self.published.extend((0..more).map(|_| now));
                self.swarm.send(0, more as u64, now)?;
            }
            self.turn(Duration::from_nanos(end - now).min(TICK))?;
        }
    }

    fn turn(&mut self, timeout: Duration) -> Result<(), Error> {
        let deliveries = &mut self.deliveries;
        self.swarm.turn(timeout, |peer, messages, _, _| {
            *deliveries += messages;
            peer.sent.clear();
        })?;
        // Subscribers may differ in how far they are, but all get everything: so
        // many deliveries are so many publications.
        let now = self.swarm.now();
        while self.completed < self.deliveries / self.subscribers {
            self.completed += 1;
            if let Some(published) = self.published.pop_front() {
                self.latency.record(now - published);
            }
        }
        Ok(())
    }
}
