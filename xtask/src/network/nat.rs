//! A NAT that forgets idle connections after three seconds, and drops what it
//! does not know: neither end is told.

use std::time::Duration;

use super::namespaces::{Host, Network};
use super::peers::Place;
use crate::error::{Error, Result};
use crate::setup::namespaces;
use crate::workspace::Workspace;

/// Longer than the NAT remembers, and shorter.
const TOO_SLOW: Duration = Duration::from_secs(5);
const IN_TIME: Duration = Duration::from_millis(1_500);

/// A heartbeat that is too slow loses its connection, and one in time keeps it.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    namespaces::tools(workspace)?;
    let network = Network::new(workspace)?;
    let place = Place::network(workspace, &network);
    forget_after(&network, 3)?;
    // It keeps quiet, so that the client's heartbeat is the only one.
    let _server = place.server("worker", Duration::ZERO)?;
    let mut slow = place.client("lasting", TOO_SLOW)?;
    let mut fast = place.client("lasting", IN_TIME)?;
    let lost = slow.next()?;
    if !lost.starts_with("lost") || !lost.contains("Unacknowledged") {
        return Err(slow.failure(&format!("was to be dropped by the NAT, and said: {lost}")));
    }
    let lives = fast.next()?;
    if lives != "lives" {
        return Err(fast.failure(&format!("was to live behind the NAT, and said: {lives}")));
    }
    Ok("forgotten after 3 s: a heartbeat of 5 s is lost, one of 1.5 s lives".into())
}

/// Has the router translate addresses, forget connections that are idle for so
/// many seconds, and let through only what it knows or what opens a connection.
fn forget_after(network: &Network<'_>, seconds: u32) -> Result {
    let rules = "add table ip nat; \
         add chain ip nat out { type nat hook postrouting priority 100; }; \
         add rule ip nat out oifname right masquerade; \
         add table ip guard; \
         add chain ip guard in { type filter hook input priority 0; policy drop; }; \
         add chain ip guard through { type filter hook forward priority 0; policy drop; }; \
         add rule ip guard through ct state established,related accept; \
         add rule ip guard through iifname left ct state new tcp flags & (syn | ack) == syn accept";
    network.filter(Host::Router, rules)?;
    let seconds = seconds.to_string();
    // They exist once connections are tracked.
    for (variable, value) in [("loose", "0"), ("timeout_established", &*seconds)] {
        let variable = format!("net.netfilter.nf_conntrack_tcp_{variable}");
        network
            .set(Host::Router, &variable, value)
            .map_err(|why| Error::new(format!("connections cannot be tracked here\n{why}")))?;
    }
    Ok(())
}
