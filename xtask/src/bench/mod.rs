//! `cargo xtask bench`: ours and its peers, side by side in one run.
//!
//! Every server runs alone on one core, and the load generator on another. The
//! servers take turns, so that a machine that slows down slows all of them, and
//! what is compared is the median of each. CPU time is the figure that survives
//! a machine which others use as well; read the ratios, not the microseconds.

mod cores;
mod document;
mod machine;
mod measure;
mod options;
mod scenario;
mod server;
mod summary;
mod table;

pub(crate) use options::{Options, help};

use crate::cli;
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// Builds, measures, prints the tables, and writes them down.
pub(crate) fn run(options: &Options) -> Result {
    let workspace = Workspace::locate(&cli::Options::default())?;
    let bench = measure::Bench::prepare(&workspace, options)?;
    let mut failures = 0;
    for group in &options.groups {
        let table = bench.group(group)?;
        println!("\n{}", table.markdown());
        failures += table.failures();
        if options.writes {
            document::write(&workspace, &table, options)?;
        }
    }
    if failures > 0 {
        return Err(Error::new(format!("{failures} measurements failed")));
    }
    Ok(())
}
