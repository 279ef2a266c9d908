//! Where turns come from.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::cores::{self, Pinned};
use super::figure::Figure;
use super::lane::Lane;
use super::measure::Bench;
use super::scenario::{Group, Task};
use super::server::Program;
use crate::error::{Error, Result, ResultExt as _};
use crate::process::{self, Service};
use crate::workspace::Workspace;

/// What one turn may take beside the time that it is measured.
const TURN_LIMIT: Duration = Duration::from_secs(60);
/// What a load may take to close its connections.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);
/// How long a load goes on before it is measured, of the time that it is.
const WARM_UP: f64 = 0.25;
/// How long a client is measured, in seconds.
const CLIENT_TURN: &str = "0.1";

/// Measures when it is asked to.
pub(crate) enum Source<'a> {
    /// A load that runs, with its connections open.
    Load { service: Service, figure: Figure },
    /// A client that is started for each turn.
    Client {
        workspace: &'a Workspace,
        command: Command,
        /// Where its number stands.
        pointer: &'static str,
    },
}

/// What one turn told.
pub(crate) struct Turn {
    /// A number for each column.
    pub(crate) columns: Vec<f64>,
    /// What the load generator took.
    pub(crate) generator: Option<Generator>,
}

#[derive(Clone, Copy)]
pub(crate) struct Generator {
    /// CPU time for each message, in microseconds.
    pub(crate) each: f64,
    /// How much of its core that was.
    pub(crate) busy: f64,
}

impl Bench<'_> {
    /// The load of a server, or a client of it.
    pub(crate) fn open(&self, group: &Group, load: &str, lane: &Lane<'_>) -> Result<Source<'_>> {
        match group.task {
            Task::Client => self.client(load, lane),
            _ => self.running_load(group, load, lane),
        }
    }

    fn running_load(&self, group: &Group, load: &str, lane: &Lane<'_>) -> Result<Source<'_>> {
        let (ready, running) = lane.running()?;
        let turn = group.figure.turn();
        let warm_up = turn * WARM_UP;
        let mut command = self.load_command(group, load, ready, running);
        command.args(["--by-line", "--duration", &turn.to_string()]);
        command.args(["--warm-up", &warm_up.to_string()]);
        let what = format!("bench load {}", lane.contender.name);
        let _core = Pinned::to(cores::LOAD);
        Ok(Source::Load {
            service: Service::start_to_ask(self.workspace, &what, &mut command)?,
            figure: group.figure,
        })
    }

    fn client(&self, load: &str, lane: &Lane<'_>) -> Result<Source<'_>> {
        let (ready, running) = lane.running()?;
        let mut command = ready.command();
        let pointer = if ready.server.program == Program::Generator {
            let url = format!("tcp://{}", running.address);
            command.args(["bench", "--json", "--warm-up", "0.2", &url]);
            "/generator/cpu_us_each"
        } else {
            command.args(["client", &ready.server.name, &running.address]);
            "/client/cpu_us_each"
        };
        command.args(load.split_whitespace());
        command.args(["-d", CLIENT_TURN]);
        Ok(Source::Client {
            workspace: self.workspace,
            command,
            pointer,
        })
    }
}

impl Source<'_> {
    /// Makes one turn.
    pub(crate) fn turn(&mut self) -> Result<Turn> {
        match self {
            Source::Load { service, figure } => {
                service.ask()?;
                let line = service.next_line(Instant::now() + TURN_LIMIT)?;
                let line = line.ok_or_else(|| service.failure("ended"))?;
                // At a fixed rate the generator does not sleep, and is always busy.
                Turn::read(&line, figure.pointers(), *figure == Figure::Cpu)
            }
            Source::Client {
                workspace,
                command,
                pointer,
            } => {
                // It has the core that servers have otherwise.
                let _core = Pinned::to(cores::SERVER);
                let line = process::run(workspace, "bench client", command, TURN_LIMIT)?;
                Turn::read(line.trim(), &[pointer], false)
            }
        }
    }

    /// Ends it, and waits until it has said goodbye.
    pub(crate) fn close(self) -> Result {
        if let Source::Load { mut service, .. } = self {
            service.ask_no_more();
            service.wait(CLOSE_LIMIT)?;
        }
        Ok(())
    }
}

impl Turn {
    fn read(line: &str, pointers: &[&str], tells_generator: bool) -> Result<Turn> {
        let result: Value = serde_json::from_str(line).context("reading what the load found")?;
        let columns: Result<Vec<f64>> = pointers.iter().map(|at| number(&result, at)).collect();
        let generator = tells_generator.then(|| Generator::of(&result)).flatten();
        Ok(Turn {
            columns: columns?,
            generator,
        })
    }
}

impl Generator {
    fn of(result: &Value) -> Option<Generator> {
        let number = |pointer| number(result, pointer).ok();
        Some(Generator {
            each: number("/generator/cpu_us_each")?,
            busy: number("/generator/cpu_seconds")? / number("/seconds")?,
        })
    }
}

/// A number of a result.
pub(crate) fn number(result: &Value, pointer: &str) -> Result<f64> {
    let number = result.pointer(pointer).and_then(Value::as_f64);
    number.ok_or_else(|| Error::new(format!("the load did not tell {pointer}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_load_is_understood() {
        let line = r#"{"seconds":0.5,"server":{"cpu_us_each":4.5},
                       "generator":{"cpu_us_each":3.0,"cpu_seconds":0.25}}"#;
        let turn = Turn::read(line, Figure::Cpu.pointers(), true).expect("it is whole");
        assert_eq!(turn.columns, [4.5]);
        let generator = turn.generator.expect("it is told");
        assert_eq!((generator.each, generator.busy), (3.0, 0.5));
        assert!(Turn::read(line, Figure::Latency.pointers(), false).is_err());
    }
}
