//! Three machines in a row, each a network namespace: a client, a router, a
//! server.
//!
//! ```text
//! client 10.77.1.2 ── 10.77.1.1 router 10.77.2.1 ── 10.77.2.2 server
//! ```

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process;
use crate::workspace::Workspace;

/// The server's address.
pub(super) const SERVER: &str = "10.77.2.2";

/// The client's address, and the one that it may change to.
pub(super) const CLIENT: &str = "10.77.1.2";
pub(super) const NEW_CLIENT: &str = "10.77.1.3";

const LIMIT: Duration = Duration::from_secs(20);

/// A machine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Host {
    Client,
    Router,
    Server,
}

/// The namespaces, gone when dropped, with all that is in them.
pub(super) struct Network<'w> {
    workspace: &'w Workspace,
    /// Begins their names, which no other run has.
    name: String,
}

impl<'w> Network<'w> {
    /// Makes the machines, their links and routes.
    pub(super) fn new(workspace: &'w Workspace) -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let network = Self {
            workspace,
            name: format!("longwire-{}-{number}", std::process::id()),
        };
        for host in [Host::Client, Host::Router, Host::Server] {
            let name = network.namespace(host);
            network
                .run("ip", &["netns", "add", &name])
                .map_err(|why| Error::new(format!("network namespaces need root\n{why}")))?;
            network.ip(host, "link set lo up")?;
        }
        network.link(Host::Client, "10.77.1.2/24", "left", "10.77.1.1/24")?;
        network.link(Host::Server, "10.77.2.2/24", "right", "10.77.2.1/24")?;
        network.ip(Host::Client, "route add default via 10.77.1.1")?;
        network.ip(Host::Server, "route add default via 10.77.2.1")?;
        network.set(Host::Router, "net.ipv4.ip_forward", "1")?;
        Ok(network)
    }

    /// Links a machine with the router.
    fn link(&self, host: Host, address: &str, side: &str, router_address: &str) -> Result {
        let (machine, router) = (self.namespace(host), self.namespace(Host::Router));
        let link =
            format!("link add eth0 netns {machine} type veth peer name {side} netns {router}");
        self.run("ip", &words(&link))?;
        self.ip(host, &format!("address add {address} dev eth0"))?;
        self.ip(host, "link set eth0 up")?;
        self.ip(
            Host::Router,
            &format!("address add {router_address} dev {side}"),
        )?;
        self.ip(Host::Router, &format!("link set {side} up"))
    }

    /// `ip`, for one machine.
    pub(super) fn ip(&self, host: Host, arguments: &str) -> Result {
        let namespace = self.namespace(host);
        self.run("ip", &[&["-n", &namespace], &*words(arguments)].concat())
    }

    /// Sets a variable of the kernel, for one machine.
    pub(super) fn set(&self, host: Host, variable: &str, value: &str) -> Result {
        let namespace = self.namespace(host);
        let setting = format!("{variable}={value}");
        let command = ["netns", "exec", &namespace, "sysctl", "-q", "-w", &setting];
        self.run("ip", &command)
    }

    /// Has a machine filter what passes it by the rules of nftables.
    pub(super) fn filter(&self, host: Host, rules: &str) -> Result {
        let namespace = self.namespace(host);
        self.run("ip", &["netns", "exec", &namespace, "nft", rules])
    }

    /// Drops all that would pass the router: silently, as a cut does.
    pub(super) fn cut(&self) -> Result {
        self.filter(
            Host::Router,
            "add table ip cut; \
             add chain ip cut forward { type filter hook forward priority -10; policy drop; }",
        )
    }

    /// The command, on that machine.
    pub(super) fn on(&self, host: Host, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside
            .args(["netns", "exec", &self.namespace(host)])
            .arg(command.get_program())
            .args(command.get_args());
        inside
    }

    fn namespace(&self, host: Host) -> String {
        format!("{}-{host:?}", self.name).to_lowercase()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result {
        let what = format!("network {}", arguments.join(" "));
        let what: String = what.chars().take(60).collect();
        let mut command = Command::new(program);
        command.args(arguments);
        process::run(self.workspace, &what, &mut command, LIMIT)?;
        Ok(())
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        for host in [Host::Client, Host::Router, Host::Server] {
            // One that was not made cannot be removed.
            let _ = self.run("ip", &["netns", "delete", &self.namespace(host)]);
        }
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
