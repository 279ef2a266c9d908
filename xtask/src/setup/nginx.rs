//! nginx.

use std::path::{Path, PathBuf};

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// What is installed, or Debian's package unpacked: installing it would start
/// a web server on port 80.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(found) = find_on_path(&["nginx"]) {
        return Ok(found);
    }
    // Outside the PATH of many users.
    let installed = Path::new("/usr/sbin/nginx");
    if installed.exists() {
        return Ok(installed.to_owned());
    }
    let root = debian::unpack(workspace, "nginx", None, &["nginx"])
        .map_err(|why| Error::new(format!("install nginx\n{why}")))?;
    Ok(root.join("usr/sbin/nginx"))
}
