//! Proxies in front of a server of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Result, ResultExt as _};
use crate::process::Service;
use crate::setup::debian;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);

/// nginx on `port`, in front of the port `upstream`. It drops connections after
/// a silence of `timeout`.
pub(crate) fn nginx(
    workspace: &Workspace,
    part: &str,
    port: u16,
    upstream: &str,
    timeout: &str,
) -> Result<Service> {
    let mut command = Command::new(debian::server(workspace, "nginx")?);
    let template = workspace.interop("nginx/nginx.conf");
    let configuration = configure(workspace, part, &template, port, upstream, timeout)?;
    // The first -e takes the place of the log that is compiled in.
    command.args(["-e", "stderr", "-p"]);
    command
        .args(configuration.parent())
        .arg("-c")
        .arg(&configuration);
    start(workspace, &format!("{part} nginx"), &mut command, port)
}

/// HAProxy, likewise.
pub(crate) fn haproxy(
    workspace: &Workspace,
    part: &str,
    port: u16,
    upstream: &str,
    timeout: &str,
) -> Result<Service> {
    let mut command = Command::new(debian::server(workspace, "haproxy")?);
    let template = workspace.interop("haproxy/haproxy.cfg");
    let configuration = configure(workspace, part, &template, port, upstream, timeout)?;
    command.arg("-db").arg("-f").arg(configuration);
    start(workspace, &format!("{part} haproxy"), &mut command, port)
}

/// Fills in a template, in a folder of its own.
fn configure(
    workspace: &Workspace,
    part: &str,
    template: &Path,
    port: u16,
    upstream: &str,
    timeout: &str,
) -> Result<PathBuf> {
    let configuration = fs::read_to_string(template)
        .context(format!("reading {}", template.display()))?
        .replace("@LISTEN@", &port.to_string())
        .replace("@UPSTREAM@", upstream)
        .replace("@TIMEOUT@", timeout);
    let folder = workspace.fresh_folder(part)?;
    let path = folder.join("front.conf");
    fs::write(&path, configuration).context(format!("writing {}", path.display()))?;
    Ok(path)
}

fn start(workspace: &Workspace, what: &str, command: &mut Command, port: u16) -> Result<Service> {
    let mut proxy = Service::start(workspace, what, command)?;
    proxy.wait_for_port(port, START_LIMIT)?;
    Ok(proxy)
}
