//! How a connection ended, and what that asks of the driver.

use crate::{CloseCode, CloseFrame, Failure};

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseInfo {
    /// The Close frame that this endpoint sent.
    pub sent: Option<CloseFrame>,
    /// The Close frame that the peer sent.
    pub received: Option<CloseFrame>,
    /// Who sent the first of the two, as this endpoint saw it; `None` if
    /// neither was sent. When both ends close at once, each saw itself first.
    pub initiator: Option<Initiator>,
    /// What ended the connection.
    pub cause: CloseCause,
}

/// Who began the closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// This endpoint.
    Local,
    /// The peer.
    Peer,
}

/// What ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// The closing handshake: both Close frames passed.
    Handshake,
    /// This endpoint failed the connection.
    Failed(Failure),
    /// The peer closed TCP without a closing handshake.
    Eof,
    /// The peer did not answer our Close frame in time.
    CloseTimeout,
    /// The peer did not answer our Ping in time. Where the system can tell, the
    /// Ping arrived: the peer's machine answers, and its program does not. Or it
    /// kept the connection alive itself, and was silent for longer than
    /// [`Config::max_silence`](crate::Config::max_silence).
    KeepaliveTimeout,
    /// The peer's system did not acknowledge in time what was written: the path
    /// is cut, or the machine is gone.
    Unacknowledged,
    /// The peer took nothing of what was to be written in time.
    WriteTimeout,
    /// The local address that the connection had is gone: the network has
    /// changed.
    AddressGone,
    /// The transport failed: the connection was reset, TLS broke.
    TransportError,
}

impl CloseInfo {
    /// The code as the browser API reports it (RFC 6455 section 7.1.5): the
    /// one received, 1005 if the Close frame had none, 1006 if none came.
    pub fn code(&self) -> CloseCode {
        self.received
            .as_ref()
            .map_or(CloseCode::ABNORMAL_CLOSURE, CloseFrame::code)
    }

    /// The reason that the peer gave (RFC 6455 section 7.1.6); empty if none.
    pub fn reason(&self) -> &str {
        self.received.as_ref().map_or("", CloseFrame::reason)
    }

    /// Whether the closing handshake was completed (RFC 6455 section 7.1.4).
    pub const fn was_clean(&self) -> bool {
        matches!(self.cause, CloseCause::Handshake)
    }
}

/// What the driver does with the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Read and write.
    Open,
    /// Write what is left, then shut down the writing half; read on, and throw
    /// away, until the peer closes or the timeout comes. Closing at once would
    /// answer bytes under way with a reset, and a reset can destroy our Close
    /// frame before the peer has read it.
    ShutdownWrite,
    /// Write what is left, and wait for the server to close TCP first, or for
    /// the timeout (RFC 6455 section 7.1.1).
    AwaitEof,
    /// Write what the transport takes at once, and close it.
    Close,
}
