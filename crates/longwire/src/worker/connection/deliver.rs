//! What comes to a connection from others than its peer.

use super::{Handler, Lent, Slot, Stage, Turn, env};
use crate::worker::{
    handler::Overflow,
    mailbox::{Publication, Visit},
};
use longwire_proto::{
    CloseCode, CloseFrame, Connection, Env, PreparedBatch, PreparedMessage, SendError,
};
use std::any::Any;

impl<D: Send + 'static> Slot<D> {
    /// Sends what another thread sends.
    pub(in crate::worker) fn send<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        message: &PreparedMessage,
    ) {
        self.queue(turn, |connection, env| {
            connection.send_prepared(env, message)
        });
        self.flush(turn);
        if self.is_paused(turn) {
            turn.desk.is_full(self.id);
        }
    }

    /// Sends publications of one topic, which `batch` has joined, in one write.
    pub(in crate::worker) fn deliver<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        publications: &[Publication],
        batch: &PreparedBatch,
    ) {
        if !self.is_open() {
            return;
        }
        let limit = turn.options.config.limits.max_queued_output;
        let fits = self.queued(turn) + batch.frames_len() <= limit;
        if fits && publications.iter().all(|each| each.except != Some(self.id)) {
            self.queue(turn, |connection, env| connection.send_batch(env, batch));
            return self.flush(turn);
        }
        for publication in publications {
            if publication.except == Some(self.id) {
                continue;
            }
            if self.queued(turn) >= limit && !self.has_room(turn, publication) {
                continue;
            }
            self.queue(turn, |connection, env| {
                connection.send_prepared(env, &publication.message)
            });
        }
        self.flush(turn);
    }

    /// Makes room in a queue that is full, or asks what is to be done.
    fn has_room<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        publication: &Publication,
    ) -> bool {
        self.flush(turn);
        if !self.is_paused(turn) {
            return true;
        }
        if !self.is_open() {
            return false;
        }
        let topic = publication.topic.as_deref();
        let answer = self.with_peer(turn, |handler, peer| handler.on_overflow(peer, topic));
        if answer == Some(Overflow::Close)
            && let Ok(frame) = CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "too slow")
        {
            tracing::info!(
                id = self.id,
                topic,
                "a subscriber takes less than is published"
            );
            self.close(turn, frame);
        }
        false
    }

    /// Calls the handler for a topic that it is to be notified of.
    pub(in crate::worker) fn notify<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        topic: &str,
    ) {
        if self.is_open() {
            self.with_peer(turn, |handler, peer| handler.on_notified(peer, topic));
            self.flush(turn);
        }
    }

    /// Does what another thread wants to be done with every connection.
    pub(in crate::worker) fn visit<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
        visit: &Visit,
    ) {
        if self.is_open() {
            self.with_peer(turn, |_, peer| {
                visit(&mut peer.with_data(|data| -> &mut dyn Any { data }));
            });
            self.flush(turn);
        }
    }

    /// Appends what `send` sends; one that closes has no use for it.
    fn queue<H>(
        &mut self,
        turn: &mut Turn<'_, H>,
        send: impl FnOnce(&mut Connection, &mut Env<'_>) -> Result<(), SendError>,
    ) {
        if let Stage::Open(connection, _) = &mut self.stage {
            let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
            let _ = send(connection, &mut env(turn.now, output, &mut Lent::default()));
        }
    }

    /// Whether messages can be sent: not while it comes in, nor when it closes.
    pub(in crate::worker) fn is_open(&self) -> bool {
        matches!(&self.stage, Stage::Open(connection, _) if connection.is_open())
    }
}
