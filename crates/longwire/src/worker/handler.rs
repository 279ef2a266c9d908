use super::{opening::Opening, peer::Peer};
use crate::Error;
use longwire_proto::{
    CloseInfo, MessageRef,
    handshake::{Acceptance, Refusal},
};

/// What a server does with its connections.
///
/// One handler serves all connections of all workers. What belongs to one
/// connection is its `Data`. For one connection the methods are called in this
/// order, and never two at the same time:
///
/// ```text
/// on_request ── on_open ──┬── on_message ──┬── [on_error] ── on_close
///                         ├── on_drained ──┤
///                         ├── on_notified ─┤
///                         └── on_overflow ─┘
/// ```
///
/// A panic in a method is logged and closes that connection with 1011, and
/// nothing else.
pub trait Handler: Send + Sync + 'static {
    /// What is kept for each connection, made in [`on_request`](Self::on_request).
    type Data: Send + 'static;

    /// A client asks for a WebSocket. The request has passed RFC 6455 section
    /// 4.2.1 and the Origin check, and is gone after this call: what is needed
    /// of its path, query and headers goes into the data.
    ///
    /// # Errors
    /// What the client is answered instead.
    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, Self::Data), Refusal>;

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

    /// There is something new in a topic that the connection subscribes to:
    /// somebody called [`Peer::notify`] or
    /// [`EngineHandle::notify`](super::EngineHandle::notify). Called once for
    /// however many notifications came since the last time.
    fn on_notified(&self, peer: &mut Peer<'_, Self::Data>, topic: &str) {
        let _ = (peer, topic);
    }

    /// A publication cannot be queued for this connection, because the queue of
    /// what is to be written to it is full: its client takes less than is
    /// published. `topic` is `None` for a broadcast. The answer says what becomes
    /// of it; by default it is closed.
    fn on_overflow(&self, peer: &mut Peer<'_, Self::Data>, topic: Option<&str>) -> Overflow {
        let _ = (peer, topic);
        Overflow::Close
    }

    /// The connection ends without a closing handshake: the peer broke a rule
    /// or a limit, did not answer in time, or the transport ended or failed.
    /// Always [`Error::Ended`]; [`on_close`](Self::on_close) comes directly
    /// after it.
    fn on_error(&self, peer: &mut Peer<'_, Self::Data>, error: &Error) {
        let _ = (peer, error);
    }

    /// The connection has ended, and so. Called once for each one that was
    /// open, and last. Nothing can be sent to it any more, but it is still in
    /// its topics and may publish.
    fn on_close(&self, peer: &mut Peer<'_, Self::Data>, info: &CloseInfo) {
        let _ = (peer, info);
    }
}

/// What becomes of a subscriber that takes less than is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It is closed with 1013, after what is queued. For streams in which
    /// nothing would tell the client that something is missing.
    #[default]
    Close,
    /// It does not get this publication. For streams in which the next one
    /// makes up for it. The handler is asked again for the next one, until
    /// there is room.
    Skip,
}
