//! Messages to a server that sends them back.

use crate::{
    Error, Latency, Measured, Process, Target,
    measured::Meters,
    outgoing::Outgoing,
    peer::Peer,
    schedule::Schedule,
    swarm::{Swarm, TICK},
};
use std::time::Duration;

/// For how long the server may be silent at the end, while answers are awaited.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent, and for how long.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many connections. Default: 50.
    pub connections: usize,
    /// When the next message is sent. Default: with one message in flight.
    pub pace: Pace,
    /// The length of a message, in bytes. Default: 20.
    pub size: usize,
    /// Whether the messages are text; the payload is ASCII. Default: false,
    /// binary.
    pub text: bool,
    /// How long messages are sent before the measuring begins. Default: 0.5 s.
    pub warm_up: Duration,
    /// How long is measured. Default: 10 s.
    pub duration: Duration,
    /// The server's process, if it is on this machine.
    pub process: Option<Process>,
}

/// When the next message is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many messages are in flight on each connection: an answer has the next
    /// one sent. Finds out how much the server can do.
    InFlight(u32),
    /// So many messages a second on all connections together, whether answers
    /// come or not. Finds out how long they take.
    Rate(f64),
}

impl Default for Options {
    fn default() -> Self {
        Options {
            connections: 50,
            pace: Pace::InFlight(1),
            size: 20,
            text: false,
            warm_up: Duration::from_millis(500),
            duration: Duration::from_secs(10),
            process: None,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// So many connections are open.
    Opening(usize),
    /// The server warms up.
    WarmingUp,
    /// It is measured.
    Measuring {
        /// For how long.
        elapsed: Duration,
        /// How many answers came.
        messages: u64,
    },
}

/// What was measured.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The answers. At a fixed rate the latency is from when a message was due.
    pub measured: Measured,
    /// How many messages were never answered. At a fixed rate they count in the
    /// latency with the time that they were waited for.
    pub unanswered: u64,
}

/// Sends messages, and measures what comes back.
///
/// # Errors
/// [`Error`]: there is no result as soon as one connection fails.
pub fn echo(
    target: &Target,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Error> {
    let mut session = Session::open(target, options, progress)?;
    let report = session.turn(progress)?;
    session.close();
    Ok(report)
}

/// Open connections, for any number of measurements. Between these nothing is
/// read from them.
#[derive(Debug)]
pub struct Session<'a> {
    options: &'a Options,
    swarm: Swarm<'a>,
    /// Messages that are due by the clock, if any are.
    schedule: Option<Schedule>,
    /// An answer has the next message sent.
    answers_send: bool,
    measured_from: u64,
    latency: Latency,
    answers: u64,
    /// When the last answer came.
    heard: u64,
}

impl<'a> Session<'a> {
    /// Opens the connections.
    ///
    /// # Errors
    /// [`Error`], as soon as one of them fails.
    pub fn open(
        target: &'a Target,
        options: &'a Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Session<'a>, Error> {
        let in_flight = match options.pace {
            Pace::InFlight(count) => count as usize,
            Pace::Rate(_) => 1,
        };
        let outgoing = Outgoing::new(target, options.size, options.text, in_flight);
        let mut swarm = Swarm::new(target, outgoing)?;
        swarm.grow(options.connections, &mut |open| {
            progress(Progress::Opening(open));
        })?;
        Ok(Session {
            options,
            swarm,
            schedule: None,
            answers_send: false,
            measured_from: 0,
            latency: Latency::new(),
            answers: 0,
            heard: 0,
        })
    }

    /// Sends messages, and measures what comes back, from when nothing is in
    /// flight until nothing is: what the server does in that time it does for
    /// the messages that are counted, and it cannot end before there is one.
    ///
    /// # Errors
    /// [`Error`]: there is no result as soon as one connection fails.
    pub fn turn(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
        progress(Progress::WarmingUp);
        self.send_for(self.options.warm_up, &mut |_| {})?;

        let meters = Meters::start(self.options.process.as_ref())?;
        let start = self.swarm.now();
        self.measured_from = start;
        self.latency = Latency::new();
        self.answers = 0;
        let unanswered = self.send_for(self.options.duration, &mut |session| {
            progress(Progress::Measuring {
                elapsed: Duration::from_nanos(session.swarm.now() - start),
                messages: session.answers,
            });
        })?;
        if self.answers == 0 {
            return Err(Error::Silent("an echo"));
        }
        let elapsed = Duration::from_nanos(self.heard - start);
        let latency = std::mem::replace(&mut self.latency, Latency::new());
        Ok(Report {
            measured: meters.stop(elapsed, self.answers, latency)?,
            unanswered,
        })
    }

    /// Says goodbye on every connection.
    pub fn close(self) {
        self.swarm.close();
    }

    /// Sends for so long, waits for the answers, and says how many never came.
    fn send_for(&mut self, time: Duration, tick: &mut dyn FnMut(&Self)) -> Result<u64, Error> {
        if time.is_zero() {
            return Ok(0);
        }
        let now = self.swarm.now();
        match self.options.pace {
            Pace::Rate(rate) => self.schedule = Some(Schedule::new(rate, now)),
            Pace::InFlight(count) => {
                self.answers_send = true;
                for number in 0..self.swarm.peers().len() {
                    self.swarm.send(number, count.into(), now)?;
                }
            }
        }
        self.until(now + nanoseconds(time), tick)?;
        self.finish()
    }

    /// Goes on until that time.
    fn until(&mut self, end: u64, tick: &mut dyn FnMut(&Self)) -> Result<(), Error> {
        let mut next_tick = 0;
        loop {
            let now = self.swarm.now();
            if now >= end {
                return Ok(());
            }
            if now >= next_tick {
                tick(self);
                next_tick = now + nanoseconds(TICK);
            }
            let left = Duration::from_nanos(end - now);
            let timeout = self.send_due(now)?.min(left).min(TICK);
            self.wait(timeout)?;
        }
    }

    /// Sends what is due, and says how long nothing is.
    fn send_due(&mut self, now: u64) -> Result<Duration, Error> {
        let Some(schedule) = &mut self.schedule else {
            return Ok(Duration::MAX);
        };
        let connections = self.swarm.peers().len() as u64;
        while let Some((number, due)) = schedule.take_due(now) {
            self.swarm.send((number % connections) as usize, 1, due)?;
        }
        Ok(schedule.sleep(now))
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), Error> {
        let Session {
            swarm,
            answers_send,
            measured_from,
            latency,
            answers,
            heard,
            ..
        } = self;
        swarm.turn(timeout, |peer: &mut Peer, messages, now, outgoing| {
            *heard = now;
            for sent in peer.sent.drain(..peer.sent.len().min(messages as usize)) {
                if sent >= *measured_from {
                    *answers += 1;
                    latency.record(now - sent);
                }
            }
            if *answers_send {
                peer.queue(messages, now, outgoing);
            }
        })
    }

    /// Waits for what is in flight, and says how many answers never came.
    fn finish(&mut self) -> Result<u64, Error> {
        let scheduled = self.schedule.take().is_some();
        self.answers_send = false;
        let end = self.swarm.now();
        let mut now = end;
        while self.in_flight().next().is_some() && now < self.heard.max(end) + nanoseconds(PATIENCE)
        {
            self.wait(TICK)?;
            now = self.swarm.now();
        }
        let unanswered: Vec<u64> = self.in_flight().collect();
        if scheduled {
            unanswered
                .iter()
                .for_each(|sent| self.latency.record(now - sent));
        }
        Ok(unanswered.len() as u64)
    }

    /// When each message was sent that is not answered.
    fn in_flight(&self) -> impl Iterator<Item = u64> {
        self.swarm
            .peers()
            .iter()
            .flat_map(|peer| peer.sent.iter().copied())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
