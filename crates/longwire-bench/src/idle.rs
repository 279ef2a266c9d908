//! Connections that are held, and the memory that they take.

use crate::{
    Error, Process, Target, kernel_socket_memory,
    outgoing::Outgoing,
    swarm::{Swarm, TICK},
};
use std::time::{Duration, Instant};

/// How long the server may be silent while messages are outstanding.
const SILENCE: Duration = Duration::from_secs(10);

/// How many connections are held.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// At how many connections memory is looked at, in ascending order. Default:
    /// 0, 5,000, 10,000 and 18,000.
    pub steps: Vec<usize>,
    /// How long a message each connection has echoed before, in bytes. Default:
    /// none.
    pub echo: Option<usize>,
    /// How long the server may settle at each step before it is looked at.
    /// Default: 1 s.
    pub settle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            steps: vec![0, 5_000, 10_000, 18_000],
            echo: None,
            settle: Duration::from_secs(1),
        }
    }
}

/// What was seen at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// How many connections were open.
    pub connections: usize,
    /// The server's resident memory, in bytes.
    pub resident: u64,
    /// What stood in the TCP queues of this machine, in bytes, where it is told.
    pub kernel: Option<u64>,
}

/// What was measured.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// What was seen at each step.
    pub steps: Vec<Step>,
    /// How many bytes each connection takes, by the line through all steps.
    pub bytes_per_connection: f64,
}

/// Opens connections step by step, holds them, and looks at the server's memory.
/// `progress` is told how many are open.
///
/// # Errors
/// [`Error`]: there is no result as soon as one connection fails.
pub fn idle(
    target: &Target,
    options: &Options,
    process: &Process,
    progress: &mut dyn FnMut(usize),
) -> Result<Report, Error> {
    let outgoing = Outgoing::new(target, options.echo.unwrap_or(0), false, 1);
    let mut swarm = Swarm::new(target, outgoing)?;
    let mut steps = Vec::new();
    for &connections in &options.steps {
        let before = swarm.peers().len();
        swarm.grow(connections, progress)?;
        if options.echo.is_some() {
            echo(&mut swarm, before)?;
        }
        hold(&mut swarm, options.settle)?;
        steps.push(Step {
            connections,
            resident: process.resident_memory()?,
            kernel: kernel_socket_memory(),
        });
    }
    swarm.close();
    Ok(Report {
        bytes_per_connection: slope(&steps),
        steps,
    })
}

/// Has each connection from `first` on echo a message.
fn echo(swarm: &mut Swarm<'_>, first: usize) -> Result<(), Error> {
    let count = swarm.peers().len();
    let mut answers = 0;
    let mut heard = Instant::now();
    for number in first..count {
        let now = swarm.now();
        swarm.send(number, 1, now)?;
        // The next one is sent when this one is answered: a flood would have
        // the server grow buffers that no such connections need.
        let awaited = number - first + 1;
        while answers < awaited {
            swarm.turn(TICK, |_, messages, _, _| answers += messages as usize)?;
            if heard.elapsed() > SILENCE {
                return Err(Error::Silent("an echo"));
            }
        }
        heard = Instant::now();
    }
    Ok(())
}

fn hold(swarm: &mut Swarm<'_>, time: Duration) -> Result<(), Error> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        swarm.turn(TICK, |_, _, _, _| {})?;
    }
    Ok(())
}

/// The slope of the line with the least squares.
fn slope(steps: &[Step]) -> f64 {
    let count = steps.len().max(1) as f64;
    let mean = |of: fn(&Step) -> f64| steps.iter().map(of).sum::<f64>() / count;
    let (x, y) = (
        mean(|step| step.connections as f64),
        mean(|step| step.resident as f64),
    );
    let (mut over, mut under) = (0.0, 0.0);
    for step in steps {
        let distance = step.connections as f64 - x;
        over += distance * (step.resident as f64 - y);
        under += distance * distance;
    }
    if under == 0.0 { 0.0 } else { over / under }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_leaves_out_what_is_there_anyway() {
        let step = |connections: usize| Step {
            connections,
            resident: 3_000_000 + connections as u64 * 208,
            kernel: None,
        };
        let steps: Vec<Step> = [0, 5_000, 10_000, 18_000].map(step).to_vec();
        assert!((slope(&steps) - 208.0).abs() < 1e-6);
        assert_eq!(slope(&steps[..1]), 0.0);
    }
}
