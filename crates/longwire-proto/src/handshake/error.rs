//! Why a client's handshake fails. Each of these is the doing of the peer, or of something on the
//! way to it.

use super::accept_key::AcceptKey;
use super::head::HeadError;
use super::message_head::HttpVersion;
use super::response::Refused;
use crate::extension::{DeflateParamError, ExtensionListError};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// The answer to a client's request opens no WebSocket.
///
/// In each case the client drops the connection (RFC 6455, section 4.1: "fail the WebSocket
/// connection").
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// What came is not the head of an HTTP response, or larger than the limits.
    Head(HeadError),
    /// The connection ended before the response was whole; this many bytes of it had come.
    Closed {
        /// Bytes of the incomplete response.
        received: usize,
    },
    /// The status is not 101: the server refused, redirects, wants credentials, or knows no
    /// WebSocket there.
    Refused(Box<Refused>),
    /// The status is 101, but of this version of HTTP.
    Version(HttpVersion),
    /// The `Upgrade` header is missing or not `websocket`.
    Upgrade(Option<String>),
    /// The `Connection` header is missing or has no `Upgrade` in it.
    Connection(Option<String>),
    /// The `Sec-WebSocket-Accept` header is missing or wrong.
    Accept {
        /// What belongs to the key that was sent.
        expected: AcceptKey,
        /// What came.
        received: Option<String>,
    },
    /// The server chose this subprotocol, which was not offered.
    Subprotocol(String),
    /// The server accepted this extension, which was not offered.
    Extension(String),
    /// The server accepted this extension twice.
    RepeatedExtension(String),
    /// The list of accepted extensions is malformed.
    MalformedExtensions(ExtensionListError),
    /// The server accepted permessage-deflate with these parameters, which it
    /// must not.
    Deflate(DeflateParamError),
    /// This header stands in the response more than once, and must not.
    RepeatedHeader(&'static str),
    /// The value of this header is not UTF-8.
    HeaderNotText(&'static str),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(HeadError::Tls) => {
                f.write_str("the server speaks TLS here: use wss:// in place of ws://")
            }
            Self::Head(error) => write!(f, "the server's answer cannot be read: {error}"),
            Self::Closed { received: 0 } => {
                f.write_str("the server closed the connection without an answer")
            }
            Self::Closed { received } => {
                write!(
                    f,
                    "the server closed the connection within its answer, after {received} bytes"
                )
            }
            Self::Refused(refused) => write!(f, "{refused}"),
            Self::Version(version) => write!(
                f,
                "the server switched protocols in {version}, which only HTTP/1.1 can"
            ),
            Self::Upgrade(value) => wrong(f, "Upgrade", "websocket", value.as_deref()),
            Self::Connection(value) => wrong(f, "Connection", "Upgrade", value.as_deref()),
            Self::Accept { expected, received } => wrong(
                f,
                "Sec-WebSocket-Accept",
                expected.as_str(),
                received.as_deref(),
            ),
            Self::Subprotocol(name) => write!(
                f,
                "the server chose subprotocol {name:?}, which was not offered"
            ),
            Self::Extension(name) => write!(
                f,
                "the server chose extension {name:?}, which was not offered"
            ),
            Self::RepeatedExtension(name) => write!(f, "the server chose extension {name:?} twice"),
            Self::MalformedExtensions(error) => {
                write!(f, "the server's answer is malformed: {error}")
            }
            Self::Deflate(error) => {
                write!(
                    f,
                    "the server's answer to permessage-deflate is wrong: {error}"
                )
            }
            Self::RepeatedHeader(name) => write!(
                f,
                "the server's answer has the header {name} more than once"
            ),
            Self::HeaderNotText(name) => write!(
                f,
                "the server's answer has a header {name} that is not text"
            ),
        }
    }
}

fn wrong(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    expected: &str,
    received: Option<&str>,
) -> fmt::Result {
    match received {
        Some(value) => write!(
            f,
            "the server's answer has {name}: {value:?} in place of {expected:?}"
        ),
        None => write!(f, "the server's answer lacks the header {name}: {expected}"),
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.head.status();
        write!(
            f,
            "the server answered {status} {}",
            self.head.reason().escape_debug()
        )?;
        if let Some(location) = self.location() {
            return write!(f, ": it redirects to {}", location.escape_debug());
        }
        match status {
            200..=299 => f.write_str(": there is no WebSocket at this path"),
            401 => f.write_str(": it wants credentials"),
            407 => f.write_str(": a proxy wants credentials"),
            426 => {
                for (at, version) in self.versions().enumerate() {
                    let before = if at == 0 {
                        ": it speaks WebSocket version "
                    } else {
                        ", "
                    };
                    write!(f, "{before}{}", version.escape_debug())?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl core::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            Self::MalformedExtensions(error) => Some(error),
            _ => None,
        }
    }
}

impl From<HeadError> for HandshakeError {
    fn from(error: HeadError) -> HandshakeError {
        HandshakeError::Head(error)
    }
}
