use super::{
    desk::Desk,
    engine::EngineHandle,
    mailbox::{Letter, Publication},
    remote::{Remote, RemoteError},
    topics::SubscribeError,
};
use crate::deflate::ThreadCodecs;
use longwire_proto::{
    CloseFrame, Compress, Connection, Env, Instant, MessageRef, NoMaskKeys, Output, PreparedBatch,
    PreparedMessage, SendError,
};
use std::{any::Any, fmt, sync::Arc};

/// The connection that a [`Handler`](super::Handler) is called for.
///
/// What is sent leaves with everything else of the same batch of input.
pub struct Peer<'p, D: ?Sized> {
    /// What the handler keeps for the connection.
    pub data: &'p mut D,
    pub(super) connection: &'p mut Connection,
    pub(super) output: &'p mut Output,
    pub(super) now: Instant,
    pub(super) desk: &'p mut Desk,
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
    /// no more until [`Handler::on_drained`](super::Handler::on_drained).
    Full,
    /// It is not queued: the connection is closing.
    Closing,
}

impl<D: ?Sized> Peer<'_, D> {
    /// Sends a message; copies it.
    pub fn send<'m>(&mut self, message: impl Into<MessageRef<'m>>) -> Sent {
        let message = message.into();
        self.put(|connection, env| connection.send_ref(env, message))
    }

    /// The same, and says whether to compress it where that was agreed on.
    pub fn send_with<'m>(
        &mut self,
        message: impl Into<MessageRef<'m>>,
        compress: Compress,
    ) -> Sent {
        let message = message.into();
        self.put(|connection, env| connection.send_ref_with(env, message, compress))
    }

    /// Sends a message that was encoded once for many connections; copies a
    /// small one, shares a large one.
    pub fn send_prepared(&mut self, message: &PreparedMessage) -> Sent {
        self.put(|connection, env| connection.send_prepared(env, message))
    }

    /// Sends messages that were encoded once for many connections; copies few
    /// bytes, shares many.
    pub fn send_batch(&mut self, batch: &PreparedBatch) -> Sent {
        self.put(|connection, env| connection.send_batch(env, batch))
    }

    /// Whether the queue of what is to be written is full: then
    /// [`Handler::on_drained`](super::Handler::on_drained) comes when it has
    /// been written.
    pub fn is_full(&self) -> bool {
        self.output.len() >= self.connection.config().limits.max_queued_output
    }

    /// Begins the closing handshake.
    /// [`Handler::on_close`](super::Handler::on_close) comes when it is done, or
    /// has taken too long.
    pub fn close(&mut self, frame: CloseFrame) {
        // Closing twice is no error: the first close goes on.
        let _ = self.put(|connection, env| connection.close(env, frame));
    }

    /// Subscribes to a topic. Once is enough: again changes nothing.
    ///
    /// The connection leaves its topics when it ends.
    ///
    /// # Errors
    /// [`SubscribeError`]; nothing has changed.
    pub fn subscribe(&mut self, topic: &str) -> Result<(), SubscribeError> {
        self.desk.topics.subscribe(self.id, topic)
    }

    /// Leaves a topic. Whether the connection was in it.
    pub fn unsubscribe(&mut self, topic: &str) -> bool {
        self.desk.topics.unsubscribe(self.id, topic)
    }

    /// Whether the connection subscribes to a topic.
    pub fn is_subscribed(&self, topic: &str) -> bool {
        self.desk.topics.is_subscribed(self.id, topic)
    }

    /// The topics that the connection subscribes to, in the order in which it
    /// did.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.desk.topics.of(self.id)
    }

    /// Publishes a message to all subscribers of a topic but this connection,
    /// which need not be one itself.
    ///
    /// It is encoded once, and written at the end of the worker's turn; the
    /// [module](super#topics) says in which order.
    ///
    /// # Errors
    /// [`RemoteError::Full`]; then nobody gets it.
    pub fn publish(
        &mut self,
        topic: &str,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), RemoteError> {
        self.post(topic, message.into(), Some(self.id))
    }

    /// Publishes a message to all subscribers of a topic, also to this
    /// connection if it is one.
    ///
    /// # Errors
    /// [`RemoteError::Full`]; then nobody gets it.
    pub fn publish_to_all(
        &mut self,
        topic: &str,
        message: impl Into<PreparedMessage>,
    ) -> Result<(), RemoteError> {
        self.post(topic, message.into(), None)
    }

    /// Has [`Handler::on_notified`](super::Handler::on_notified) called for all
    /// subscribers of a topic, also for this connection if it is one.
    pub fn notify(&mut self, topic: &str) {
        self.desk.notify(topic);
    }

    /// A way to send to this connection from other threads.
    pub fn remote(&self) -> Remote {
        Remote::new(Arc::clone(self.desk.mailbox()), self.id)
    }

    /// The engine that the connection belongs to.
    pub fn engine(&self) -> EngineHandle {
        EngineHandle::new(Arc::clone(self.desk.mailboxes()))
    }

    /// A number that no other connection of this engine has had, within four
    /// billion.
    pub const fn id(&self) -> u64 {
        self.id
    }

    fn post(
        &mut self,
        topic: &str,
        message: PreparedMessage,
        except: Option<u64>,
    ) -> Result<(), RemoteError> {
        self.desk.post(&Letter::Publish(Publication {
            topic: Some(topic.into()),
            message,
            except,
        }))
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
            Ok(()) if self.is_full() => Sent::Full,
            Ok(()) => Sent::Queued,
        }
    }

    /// The same connection, with other data for it.
    pub(super) fn with_data<'s, E: ?Sized>(
        &'s mut self,
        project: impl FnOnce(&'s mut D) -> &'s mut E,
    ) -> Peer<'s, E> {
        Peer {
            data: project(self.data),
            connection: self.connection,
            output: self.output,
            now: self.now,
            desk: self.desk,
            id: self.id,
        }
    }
}

impl Peer<'_, dyn Any> {
    /// The same connection, if its data is a `D`.
    pub(super) fn downcast<D: 'static>(&mut self) -> Option<Peer<'_, D>> {
        Some(Peer {
            data: self.data.downcast_mut()?,
            connection: self.connection,
            output: self.output,
            now: self.now,
            desk: self.desk,
            id: self.id,
        })
    }
}

impl<D: fmt::Debug + ?Sized> fmt::Debug for Peer<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
