use longwire_proto::{CloseCause, ControlPayloadTooLong, InvalidCloseFrame};
use std::{error, fmt, io, sync::Arc};

/// What went wrong on an open connection.
///
/// A closing handshake, whoever began it, is no error: receiving then gives
/// `None`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// Nothing more can be sent: a Close frame was sent or received, or the
    /// connection has ended. `close_info()` says how.
    Closing,
    /// The connection ended without a closing handshake.
    Ended {
        /// What ended it.
        cause: CloseCause,
        /// The transport's error, where there is one.
        source: Option<Arc<io::Error>>,
    },
    /// The close code or reason cannot be sent.
    InvalidClose(InvalidCloseFrame),
    /// The payload does not fit in a Ping or Pong.
    ControlPayloadTooLong(ControlPayloadTooLong),
    /// A streamed message went on past the limit of whole messages.
    MessageTooBig {
        /// The limit, in bytes.
        limit: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Closing => f.write_str("the connection is closing or closed"),
            Error::Ended { cause, source } => {
                f.write_str("the connection ended: ")?;
                match cause {
                    CloseCause::Handshake => f.write_str("it was closed")?,
                    CloseCause::Failed(failure) => write!(f, "failed because {failure}")?,
                    CloseCause::Eof => {
                        f.write_str("the peer closed TCP without a closing handshake")?;
                    }
                    CloseCause::CloseTimeout => {
                        f.write_str("the peer did not answer our Close frame in time")?;
                    }
                    CloseCause::KeepaliveTimeout => {
                        f.write_str("the peer did not answer our Ping in time")?;
                    }
                    CloseCause::Unacknowledged => {
                        f.write_str("the peer's system did not acknowledge what was sent in time")?;
                    }
                    CloseCause::WriteTimeout => {
                        f.write_str("the peer took nothing of what was sent in time")?;
                    }
                    CloseCause::AddressGone => {
                        f.write_str("the local address that it had is gone")?;
                    }
                    _ => f.write_str("the transport failed")?,
                }
                match source {
                    Some(source) => write!(f, ": {source}"),
                    None => Ok(()),
                }
            }
            Error::InvalidClose(error) => error.fmt(f),
            Error::ControlPayloadTooLong(error) => error.fmt(f),
            Error::MessageTooBig { limit } => write!(f, "a message is longer than {limit} bytes"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Ended {
                source: Some(source),
                ..
            } => Some(source.as_ref()),
            Error::InvalidClose(error) => Some(error),
            Error::ControlPayloadTooLong(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InvalidCloseFrame> for Error {
    fn from(error: InvalidCloseFrame) -> Self {
        Error::InvalidClose(error)
    }
}

impl From<ControlPayloadTooLong> for Error {
    fn from(error: ControlPayloadTooLong) -> Self {
        Error::ControlPayloadTooLong(error)
    }
}
