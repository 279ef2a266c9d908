//! Our client and our server, and what they say.

use std::process::Command;
use std::time::{Duration, Instant};

use super::namespaces::{Host, Network, SERVER};
use crate::error::{Error, Result};
use crate::process::Service;
use crate::workspace::Workspace;

/// Longer than anything here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);

/// Where clients and servers run.
pub(super) struct Place<'a> {
    workspace: &'a Workspace,
    /// Its machines; without, all is on the loopback.
    network: Option<&'a Network<'a>>,
    /// Where the server listens.
    pub(super) server: String,
}

impl<'a> Place<'a> {
    pub(super) fn network(workspace: &'a Workspace, network: &'a Network<'a>) -> Self {
        Self {
            workspace,
            network: Some(network),
            server: format!("{SERVER}:9001"),
        }
    }

    pub(super) fn loopback(workspace: &'a Workspace, port: u16) -> Self {
        Self {
            workspace,
            network: None,
            server: format!("127.0.0.1:{port}"),
        }
    }

    /// Starts the server on a driver. It pings after so much silence, or never.
    pub(super) fn server(&self, driver: &str, ping: Duration) -> Result<Peer> {
        let mut command = self.workspace.client()?;
        command.args(["path-server", &self.server, driver, &millis(ping)]);
        let mut peer = self.start(Host::Server, driver, &command)?;
        peer.hears("listening")?;
        Ok(peer)
    }

    /// Starts a client that behaves by a pattern, and pings likewise. It is
    /// connected.
    pub(super) fn client(&self, pattern: &str, ping: Duration) -> Result<Peer> {
        self.client_of(&self.server, pattern, ping)
    }

    /// The same, with another address to connect to.
    pub(super) fn client_of(&self, address: &str, pattern: &str, ping: Duration) -> Result<Peer> {
        let mut command = self.workspace.client()?;
        let url = format!("ws://{address}");
        command.args(["path-client", pattern, &url, &millis(ping)]);
        let name = format!("{pattern} {} {address}", millis(ping));
        let mut peer = self.start(Host::Client, &name, &command)?;
        peer.hears("open")?;
        Ok(peer)
    }

    fn start(&self, host: Host, name: &str, command: &Command) -> Result<Peer> {
        let what = format!("network {name}");
        let mut command = match self.network {
            Some(network) => network.on(host, command),
            None => {
                let mut alone = Command::new(command.get_program());
                alone.args(command.get_args());
                alone
            }
        };
        Ok(Peer(Service::start(self.workspace, &what, &mut command)?))
    }
}

/// A client or a server of `interop-testee`.
pub(super) struct Peer(Service);

impl Peer {
    /// Waits until it says something that begins so, and gives the rest.
    pub(super) fn hears(&mut self, beginning: &str) -> Result<String> {
        self.0.wait_for(LIMIT, |line| {
            line.strip_prefix(beginning)
                .map(|rest| rest.trim().to_owned())
        })
    }

    /// The next thing that it says.
    pub(super) fn next(&mut self) -> Result<String> {
        let line = self.0.next_line(Instant::now() + LIMIT)?;
        line.ok_or_else(|| self.failure("said nothing more"))
    }

    pub(super) fn failure(&self, why: &str) -> Error {
        self.0.failure(why)
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
