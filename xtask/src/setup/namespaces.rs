//! What makes network namespaces, and what filters between them.

use super::{debian, find_on_path};
use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// Sees to it that `ip` and `nft` are there.
pub(crate) fn tools(workspace: &Workspace) -> Result {
    if !cfg!(target_os = "linux") {
        return Err(Error::new("network namespaces are Linux's"));
    }
    for (program, package) in [("ip", "iproute2"), ("nft", "nftables")] {
        if find_on_path(&[program]).is_none() {
            debian::install(workspace, &[package])
                .map_err(|why| Error::new(format!("install {package}\n{why}")))?;
        }
    }
    Ok(())
}
