//! nginx with nchan.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use crate::error::{Error, Result, ResultExt as _};
use crate::workspace::Workspace;

/// Where Debian's nginx keeps what is being uploaded. nchan has it made whatever
/// the configuration says.
const STATE: &str = "/var/lib/nginx";

/// Debian's nginx with its module nchan, unpacked: both have to be of one build.
pub(crate) fn with_nchan(workspace: &Workspace) -> Result<Command> {
    let root = debian::unpack(workspace, "nchan", None, &["nginx", "libnginx-mod-nchan"])
        .map_err(|why| Error::new(format!("nchan comes as Debian's libnginx-mod-nchan\n{why}")))?;
    fs::create_dir_all(STATE).context(format!("run, as root: mkdir {STATE}"))?;
    Ok(Command::new(root.join("usr/sbin/nginx")))
}

/// The module that belongs to an unpacked nginx.
pub(crate) fn nchan_module(nginx: &Path) -> Result<PathBuf> {
    let root = nginx.ancestors().nth(3);
    let module = root.map(|root| root.join("usr/lib/nginx/modules/ngx_nchan_module.so"));
    module
        .filter(|module| module.exists())
        .ok_or_else(|| Error::new("Debian's libnginx-mod-nchan has no module where it should"))
}
