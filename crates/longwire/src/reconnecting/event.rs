use super::hook::HookError;
use crate::{ConnectError, heartbeat};
use longwire_proto::{CloseInfo, handshake::Url};
use std::{error, fmt, time::Duration};

/// What happens to a [`Reconnecting`](super::Reconnecting), for those who want to
/// watch.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// A try begins.
    Connecting {
        /// Where.
        url: &'e Url,
        /// Which try this is since the last connection was open, from 1.
        attempt: u32,
    },
    /// The connection is open.
    Open {
        /// Where.
        url: &'e Url,
        /// The subprotocol that was agreed on.
        subprotocol: Option<&'e str>,
    },
    /// The connection, or the try, has ended, and there will be another.
    Lost {
        /// Why.
        cause: &'e Lost,
        /// When the next try is.
        next_try_in: Duration,
    },
    /// So many messages that waited were dropped for newer ones:
    /// [`WhenFull::DropOldest`](super::WhenFull::DropOldest).
    Dropped(usize),
    /// Of the connection's heartbeat, if it is learned.
    Heartbeat(&'e heartbeat::Event<'e>),
    /// There will be no other try.
    GaveUp(&'e Lost),
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lost {
    /// It was open and has ended.
    Closed(CloseInfo),
    /// It could not be opened.
    Failed(ConnectError),
    /// The hook that gives the connector failed.
    Hook(HookError),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Closed(info) if info.reason().is_empty() => {
                write!(f, "the connection was closed: {}", info.code())
            }
            Lost::Closed(info) => {
                write!(
                    f,
                    "the connection was closed: {}: {}",
                    info.code(),
                    info.reason()
                )
            }
            Lost::Failed(error) => error.fmt(f),
            Lost::Hook(error) => write!(f, "no connector to connect with: {error}"),
        }
    }
}

impl error::Error for Lost {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Lost::Closed(_) => None,
            Lost::Failed(error) => Some(error),
            Lost::Hook(error) => Some(&**error),
        }
    }
}
