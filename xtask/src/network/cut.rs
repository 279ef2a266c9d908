//! A path that is cut without a word: how long it takes to notice.

use std::time::{Duration, Instant};

use super::namespaces::Network;
use super::peers::Place;
use crate::error::{Error, Result};
use crate::setup::namespaces;
use crate::workspace::Workspace;

/// After so much silence a Ping is sent.
const PING: Duration = Duration::from_secs(2);

/// `FLOOR` of the testee: how long an answer may take on a path without delay.
const FLOOR: Duration = Duration::from_secs(1);

/// What the drivers' timers are late at most (a worker looks every 250 ms), what
/// an acknowledgement is awaited longer than a Pong (the system doubles its
/// time), and what a busy machine may add.
const SLACK: Duration = Duration::from_secs(3);

/// Has every kind of connection cut under it, on both drivers, and reports how
/// long it took both ends to notice.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    namespaces::tools(workspace)?;
    for driver in ["async", "worker"] {
        cut(workspace, driver)?;
    }
    Ok("noticed by both ends, idle, busy and writing, on both drivers".into())
}

/// Which ends send something while the path is cut, besides heartbeats.
struct Kind {
    pattern: &'static str,
    client_writes: bool,
    server_writes: bool,
}

const KINDS: &[Kind] = &[
    Kind {
        pattern: "idle",
        client_writes: false,
        server_writes: false,
    },
    Kind {
        pattern: "busy",
        client_writes: true,
        // Only to answer.
        server_writes: false,
    },
    Kind {
        pattern: "writing",
        client_writes: true,
        server_writes: false,
    },
    Kind {
        pattern: "streamed",
        client_writes: false,
        server_writes: true,
    },
];

fn cut(workspace: &Workspace, driver: &str) -> Result {
    let network = Network::new(workspace)?;
    let place = Place::network(workspace, &network);
    let mut server = place.server(driver, PING)?;
    let mut clients = Vec::new();
    for kind in KINDS {
        clients.push((kind, place.client(kind.pattern, PING)?));
    }
    // Until the idle ones have been pinged, which tells how long a round trip is.
    std::thread::sleep(PING + Duration::from_millis(500));
    network.cut()?;
    let start = Instant::now();
    let mut told = Vec::new();
    // The server's reports come in their own order, and those of the clients all
    // at the same time: read by a thread each, they are timed as they come.
    std::thread::scope(|scope| {
        let noticing: Vec<_> = clients
            .into_iter()
            .map(|(kind, mut client)| {
                scope.spawn(move || Ok((kind, client.hears("lost")?, start.elapsed())))
            })
            .collect();
        for _ in KINDS {
            let lost = server.hears("lost")?;
            told.push((lost, start.elapsed()));
        }
        for client in noticing {
            let joined = client.join().map_err(|_| Error::new("a thread panicked"))?;
            let (kind, cause, after) = joined?;
            judge(
                "client",
                "async",
                kind.pattern,
                kind.client_writes,
                &cause,
                after,
            )?;
        }
        Ok(())
    })?;
    for (lost, after) in told {
        let (cause, path) = lost.split_once(' ').unwrap_or_default();
        let kind = KINDS.iter().find(|kind| path.ends_with(kind.pattern));
        let kind = kind.ok_or_else(|| Error::new(format!("the server lost {path}")))?;
        judge(
            "server",
            driver,
            kind.pattern,
            kind.server_writes,
            cause,
            after,
        )?;
    }
    Ok(())
}

/// Prints how long it took, and says whether that was short enough.
fn judge(
    end: &str,
    driver: &str,
    pattern: &str,
    writes: bool,
    cause: &str,
    after: Duration,
) -> Result {
    let what = format!("{end} on {driver}, {pattern}");
    println!("    {what:<28} {:>5.2} s  {cause}", after.as_secs_f64());
    // Without a write of its own an end notices by the next heartbeat.
    let heartbeat = if writes { Duration::ZERO } else { PING };
    let limit = heartbeat + FLOOR + SLACK;
    if after > limit {
        return Err(Error::new(format!(
            "{what}: noticed after {after:?}, not {limit:?}"
        )));
    }
    match cause {
        "Unacknowledged" => Ok(()),
        _ => Err(Error::new(format!("{what}: the cause told was {cause}"))),
    }
}
