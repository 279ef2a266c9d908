//! An echo server: ours, or a stranger with the same command line.

use std::process::Command;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process::Service;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);
/// Closing handshakes included.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

pub(crate) struct EchoServer {
    service: Service,
    url: String,
}

impl EchoServer {
    /// Starts the server under test. `what` names its log.
    pub(crate) fn start(workspace: &Workspace, what: &str, subprotocols: &[&str]) -> Result<Self> {
        Self::start_program(workspace, what, workspace.server()?, subprotocols)
    }

    /// Starts any program that takes the same arguments.
    pub(super) fn start_program(
        workspace: &Workspace,
        what: &str,
        mut program: Command,
        subprotocols: &[&str],
    ) -> Result<Self> {
        // The kernel chooses a port, and the server tells which.
        program.args(["echo", "--listen", "127.0.0.1:0"]);
        for subprotocol in subprotocols {
            program.args(["--subprotocol", subprotocol]);
        }
        Self::spawn(workspace, what, program)
    }

    /// Starts a program that has its arguments already.
    pub(crate) fn spawn(workspace: &Workspace, what: &str, mut program: Command) -> Result<Self> {
        let mut service = Service::start(workspace, what, &mut program)?;
        let url = service.wait_for(START_LIMIT, find_url)?;
        Ok(Self { service, url })
    }

    /// As the server printed it: `ws://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap_or_default()
    }

    /// Asks the server to end, as an operator would, and does not wait.
    pub(super) fn begin_shutdown(&mut self) {
        self.service.terminate();
    }

    /// Waits for a server that was asked to end.
    pub(super) fn finish_shutdown(mut self) -> Result {
        let status = self.service.wait(SHUTDOWN_LIMIT)?;
        // A program that is ended by a signal has not shut down.
        if status.success() {
            Ok(())
        } else {
            Err(self.failure(&format!("ended with {status}")))
        }
    }

    fn failure(&self, why: &str) -> Error {
        self.service.failure(why)
    }
}

/// The `ws://127.0.0.1:PORT` in a line of output.
fn find_url(line: &str) -> Option<String> {
    let start = line.find("ws://127.0.0.1:")?;
    let url = &line[start..];
    let host_end = "ws://127.0.0.1:".len();
    let port_length = url[host_end..].find(|c: char| !c.is_ascii_digit());
    let end = port_length.map_or(url.len(), |length| host_end + length);
    (end > host_end).then(|| url[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_a_sentence() {
        let url = Some("ws://127.0.0.1:4711".to_owned());
        assert_eq!(find_url("ws://127.0.0.1:4711"), url);
        assert_eq!(
            find_url("echo: listening on ws://127.0.0.1:4711/ (Ctrl-C ends)"),
            url
        );
        assert_eq!(find_url("listening on http://127.0.0.1:4711"), None);
        assert_eq!(find_url("ws://127.0.0.1:"), None);
    }
}
