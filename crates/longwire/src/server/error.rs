use super::ProxyHeaderError;
use longwire_proto::handshake::{MisuseError, Refusal};
use std::{error, fmt, io};

/// Why a connection became no WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// The client's request breaks a rule of the handshake, or its origin is
    /// not let in. It was told so, by this answer.
    Refused(Refusal),
    /// A trusted proxy did not begin the connection with a proper PROXY header
    /// ([`TrustedProxies::proxy_protocol`](super::TrustedProxies::proxy_protocol)).
    ProxyHeader(ProxyHeaderError),
    /// The client sent plain text where TLS is spoken. It was told so.
    NotTls,
    /// The TLS handshake failed. The client was sent an alert.
    Tls(io::Error),
    /// The handshake took longer than
    /// [`handshake_timeout`](super::Options::handshake_timeout). The client was
    /// sent a 408 if it had begun a request.
    Timeout {
        /// How many bytes of the request had come.
        received: usize,
    },
    /// The client closed the connection before its request was whole.
    Closed {
        /// How many bytes of the request had come.
        received: usize,
    },
    /// The client is a canary: a connection that only finds out how long it may
    /// be silent, which is no connection of the program's. It is kept in the
    /// background. One for which there is no place is
    /// [`Refused`](AcceptError::Refused).
    Canary,
    /// The connection failed.
    Io(io::Error),
    /// The program's answer cannot be sent. The client was sent a 500 instead.
    Misuse(MisuseError),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcceptError::Refused(refusal) => refusal.fmt(f),
            AcceptError::ProxyHeader(error) => error.fmt(f),
            AcceptError::NotTls => {
                f.write_str("the client sent plain text where TLS is spoken: it has to use wss://")
            }
            AcceptError::Tls(error) => write!(f, "the TLS handshake failed: {error}"),
            AcceptError::Timeout { received: 0 } => {
                f.write_str("the client sent no request in time")
            }
            AcceptError::Timeout { received } => write!(
                f,
                "the client sent {received} bytes of its request in time, and not the rest"
            ),
            AcceptError::Closed { received: 0 } => {
                f.write_str("the client closed the connection without a request")
            }
            AcceptError::Closed { received } => write!(
                f,
                "the client closed the connection after {received} bytes of its request"
            ),
            AcceptError::Canary => {
                f.write_str("the client is a canary, and is kept in the background")
            }
            AcceptError::Io(error) => write!(f, "the connection failed: {error}"),
            AcceptError::Misuse(error) => error.fmt(f),
        }
    }
}

impl error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            AcceptError::Tls(error) | AcceptError::Io(error) => Some(error),
            AcceptError::Refused(refusal) => Some(refusal),
            AcceptError::ProxyHeader(error) => Some(error),
            AcceptError::Misuse(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        AcceptError::Io(error)
    }
}

impl From<MisuseError> for AcceptError {
    fn from(error: MisuseError) -> Self {
        AcceptError::Misuse(error)
    }
}
