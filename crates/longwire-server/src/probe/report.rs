//! What is known of a path.

use super::finding::Finding;
use longwire::{
    heartbeat::{ServerBeat, Terms},
    proto::handshake::{Response, Url},
};
use std::{net::SocketAddr, time::Duration};

/// All that is known; what is not is none.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) url: String,
    /// What is being looked at.
    pub(super) step: Step,
    pub(super) proxy: Option<String>,
    pub(super) resolved: Option<Resolved>,
    pub(super) attempts: Vec<Attempt>,
    /// How long it took to get the first connection to any address.
    pub(super) connected: Option<(SocketAddr, Duration)>,
    /// How long the proxy took to connect to the server.
    pub(super) tunnelled: Option<Duration>,
    pub(super) tls: Option<Tls>,
    pub(super) offered: Vec<String>,
    pub(super) handshake: Option<Handshake>,
    /// The status of a server that opened no WebSocket.
    pub(super) refused: Option<u16>,
    /// In the order of their length.
    pub(super) round_trips: Vec<Duration>,
    pub(super) largest: Option<Largest>,
    pub(super) idle: Option<Finding>,
    pub(super) interrupted: bool,
    /// Why it ended before its end.
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Resolve,
    Connect,
    Proxy,
    Tls,
    Handshake,
    RoundTrip,
    Messages,
    Idle,
    Done,
}

#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) after: Duration,
}

/// A try to connect to one address.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) address: SocketAddr,
    /// When it began, from when the addresses were known.
    pub(super) began: Duration,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// Another address was faster, or time was up.
    GivenUp,
    Connected(Duration),
    Failed(Duration, String),
}

#[derive(Debug)]
pub(super) struct Tls {
    pub(super) after: Duration,
    pub(super) version: String,
    pub(super) cipher_suite: String,
    pub(super) alpn: Option<String>,
}

#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) after: Duration,
    pub(super) status: u16,
    pub(super) server: Option<String>,
    pub(super) via: Option<String>,
    pub(super) subprotocol: Option<String>,
    /// As the server wrote them.
    pub(super) extensions: Option<String>,
    pub(super) terms: Option<Terms>,
}

/// The largest message that passes.
#[derive(Debug)]
pub(super) struct Largest {
    /// Zero if none did.
    pub(super) passed: u64,
    /// The one that did not, and why.
    pub(super) failed: Option<(u64, String)>,
}

impl Report {
    pub(super) fn new(url: &Url, offered: Vec<String>) -> Report {
        Report {
            url: url.to_string(),
            step: Step::Resolve,
            proxy: None,
            resolved: None,
            attempts: Vec::new(),
            connected: None,
            tunnelled: None,
            tls: None,
            offered,
            handshake: None,
            refused: None,
            round_trips: Vec::new(),
            largest: None,
            idle: None,
            interrupted: false,
            error: None,
        }
    }

    /// How often the server says that it pings.
    pub(super) fn announced_beat(&self) -> Option<Duration> {
        match self.handshake.as_ref()?.terms?.server {
            ServerBeat::Ping { interval, .. } => Some(interval),
            ServerBeat::Watch { .. } | ServerBeat::Nothing => None,
        }
    }

    /// The round trip that as many percent were no longer than (nearest rank).
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let count = self.round_trips.len();
        let rank = (count * percent).div_ceil(100).max(1);
        self.round_trips.get(rank - 1).copied().unwrap_or_default()
    }
}

impl Step {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Step::Resolve => "resolve",
            Step::Connect => "connect",
            Step::Proxy => "proxy",
            Step::Tls => "tls",
            Step::Handshake => "handshake",
            Step::RoundTrip => "round-trip",
            Step::Messages => "messages",
            Step::Idle => "idle",
            Step::Done => "done",
        }
    }

    /// For people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Step::Resolve => "name resolution",
            Step::Connect => "the TCP connection",
            Step::Proxy => "the proxy",
            Step::Tls => "TLS",
            Step::Handshake => "the opening handshake",
            Step::RoundTrip => "the round trip",
            Step::Messages => "large messages",
            Step::Idle => "the idle limit",
            Step::Done => "the end",
        }
    }
}

impl Handshake {
    pub(super) fn new(response: &Response, after: Duration) -> Handshake {
        let headers = response.head.headers();
        let all = |name: &str| {
            let values: Vec<_> = headers.get_all(name).map(String::from_utf8_lossy).collect();
            (!values.is_empty()).then(|| values.join(", "))
        };
        Handshake {
            after,
            status: response.head.status(),
            server: all("Server"),
            via: all("Via"),
            subprotocol: response.subprotocol.as_ref().map(ToString::to_string),
            extensions: all("Sec-WebSocket-Extensions"),
            terms: Terms::of(headers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut report = Report::new(&Url::parse("ws://localhost/").unwrap(), Vec::new());
        assert_eq!(report.percentile(50), Duration::ZERO);
        report.round_trips = (1..=20).map(Duration::from_millis).collect();
        let millis = |percent| report.percentile(percent).as_millis();
        assert_eq!([0, 50, 90, 99, 100].map(millis), [1, 10, 18, 20, 20]);
    }
}
