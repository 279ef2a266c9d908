//! `cargo xtask bench`: ours and its peers, side by side in one run.
//!
//! Servers run on one core, and the load generator on another. Each takes short
//! turns beside the limit, round after round: what is told is the median of the
//! ratios of two turns that follow each other, so that a machine that slows down
//! slows both. Only CPU time survives a machine which others use as well; read
//! the ratios, not the microseconds.

mod cores;
mod counts;
mod document;
mod estimate;
mod figure;
mod lane;
mod machine;
mod measure;
mod options;
mod paired;
mod programs;
mod scenario;
mod server;
mod smoke;
mod source;
mod statistics;
mod table;

pub(crate) use options::{Options, Request, help};

use crate::cli;
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// Does what is asked for.
pub(crate) fn run(request: &Request) -> Result {
    let workspace = Workspace::locate(&cli::Options::default())?;
    match request {
        Request::Measure(options) => measure(&workspace, options),
        Request::Smoke => smoke::run(&workspace).map(|passed| println!("\n{passed}")),
        Request::Counts { update } => counts::run(&workspace, *update),
    }
}

/// Every server once, for some messages: a part of the tests.
pub(crate) fn smoke(workspace: &Workspace) -> Result<String> {
    smoke::run(workspace)
}

/// The instructions of the hot paths: a part of the tests.
pub(crate) fn counts(workspace: &Workspace) -> Result<String> {
    counts::run(workspace, false).map(|()| String::new())
}

/// Builds, measures, prints the tables, and writes them down.
fn measure(workspace: &Workspace, options: &Options) -> Result {
    println!("This takes about {}.", estimate::text(options));
    let bench = measure::Bench::prepare(workspace, options)?;
    let mut failures = 0;
    for group in &options.groups {
        let table = bench.group(group)?;
        println!("\n{}", table.markdown());
        failures += table.cells().1;
        if options.writes {
            document::write(workspace, &table, options)?;
        }
    }
    let missing = bench.missing();
    if !missing.is_empty() {
        println!("\nmissing, and why is said above: {}", missing.join(", "));
    }
    if failures > 0 {
        return Err(Error::new(format!("{failures} measurements failed")));
    }
    Ok(())
}
