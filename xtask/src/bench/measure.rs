//! Runs servers and loads.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::cores::{self, Pinned};
use super::machine;
use super::options::Options;
use super::scenario::{Figure, Group, Scenario};
use super::server::Server;
use super::summary::Summary;
use super::table::{Cell, Row, Table};
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

/// How long a server has for settling after it has started.
const SETTLE: Duration = Duration::from_millis(100);
/// What a load may take beside the time that it is measured.
const LOAD_LIMIT: Duration = Duration::from_secs(120);

/// The programs, built.
pub(crate) struct Bench<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    longwire: PathBuf,
    bench_servers: PathBuf,
}

impl<'a> Bench<'a> {
    pub(crate) fn prepare(workspace: &'a Workspace, options: &'a Options) -> Result<Bench<'a>> {
        println!("==> building the load generator and the servers");
        Ok(Bench {
            workspace,
            options,
            longwire: workspace.longwire()?,
            bench_servers: workspace.bench_servers()?,
        })
    }

    /// Measures every server in every scenario of a group.
    pub(crate) fn group(&self, group: &'static Group) -> Result<Table> {
        println!("\n==> {}: {}", group.name, group.title);
        let scenarios: Vec<&Scenario> = group
            .scenarios
            .iter()
            .filter(|scenario| scenario.quick || !self.options.quick)
            .collect();
        let mut rows = Vec::new();
        for server in &self.options.servers {
            rows.push(Row {
                name: machine::with_version(self.workspace, server)?,
                is_limit: server.name == super::server::LIMIT,
                cells: Vec::new(),
            });
        }
        for scenario in &scenarios {
            for (row, cells) in rows.iter_mut().zip(self.scenario(group.figure, scenario)) {
                row.cells.extend(cells);
            }
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
        })
    }

    /// The cells of each server: the servers take turns.
    fn scenario(&self, figure: Figure, scenario: &Scenario) -> Vec<Vec<Cell>> {
        let columns = figure.columns().len();
        let servers = &self.options.servers;
        let mut numbers = vec![vec![Vec::new(); columns]; servers.len()];
        let mut failed = vec![false; servers.len()];
        for round in 1..=self.options.rounds {
            for (at, server) in servers.iter().enumerate() {
                if failed[at] {
                    continue;
                }
                match self.turn(figure, scenario, server) {
                    Ok(found) => {
                        let shown: Vec<String> =
                            found.iter().map(|number| format!("{number:.3}")).collect();
                        println!(
                            "    {} {round}/{} {}: {}",
                            scenario.title,
                            self.options.rounds,
                            server.name,
                            shown.join(" "),
                        );
                        for (column, number) in numbers[at].iter_mut().zip(found) {
                            column.push(number);
                        }
                    }
                    Err(why) => {
                        println!("    {} {}: {why}", scenario.title, server.name);
                        failed[at] = true;
                    }
                }
            }
        }
        let cell = |failed: bool, numbers: &Vec<f64>| match Summary::of(numbers) {
            Some(summary) if !failed => Cell::Measured(summary),
            _ => Cell::Failed,
        };
        numbers
            .iter()
            .zip(failed)
            .map(|(columns, failed)| columns.iter().map(|column| cell(failed, column)).collect())
            .collect()
    }

    /// One server, started for this, under one load.
    fn turn(&self, figure: Figure, scenario: &Scenario, server: &Server) -> Result<Vec<f64>> {
        let (service, address) = {
            let _core = Pinned::to(cores::SERVER);
            server.start(self.workspace, &self.bench_servers)?
        };
        thread::sleep(SETTLE);

        let mut load = Command::new(&self.longwire);
        load.arg("bench").args(scenario.load.split_whitespace());
        load.args(["--json", "--pid", &service.id().to_string()]);
        if !figure.takes_its_time() {
            load.args(["--duration", &self.options.seconds.to_string()]);
            load.args(["--warm-up", if self.options.quick { "0.2" } else { "0.5" }]);
        }
        load.arg(format!("{}://{address}/", server.scheme()));
        let limit = LOAD_LIMIT + Duration::from_secs_f64(self.options.seconds);
        let output = {
            let _core = Pinned::to(cores::LOAD);
            process::run(self.workspace, "bench load", &mut load, limit)
        };
        // Whatever it printed, the server's end says more.
        let output = output.map_err(|why| service.failure(&format!("failed: {why}")))?;
        let result: Value =
            serde_json::from_str(output.trim()).context("reading what the load found")?;
        figure
            .pointers()
            .iter()
            .map(|pointer| {
                let number = result.pointer(pointer).and_then(Value::as_f64);
                number.ok_or_else(|| Error::new(format!("the load did not tell {pointer}")))
            })
            .collect()
    }
}
