//! WebSocket URLs (RFC 6455, section 3).

use super::authority::Authority;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use core::net::IpAddr;
use url::{ParseError, Position};

/// The address of a WebSocket: `ws://host:port/path?query`, or `wss://` for one within TLS.
///
/// It is parsed as browsers parse URLs: host names in Unicode become punycode, what may not stand
/// in a path or a query is percent-encoded, and `http` and `https` are taken for `ws` and `wss`.
/// Credentials are split off, so that the URL can be shown.
///
/// ```
/// # use longwire_proto::handshake::Url;
/// let url = Url::parse("wss://me:secret@b\u{fc}cher.example/chat?room=1")?;
/// assert_eq!(url.to_string(), "wss://xn--bcher-kva.example/chat?room=1");
/// assert_eq!((url.is_secure(), url.port(), url.target()), (true, 443, "/chat?room=1"));
///
/// let error = Url::parse("example.com:8080").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "\"example.com:8080\" has no scheme; did you mean ws://example.com:8080?"
/// );
/// # Ok::<(), longwire_proto::handshake::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    /// With scheme `ws` or `wss`, a host, and neither fragment nor credentials.
    url: url::Url,
    credentials: Option<Credentials>,
}

/// What stood before the `@`, percent-decoded.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Credentials {
    user: Vec<u8>,
    password: Vec<u8>,
}

/// The host to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name to be resolved, in lower case and punycode.
    Name(&'a str),
    /// An address.
    Ip(IpAddr),
}

impl Url {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`UrlError`], which says what is wrong and what would be right. It repeats no password.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let text = text.trim();
        let url = url::Url::parse(text).map_err(|error| UrlError::of(text, error))?;
        if !text.contains("://") && !is_websocket(url.scheme()) {
            // `example.com:8080` parses as scheme `example.com`.
            return Err(UrlError::MissingScheme(without_credentials(text)));
        }
        if has_empty_host(text) {
            return Err(UrlError::MissingHost);
        }
        Url::of(url)
    }

    /// Where a redirect leads to: `location` is a URL, or relative to this one.
    ///
    /// A fragment in it is dropped. The credentials of this URL go along to the same server, and to
    /// no other.
    ///
    /// # Errors
    /// The same as [`parse`](Url::parse).
    pub fn join(&self, location: &str) -> Result<Url, UrlError> {
        let mut url = self
            .url
            .join(location)
            .map_err(|error| UrlError::of(location, error))?;
        url.set_fragment(None);
        let mut joined = Url::of(url)?;
        if joined.credentials.is_none() && self.is_same_server(&joined) {
            joined.credentials.clone_from(&self.credentials);
        }
        Ok(joined)
    }

    fn of(mut url: url::Url) -> Result<Url, UrlError> {
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            other => return Err(UrlError::UnsupportedScheme(other.to_owned())),
        };
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let credentials = Credentials::of(&url);
        // These fail for URLs without a host only, and the schemes above do not go without.
        let changed = url
            .set_scheme(scheme)
            .and_then(|()| url.set_username(""))
            .and_then(|()| url.set_password(None));
        if changed.is_err() {
            return Err(UrlError::MissingHost);
        }
        let url = Url { url, credentials };
        // Browsers let a few characters through that RFC 3986 does not have in a host.
        if Authority::parse(url.authority()).is_none() {
            return Err(UrlError::InvalidHost(format!(
                "{:?} holds a character that it must not",
                url.authority()
            )));
        }
        Ok(url)
    }

    /// Whether both are reached through the same scheme, host and port.
    pub fn is_same_server(&self, other: &Url) -> bool {
        self.url[..Position::BeforePath] == other.url[..Position::BeforePath]
    }

    /// Whether the connection goes through TLS: whether the scheme is `wss`.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The host to connect to.
    pub fn host(&self) -> Host<'_> {
        match self.url.host() {
            Some(url::Host::Domain(name)) => Host::Name(name),
            Some(url::Host::Ipv4(address)) => Host::Ip(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Ip(address.into()),
            // `of` lets no URL without a host through.
            None => Host::Name(""),
        }
    }

    /// The port to connect to: by default 80 for `ws` and 443 for `wss`.
    pub fn port(&self) -> u16 {
        self.url
            .port()
            .unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// What stands in the `Host` header: the host, and the port if it is not the default one (RFC
    /// 6455, section 4.1, item 4).
    pub fn host_header(&self) -> String {
        self.authority().to_owned()
    }

    fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// What stands in the request line: path and query, the path at least `/`.
    pub fn target(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// The URL without its credentials.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The value of an `Authorization` header for the credentials in the URL, if there are any (RFC
    /// 7617).
    pub fn basic_authorization(&self) -> Option<String> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        Some(format!(
            "Basic {}",
            STANDARD.encode([user, &b":"[..], password].concat())
        ))
    }
}

impl Credentials {
    fn of(url: &url::Url) -> Option<Credentials> {
        let (user, password) = (url.username(), url.password());
        if user.is_empty() && password.is_none() {
            return None;
        }
        Some(Credentials {
            user: percent_decode(user),
            password: percent_decode(password.unwrap_or_default()),
        })
    }
}

impl core::str::FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Url, UrlError> {
        Url::parse(text)
    }
}

impl fmt::Display for Url {
    /// The URL without its credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Url {
    /// The URL without its credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&self.as_str()).finish()
    }
}

/// What keeps a text from being the URL of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no `ws://` or `wss://` in front; this is the text, without credentials.
    MissingScheme(String),
    /// The scheme is this one.
    UnsupportedScheme(String),
    /// There is a `#` with something behind it, which a WebSocket URL must not have (RFC 6455,
    /// section 3).
    Fragment,
    /// There is no host.
    MissingHost,
    /// The port is not a number from 0 to 65535.
    InvalidPort,
    /// An IPv6 address is malformed, or not in brackets.
    InvalidIpv6,
    /// An IPv4 address is malformed: the host ends with a number, so that it can be nothing else.
    InvalidIpv4,
    /// The host is not a valid name; the text says why.
    InvalidHost(String),
}

impl UrlError {
    fn of(text: &str, error: ParseError) -> UrlError {
        match error {
            ParseError::RelativeUrlWithoutBase if !text.is_empty() && !text.starts_with('/') => {
                UrlError::MissingScheme(without_credentials(text))
            }
            // `ws://::1/` and `ws://fe80::1/`.
            ParseError::EmptyHost | ParseError::InvalidPort
                if authority(text).matches(':').count() > 1 =>
            {
                UrlError::InvalidIpv6
            }
            ParseError::EmptyHost | ParseError::RelativeUrlWithoutBase => UrlError::MissingHost,
            ParseError::InvalidPort => UrlError::InvalidPort,
            ParseError::InvalidIpv6Address => UrlError::InvalidIpv6,
            ParseError::InvalidIpv4Address => UrlError::InvalidIpv4,
            other => UrlError::InvalidHost(other.to_string()),
        }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingScheme(text) => {
                write!(f, "{text:?} has no scheme; did you mean ws://{text}?")
            }
            Self::UnsupportedScheme(scheme) => {
                write!(
                    f,
                    "{scheme}:// is not for WebSockets; use ws://, or wss:// for TLS"
                )
            }
            Self::Fragment => f.write_str(
                "a WebSocket URL has no fragment; leave out the # and what follows, or write %23",
            ),
            Self::MissingHost => {
                f.write_str("there is no host; a WebSocket URL looks like ws://host:port/path")
            }
            Self::InvalidPort => f.write_str("the port is not a number from 0 to 65535"),
            Self::InvalidIpv6 => f.write_str(
                "the IPv6 address is not valid; write it in brackets, as in ws://[::1]:8080/",
            ),
            Self::InvalidIpv4 => {
                f.write_str("the IPv4 address is not valid; it looks like ws://127.0.0.1:8080/")
            }
            Self::InvalidHost(why) => write!(f, "the host is not valid: {why}"),
        }
    }
}

impl core::error::Error for UrlError {}

fn is_websocket(scheme: &str) -> bool {
    matches!(scheme, "ws" | "wss" | "http" | "https")
}

/// What stands between `//` and the path, without credentials.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// Browsers take the path's first segment for the host of `ws:///path`; nobody who wrote it meant
/// that.
fn has_empty_host(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.starts_with('/'))
}

/// The text without what may be a password, to show it to a person: without what is before an `@`.
fn without_credentials(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, behind)) => format!("...@{behind}"),
        None => text.to_owned(),
    }
}

/// RFC 3986, section 2.1. A `%` that begins no byte stands for itself.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, next) = match (first, behind) {
            (b'%', [high, low, next @ ..]) => match hex(*high, *low) {
                Some(byte) => (byte, next),
                None => (first, behind),
            },
            _ => (first, behind),
        };
        out.push(byte);
        rest = next;
    }
    out
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests;
