//! The channels on the event loops.

use super::{
    App,
    channel::{Subscription, late},
};
use crate::subprotocol;
use longwire::{
    CloseCode, CloseFrame, MessageRef, PreparedMessage,
    server::Refusal,
    worker::{Acceptance, Handler, Opening, Peer, Sent},
};
use longwire_hub::{Read, ReadLimits, SharedRead};
use std::{cell::RefCell, sync::Arc};

thread_local! {
    /// What the worker has read of a channel last. Nearly all of its
    /// subscribers stand at the same place, and take the same.
    static SHARED: RefCell<SharedRead> = RefCell::default();
}

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
    if peer.data.cursor.is_at_head() {
        return false;
    }
    SHARED.with_borrow_mut(|shared| {
        match peer.data.cursor.read_shared(ReadLimits::default(), shared) {
            None => return false,
            Some(Read::Publications(_)) => {}
            Some(Read::Gap(gap)) => {
                let (code, reason) = late(gap);
                close(peer, code, &reason);
                return false;
            }
        }
        for publication in shared.publications() {
            if peer.data.wants(publication)
                && peer.send_prepared(publication.message()) == Sent::Closing
            {
                return false;
            }
        }
        true
    })
}

fn close(peer: &mut Peer<'_, Subscription>, code: CloseCode, reason: &str) {
    match CloseFrame::new(code, reason) {
        Ok(frame) => peer.close(frame),
        Err(error) => tracing::error!(%error, reason, "cannot close"),
    }
}
