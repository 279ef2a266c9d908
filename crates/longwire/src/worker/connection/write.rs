//! What goes to the peer, and how its transport is taken down.

use super::{Lent, Slot, Stage, Turn, env};
use crate::worker::handler::Handler;
use longwire_proto::Transport;

impl<D: Send + 'static> Slot<D> {
    /// Writes what there is to write, keeps what the socket does not take, and
    /// takes the transport down as far as the core says.
    pub(in crate::worker) fn flush<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        let before = self.queued(turn);
        // It may take more than one write until it is not.
        self.full |= before >= turn.options.config.limits.max_queued_output;
        let output = self.backlog.as_deref_mut().unwrap_or(&mut *turn.cork);
        let written = self.socket.write(output, &[]);
        let wrote = std::mem::take(&mut turn.wrote);
        if let Err(error) = written {
            return self.broken(turn, error);
        }
        let left = self.queued(turn);
        let progressed = left < before || wrote;
        if left > 0 {
            self.keep_rest(turn, progressed);
        } else {
            self.backlog = None;
            if progressed {
                self.written(turn);
            }
        }
        if progressed && let Stage::Open(connection, _) = &mut self.stage {
            connection.write_taken();
        }
        self.end_transport(self.queued(turn) == 0);
    }

    /// How many bytes wait to be written.
    pub(super) fn queued<H>(&self, turn: &Turn<'_, H>) -> usize {
        self.backlog.as_deref().unwrap_or(turn.cork).len() + self.socket.unwritten()
    }

    /// Tells the handler that a queue which was full has been written. Whether
    /// the queue was filled again and written again: of that it is told in its
    /// next turn, so that the others have theirs.
    pub(in crate::worker) fn tell_drained<H: Handler<Data = D>>(
        &mut self,
        turn: &mut Turn<'_, H>,
    ) -> bool {
        if !self.full || self.has_backlog() {
            return false;
        }
        self.full = false;
        turn.desk.has_room(self.id);
        self.with_peer(turn, Handler::on_drained);
        self.flush(turn);
        self.full && !self.has_backlog()
    }

    fn written<H: Handler<Data = D>>(&mut self, turn: &mut Turn<'_, H>) {
        let Some(connection) = self.stage.connection_mut() else {
            return;
        };
        connection.output_written(&mut env(turn.now, turn.cork, &mut Lent::default()));
        if !turn.cork.is_empty() {
            // The Pong that was owed.
            self.flush(turn);
        }
    }

    /// The socket did not take all.
    fn keep_rest<H>(&mut self, turn: &mut Turn<'_, H>, progressed: bool) {
        if self.backlog.is_none() && !turn.cork.is_empty() {
            turn.cork.move_to(self.backlog.insert(Box::default()));
        }
        if let Some(connection) = self.stage.connection_mut() {
            if progressed {
                connection.write_progressed(turn.now);
            } else {
                connection.write_blocked(turn.now);
            }
        }
    }

    fn end_transport(&mut self, flushed: bool) {
        let transport = match &self.stage {
            Stage::Open(connection, _) => connection.transport(),
            Stage::Canary(canary) => canary.connection.transport(),
            Stage::Refused(_) => Transport::ShutdownWrite,
            Stage::Draining(_) if flushed => Transport::Close,
            _ => Transport::Open,
        };
        match transport {
            Transport::ShutdownWrite if flushed && !self.shut_down => {
                match self.socket.shutdown() {
                    Ok(done) => self.shut_down = done,
                    Err(_) => self.stage = Stage::Gone,
                }
            }
            Transport::Close => self.stage = Stage::Gone,
            _ => {}
        }
    }
}
