//! The states of a connection after the opening handshake.
//!
//! ```text
//!         close()               Close received
//!   Open ─────────▶ Closing ───────────────────────▶ Closed
//!    │ │               │  failure, EOF, timeout       ▲ ▲
//!    │ │               └──────────────────────────────┘ │
//!    │ │  Close received (and answered)                 │
//!    │ │  failure, EOF, dead peer                       │
//!    │ └────────────────────────────────────────────────┤
//!    │  Close received, failure                         │
//!    └───────────────────────────▶ Held ────────────────┘
//!      while ends are held back          release_end()
//! ```
//!
//! `Closed` ends the WebSocket connection, not yet TCP: [`Transport`] says what
//! is left to do there.

use super::close_info::{CloseInfo, Transport};
use crate::{CloseFrame, Failure, Instant};

/// Every state but `Open`: an open connection, which is what most are at any
/// time, carries nothing, and has nowhere to carry it but a pointer.
#[derive(Debug)]
pub(super) enum Ending {
    Held(End),
    Closing(Closing),
    Closed(Closed),
}

/// What came from the peer and ends the connection.
#[derive(Debug)]
pub(super) enum End {
    Close(CloseFrame),
    Failure(Failure),
}

/// Our Close frame is sent; the peer's is awaited.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) sent: CloseFrame,
    pub(super) deadline: Instant,
}

/// The WebSocket connection has ended.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) info: CloseInfo,
    pub(super) transport: Transport,
    /// When the peer has had long enough to close TCP.
    pub(super) deadline: Instant,
    /// [`Event::Closed`](crate::Event::Closed) was given out.
    pub(super) reported: bool,
}
