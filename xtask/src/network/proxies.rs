//! Proxies that drop connections after two or three seconds of silence: nginx by
//! its `proxy_read_timeout`, HAProxy by its `timeout tunnel`.

use std::time::Duration;

use super::peers::{Peer, Place};
use crate::error::Result;
use crate::process::{self, Service};
use crate::strangers::fronts;
use crate::workspace::Workspace;

/// Longer than the proxies wait, and shorter.
const TOO_SLOW: Duration = Duration::from_secs(5);
const IN_TIME: Duration = Duration::from_millis(1_000);

/// Behind each proxy a heartbeat that is too slow loses its connection, and one in
/// time and one that is learned keep it.
pub(crate) fn run(workspace: &Workspace) -> Result<String> {
    let port = process::free_port()?;
    let place = Place::loopback(workspace, port);
    // It keeps quiet, so that the client's heartbeat is the only one.
    let _server = place.server("worker", Duration::ZERO)?;
    let upstream = port.to_string();
    let ports = [process::free_port()?, process::free_port()?];
    let part = "network-proxies";
    let _proxies: [Service; 2] = [
        fronts::nginx(workspace, part, ports[0], &upstream, "2s")?,
        fronts::haproxy(workspace, "network-haproxy", ports[1], &upstream, "3s")?,
    ];
    // All at once: each takes some time in which nothing happens.
    let [nginx, haproxy] = ports.map(|port| Beats::start(&place, &format!("127.0.0.1:{port}")));
    Ok(format!(
        "nginx (2 s) and HAProxy (3 s) drop a heartbeat of 5 s; learned: {} and {}",
        nginx?.judge()?,
        haproxy?.judge()?
    ))
}

/// Heartbeats of three kinds through one proxy.
struct Beats {
    slow: Peer,
    fast: Peer,
    learning: Peer,
}

impl Beats {
    fn start(place: &Place<'_>, address: &str) -> Result<Self> {
        Ok(Self {
            slow: place.client_of(address, "lasting", TOO_SLOW)?,
            fast: place.client_of(address, "lasting", IN_TIME)?,
            learning: place.client_of(address, "learning", Duration::ZERO)?,
        })
    }

    /// Sees what has become of them, and tells what was learned.
    fn judge(mut self) -> Result<String> {
        let lost = self.slow.next()?;
        if !lost.starts_with("lost") {
            let why = format!("was to be dropped, and said: {lost}");
            return Err(self.slow.failure(&why));
        }
        let lives = self.fast.next()?;
        if lives != "lives" {
            let why = format!("was to live, and said: {lives}");
            return Err(self.fast.failure(&why));
        }
        let learned = self.learning.next()?;
        match learned.strip_prefix("lives ") {
            Some(learned) => Ok(learned.to_owned()),
            None => {
                let why = format!("was to live, and said: {learned}");
                Err(self.learning.failure(&why))
            }
        }
    }
}
