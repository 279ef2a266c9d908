//! An echo server: ours, or a stranger with the same command line.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::certificate::Certificate;
use crate::error::{Error, Result};
use crate::process::Service;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);
/// Closing handshakes included.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// How our server is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    io: &'static str,
    pub(super) tls: bool,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "worker",
        io: "worker",
        tls: false,
    },
    Setting {
        name: "worker over TLS",
        io: "worker",
        tls: true,
    },
    Setting {
        name: "tokio",
        io: "tokio",
        tls: false,
    },
    Setting {
        name: "tokio over TLS",
        io: "tokio",
        tls: true,
    },
];

pub(crate) struct EchoServer {
    service: Service,
    url: String,
}

impl EchoServer {
    /// Starts the server under test. `what` names its log.
    pub(crate) fn start(workspace: &Workspace, what: &str, subprotocols: &[&str]) -> Result<Self> {
        Self::start_program(workspace, what, workspace.server()?, subprotocols)
    }

    /// Starts it in one of its settings. A stand-in has but one.
    pub(super) fn start_as(
        workspace: &Workspace,
        what: &str,
        setting: Setting,
        certificate: Option<&Certificate>,
        subprotocols: &[&str],
    ) -> Result<Self> {
        if workspace.has_stand_in() {
            return Self::start(workspace, what, subprotocols);
        }
        let mut program = workspace.server()?;
        program.args(["echo", "--listen", "127.0.0.1:0", "--io", setting.io]);
        for subprotocol in subprotocols {
            program.args(["--subprotocol", subprotocol]);
        }
        if let Some(Certificate { chain, key }) = certificate {
            program.arg("--tls-cert").arg(chain);
            program.arg("--tls-key").arg(key);
        }
        Self::spawn(workspace, what, program)
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

    /// As the server printed it: `ws://127.0.0.1:PORT`, or `wss://`.
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

    /// Where its output is.
    pub(super) fn log(&self) -> &Path {
        self.service.log()
    }

    pub(super) fn failure(&self, why: &str) -> Error {
        self.service.failure(why)
    }
}

/// The `ws://127.0.0.1:PORT` or `wss://127.0.0.1:PORT` in a line of output.
fn find_url(line: &str) -> Option<String> {
    let host = "://127.0.0.1:";
    let scheme_end = line.find(host)?;
    let scheme = ["wss", "ws"]
        .into_iter()
        .find(|scheme| line[..scheme_end].ends_with(scheme))?;
    let url = &line[scheme_end - scheme.len()..];
    let host_end = scheme.len() + host.len();
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
        assert_eq!(
            find_url("Echo: wss://127.0.0.1:4711/"),
            Some("wss://127.0.0.1:4711".to_owned())
        );
        assert_eq!(find_url("listening on http://127.0.0.1:4711"), None);
        assert_eq!(find_url("ws://127.0.0.1:"), None);
    }
}
