//! What other threads have for a worker's connections.

use crate::keeper::lock;
use longwire_proto::{CloseFrame, PreparedMessage};
use std::{
    error, fmt, io,
    sync::{Arc, Mutex},
};

/// The most bytes that wait in a mailbox for its worker. A worker empties it at
/// every turn, so only one that is overrun by other threads fills it.
const MAX_BYTES: usize = 16 << 20;

/// What a letter costs besides its message.
const OVERHEAD: usize = 64;

pub(super) struct Mailbox {
    waker: mio::Waker,
    letters: Mutex<Letters>,
}

#[derive(Default)]
struct Letters {
    waiting: Vec<Letter>,
    bytes: usize,
    /// The worker is gone.
    closed: bool,
}

pub(super) enum Letter {
    /// For one connection.
    Send(u64, PreparedMessage),
    Close(u64, CloseFrame),
    /// A step of a TLS handshake is done.
    #[cfg(feature = "tls")]
    Handshake(Box<super::handshakes::Step>),
    /// For the worker itself: stop listening, and close all with 1001.
    Leave,
}

impl Mailbox {
    pub(super) fn new(waker: mio::Waker) -> Mailbox {
        Mailbox {
            waker,
            letters: Mutex::default(),
        }
    }

    pub(super) fn post(&self, letter: Letter) -> Result<(), RemoteError> {
        let bytes = match &letter {
            Letter::Send(_, message) => message.frame().len() + OVERHEAD,
            Letter::Close(..) | Letter::Leave => 0,
            #[cfg(feature = "tls")]
            Letter::Handshake(_) => 0,
        };
        let mut letters = lock(&self.letters);
        if letters.closed {
            return Err(RemoteError::Gone);
        }
        if bytes > 0 && letters.bytes + bytes > MAX_BYTES {
            return Err(RemoteError::Full);
        }
        let first = letters.waiting.is_empty();
        letters.bytes += bytes;
        letters.waiting.push(letter);
        drop(letters);
        if first {
            self.wake();
        }
        Ok(())
    }

    pub(super) fn take(&self) -> Vec<Letter> {
        let mut letters = lock(&self.letters);
        letters.bytes = 0;
        std::mem::take(&mut letters.waiting)
    }

    pub(super) fn close(&self) {
        let mut letters = lock(&self.letters);
        letters.closed = true;
        letters.waiting = Vec::new();
    }

    fn wake(&self) {
        let woken: io::Result<()> = self.waker.wake();
        if let Err(error) = woken {
            // The worker looks at its mailbox at every sweep all the same.
            tracing::error!(%error, "cannot wake a worker");
        }
    }
}

/// Sends to one connection from any thread. Does not keep it alive.
#[derive(Clone)]
pub struct Remote {
    mailbox: Arc<Mailbox>,
    id: u64,
}

/// Why something was not handed to the worker. Nothing was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteError {
    /// More waits for the worker than it has got to: try again later.
    Full,
    /// The worker has ended.
    Gone,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RemoteError::Full => "more waits for the worker than it has got to",
            RemoteError::Gone => "the worker has ended",
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
    /// # Errors
    /// [`RemoteError`]; nothing was queued.
    pub fn send(&self, message: impl Into<longwire_proto::Message>) -> Result<(), RemoteError> {
        self.send_prepared(PreparedMessage::new(message))
    }

    /// Sends a message that was encoded once for many connections.
    ///
    /// # Errors
    /// [`RemoteError`]; nothing was queued.
    pub fn send_prepared(&self, message: PreparedMessage) -> Result<(), RemoteError> {
        self.mailbox.post(Letter::Send(self.id, message))
    }

    /// Begins the closing handshake.
    ///
    /// # Errors
    /// [`RemoteError::Gone`].
    pub fn close(&self, frame: CloseFrame) -> Result<(), RemoteError> {
        self.mailbox.post(Letter::Close(self.id, frame))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
