//! Runs servers and loads.

use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::cores::{self, Pinned};
use super::machine;
use super::options::Options;
use super::programs::{Programs, Ready};
use super::scenario::{Figure, Group, HALF, Scenario, Task};
use super::server::{Program, Server};
use super::summary::Summary;
use super::table::{Cell, Row, Table};
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

/// How long a server has for settling after it has started.
const SETTLE: Duration = Duration::from_millis(100);
/// What a load may take beside the time that it is measured.
const LOAD_LIMIT: Duration = Duration::from_secs(120);
/// How much of its core the load generator may use before it is in the way.
const BUSY: f64 = 0.97;

/// The programs, built, and the servers, set up.
pub(crate) struct Bench<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    programs: Programs,
    servers: Vec<Entry>,
}

/// A server that has a row, whether it can be measured or not.
struct Entry {
    server: Server,
    /// Its name with its version.
    name: String,
    ready: Result<Ready>,
}

/// What one turn told.
struct Turn {
    /// A number for each column.
    columns: Vec<f64>,
    /// CPU time of the load generator for each message, in microseconds, and how
    /// much of its core that was.
    generator: Option<(f64, f64)>,
}

impl<'a> Bench<'a> {
    pub(crate) fn prepare(workspace: &'a Workspace, options: &'a Options) -> Result<Bench<'a>> {
        println!("==> building the load generator and the servers");
        let programs = Programs::build(workspace)?;
        let mut servers = Vec::new();
        for server in &options.servers {
            let ready = programs.set_up(workspace, server);
            if let Err(why) = &ready {
                println!("    MISSING {}: {why}", server.name);
            }
            servers.push(Entry {
                server: server.clone(),
                name: machine::with_version(workspace, server)?,
                ready,
            });
        }
        Ok(Bench {
            workspace,
            options,
            programs,
            servers,
        })
    }

    /// Those that were asked for and cannot be had, by name.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let missing = self.servers.iter().filter(|entry| entry.ready.is_err());
        missing.map(|entry| &*entry.server.name).collect()
    }

    /// Measures every server in every scenario of a group.
    pub(crate) fn group(&self, group: &'static Group) -> Result<Table> {
        println!("\n==> {}: {}", group.name, group.title);
        let entries: Vec<&Entry> = self
            .servers
            .iter()
            .filter(|entry| entry.server.is_in(group.name))
            .collect();
        let mut rows: Vec<Row> = entries
            .iter()
            .map(|entry| Row {
                name: entry.name.clone(),
                is_limit: entry.server.name == group.task.limit(),
                cells: Vec::new(),
            })
            .collect();
        let mut generator = Vec::new();
        let scenarios = self.options.scenarios(group);
        for scenario in &scenarios {
            let (cells, load) = self.scenario(group, scenario, &entries)?;
            for (row, cells) in rows.iter_mut().zip(cells) {
                row.cells.extend(cells);
            }
            generator.push(Summary::of(&load).map_or(Cell::Missing, Cell::Measured));
        }
        Ok(Table {
            group,
            columns: scenarios
                .iter()
                .flat_map(|scenario| {
                    let columns = group.figure.columns().iter();
                    columns.map(|column| format!("{}{column}", scenario.title))
                })
                .collect(),
            rows,
            generator,
        })
    }

    /// The cells of each server, and what the load generator took: the servers
    /// take turns.
    fn scenario(
        &self,
        group: &Group,
        scenario: &Scenario,
        entries: &[&Entry],
    ) -> Result<(Vec<Vec<Cell>>, Vec<f64>)> {
        let load = self.load(group, scenario)?;
        let columns = group.figure.columns().len();
        let mut numbers = vec![vec![Vec::new(); columns]; entries.len()];
        let mut failed = vec![false; entries.len()];
        let mut generator = Vec::new();
        let rounds = group.figure.rounds(self.options.rounds);
        for round in 1..=rounds {
            for (at, entry) in entries.iter().enumerate() {
                let Ok(ready) = &entry.ready else { continue };
                if failed[at] {
                    continue;
                }
                let what = format!("{} {round}/{rounds} {}", scenario.title, entry.server.name);
                match self.turn(group, &load, ready) {
                    Ok(turn) => {
                        println!("    {what}: {turn}");
                        generator.extend(turn.generator.map(|(each, _)| each));
                        for (column, number) in numbers[at].iter_mut().zip(turn.columns) {
                            column.push(number);
                        }
                    }
                    Err(why) => {
                        println!("    {what}: {why}");
                        failed[at] = true;
                    }
                }
            }
        }
        let cells = entries.iter().zip(numbers).zip(failed);
        let cells = cells.map(|((entry, numbers), failed)| {
            let cell = |numbers: &Vec<f64>| match Summary::of(numbers) {
                _ if entry.ready.is_err() => Cell::Missing,
                Some(summary) if !failed => Cell::Measured(summary),
                _ => Cell::Failed,
            };
            numbers.iter().map(cell).collect()
        });
        Ok((cells.collect(), generator))
    }

    /// The options of a scenario's load. Where they ask for it, finds out what
    /// raw can do.
    fn load(&self, group: &Group, scenario: &Scenario) -> Result<String> {
        if !scenario.load.contains(HALF) {
            return Ok(scenario.load.to_owned());
        }
        let raw = self
            .servers
            .iter()
            .find(|entry| entry.server.name == group.task.limit())
            .and_then(|entry| entry.ready.as_ref().ok());
        let raw =
            raw.ok_or_else(|| Error::new("half of raw's rate needs raw among the servers"))?;
        let unlimited = scenario.load.replace(&format!("--rate {HALF}"), "");
        let result = self.run(group, &unlimited, raw)?;
        let rate = number(&result, "/messages_per_second")?;
        println!("    raw can do {rate:.0} a second");
        Ok(scenario.load.replace(HALF, &format!("{:.0}", rate / 2.0)))
    }

    /// One server, started for this, under one load.
    fn turn(&self, group: &Group, load: &str, ready: &Ready) -> Result<Turn> {
        if group.task == Task::Client {
            return self.turn_of_client(load, ready);
        }
        let result = self.run(group, load, ready)?;
        let columns = group.figure.pointers().iter();
        let columns: Result<Vec<f64>> = columns.map(|at| number(&result, at)).collect();
        Ok(Turn {
            columns: columns?,
            // At a fixed rate it does not sleep, and so is always busy.
            generator: match group.figure {
                Figure::Cpu => generator(&result),
                Figure::Memory | Figure::Latency => None,
            },
        })
    }

    fn run(&self, group: &Group, load: &str, ready: &Ready) -> Result<Value> {
        let collects = group.figure == Figure::Memory;
        let running = {
            let _core = Pinned::to(cores::SERVER);
            ready.start(self.workspace, group.task, collects)?
        };
        thread::sleep(SETTLE);

        let mut command = Command::new(&self.programs.longwire);
        command.arg("bench").args(load.split_whitespace());
        command.args(["--json", "--pid", &running.service.id().to_string()]);
        if !group.figure.takes_its_time() {
            let warm_up = self.options.warm_up + ready.server.warm_up();
            command.args(["--duration", &self.options.seconds.to_string()]);
            command.args(["--warm-up", &warm_up.to_string()]);
        }
        command.args(ready.server.target(group.task, &running.address));
        let output = {
            let _core = Pinned::to(cores::LOAD);
            self.finish("bench load", &mut command)
        };
        // Whatever it printed, the server's end says more.
        let output = output.map_err(|why| running.service.failure(&format!("failed: {why}")))?;
        serde_json::from_str(output.trim()).context("reading what the load found")
    }

    /// A client has the core that servers have otherwise, and a server the load
    /// generator's.
    fn turn_of_client(&self, load: &str, ready: &Ready) -> Result<Turn> {
        let is_generator = ready.server.program == Program::Generator;
        let echo = if is_generator {
            "raw"
        } else {
            "longwire-handler"
        };
        let mut server = Command::new(&self.programs.bench_servers);
        server.args(["echo", echo]);
        let running = {
            let _core = Pinned::to(cores::LOAD);
            super::programs::start(self.workspace, "bench client server", &mut server)?
        };
        thread::sleep(SETTLE);

        let seconds = self.options.seconds.to_string();
        let mut client = ready.command();
        match is_generator {
            true => client.args(["bench", "--json"]),
            false => client.args(["client", &ready.server.name, &running.address]),
        };
        client.args(load.split_whitespace()).args(["-d", &seconds]);
        if is_generator {
            client.arg(format!("tcp://{}", running.address));
        }
        let output = {
            let _core = Pinned::to(cores::SERVER);
            self.finish("bench client", &mut client)?
        };
        let result = serde_json::from_str(output.trim()).context("reading what the client told")?;
        let place = if is_generator { "generator" } else { "client" };
        Ok(Turn {
            columns: vec![number(&result, &format!("/{place}/cpu_us_each"))?],
            generator: None,
        })
    }

    fn finish(&self, what: &str, command: &mut Command) -> Result<String> {
        let limit = LOAD_LIMIT + Duration::from_secs_f64(self.options.seconds);
        process::run(self.workspace, what, command, limit)
    }
}

fn number(result: &Value, pointer: &str) -> Result<f64> {
    let number = result.pointer(pointer).and_then(Value::as_f64);
    number.ok_or_else(|| Error::new(format!("the load did not tell {pointer}")))
}

fn generator(result: &Value) -> Option<(f64, f64)> {
    let number = |pointer| result.pointer(pointer).and_then(Value::as_f64);
    let busy = number("/generator/cpu_seconds")? / number("/seconds")?;
    Some((number("/generator/cpu_us_each")?, busy))
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns: Vec<String> = self.columns.iter().map(|it| format!("{it:.3}")).collect();
        f.write_str(&columns.join(" "))?;
        if let Some((each, busy)) = self.generator {
            let percent = busy * 100.0;
            write!(f, " (load generator {each:.3}, {percent:.0} % of its core")?;
            f.write_str(match busy > BUSY {
                true => ": IN THE WAY)",
                false => ")",
            })?;
        }
        Ok(())
    }
}
