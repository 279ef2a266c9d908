//! `longwire bench`: the load generator for people and scripts.

mod json;
pub(crate) mod number;
mod plot;
pub(crate) mod progress;
mod text;

use crate::{
    connect::values::Header,
    exit::{Failure, Status},
};
use longwire::tls::{ClientTls, rustls::ClientConfig};
use longwire_bench::{Error, Measured, Process, Target, TargetError, echo, fan_out, idle, storm};
use progress::Progress;
use std::sync::Arc;

/// What is measured.
#[derive(Debug)]
pub(crate) enum Measurement {
    Echo(echo::Options),
    Storm(storm::Options),
    Idle(idle::Options, Process),
    FanOut(fan_out::Options),
}

/// What it gave.
#[derive(Debug)]
enum Outcome {
    Echo(echo::Options, echo::Report),
    Storm(Measured),
    Idle(idle::Report),
    FanOut(fan_out::Options, Measured),
}

/// How the result is shown.
#[derive(Debug)]
pub(crate) struct Look {
    url: String,
    json: bool,
}

impl Look {
    pub(crate) fn new(url: String, json: bool) -> Look {
        Look { url, json }
    }
}

/// The server at a URL.
pub(crate) fn target(url: &str, headers: &[Header], tls: &ClientTls) -> Result<Target, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(Status::Usage, error);
    let resolved = match Target::resolve(url, None) {
        // The roots are loaded only where they are needed.
        Err(TargetError::NoTls) => Target::resolve(url, Some(&configuration(tls)?)),
        resolved => resolved,
    };
    let target = match resolved {
        Err(error @ TargetError::Resolve { .. }) => {
            return Err(Failure::new(Status::Unreachable, error));
        }
        resolved => resolved.map_err(|error| usage(&error))?,
    };
    headers.iter().try_fold(target, |target, header| {
        target
            .header(&header.name, &header.value)
            .map_err(|error| usage(&error))
    })
}

fn configuration(tls: &ClientTls) -> Result<Arc<ClientConfig>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Failure::new(Status::Failed, error))?;
    let configuration = runtime.block_on(tls.to_rustls());
    configuration.map_err(|error| Failure::new(Status::Unreachable, error))
}

/// Measures, and shows what came of it.
pub(crate) fn run(target: &Target, measurement: Measurement, look: &Look) -> Result<(), Failure> {
    let mut progress = Progress::new();
    let outcome = measure(target, measurement, &mut progress);
    progress.clear();
    let outcome = outcome.map_err(|error| failure(&error))?;
    if look.json {
        crate::listen::announce(&json::line(&outcome).to_string());
    } else {
        crate::listen::announce(&text::page(&look.url, &outcome));
    }
    Ok(())
}

fn measure(
    target: &Target,
    measurement: Measurement,
    progress: &mut Progress,
) -> Result<Outcome, Error> {
    Ok(match measurement {
        Measurement::Echo(options) => {
            let report = longwire_bench::echo(target, &options, &mut |at| match at {
                echo::Progress::Opening(open) => progress.count(open, options.connections),
                echo::Progress::Measuring { elapsed, messages } => {
                    progress.time(elapsed, options.duration, messages, "messages");
                }
                _ => progress.say("warming up"),
            })?;
            Outcome::Echo(options, report)
        }
        Measurement::Storm(options) => {
            let tick = &mut |elapsed, opened| {
                progress.time(elapsed, options.duration, opened, "handshakes");
            };
            Outcome::Storm(longwire_bench::storm(target, &options, tick)?)
        }
        Measurement::Idle(options, process) => {
            let all = options.steps.last().copied().unwrap_or(0);
            let tick = &mut |open| progress.count(open, all);
            Outcome::Idle(longwire_bench::idle(target, &options, &process, tick)?)
        }
        Measurement::FanOut(options) => {
            let tick = &mut |open, deliveries| match deliveries {
                0 => progress.count(open, options.subscribers),
                _ => progress.say(&format!("{} deliveries", number::whole(deliveries))),
            };
            let report = longwire_bench::fan_out(target, &options, tick)?;
            Outcome::FanOut(options, report)
        }
    })
}

/// The exit code that an error has.
pub(crate) fn failure(error: &Error) -> Failure {
    let status = match error {
        Error::Connect(_) | Error::FileLimit { .. } => Status::Unreachable,
        Error::Handshake(_) | Error::NotCompressed => Status::Refused,
        Error::Tls(_) | Error::System(_) | Error::Process { .. } => Status::Failed,
        _ => Status::Closed,
    };
    Failure::new(status, error)
}
