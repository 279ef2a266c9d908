//! Who beats, as the opening handshake settles it.
//!
//! Two ends that beat defeat learning. So a client may say in its request what
//! the connection is for, and the server's response says how it treats it. Both
//! are the header [`HEADER`], a structured field (RFC 9651):
//!
//! ```text
//! Longwire-Heartbeat: client                          the request, an Item: a Token
//! Longwire-Heartbeat: watch=3600, canaries            the response, a Dictionary
//! Longwire-Heartbeat: ping=25, timeout=20, canaries=?0
//! ```
//!
//! | in the request | means |
//! |---|---|
//! | `client` | the client keeps this connection alive |
//! | `canary` | the connection only finds out how long it may be silent |
//! | `ask`, and every other Token | the client asks how the server beats |
//!
//! | in the response | type | means |
//! |---|---|---|
//! | `watch` | seconds | the server sends no Pings, and after so long without a byte the client counts as gone |
//! | `ping`, `timeout` | seconds, both | the server pings after so long without a byte, and how long it waits for the answer, at most |
//! | `canaries` | Boolean | canaries are welcome |
//!
//! Seconds are an Integer or a Decimal. A response without `watch` and `ping`
//! says that the server does neither; with both, `watch` holds. Parameters and
//! members that are not listed here are ignored. What is malformed, or stands in
//! a request more than once, counts as absent: a heartbeat is no reason to
//! refuse a connection.

use crate::{
    Config,
    handshake::{Headers, token},
};
use core::{fmt, time::Duration};

/// The name of the header.
pub const HEADER: &str = "Longwire-Heartbeat";

/// What a client says of its connection.
///
/// ```
/// use longwire_proto::{handshake::Headers, heartbeat::{HEADER, Proposal}};
/// let mut headers = Headers::new();
/// assert_eq!(Proposal::of(&headers), None);
/// headers.append(HEADER, Proposal::Canary.as_str())?;
/// assert_eq!(Proposal::of(&headers), Some(Proposal::Canary));
/// # Ok::<(), longwire_proto::handshake::MisuseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proposal {
    /// The client keeps the connection alive, and the server is to watch only.
    Client,
    /// The connection is a canary: it carries nothing.
    Canary,
    /// The client asks how the server beats.
    Ask,
}

impl Proposal {
    /// What stands in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Proposal::Client => "client",
            Proposal::Canary => "canary",
            Proposal::Ask => "ask",
        }
    }

    /// What the headers of a request say, if they say it.
    pub fn of(headers: &Headers) -> Option<Proposal> {
        let mut values = headers.get_all(HEADER);
        let value = values.next().filter(|_| values.next().is_none())?;
        let item = value.split(|&byte| byte == b';').next()?;
        match token::trim_ows(item) {
            b"client" => Some(Proposal::Client),
            b"canary" => Some(Proposal::Canary),
            other => is_sf_token(other).then_some(Proposal::Ask),
        }
    }
}

/// How a server treats the connection that it opens.
///
/// ```
/// use longwire_proto::{handshake::Headers, heartbeat::{HEADER, ServerBeat, Terms}};
/// # use std::time::Duration;
/// let mut headers = Headers::new();
/// headers.append(HEADER, "watch=3600, canaries")?;
/// let terms = Terms::of(&headers).unwrap();
/// assert_eq!(terms.server, ServerBeat::Watch { max_silence: Duration::from_secs(3600) });
/// assert!(terms.canaries);
/// assert_eq!(terms.to_string(), "watch=3600, canaries");
/// # Ok::<(), longwire_proto::handshake::MisuseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What the server does about heartbeats.
    pub server: ServerBeat,
    /// Whether it welcomes canaries.
    pub canaries: bool,
}

/// What a server does about heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerBeat {
    /// It sends no Pings.
    Watch {
        /// After so long without a byte the client counts as gone.
        max_silence: Duration,
    },
    /// It pings.
    Ping {
        /// After so long without a byte.
        interval: Duration,
        /// How long it waits for the answer, at most.
        timeout: Duration,
    },
    /// Neither.
    Nothing,
}

impl Terms {
    /// The shortest time that is believed: less would have the other end do
    /// nothing but beat.
    pub const SHORTEST: Duration = Duration::from_millis(100);

    /// What a server that is configured so answers.
    pub fn answer(proposal: Proposal, config: &Config) -> Terms {
        let server = match (proposal, config.ping_interval) {
            (Proposal::Client | Proposal::Canary, _) => ServerBeat::Watch {
                max_silence: config.max_silence,
            },
            (Proposal::Ask, Some(interval)) => ServerBeat::Ping {
                interval,
                timeout: config.pong_timeout,
            },
            (Proposal::Ask, None) => ServerBeat::Nothing,
        };
        Terms {
            server,
            canaries: config.canaries.max() > 0,
        }
    }

    /// What the headers of a response say, if they say it.
    ///
    /// Times are cut to milliseconds, and shorter ones than
    /// [`SHORTEST`](Self::SHORTEST) are not believed: the header counts as
    /// absent then.
    pub fn of(headers: &Headers) -> Option<Terms> {
        let (mut watch, mut ping, mut timeout) = (None, None, None);
        let mut canaries = false;
        if !headers.contains(HEADER) {
            return None;
        }
        for member in headers.list(HEADER) {
            let member = core::str::from_utf8(member).ok()?;
            let member = member.split(';').next()?.trim_matches([' ', '\t']);
            match member.split_once('=').unwrap_or((member, "?1")) {
                ("watch", value) => watch = Some(seconds(value)?),
                ("ping", value) => ping = Some(seconds(value)?),
                ("timeout", value) => timeout = Some(seconds(value)?),
                ("canaries", "?1") => canaries = true,
                ("canaries", "?0") => canaries = false,
                ("canaries", _) => return None,
                _ => {}
            }
        }
        let server = match (watch, ping, timeout) {
            (Some(max_silence), _, _) => ServerBeat::Watch { max_silence },
            (None, Some(interval), Some(timeout)) => ServerBeat::Ping { interval, timeout },
            (None, Some(_), None) => return None,
            (None, None, _) => ServerBeat::Nothing,
        };
        Some(Terms { server, canaries })
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server {
            ServerBeat::Watch { max_silence } => write!(f, "watch={}, ", Seconds(max_silence))?,
            ServerBeat::Ping { interval, timeout } => {
                write!(f, "ping={}, ", Seconds(interval))?;
                write!(f, "timeout={}, ", Seconds(timeout))?;
            }
            ServerBeat::Nothing => {}
        }
        f.write_str(if self.canaries {
            "canaries"
        } else {
            "canaries=?0"
        })
    }
}

/// A time as an Integer, or as a Decimal of at most three places.
struct Seconds(Duration);

/// RFC 9651 section 3.3.2: a Decimal has at most twelve digits before its point.
const LONGEST: u64 = 999_999_999_999;

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs().min(LONGEST))?;
        match self.0.subsec_millis() {
            0 => Ok(()),
            millis => {
                let places = [millis / 100, millis / 10 % 10, millis % 10];
                let used = 3 - places.iter().rev().take_while(|&&place| place == 0).count();
                f.write_str(".")?;
                places[..used]
                    .iter()
                    .try_for_each(|place| write!(f, "{place}"))
            }
        }
    }
}

/// RFC 9651 sections 3.3.1 and 3.3.2, without the sign.
fn seconds(value: &str) -> Option<Duration> {
    let (whole, places) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str, most: usize| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        plain && (1..=most).contains(&text.len())
    };
    let most = if value.contains('.') { 12 } else { 15 };
    if !digits(whole, most) || !digits(places, 3) {
        return None;
    }
    let scale = [100, 10, 1][places.len() - 1];
    let millis = places.parse::<u64>().ok()? * scale;
    let whole = whole.parse::<u64>().ok()?.min(LONGEST);
    let time = Duration::from_secs(whole) + Duration::from_millis(millis);
    (time >= Terms::SHORTEST).then_some(time)
}

/// RFC 9651 section 3.3.4.
fn is_sf_token(bytes: &[u8]) -> bool {
    let first = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'*';
    let rest = |byte: &u8| token::is_tchar(*byte) || matches!(byte, b':' | b'/');
    bytes.first().is_some_and(first) && bytes.iter().all(rest)
}

#[cfg(test)]
mod tests;
