//! Measures as often as it is asked to, over connections that stay open.

use super::{Measurement, Outcome, number, progress::Progress};
use longwire_bench::{Error, Process, Target, echo, fan_out, idle, storm};

/// What is measured, with its connections where those stay.
#[derive(Debug)]
pub(super) enum Session<'a> {
    Echo(&'a echo::Options, echo::Session<'a>),
    FanOut(&'a fan_out::Options, fan_out::Session<'a>),
    /// Opens its own each time.
    Storm(&'a Target, &'a storm::Options),
    /// Opens its own each time.
    Idle(&'a Target, &'a idle::Options, &'a Process),
}

impl<'a> Session<'a> {
    pub(super) fn open(
        target: &'a Target,
        measurement: &'a Measurement,
        progress: &mut Progress,
    ) -> Result<Session<'a>, Error> {
        Ok(match measurement {
            Measurement::Echo(options) => {
                let tick = &mut |at| show_echo(progress, options, at);
                Session::Echo(options, echo::Session::open(target, options, tick)?)
            }
            Measurement::FanOut(options) => {
                let tick = &mut |open, _| progress.count(open, options.subscribers);
                Session::FanOut(options, fan_out::Session::open(target, options, tick)?)
            }
            Measurement::Storm(options) => Session::Storm(target, options),
            Measurement::Idle(options, process) => Session::Idle(target, options, process),
        })
    }

    pub(super) fn turn(&mut self, progress: &mut Progress) -> Result<Outcome<'a>, Error> {
        Ok(match self {
            Session::Echo(options, session) => {
                let tick = &mut |at| show_echo(progress, options, at);
                Outcome::Echo(options, session.turn(tick)?)
            }
            Session::FanOut(options, session) => {
                let tick = &mut |_, deliveries| {
                    progress.say(&format!("{} deliveries", number::whole(deliveries)));
                };
                Outcome::FanOut(options, session.turn(tick)?)
            }
            Session::Storm(target, options) => {
                let tick = &mut |elapsed, opened| {
                    progress.time(elapsed, options.duration, opened, "handshakes");
                };
                Outcome::Storm(storm(target, options, tick)?)
            }
            Session::Idle(target, options, process) => {
                let all = options.steps.last().copied().unwrap_or(0);
                let tick = &mut |open| progress.count(open, all);
                Outcome::Idle(idle(target, options, process, tick)?)
            }
        })
    }

    pub(super) fn close(self) {
        match self {
            Session::Echo(_, session) => session.close(),
            Session::FanOut(_, session) => session.close(),
            Session::Storm(..) | Session::Idle(..) => {}
        }
    }
}

fn show_echo(progress: &mut Progress, options: &echo::Options, at: echo::Progress) {
    match at {
        echo::Progress::Opening(open) => progress.count(open, options.connections),
        echo::Progress::Measuring { elapsed, messages } => {
            progress.time(elapsed, options.duration, messages, "messages");
        }
        _ => progress.say("warming up"),
    }
}
