//! Proxies: tinyproxy speaks HTTP, microsocks SOCKS5.

use std::path::PathBuf;

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

pub(crate) struct Programs {
    pub(crate) tinyproxy: PathBuf,
    pub(crate) microsocks: PathBuf,
}

/// What is installed, or Debian's packages unpacked: installing them would
/// start servers.
pub(crate) fn programs(workspace: &Workspace) -> Result<Programs> {
    if let (Some(tinyproxy), Some(microsocks)) =
        (find_on_path(&["tinyproxy"]), find_on_path(&["microsocks"]))
    {
        return Ok(Programs {
            tinyproxy,
            microsocks,
        });
    }
    let packages = ["tinyproxy-bin", "microsocks"];
    let root = debian::unpack(workspace, "proxies", None, &packages)
        .map_err(|why| Error::new(format!("install tinyproxy and microsocks\n{why}")))?;
    Ok(Programs {
        tinyproxy: root.join("usr/bin/tinyproxy"),
        microsocks: root.join("usr/bin/microsocks"),
    })
}
