//! `longwire probe` through proxies: it finds out when they drop a connection.

use std::time::Duration;

use serde_json::Value;

use super::echo_server::EchoServer;
use super::fronts;
use crate::error::{Error, Result, ResultExt as _};
use crate::process;
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_secs(60);
/// After how long the proxies drop a connection.
const TIMEOUT: &str = "3s";

/// nginx by its `proxy_read_timeout`, HAProxy by its `timeout tunnel`.
pub(crate) fn proxies(workspace: &Workspace) -> Result<String> {
    let server = EchoServer::start(workspace, "probe-proxies longwire", &[])?;
    let upstream = server.port();
    let ports = [process::free_port()?, process::free_port()?];
    let _proxies = [
        fronts::nginx(workspace, "probe-nginx", ports[0], upstream, TIMEOUT)?,
        fronts::haproxy(workspace, "probe-haproxy", ports[1], upstream, TIMEOUT)?,
    ];
    let [nginx, haproxy] = ports.map(|port| probe(workspace, port));
    Ok(format!(
        "after 3 s of silence: nginx {}, HAProxy {}",
        nginx.context("nginx")?,
        haproxy.context("HAProxy")?
    ))
}

/// Probes a port, and tells what was found.
fn probe(workspace: &Workspace, port: u16) -> Result<String> {
    let mut command = workspace.server()?;
    command
        .args(["probe", "--json", "--proxy", "none"])
        .args(["--idle", "12s", "--idle-from", "1s"])
        .arg(format!("ws://127.0.0.1:{port}/"));
    let said = process::run(workspace, "probe-proxies probe", &mut command, LIMIT)?;
    let report: Value = serde_json::from_str(&said).context("reading what probe wrote")?;
    let seconds = |name: &str| {
        let number = report[name].as_f64();
        number.ok_or_else(|| Error::new(format!("{name} is not known: {said}")))
    };
    let limit = seconds("idle_limit_seconds")?;
    let safe = seconds("safe_heartbeat_seconds")?;
    let by = report["idle_dropped_by"].as_str().unwrap_or_default();
    // A busy machine prolongs a silence.
    if !(2.5..=5.0).contains(&limit) || !(0.5..3.0).contains(&safe) || by != "fin" {
        return Err(Error::new(format!(
            "3 s and a FIN were to be found: {said}"
        )));
    }
    Ok(format!(
        "sends a FIN (found {limit:.1} s; safe: {safe:.1} s)"
    ))
}
