use super::{Attempt, Redirect};
#[cfg(feature = "proxy")]
use super::{ProxyError, ProxyUrlError};
use crate::tls::TlsError;
use longwire_proto::handshake::{HandshakeError, MisuseError, Refused, Url, UrlError};
use std::{error, fmt, io, time::Duration};

/// Why no WebSocket was opened, by cause.
///
/// The text is whole in itself: it says what was wrong and, where that is
/// known, what to do. [`source`](error::Error::source) is for programs.
/// `host` is the host of the URL, with the port if it is not the default one.
/// Credentials of the URL are in none of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text is no WebSocket URL.
    Url(UrlError),
    /// A header or a subprotocol could not stand in the request.
    Misuse(MisuseError),
    /// The host's name has no address, or it could not be looked up.
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the host took a TCP connection.
    Unreachable {
        /// The host.
        host: String,
        /// Each address, in the order in which they failed.
        attempts: Vec<Attempt>,
    },
    /// No connection came about through the proxy.
    #[cfg(feature = "proxy")]
    Proxy {
        /// The host.
        host: String,
        /// The proxy, without its credentials.
        proxy: String,
        /// What was wrong.
        source: ProxyError,
    },
    /// What was set as the proxy is none.
    #[cfg(feature = "proxy")]
    ProxyUrl(ProxyUrlError),
    /// The TLS handshake failed, or the server refused the client's
    /// certificate right after it.
    Tls {
        /// The host.
        host: String,
        /// What was wrong.
        source: TlsError,
    },
    /// The time set for it was over.
    Timeout {
        /// The host.
        host: String,
        /// What took too long.
        stage: Stage,
        /// The time that it had.
        after: Duration,
    },
    /// The connection broke during the opening handshake.
    Broken {
        /// The host.
        host: String,
        /// The transport's error.
        source: io::Error,
    },
    /// What the server answered opens no WebSocket and is no refusal either:
    /// it is none for WebSockets, or breaks their rules.
    Handshake {
        /// The host.
        host: String,
        /// Which rule was broken.
        source: HandshakeError,
    },
    /// The server answered with a status other than 101 (and it was no
    /// redirect): it refuses, or has no WebSocket at this path.
    Refused {
        /// The host.
        host: String,
        /// The answer, with up to 64 KiB of the body.
        refused: Box<Refused>,
    },
    /// The server redirects, and as many redirects as are
    /// [allowed](super::ConnectorBuilder::redirects) were followed already.
    Redirect(Box<Redirect>),
    /// A redirect leads from `wss` to `ws`, which would lose TLS.
    InsecureRedirect(Box<Redirect>),
    /// The server redirects to something that is no WebSocket URL.
    InvalidRedirect {
        /// The host.
        host: String,
        /// What stands in the `Location` header.
        location: String,
        /// What is wrong with it.
        source: UrlError,
    },
    /// The server accepted, but without extensions that are
    /// [required](super::ConnectorBuilder::require_extension). The connection
    /// was closed with 1010.
    MissingExtensions {
        /// The host.
        host: String,
        /// The extensions.
        names: Vec<String>,
    },
}

/// A part of connecting that has a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Looking up the host's addresses, and TCP.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The opening handshake.
    Handshake,
}

impl ConnectError {
    /// The HTTP status with which the server refused or redirected.
    pub fn status(&self) -> Option<u16> {
        match self {
            ConnectError::Refused { refused, .. } => Some(refused.head.status()),
            ConnectError::Redirect(redirect) | ConnectError::InsecureRedirect(redirect) => {
                Some(redirect.status)
            }
            _ => None,
        }
    }

    /// Where a redirect that was not followed leads.
    pub fn location(&self) -> Option<&Url> {
        match self {
            ConnectError::Redirect(redirect) | ConnectError::InsecureRedirect(redirect) => {
                Some(&redirect.to)
            }
            _ => None,
        }
    }

    /// One word for the cause, for logs and metrics. It holds nothing secret,
    /// which the text may: redirects show paths and queries.
    pub const fn cause(&self) -> &'static str {
        match self {
            ConnectError::Url(_) => "url",
            ConnectError::Misuse(_) => "misuse",
            ConnectError::Resolve { .. } => "resolve",
            ConnectError::Unreachable { .. } => "unreachable",
            #[cfg(feature = "proxy")]
            ConnectError::Proxy { .. } | ConnectError::ProxyUrl(_) => "proxy",
            ConnectError::Tls { .. } => "tls",
            ConnectError::Timeout { .. } => "timeout",
            ConnectError::Broken { .. } => "broken",
            ConnectError::Handshake { .. } => "handshake",
            ConnectError::Refused { .. } => "refused",
            ConnectError::Redirect(_)
            | ConnectError::InsecureRedirect(_)
            | ConnectError::InvalidRedirect { .. } => "redirect",
            ConnectError::MissingExtensions { .. } => "extensions",
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Url(error) => error.fmt(f),
            ConnectError::Misuse(error) => error.fmt(f),
            ConnectError::Resolve { host, source } => write!(
                f,
                "cannot find the address of {host:?}: {source}; check the name, and that this \
                 machine has name resolution"
            ),
            ConnectError::Unreachable { host, attempts } => unreachable(f, host, attempts),
            #[cfg(feature = "proxy")]
            ConnectError::Proxy {
                host,
                proxy,
                source,
            } => write!(f, "cannot connect to {host} through {proxy}: {source}"),
            #[cfg(feature = "proxy")]
            ConnectError::ProxyUrl(error) => error.fmt(f),
            ConnectError::Tls { host, source } => write!(f, "no TLS with {host}: {source}"),
            ConnectError::Timeout { host, stage, after } => timeout(f, host, *stage, *after),
            ConnectError::Broken { host, source } => write!(
                f,
                "the connection to {host} broke during the opening handshake: {source}"
            ),
            ConnectError::Handshake { host, source } => {
                write!(f, "no WebSocket at {host}: {source}")?;
                f.write_str(what_to_do_about(source))
            }
            ConnectError::Refused { host, refused } => {
                write!(f, "no WebSocket at {host}: {refused}")?;
                f.write_str(what_to_do_after(refused.head.status()))?;
                match said(refused) {
                    Some(text) => write!(f, " (it says: {text})"),
                    None => Ok(()),
                }
            }
            ConnectError::Redirect(redirect) if redirect.followed == 0 => {
                write!(f, "{redirect}; connect there, or allow redirects")
            }
            ConnectError::Redirect(redirect) => {
                write!(
                    f,
                    "{redirect}, after {} redirects already",
                    redirect.followed
                )
            }
            ConnectError::InsecureRedirect(redirect) => {
                write!(f, "{redirect}, which has no TLS; it is not followed")
            }
            ConnectError::InvalidRedirect {
                host,
                location,
                source,
            } => write!(
                f,
                "{host} redirects to {location:?}, which is no WebSocket URL: {source}"
            ),
            ConnectError::MissingExtensions { host, names } => write!(
                f,
                "{host} has no WebSocket with the required extension {}",
                names.join(", ")
            ),
        }
    }
}

fn unreachable(f: &mut fmt::Formatter<'_>, host: &str, attempts: &[Attempt]) -> fmt::Result {
    write!(f, "cannot connect to {host}")?;
    for (at, Attempt { address, error }) in attempts.iter().enumerate() {
        let before = if at == 0 { ": " } else { "; " };
        write!(f, "{before}{address}: {error}")?;
    }
    let all_refused = attempts
        .iter()
        .all(|attempt| attempt.error.kind() == io::ErrorKind::ConnectionRefused);
    match (attempts, all_refused) {
        ([], _) => f.write_str(": no address is given for it"),
        (_, true) => {
            f.write_str("; nothing listens there: is the server running, and the port right?")
        }
        (_, false) => Ok(()),
    }
}

fn timeout(f: &mut fmt::Formatter<'_>, host: &str, stage: Stage, after: Duration) -> fmt::Result {
    match stage {
        Stage::Connect => write!(
            f,
            "no connection to {host} within {after:?}; is the address right, and does a firewall \
             let it through?"
        ),
        Stage::Tls => write!(
            f,
            "{host} did not finish the TLS handshake within {after:?}; is this its port for wss?"
        ),
        Stage::Handshake => write!(
            f,
            "{host} did not answer the opening handshake within {after:?}; is it a WebSocket \
             server, and is ws or wss right?"
        ),
    }
}

fn what_to_do_about(error: &HandshakeError) -> &'static str {
    match error {
        HandshakeError::Head(longwire_proto::handshake::HeadError::NotHttp(_)) => {
            "; is this its port for WebSockets?"
        }
        HandshakeError::Upgrade(_) | HandshakeError::Connection(_) => {
            "; is there a proxy that does not pass WebSockets on?"
        }
        _ => "",
    }
}

fn what_to_do_after(status: u16) -> &'static str {
    match status {
        401 => "; give them as ws://user:password@host/, or in an Authorization header",
        403 => "; does it want credentials, or another Origin?",
        404 => "; is the path right?",
        429 | 503 => "; try again later",
        502 | 504 => "; the server behind this gateway does not answer it",
        _ => "",
    }
}

/// The beginning of the body, on one line, if it is a text that is meant to be
/// read.
fn said(refused: &Refused) -> Option<String> {
    const MAX_CHARS: usize = 200;
    let text = std::str::from_utf8(refused.body.bytes()).ok()?;
    if text.trim_start().starts_with('<') {
        // A page; a person wants to see it rendered or not at all.
        return None;
    }
    let line = text
        .split(|char: char| char.is_whitespace() || char.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let shown: String = line.chars().take(MAX_CHARS).collect();
    let cut = if shown.len() < line.len() { "..." } else { "" };
    (!shown.is_empty()).then(|| format!("{shown}{cut}"))
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ConnectError::Url(source) | ConnectError::InvalidRedirect { source, .. } => {
                Some(source)
            }
            ConnectError::Misuse(source) => Some(source),
            ConnectError::Resolve { source, .. } | ConnectError::Broken { source, .. } => {
                Some(source)
            }
            ConnectError::Unreachable { attempts, .. } => {
                attempts.first().map(|attempt| &attempt.error as _)
            }
            #[cfg(feature = "proxy")]
            ConnectError::Proxy { source, .. } => Some(source),
            #[cfg(feature = "proxy")]
            ConnectError::ProxyUrl(source) => Some(source),
            ConnectError::Tls { source, .. } => Some(source),
            ConnectError::Handshake { source, .. } => Some(source),
            ConnectError::Timeout { .. }
            | ConnectError::Refused { .. }
            | ConnectError::Redirect(_)
            | ConnectError::InsecureRedirect(_)
            | ConnectError::MissingExtensions { .. } => None,
        }
    }
}

impl From<UrlError> for ConnectError {
    fn from(error: UrlError) -> ConnectError {
        ConnectError::Url(error)
    }
}

#[cfg(feature = "proxy")]
impl From<ProxyUrlError> for ConnectError {
    fn from(error: ProxyUrlError) -> ConnectError {
        ConnectError::ProxyUrl(error)
    }
}

impl From<MisuseError> for ConnectError {
    fn from(error: MisuseError) -> ConnectError {
        ConnectError::Misuse(error)
    }
}
