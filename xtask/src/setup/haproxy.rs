//! HAProxy.

use std::path::{Path, PathBuf};

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// What is installed, or Debian's package unpacked: installing it would start a
/// proxy.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = find_on_path(&["haproxy"]) {
        return Ok(found);
    }
    // Outside the PATH of many users.
    let installed = Path::new("/usr/sbin/haproxy");
    if installed.exists() {
        return Ok(installed.to_owned());
    }
    let root = debian::unpack(workspace, "haproxy", None, &["haproxy"])
        .map_err(|why| Error::new(format!("install haproxy\n{why}")))?;
    Ok(root.join("usr/sbin/haproxy"))
}
