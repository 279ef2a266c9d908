//! A client whose address changes in mid-connection, as it goes from one network
//! to another, or is given another address.

use std::time::{Duration, Instant};

use super::namespaces::{CLIENT, Host, NEW_CLIENT, Network};
use super::peers::{Peer, Place};
use crate::error::{Error, Result};
use crate::setup::namespaces;
use crate::workspace::Workspace;

/// After so much silence a Ping is sent: what the client that is not told has to
/// wait for.
const PING: Duration = Duration::from_secs(2);

/// The heartbeat of the one that is told, which cannot be what tells it.
const SELDOM: Duration = Duration::from_secs(30);

/// Far less than that, and much for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The client that is told of the change is back at once, the other by the next
/// beat, and both from the new address.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    namespaces::tools(workspace)?;
    let network = Network::new(workspace)?;
    let place = Place::network(workspace, &network);
    let mut server = place.server("async", Duration::ZERO)?;
    let mut told = place.client("told", SELDOM)?;
    let mut untold = place.client("untold", PING)?;
    for _ in 0..2 {
        let opened = server.hears("open")?;
        expect_address(&opened, CLIENT)?;
    }

    let start = Instant::now();
    network.ip(
        Host::Client,
        &format!("address delete {CLIENT}/24 dev eth0"),
    )?;
    network.ip(
        Host::Client,
        &format!("address add {NEW_CLIENT}/24 dev eth0"),
    )?;
    // With the last address of a network its routes are gone.
    network.ip(Host::Client, "route replace default via 10.77.1.1")?;
    expect_cause(&told.hears("lost")?, "AddressGone")?;
    told.hears("open")?;
    told.hears("echoed")?;
    let at_once = start.elapsed();
    expect_address(&server.hears("open /told")?, NEW_CLIENT)?;
    expect_cause(&untold.hears("lost")?, "AddressGone")?;
    untold.hears("open")?;
    untold.hears("echoed")?;
    let by_beat = start.elapsed();
    expect_address(&server.hears("open /untold")?, NEW_CLIENT)?;
    if at_once > AT_ONCE {
        return Err(told.failure(&format!("came back after {at_once:?}")));
    }
    let outage = come_back(&network, &mut told)?;
    Ok(format!(
        "told: back after {:.2} s, untold: {:.2} s, with the link: {:.2} s",
        at_once.as_secs_f64(),
        by_beat.as_secs_f64(),
        outage.as_secs_f64()
    ))
}

/// Takes the link away until a client waits for its next try, which would be in
/// ten minutes, and gives it back: it tries at once.
fn come_back(network: &Network<'_>, told: &mut Peer) -> Result<Duration> {
    network.ip(Host::Client, "address flush dev eth0")?;
    expect_cause(&told.hears("lost")?, "AddressGone")?;
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    network.ip(Host::Client, &format!("address add {CLIENT}/24 dev eth0"))?;
    network.ip(Host::Client, "route replace default via 10.77.1.1")?;
    told.hears("open")?;
    told.hears("echoed")?;
    Ok(start.elapsed())
}

fn expect_address(opened: &str, address: &str) -> Result {
    if opened.ends_with(address) {
        return Ok(());
    }
    Err(Error::new(format!(
        "a connection came from {opened}, not {address}"
    )))
}

fn expect_cause(cause: &str, expected: &str) -> Result {
    if cause == expected {
        return Ok(());
    }
    Err(Error::new(format!("lost by {cause}, not {expected}")))
}
