use super::mailbox::{Mailbox, Remote};
use crate::deflate::ThreadCodecs;
use longwire_proto::{
    CloseFrame, CloseInfo, Connection, Env, Instant, MessageRef, NoMaskKeys, Output,
    PreparedMessage, SendError,
    handshake::{Acceptance, Refusal, Request},
};
use std::{fmt, sync::Arc};

/// What a server does with its connections.
///
/// One handler serves all connections of all workers. What belongs to one
/// connection is its `Data`.
///
/// A panic in a method closes that connection with 1011, and nothing else.
pub trait Handler: Send + Sync + 'static {
    /// What is kept for each connection, made in [`on_request`](Self::on_request).
    type Data: Send + 'static;

    /// A client asks for a WebSocket. The request has passed RFC 6455 section
    /// 4.2.1 and the Origin check, and is gone after this call: what is needed
    /// of its path, query and headers goes into the data.
    ///
    /// # Errors
    /// What the client is answered instead.
    fn on_request(&self, request: &Request) -> Result<(Acceptance, Self::Data), Refusal>;

    /// The connection is open.
    fn on_open(&self, peer: &mut Peer<'_, Self::Data>) {
        let _ = peer;
    }

    /// A message came. What is returned is sent back.
    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, Self::Data>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>>;

    /// The queue of what is to be written was full and has been written.
    fn on_drained(&self, peer: &mut Peer<'_, Self::Data>) {
        let _ = peer;
    }

    /// The connection has ended, and so. Called once for each one that was
    /// open, and last.
    fn on_close(&self, data: &mut Self::Data, info: &CloseInfo) {
        let _ = (data, info);
    }
}

/// The connection that a [`Handler`] is called for.
///
/// What is sent leaves with everything else of the same batch of input.
pub struct Peer<'p, D> {
    /// What the handler keeps for the connection.
    pub data: &'p mut D,
    pub(super) connection: &'p mut Connection,
    pub(super) output: &'p mut Output,
    pub(super) now: Instant,
    pub(super) mailbox: &'p Arc<Mailbox>,
    pub(super) id: u64,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a peer that takes less than is sent to it fills memory"]
pub enum Sent {
    /// It is queued, and there is room for more.
    Queued,
    /// It is queued, and the queue is full now
    /// ([`Limits::max_queued_output`](crate::Limits::max_queued_output)): send
    /// no more until [`Handler::on_drained`].
    Full,
    /// It is not queued: the connection is closing.
    Closing,
}

impl<D> Peer<'_, D> {
    /// Sends a message; copies it.
    pub fn send<'m>(&mut self, message: impl Into<MessageRef<'m>>) -> Sent {
        let message = message.into();
        self.put(|connection, env| connection.send_ref(env, message))
    }

    /// Sends a message that was encoded once for many connections; copies a
    /// small one, shares a large one.
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Sent {
        self.put(|connection, env| connection.send_prepared(env, message))
    }

    /// Begins the closing handshake. [`Handler::on_close`] comes when it is
    /// done, or has taken too long.
    pub fn close(&mut self, frame: CloseFrame) {
        // Closing twice is no error: the first close goes on.
        let _ = self.put(|connection, env| connection.close(env, frame));
    }

    /// A way to send to this connection from other threads.
    pub fn remote(&self) -> Remote {
        Remote::new(Arc::clone(self.mailbox), self.id)
    }

    /// A number that no other connection of this engine's worker has had.
    pub const fn id(&self) -> u64 {
        self.id
    }

    fn put(
        &mut self,
        send: impl FnOnce(&mut Connection, &mut Env<'_>) -> Result<(), SendError>,
    ) -> Sent {
        let mut env = Env {
            now: self.now,
            output: self.output,
            mask_keys: &mut NoMaskKeys,
            codecs: &mut ThreadCodecs,
        };
        match send(self.connection, &mut env) {
            Err(_) => Sent::Closing,
            Ok(()) if self.output.len() < self.connection.config().limits.max_queued_output => {
                Sent::Queued
            }
            Ok(()) => Sent::Full,
        }
    }
}

impl<D: fmt::Debug> fmt::Debug for Peer<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
