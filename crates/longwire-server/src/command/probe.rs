use super::{connect::TlsArguments, request::RequestArguments};
use crate::{
    connect::{
        self, Heartbeat, Transport,
        values::{self, Interval},
    },
    exit::{Failure, Status},
    probe::{self, Idle, Options},
};
use std::time::Duration;

const HELP: &str = "\
Connects, and tells of each step: the addresses and which of them answered, TLS,
the opening handshake and who answered it, and the round trip. It sends no
messages unless --max-size is given, as a server might take them seriously.

With --idle it finds out after how long a silent connection is dropped, and how:
by a FIN or a RST, by a Close frame, or without a word. Canaries find that out:
up to 8 spare connections that are silent for different spans side by side, while
one connection is kept alive by Pings. It takes as long as MAX if nothing is
dropped, and a few times the limit if something is. Then it says how often to
beat. Ctrl-C ends it early and prints what is known.

With --json all is written as one object at the end, with every field, null where
something is not known: see docs/probe.md.

Examples:
  longwire probe wss://example.com/feed
  longwire probe --idle wss://example.com/feed
  longwire probe --idle 1h --json wss://example.com/feed
  longwire probe --max-size 16M ws://localhost:8080/

Exit codes:
  0  everything was found out, or Ctrl-C ended it
  1  standard output failed
  2  wrong command line or URL
  3  no connection: name, network or TLS
  4  the server refused, or is no WebSocket server
  5  the connection was lost while it was looked at";

#[derive(Debug, clap::Args)]
#[command(override_usage = "longwire probe [OPTIONS] <URL>")]
#[command(after_help = "See --help for what is found out, examples and exit codes.")]
#[command(after_long_help = HELP)]
pub(crate) struct Arguments {
    /// What to probe: ws://HOST[:PORT]/PATH, or wss:// for TLS.
    // After --idle it may have been taken for MAX.
    #[arg(required_unless_present = "idle")]
    url: Option<String>,

    #[command(flatten)]
    what: WhatArguments,
    #[command(flatten)]
    request: Box<RequestArguments>,
    #[command(flatten)]
    tls: Box<TlsArguments>,
    /// Write one JSON object to standard output.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to find out")]
struct WhatArguments {
    /// Find out after how long a silent connection is dropped, up to MAX:
    /// seconds, or as 90s, 10m or 1h. [default MAX: 10m]
    #[arg(long, value_name = "MAX", num_args = 0..=1, default_missing_value = DEFAULT_MAX)]
    idle: Option<String>,
    /// The shortest silence to try.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = values::span)]
    idle_from: Duration,
    /// Send messages up to this size, in bytes or with K, M or G, and find the
    /// largest that passes. A server may take them for real ones.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_size: Option<u64>,
    /// How many Pings measure the round trip.
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pings: u32,
    /// How many seconds each step may take.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = values::seconds)]
    timeout: Duration,
}

/// What a connection may receive, whatever is sent.
const MAX_MESSAGE: u64 = 16 << 20;

/// How long the search goes if only `--idle` is said.
const DEFAULT_MAX: &str = "10m";

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        url,
        what,
        request,
        tls,
        json,
    } = arguments;
    let (url, max) = url_and_max(url, what.idle)?;
    let idle = match max {
        Some(max) => Some(Idle::new(what.idle_from, max)?),
        None => None,
    };
    probe::run(Options {
        url: connect::url(&url)?,
        offered: request.subprotocol.clone(),
        transport: Transport {
            headers: request.header,
            origin: request.origin,
            subprotocols: request.subprotocol,
            compress: true,
            redirects: 0,
            proxy: request.proxy,
            tls: tls.load()?,
            timeout: what.timeout,
            heartbeat: Heartbeat::new(
                idle.map_or(Interval::None, |idle| Interval::Fixed(idle.beat())),
                None,
            )?,
            // An echo gives back what it gets.
            max_message_size: what.max_size.unwrap_or_default().max(MAX_MESSAGE),
        },
        timeout: what.timeout,
        pings: what.pings,
        max_size: what.max_size,
        idle,
        json,
    })
}

/// Tells `--idle URL` from `--idle MAX URL`.
fn url_and_max(
    url: Option<String>,
    idle: Option<String>,
) -> Result<(String, Option<Duration>), Failure> {
    match (url, idle) {
        (Some(url), None) => Ok((url, None)),
        (Some(url), Some(max)) => match values::span(&max) {
            Ok(max) => Ok((url, Some(max))),
            Err(error) => {
                let message = format!("invalid value {max:?} for --idle: {error}");
                Err(Failure::new(Status::Usage, message))
            }
        },
        (None, Some(idle)) if values::span(&idle).is_err() => {
            Ok((idle, values::span(DEFAULT_MAX).ok()))
        }
        (None, _) => Err(Failure::new(Status::Usage, "which URL is to be probed?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_after_idle_is_no_maximum() {
        let of = |url: Option<&str>, idle: Option<&str>| {
            let found = url_and_max(url.map(str::to_owned), idle.map(str::to_owned));
            found.map(|(url, max)| (url, max.map(|max| max.as_secs())))
        };
        let url = "ws://localhost/";
        let found = |max| (url.to_owned(), max);
        assert_eq!(of(Some(url), None).unwrap(), found(None));
        assert_eq!(of(None, Some(url)).unwrap(), found(Some(600)));
        assert_eq!(of(Some(url), Some("90s")).unwrap(), found(Some(90)));
        let missing = of(None, Some("10m")).unwrap_err();
        assert!(missing.message.contains("which URL"), "{missing:?}");
        let wrong = of(Some(url), Some("5d\u{1b}")).unwrap_err();
        assert!(wrong.message.contains(r#""5d\u{1b}""#), "{wrong:?}");
    }
}
