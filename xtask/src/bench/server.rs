//! Who is measured.

use std::path::{Path, PathBuf};

use super::scenario::{CLIENT, DEFLATE, DEFLATE_MEMORY, ECHO, FAN_OUT, HANDSHAKES, LARGE};
use super::scenario::{MEMORY, PIPELINED, TAIL, TLS, TLS_MEMORY, Task};
use crate::error::{Error, Result};

/// A server (or a client), and where it has a row.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// The package whose version is told.
    pub(crate) package: Package,
    pub(crate) program: Program,
    /// The groups in which it is measured, by name.
    groups: &'static [Groups],
}

/// Where a version stands.
#[derive(Clone, Copy)]
pub(crate) enum Package {
    /// Ours, or none.
    None,
    /// In `bench/Cargo.lock`.
    Cargo(&'static str),
    /// In `bench/node/package-lock.json`.
    Npm(&'static str),
    /// Debian's, of this release.
    Debian(&'static str),
}

/// What is started.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// `bench-servers`, by the server's name.
    Rust,
    /// `longwire`, with these arguments.
    Longwire(&'static [&'static str]),
    /// A script of `bench/node`.
    Node(&'static str),
    /// A class of `bench/java`.
    Java(&'static str),
    /// nginx with nchan.
    Nchan,
    /// The load generator, as a client.
    Generator,
    /// A program that takes the port as its only argument.
    OnPort(PathBuf),
}

/// Groups that go together: who can do one of them can do all.
type Groups = &'static [&'static str];

const PLAIN: Groups = &[ECHO, PIPELINED, LARGE, MEMORY, HANDSHAKES, TAIL];
const SECURE: Groups = &[TLS, TLS_MEMORY];
const COMPRESSED: Groups = &[DEFLATE, DEFLATE_MEMORY];
const EVENTS: Groups = &[FAN_OUT, MEMORY];

/// A peer that somebody has tuned stands behind itself as people write it, where
/// many messages are in flight: there it makes a difference.
const RUST: &[(&str, Package, &[Groups])] = &[
    ("raw", Package::None, &[PLAIN, &[FAN_OUT, DEFLATE]]),
    ("rustls", Package::Cargo("rustls"), &[SECURE]),
    ("tokio", Package::Cargo("tokio"), &[&[ECHO, MEMORY]]),
    (
        "longwire",
        Package::None,
        &[PLAIN, SECURE, COMPRESSED, &[CLIENT, FAN_OUT]],
    ),
    ("longwire-batching", Package::None, &[&[FAN_OUT]]),
    (
        "longwire-handler",
        Package::None,
        &[PLAIN, SECURE, COMPRESSED],
    ),
    ("longwire-streaming", Package::None, &[&[LARGE]]),
    (
        "fastwebsockets",
        Package::Cargo("fastwebsockets"),
        &[PLAIN, SECURE, &[CLIENT]],
    ),
    (
        "tokio-websockets",
        Package::Cargo("tokio-websockets"),
        &[PLAIN, SECURE, &[CLIENT]],
    ),
    ("tokio-websockets-batching", Package::None, &[&[PIPELINED]]),
    ("yawc", Package::Cargo("yawc"), &[PLAIN, SECURE, COMPRESSED]),
    ("yawc-batching", Package::None, &[&[PIPELINED]]),
    (
        "sockudo-ws",
        Package::Cargo("sockudo-ws"),
        &[PLAIN, SECURE, COMPRESSED],
    ),
    ("sockudo-ws-batching", Package::None, &[&[PIPELINED]]),
    (
        "tokio-tungstenite",
        Package::Cargo("tokio-tungstenite"),
        &[PLAIN, SECURE, &[CLIENT, FAN_OUT]],
    ),
    ("tokio-tungstenite-4k", Package::None, &[&[ECHO, MEMORY]]),
    ("tokio-tungstenite-batching", Package::None, &[&[PIPELINED]]),
    ("tokio-tungstenite-channels", Package::None, &[&[FAN_OUT]]),
    ("axum", Package::Cargo("axum"), &[PLAIN, SECURE]),
    ("axum-batching", Package::None, &[&[PIPELINED]]),
    ("socketioxide", Package::Cargo("socketioxide"), &[EVENTS]),
];

/// Those that are not on crates.io, and what stands outside `bench-servers`.
const OTHERS: &[(&str, Package, Program, &[Groups])] = &[
    (
        "longwire-serve",
        Package::None,
        Program::Longwire(&["serve", "--listen", "127.0.0.1:0"]),
        &[&[FAN_OUT]],
    ),
    (
        "longwire-serve-tokio",
        Package::None,
        Program::Longwire(&["serve", "--io", "tokio", "--listen", "127.0.0.1:0"]),
        &[&[FAN_OUT]],
    ),
    (
        "ws",
        Package::Npm("ws"),
        Program::Node("ws.mjs"),
        &[PLAIN, &[FAN_OUT, DEFLATE]],
    ),
    (
        "Socket.IO",
        Package::Npm("socket.io"),
        Program::Node("socket_io.mjs"),
        &[EVENTS],
    ),
    (
        "Netty",
        Package::Debian("libnetty-java"),
        Program::Java("NettyServer"),
        &[PLAIN, &[FAN_OUT]],
    ),
    (
        "Jetty",
        Package::Debian("libjetty9-java"),
        Program::Java("JettyServer"),
        &[PLAIN],
    ),
    (
        "nchan",
        Package::Debian("libnginx-mod-nchan"),
        Program::Nchan,
        &[&[FAN_OUT]],
    ),
];

/// Those that a minute is enough for.
pub(crate) const QUICK: [&str; 4] = ["raw", "longwire", "longwire-handler", "fastwebsockets"];

/// Everybody.
pub(crate) fn all() -> Vec<Server> {
    let server = |name: &str, package, program, groups| Server {
        name: name.to_owned(),
        package,
        program,
        groups,
    };
    let generator = server(
        "load generator",
        Package::None,
        Program::Generator,
        &[&[CLIENT]],
    );
    let rust = RUST
        .iter()
        .map(|&(name, package, groups)| server(name, package, Program::Rust, groups));
    let others = OTHERS
        .iter()
        .map(|(name, package, program, groups)| server(name, *package, program.clone(), groups));
    [generator].into_iter().chain(rust).chain(others).collect()
}

impl Server {
    /// uWebSockets' echo, built by the user.
    pub(crate) fn u_web_sockets(program: &Path) -> Server {
        Server {
            name: "uWebSockets".to_owned(),
            package: Package::None,
            program: Program::OnPort(program.to_owned()),
            groups: &[PLAIN],
        }
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|groups| groups.contains(&group))
    }

    /// The options of the load generator, its URL last.
    pub(crate) fn target(&self, task: Task, address: &str) -> Vec<String> {
        let options: &[&str] = match (task, &*self.name) {
            (_, "socketioxide" | "Socket.IO") => &["--socket-io"],
            (Task::Tls, _) => &["--insecure"],
            _ => &[],
        };
        let path = match &self.program {
            Program::Longwire(_) => "channels/bench",
            _ if options.contains(&"--socket-io") => "socket.io/?EIO=4&transport=websocket",
            _ => "",
        };
        let scheme = match (task, &*self.name) {
            (_, "raw" | "tokio") => "tcp",
            (_, "rustls") => "tls",
            (Task::Tls, _) => "wss",
            _ => "ws",
        };
        let options = options.iter().map(|&option| option.to_owned());
        options
            .chain([format!("{scheme}://{address}/{path}")])
            .collect()
    }

    /// What it takes until it is fast, in seconds, beside what everybody takes.
    pub(crate) fn warm_up(&self) -> f64 {
        match self.program {
            Program::Java(_) => 1.0,
            Program::Node(_) => 0.4,
            _ => 0.0,
        }
    }
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
    use crate::bench::scenario::GROUPS;

    #[test]
    fn what_is_quick_is_there() {
        let names = QUICK.map(str::to_owned);
        assert_eq!(named(&names).map(|all| all.len()).ok(), Some(QUICK.len()));
        assert!(named(&["nobody".to_owned()]).is_err());
    }

    #[test]
    fn every_server_has_a_row() {
        for server in all() {
            assert!(
                GROUPS.iter().any(|group| server.is_in(group.name)),
                "{}",
                server.name
            );
        }
    }

    #[test]
    fn everybody_is_spoken_to_in_its_language() {
        let target = |name: &str, task| {
            let server = named(&[name.to_owned()]).expect("it is there").remove(0);
            server.target(task, "127.0.0.1:9").join(" ")
        };
        assert_eq!(target("raw", Task::Echo), "tcp://127.0.0.1:9/");
        assert_eq!(target("tokio", Task::Echo), "tcp://127.0.0.1:9/");
        assert_eq!(target("axum", Task::Tls), "--insecure wss://127.0.0.1:9/");
        assert_eq!(
            target("Socket.IO", Task::FanOut),
            "--socket-io ws://127.0.0.1:9/socket.io/?EIO=4&transport=websocket"
        );
        assert_eq!(
            target("longwire-serve", Task::FanOut),
            "ws://127.0.0.1:9/channels/bench"
        );
    }
}
