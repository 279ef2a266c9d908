//! How a worker leaves: at once, or step by step.

use super::Worker;
use crate::{
    Drain,
    drain::Schedule,
    worker::{connection::Slot, handler::Handler},
};
use longwire_proto::{CloseCode, CloseFrame, Instant};

/// A drain under way.
pub(super) struct Draining {
    schedule: Schedule,
    began: Instant,
    /// The ids of the connections that are still to be closed, the last one
    /// first.
    left: Vec<u64>,
}

impl<H: Handler> Worker<H> {
    /// Stops listening, and closes every connection with 1001.
    pub(super) fn leave(&mut self) {
        self.listener = None;
        self.leaving = true;
        self.draining = None;
        let Some(frame) = going_away() else {
            return;
        };
        for key in self.keys() {
            self.with_slot(key, |slot, turn, _| slot.close(turn, frame.clone()));
        }
    }

    /// Stops listening, and closes every connection step by step. Who is not
    /// connected yet is dropped, and canaries are closed now.
    pub(super) fn drain(&mut self, drain: Drain) {
        if self.leaving {
            return;
        }
        self.listener = None;
        self.leaving = true;
        let open = |(_, slot): &(usize, &Slot<H::Data>)| slot.is_open();
        let mut left: Vec<u64> = self
            .slots
            .iter()
            .filter(open)
            .map(|(_, slot)| slot.id)
            .collect();
        left.reverse();
        if let Some(frame) = going_away() {
            for key in self.keys() {
                self.with_slot(key, |slot, turn, _| slot.give_up(turn, frame.clone()));
            }
        }
        self.draining = Some(Box::new(Draining {
            schedule: Schedule::new(drain, left.len())
                .of_worker(self.desk.number(), self.desk.workers()),
            began: self.now,
            left,
        }));
    }

    /// Closes those whose turn it is.
    pub(super) fn go_on_draining(&mut self) {
        let Some(mut draining) = self.draining.take() else {
            return;
        };
        if let Some(batch) = draining.schedule.next(self.now - draining.began) {
            let rest = draining.left.len() - batch.size;
            for id in draining.left.drain(rest..).rev() {
                self.with_connection(id, |slot, turn| slot.close(turn, batch.frame.clone()));
            }
        }
        if !draining.schedule.is_done() {
            self.draining = Some(draining);
        }
    }
}

fn going_away() -> Option<CloseFrame> {
    CloseFrame::new(CloseCode::GOING_AWAY, "the server shuts down").ok()
}
