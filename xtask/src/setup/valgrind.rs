//! valgrind.

use std::path::PathBuf;

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// What is installed, or Debian's package.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = find_on_path(&["valgrind"]) {
        return Ok(found);
    }
    debian::install(workspace, &["valgrind"])
        .map_err(|why| Error::new(format!("install valgrind\n{why}")))?;
    find_on_path(&["valgrind"]).ok_or_else(|| Error::new("Debian's valgrind installs no valgrind"))
}
