use longwire_proto::{ProtocolError, handshake::HandshakeError};
use std::{fmt, io};

/// Why a measurement ended without a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A connection could not be made.
    Connect(io::Error),
    /// More connections were asked for than this process may have files open.
    FileLimit {
        /// How many connections were asked for.
        connections: usize,
        /// How many files may be open.
        limit: u64,
    },
    /// TLS could not even begin.
    Tls(rustls::Error),
    /// The server did not open a WebSocket.
    Handshake(HandshakeError),
    /// The server did not agree to compress as it was offered.
    NotCompressed,
    /// Nothing was heard for too long: this is what was waited for.
    Silent(&'static str),
    /// An open connection was lost.
    Lost(io::Error),
    /// The server closed a connection, with this code if it sent one.
    Closed(Option<u16>),
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// What came back is not what was sent: the server is no echo.
    NotAnEcho,
    /// The operating system does not do what the generator needs.
    System(io::Error),
    /// The server's process could not be looked at.
    Process {
        /// The process id that was given.
        id: u32,
        /// Why not.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::FileLimit { connections, limit } => write!(
                f,
                "{connections} connections need more than the {limit} files that this process may \
                 have open; raise the limit with ulimit -n"
            ),
            Self::Tls(error) => write!(f, "cannot speak TLS: {error}"),
            Self::Handshake(error) => error.fmt(f),
            Self::NotCompressed => f.write_str(
                "the server does not agree to permessage-deflate without context takeover",
            ),
            Self::Silent(awaited) => {
                write!(f, "the server is silent: waited in vain for {awaited}")
            }
            Self::Lost(error) => write!(f, "a connection was lost: {error}"),
            Self::Closed(Some(code)) => {
                write!(f, "the server closed a connection with code {code}")
            }
            Self::Closed(None) => f.write_str("the server closed a connection"),
            Self::Protocol(error) => write!(f, "the server broke the protocol: {error}"),
            Self::NotAnEcho => f.write_str(
                "what came back is not what was sent: the server at this URL does not echo",
            ),
            Self::System(error) => write!(f, "cannot run: {error}"),
            Self::Process { id, source } => {
                write!(f, "cannot look at process {id}: {source}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Lost(error) | Self::System(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Process { source, .. } => Some(source),
            _ => None,
        }
    }
}
