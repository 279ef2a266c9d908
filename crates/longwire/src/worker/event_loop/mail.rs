//! What comes to a worker from other threads, and from its own handlers.

use super::Worker;
use crate::worker::{
    connection::{Slot, Turn, key_of},
    handler::Handler,
    mailbox::{Letter, Publication},
};
use longwire_proto::PreparedBatch;
#[cfg(feature = "tls")]
use mio::Token;
use std::{cell::LazyCell, mem};

impl<H: Handler> Worker<H> {
    /// Reads what the handlers have posted in this turn. What they post on that
    /// occasion comes in the next turn, after others have had theirs.
    pub(super) fn read_own_mail(&mut self) {
        if self.desk.has_posted() {
            self.read_mail();
        }
    }

    /// All letters take effect in the order in which they came.
    pub(super) fn read_mail(&mut self) {
        let mail = self.desk.take_mail();
        // Of one topic, and one after the other.
        let mut publications: Vec<Publication> = Vec::new();
        for letter in mail.letters {
            let together = match (&letter, publications.first()) {
                (Letter::Publish(next), Some(first)) => next.topic == first.topic,
                _ => false,
            };
            if !together {
                self.publish(&publications);
                publications.clear();
            }
            match letter {
                Letter::Publish(publication) => publications.push(publication),
                Letter::Send(id, message) => {
                    self.with_connection(id, |slot, turn| slot.send(turn, &message));
                }
                Letter::Close(id, frame) => {
                    self.with_connection(id, |slot, turn| slot.close(turn, frame));
                }
                Letter::Visit(visit) => {
                    self.for_subscribers(None, |slot, turn| slot.visit(turn, &*visit));
                }
                Letter::Leave(None) => self.leave(),
                Letter::Leave(Some(drain)) => self.drain(drain),
            }
        }
        self.publish(&publications);
        #[cfg(feature = "tls")]
        for step in mail.steps {
            let id = step.id;
            self.with_connection(id, |slot, turn| slot.secured(turn, step));
            // What came meanwhile has told of itself.
            self.unfinished.push(Token(key_of(id)));
        }
        for topic in mail.notified {
            self.for_subscribers(Some(&topic), |slot, turn| slot.notify(turn, &topic));
        }
    }

    /// Delivers publications of one topic: to each subscriber in one write.
    fn publish(&mut self, publications: &[Publication]) {
        if let Some(first) = publications.first() {
            // Made for the first subscriber, if this worker has one.
            let messages = publications.iter().map(|each| each.message.clone());
            let batch = LazyCell::new(|| messages.collect::<PreparedBatch>());
            self.for_subscribers(first.topic.as_deref(), |slot, turn| {
                slot.deliver(turn, publications, &batch);
            });
        }
    }

    /// Does something with every subscriber of a topic, or with all
    /// connections. Who subscribes meanwhile is left out.
    fn for_subscribers(
        &mut self,
        topic: Option<&str>,
        mut act: impl FnMut(&mut Slot<H::Data>, &mut Turn<'_, H>),
    ) {
        let mut keys = mem::take(&mut self.keys);
        match topic {
            Some(topic) => self.desk.topics.subscribers(topic, &mut keys),
            None => keys.extend(self.slots.iter().map(|(key, _)| key)),
        }
        for key in keys.drain(..) {
            self.with_slot(key, |slot, turn, _| act(slot, turn));
        }
        self.keys = keys;
    }

    pub(super) fn with_connection(
        &mut self,
        id: u64,
        act: impl FnOnce(&mut Slot<H::Data>, &mut Turn<'_, H>),
    ) {
        if self.slots.get(key_of(id)).is_some_and(|slot| slot.id == id) {
            self.with_slot(key_of(id), |slot, turn, _| act(slot, turn));
        }
    }
}
