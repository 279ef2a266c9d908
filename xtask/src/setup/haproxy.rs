//! HAProxy, which speaks the PROXY protocol.

use std::path::{Path, PathBuf};

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// What is installed; else Debian's package, installed. Its many libraries leave
/// nothing to be unpacked.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    debian::install(workspace, &["haproxy"])?;
    installed().ok_or_else(|| Error::new("Debian's haproxy has no /usr/sbin/haproxy"))
}

fn installed() -> Option<PathBuf> {
    // Outside the PATH of many users.
    let installed = Path::new("/usr/sbin/haproxy");
    find_on_path(&["haproxy"]).or_else(|| installed.exists().then(|| installed.to_owned()))
}
