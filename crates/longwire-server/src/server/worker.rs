//! The channels on the event loops.

use super::{
    App,
    channel::{Next, Subscription, late, with_shared},
};
use crate::subprotocol;
use longwire::{
    CloseCode, CloseFrame, MessageRef, PreparedMessage,
    server::Refusal,
    worker::{Acceptance, Handler, Opening, Peer, Sent},
};
use std::sync::Arc;

/// [`App`] as a handler.
pub(crate) struct OnWorkers(pub(crate) Arc<App>);

impl Handler for OnWorkers {
    type Data = Subscription;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, Subscription), Refusal> {
        let subscription = self.0.subscribe(opening)?;
        let acceptance = subprotocol::acceptance(opening, &self.0.subprotocols);
        Ok((acceptance, subscription))
    }

    fn on_open(&self, peer: &mut Peer<'_, Subscription>) {
        let channel = peer.data.cursor.channel().name().clone();
        if let Err(error) = peer.subscribe(channel.as_str()) {
            return close(peer, CloseCode::INTERNAL_ERROR, &error.to_string());
        }
        // Something may have been published since the cursor was made.
        deliver(peer);
    }

    /// Delivery comes first: what is published meanwhile does not push a client
    /// behind the log by its own doing.
    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, Subscription>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        while deliver_batch(peer) {}
        peer.data.publish(PreparedMessage::from_ref(message));
        let channel = peer.data.cursor.channel().name().clone();
        peer.notify(channel.as_str());
        None
    }

    fn on_notified(&self, peer: &mut Peer<'_, Subscription>, _: &str) {
        deliver(peer);
    }

    fn on_drained(&self, peer: &mut Peer<'_, Subscription>) {
        deliver(peer);
    }
}

/// Sends what is published, as much as there is room for. The rest waits in the
/// log until that is written.
fn deliver(peer: &mut Peer<'_, Subscription>) {
    while !peer.is_full() && deliver_batch(peer) {}
}

/// Sends what one read gives. False at the head, or at the end.
fn deliver_batch(peer: &mut Peer<'_, Subscription>) -> bool {
    with_shared(|shared| match peer.data.read(shared) {
        None => false,
        Some(Next::Batch(batch)) => peer.send_batch(&batch) != Sent::Closing,
        Some(Next::Missed(gap)) => {
            let (code, reason) = late(gap);
            close(peer, code, &reason);
            false
        }
    })
}

fn close(peer: &mut Peer<'_, Subscription>, code: CloseCode, reason: &str) {
    match CloseFrame::new(code, reason) {
        Ok(frame) => peer.close(frame),
        Err(error) => tracing::error!(%error, reason, "cannot close"),
    }
}
