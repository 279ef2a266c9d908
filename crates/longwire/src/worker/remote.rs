use super::mailbox::{Letter, Mailbox};
use longwire_proto::{CloseFrame, PreparedMessage};
use std::{error, fmt, sync::Arc};

/// Sends to one connection from any thread. Does not keep it alive.
#[derive(Clone)]
pub struct Remote {
    mailbox: Arc<Mailbox>,
    id: u64,
}

/// Why something was not handed to the workers. Nothing was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteError {
    /// More waits for the connection than it may
    /// ([`Limits::max_queued_output`](crate::Limits::max_queued_output)), or for
    /// a worker than it has got to: try again later.
    Full,
    /// The engine has ended.
    Gone,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RemoteError::Full => "the queue is full: more was sent than has been taken",
            RemoteError::Gone => "the engine has ended",
        })
    }
}

impl error::Error for RemoteError {}

impl Remote {
    pub(super) fn new(mailbox: Arc<Mailbox>, id: u64) -> Remote {
        Remote { mailbox, id }
    }

    /// Sends a message. For a connection that has ended meanwhile it is thrown
    /// away, as one that crosses a Close frame on the wire would be.
    ///
    /// Whether to compress it says [`PreparedMessage::new_with`].
    ///
    /// # Errors
    /// [`RemoteError`]; nothing was queued.
    pub fn send(&self, message: impl Into<PreparedMessage>) -> Result<(), RemoteError> {
        self.mailbox.post(Letter::Send(self.id, message.into()))
    }

    /// Begins the closing handshake.
    ///
    /// # Errors
    /// [`RemoteError::Gone`].
    pub fn close(&self, frame: CloseFrame) -> Result<(), RemoteError> {
        self.mailbox.post(Letter::Close(self.id, frame))
    }

    /// The connection's number: see [`Peer::id`](super::Peer::id).
    pub const fn id(&self) -> u64 {
        self.id
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
