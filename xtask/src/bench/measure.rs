//! Runs servers and loads.

use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::cores::{self, Pinned};
use super::figure::Figure;
use super::machine;
use super::options::Options;
use super::paired::Found;
use super::programs::{Programs, Ready, Running};
use super::scenario::{Group, Scenario, Task};
use super::server::{Program, Server};
use super::source;
use super::statistics::Summary;
use super::table::{Cell, Table};
use crate::error::{Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

/// How long a server has for settling after it has started.
pub(crate) const SETTLE: Duration = Duration::from_millis(100);
/// What a load may take, on a machine that is busy.
const LOAD_LIMIT: Duration = Duration::from_secs(300);

/// The programs, built, and the servers, set up.
pub(crate) struct Bench<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) options: &'a Options,
    programs: Programs,
    servers: Vec<Entry>,
}

/// A server that was asked for, whether it can be measured or not.
pub(crate) struct Entry {
    server: Server,
    /// Its name with its version.
    name: String,
    pub(crate) ready: Result<Ready>,
}

/// Who has a row.
pub(crate) struct Contender<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) name: String,
    /// The others are compared with it.
    pub(crate) is_limit: bool,
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
        let contenders = self.contenders(group);
        let mut table = Table::new(group, contenders.iter().map(|it| it.name.clone()));
        for scenario in self.options.scenarios(group) {
            let found = match group.figure {
                Figure::Memory => self.one_by_one(group, scenario, &contenders),
                Figure::Cpu | Figure::Latency => self.in_turns(group, scenario, &contenders)?,
            };
            table.add(scenario, found);
        }
        Ok(table)
    }

    /// The limit has a second row, as if it were somebody else: what is found of
    /// that is how far the others can be trusted.
    fn contenders(&self, group: &Group) -> Vec<Contender<'_>> {
        let entries = self.servers.iter();
        let entries = entries.filter(|entry| entry.server.is_in(group.name));
        let rows = entries.flat_map(|entry| {
            let is_limit = entry.server.name == group.task.limit();
            let again = is_limit && group.figure != Figure::Memory;
            let again = again.then(|| Contender {
                entry,
                name: format!("{} again", entry.server.name),
                is_limit: false,
            });
            let name = entry.name.clone();
            let contender = Contender {
                entry,
                name,
                is_limit,
            };
            std::iter::once(contender).chain(again)
        });
        rows.collect()
    }

    /// Starts a server on its core. A client has that core instead, and the server
    /// it talks to, which is faster than any client, that of the load generator.
    pub(crate) fn start(&self, group: &Group, ready: &Ready) -> Result<Running> {
        if group.task != Task::Client {
            let _core = Pinned::to(cores::SERVER);
            return ready.start(self.workspace, group.task, group.figure == Figure::Memory);
        }
        let echo = match ready.server.program {
            Program::Generator => "raw",
            _ => "longwire-handler",
        };
        let mut server = Command::new(&self.programs.bench_servers);
        server.args(["echo", echo]);
        let _core = Pinned::to(cores::LOAD);
        super::programs::start(self.workspace, "bench client server", &mut server)
    }

    /// The load generator, and what it is to do but for how long.
    pub(crate) fn load_command(
        &self,
        group: &Group,
        load: &str,
        ready: &Ready,
        running: &Running,
    ) -> Command {
        let mut command = Command::new(&self.programs.longwire);
        command.arg("bench").args(load.split_whitespace());
        command.args(["--json", "--pid", &running.service.id().to_string()]);
        command.args(ready.server.target(group.task, &running.address));
        command
    }

    /// Runs a load for so many seconds, or as long as it takes.
    pub(crate) fn run(
        &self,
        group: &Group,
        load: &str,
        ready: &Ready,
        running: &Running,
        seconds: Option<f64>,
    ) -> Result<Value> {
        let mut command = self.load_command(group, load, ready, running);
        if let Some(seconds) = seconds {
            command.args(["--warm-up", "0.1", "--duration", &seconds.to_string()]);
        }
        let _core = Pinned::to(cores::LOAD);
        let output = process::run(self.workspace, "bench load", &mut command, LOAD_LIMIT)?;
        serde_json::from_str(output.trim()).context("reading what the load found")
    }

    /// Memory is looked at once, of each server as it is after its start.
    fn one_by_one(
        &self,
        group: &Group,
        scenario: &Scenario,
        contenders: &[Contender<'_>],
    ) -> Found {
        let cell = |contender: &Contender<'_>| {
            let Ok(ready) = &contender.entry.ready else {
                return Cell::Missing;
            };
            let what = format!("{} {}", scenario.title, contender.name);
            match self.memory(group, scenario, ready) {
                Ok(bytes) => {
                    println!("    {what}: {bytes:.0}");
                    Summary::with_quartiles(&[bytes]).map_or(Cell::Failed, Cell::alone)
                }
                Err(why) => {
                    println!("    {what}: {why}");
                    Cell::Failed
                }
            }
        };
        Found {
            cells: contenders.iter().map(|it| vec![cell(it)]).collect(),
            generator: Vec::new(),
        }
    }

    fn memory(&self, group: &Group, scenario: &Scenario, ready: &Ready) -> Result<f64> {
        let running = self.start(group, ready)?;
        thread::sleep(SETTLE);
        let result = self.run(group, scenario.load, ready, &running, None);
        // Whatever it printed, the server's end says more.
        let result = result.map_err(|why| running.service.failure(&format!("failed: {why}")))?;
        source::number(&result, group.figure.pointers()[0])
    }
}
