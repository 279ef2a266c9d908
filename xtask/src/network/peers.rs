//! Our client and our server, on their machines, and what they say.

use std::process::Command;
use std::time::{Duration, Instant};

use super::namespaces::{Host, Network, SERVER};
use crate::error::Result;
use crate::process::Service;
use crate::workspace::Workspace;

const PORT: u16 = 9001;

/// Longer than anything here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A client or a server of `interop-testee`.
pub(super) struct Peer(Service);

impl Peer {
    /// A server on a driver, which pings after so much silence, or never.
    pub(super) fn server(
        workspace: &Workspace,
        network: &Network<'_>,
        driver: &str,
        ping: Duration,
    ) -> Result<Self> {
        let mut command = workspace.client()?;
        command.args([
            "path-server",
            &format!("{SERVER}:{PORT}"),
            driver,
            &millis(ping),
        ]);
        let mut peer = Self::start(workspace, network, Host::Server, driver, &command)?;
        peer.hears("listening")?;
        Ok(peer)
    }

    /// A client that behaves by a pattern, and pings likewise. It is connected.
    pub(super) fn client(
        workspace: &Workspace,
        network: &Network<'_>,
        pattern: &str,
        ping: Duration,
    ) -> Result<Self> {
        let mut command = workspace.client()?;
        let url = format!("ws://{SERVER}:{PORT}");
        command.args(["path-client", pattern, &url, &millis(ping)]);
        let name = format!("{pattern} {}", millis(ping));
        let mut peer = Self::start(workspace, network, Host::Client, &name, &command)?;
        peer.hears("open")?;
        Ok(peer)
    }

    fn start(
        workspace: &Workspace,
        network: &Network<'_>,
        host: Host,
        name: &str,
        command: &Command,
    ) -> Result<Self> {
        let what = format!("network {name}");
        Ok(Self(Service::start(
            workspace,
            &what,
            &mut network.on(host, command),
        )?))
    }

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

    pub(super) fn failure(&self, why: &str) -> crate::error::Error {
        self.0.failure(why)
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
