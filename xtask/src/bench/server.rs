//! Who is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::{self, Service};
use crate::setup::node;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);

/// A server, and how it is started.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// The package whose version is told.
    pub(crate) package: Package,
    start: Start,
}

/// Where a version stands.
#[derive(Clone, Copy)]
pub(crate) enum Package {
    /// Ours, or none.
    None,
    /// In `bench/Cargo.lock`.
    Cargo(&'static str),
    /// In `interop/node/package-lock.json`.
    Npm(&'static str),
}

#[derive(Clone)]
enum Start {
    /// A name that `bench-servers` knows.
    Ours,
    /// The echo server of `interop/node`.
    Node,
    /// A program that takes the port as its only argument.
    Program(PathBuf),
}

/// The limit that ratios are to.
pub(crate) const LIMIT: &str = "raw";

/// All that can be measured without further ado. A peer that somebody has tuned
/// stands behind itself as people write it.
const SERVERS: &[(&str, Package)] = &[
    (LIMIT, Package::None),
    ("longwire", Package::None),
    ("longwire-handler", Package::None),
    ("fastwebsockets", Package::Cargo("fastwebsockets")),
    ("tokio-websockets", Package::Cargo("tokio-websockets")),
    ("tokio-websockets-batching", Package::None),
    ("yawc", Package::Cargo("yawc")),
    ("yawc-batching", Package::None),
    ("sockudo-ws", Package::Cargo("sockudo-ws")),
    ("sockudo-ws-batching", Package::None),
    ("tokio-tungstenite", Package::Cargo("tokio-tungstenite")),
    ("tokio-tungstenite-4k", Package::None),
    ("tokio-tungstenite-batching", Package::None),
    ("axum", Package::Cargo("axum")),
    ("axum-batching", Package::None),
];

/// Those that a minute is enough for.
pub(crate) const QUICK: [&str; 4] = [LIMIT, "longwire", "longwire-handler", "fastwebsockets"];

/// Everybody.
pub(crate) fn all() -> Vec<Server> {
    let ours = SERVERS.iter().map(|&(name, package)| Server {
        name: name.to_owned(),
        package,
        start: Start::Ours,
    });
    let node = Server {
        name: "ws".to_owned(),
        package: Package::Npm("ws"),
        start: Start::Node,
    };
    ours.chain([node]).collect()
}

impl Server {
    /// uWebSockets' echo, built by the user.
    pub(crate) fn u_web_sockets(program: &Path) -> Server {
        Server {
            name: "uWebSockets".to_owned(),
            package: Package::None,
            start: Start::Program(program.to_owned()),
        }
    }

    /// The scheme of its URL.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.name == LIMIT { "tcp" } else { "ws" }
    }

    /// Starts it. Answers with the address on which it listens.
    pub(crate) fn start(
        &self,
        workspace: &Workspace,
        bench_servers: &Path,
    ) -> Result<(Service, String)> {
        let what = format!("bench {}", self.name);
        let mut command = match &self.start {
            Start::Ours => {
                let mut command = Command::new(bench_servers);
                command.arg(&self.name);
                command
            }
            Start::Node => {
                let mut command = node::with_packages(workspace)?;
                command.args(["echo_server.mjs", "echo"]);
                command
            }
            Start::Program(program) => return start_on_port(workspace, &what, program),
        };
        let mut service = Service::start(workspace, &what, &mut command)?;
        let address = service.wait_for(START_LIMIT, address)?;
        Ok((service, address))
    }
}

fn start_on_port(workspace: &Workspace, what: &str, program: &Path) -> Result<(Service, String)> {
    let port = process::free_port()?;
    let mut command = Command::new(program);
    command.arg(port.to_string());
    let mut service = Service::start(workspace, what, &mut command)?;
    service.wait_for_port(port, START_LIMIT)?;
    Ok((service, format!("127.0.0.1:{port}")))
}

/// The `127.0.0.1:PORT` in a line of output.
fn address(line: &str) -> Option<String> {
    let address = &line[line.find("127.0.0.1:")?..];
    let end = address.find(|c: char| c.is_whitespace() || c == '/');
    Some(address[..end.unwrap_or(address.len())].to_owned())
}

/// Those of `names`, in the order in which they are listed above.
pub(crate) fn named(names: &[String]) -> Result<Vec<Server>> {
    let servers = all();
    if let Some(unknown) = names
        .iter()
        .find(|name| servers.iter().all(|server| server.name != **name))
    {
        return Err(Error::new(format!("there is no server '{unknown}'")));
    }
    Ok(servers
        .into_iter()
        .filter(|server| names.contains(&server.name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_servers_print() {
        assert_eq!(address("127.0.0.1:80").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(
            address("Echo: ws://127.0.0.1:4711/").as_deref(),
            Some("127.0.0.1:4711")
        );
        assert_eq!(address("listening"), None);
    }

    #[test]
    fn what_is_quick_is_there() {
        let names = QUICK.map(str::to_owned);
        assert_eq!(named(&names).map(|all| all.len()).ok(), Some(QUICK.len()));
        assert!(named(&["nobody".to_owned()]).is_err());
    }
}
