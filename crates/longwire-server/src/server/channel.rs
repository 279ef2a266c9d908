//! One client on one channel.

use longwire::{CloseCode, Error, Message, PreparedMessage, WebSocket};
use longwire_hub::{Cursor, Gap, Publication, Read, ReadLimits};

/// A client's place in a channel.
pub(crate) struct Subscription {
    pub(super) cursor: Cursor,
    /// The client gets what it publishes itself.
    pub(super) echo: bool,
}

/// What happens next on a subscription.
enum Next {
    /// There is something to deliver.
    Deliver(Read),
    /// The client sent something, or is gone.
    Publish(Option<Result<Message, Error>>),
}

impl Subscription {
    /// Publishes what the client sends, and sends it what is published, until
    /// the connection ends.
    ///
    /// Delivery comes first: a client that publishes faster than it takes what
    /// is published is read from more slowly, and does not fall behind by its
    /// own doing.
    pub(super) async fn run(mut self, mut ws: WebSocket) {
        let mut batch = Vec::new();
        loop {
            let next = tokio::select! {
                biased;
                read = self.cursor.next(ReadLimits::default(), &mut batch) => Next::Deliver(read),
                message = ws.next() => Next::Publish(message),
            };
            match next {
                Next::Deliver(Read::Publications(_)) => {
                    if self.deliver(&mut ws, batch.drain(..)).await.is_err() {
                        return;
                    }
                }
                Next::Deliver(Read::Gap(gap)) => return close_late(ws, gap).await,
                Next::Publish(Some(Ok(message))) => self.publish(PreparedMessage::new(message)),
                Next::Publish(None | Some(Err(_))) => return,
            }
        }
    }

    pub(super) fn publish(&self, message: PreparedMessage) {
        self.cursor
            .channel()
            .publish(message, Some(self.cursor.id()));
    }

    /// Sends one batch, in one write, as fast as the client takes it. What it
    /// has not taken waits in the log, which all share.
    async fn deliver(
        &self,
        ws: &mut WebSocket,
        batch: impl Iterator<Item = Publication>,
    ) -> Result<(), Error> {
        for publication in batch {
            if self.wants(&publication) {
                ws.feed_prepared(publication.message()).await?;
            }
        }
        ws.flush().await
    }

    /// Whether the client is to get a publication.
    pub(super) fn wants(&self, publication: &Publication) -> bool {
        self.echo || publication.publisher() != Some(self.cursor.id())
    }
}

async fn close_late(mut ws: WebSocket, gap: Gap) {
    let (code, reason) = late(gap);
    // How the client answers makes no difference any more.
    let _ = ws.close(code, reason).await;
}

/// A client that has fallen behind the log has missed messages for good. It is
/// told, since nothing in a plain stream of messages would.
pub(super) fn late(gap: Gap) -> (CloseCode, String) {
    tracing::info!(missed = gap.count(), "subscriber fell behind the log");
    let reason = format!("too slow: {} messages were missed", gap.count());
    (CloseCode::TRY_AGAIN_LATER, reason)
}
