//! Does every server work at all?

use super::measure::Bench;
use super::options::Options;
use super::scenario::SMOKE;
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// Starts each server once for each of its tasks, and has it do something.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    let options = Options::smoke()?;
    let bench = Bench::prepare(workspace, &options)?;
    let (mut passed, mut failed) = (0, 0);
    for group in SMOKE {
        let table = bench.group(group)?;
        let (cells, failures) = table.cells();
        passed += cells - failures;
        failed += failures;
    }
    let missing = bench.missing();
    if !missing.is_empty() {
        return Err(Error::new(format!("missing: {}", missing.join(", "))));
    }
    if failed > 0 {
        return Err(Error::new(format!("{failed} of them do not work")));
    }
    Ok(format!("{passed} servers and clients"))
}
