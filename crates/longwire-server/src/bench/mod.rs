//! `longwire bench`: the load generator for people and scripts.

mod json;
pub(crate) mod number;
mod plot;
pub(crate) mod progress;
mod session;
mod text;

use crate::{
    connect::values::Header,
    exit::{Failure, Status},
};
use longwire::tls::{ClientTls, rustls::ClientConfig};
use longwire_bench::{Error, Measured, Process, Target, TargetError, echo, fan_out, idle, storm};
use progress::Progress;
use session::Session;
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
enum Outcome<'a> {
    Echo(&'a echo::Options, echo::Report),
    Storm(Measured),
    Idle(idle::Report),
    FanOut(&'a fan_out::Options, Measured),
}

/// When it is measured, and how the result is shown.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) url: String,
    pub(crate) json: bool,
    /// Once for each line that is read.
    pub(crate) by_line: bool,
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
pub(crate) fn run(target: &Target, measurement: &Measurement, look: &Look) -> Result<(), Failure> {
    let mut progress = Progress::new();
    let opened = Session::open(target, measurement, &mut progress);
    progress.clear();
    let mut session = opened.map_err(|error| failure(&error))?;
    if look.by_line {
        // A line that cannot be read is the last one.
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            turn(&mut session, look, &mut progress)?;
        }
    } else {
        turn(&mut session, look, &mut progress)?;
    }
    session.close();
    Ok(())
}

fn turn(session: &mut Session<'_>, look: &Look, progress: &mut Progress) -> Result<(), Failure> {
    let outcome = session.turn(progress);
    progress.clear();
    let outcome = outcome.map_err(|error| failure(&error))?;
    let text = match look.json {
        true => json::line(&outcome).to_string(),
        false => text::page(&look.url, &outcome),
    };
    crate::listen::announce(&text);
    Ok(())
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
