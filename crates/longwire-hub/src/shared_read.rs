use crate::{Channel, Offset, Publication, Read, ReadLimits, channel};
use longwire_proto::PreparedBatch;
use std::sync::{Arc, Weak};

/// What one cursor has read, for all that stand at the same place: see
/// [`Cursor::read_shared`](crate::Cursor::read_shared).
///
/// It holds the publications of one read, until another one takes their place.
/// It does not keep their channel alive.
#[derive(Debug, Default)]
pub struct SharedRead {
    /// `Weak`, and not the name: while there is one no other channel is at the
    /// same address.
    channel: Weak<channel::Shared>,
    /// The position before the first.
    start: Offset,
    publications: Vec<Publication>,
    batch: PreparedBatch,
}

impl SharedRead {
    /// Nothing was read yet.
    pub fn new() -> SharedRead {
        SharedRead::default()
    }

    /// The publications that were read last.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// Their messages, joined: for all who want every one of them.
    pub fn batch(&self) -> &PreparedBatch {
        &self.batch
    }

    /// The position after the last.
    pub(crate) fn end(&self) -> Offset {
        self.publications
            .last()
            .map_or(self.start, Publication::offset)
    }

    /// Whether a cursor at `position` would read just these.
    pub(crate) fn is_for(&self, channel: &Channel, position: Offset) -> bool {
        self.start == position
            && !self.publications.is_empty()
            && std::ptr::eq(self.channel.as_ptr(), Arc::as_ptr(channel.shared()))
    }

    /// Reads on from `position`, and keeps what it finds; at the head it keeps
    /// what it has.
    pub(crate) fn fill(
        &mut self,
        channel: &Channel,
        position: &mut Offset,
        limits: ReadLimits,
    ) -> Option<Read> {
        let start = *position;
        let mut found = Vec::new();
        let read = channel.lock().log.read(position, limits, &mut found)?;
        if let Read::Publications(_) = read {
            let messages = found.iter().map(Publication::message);
            *self = SharedRead {
                channel: Arc::downgrade(channel.shared()),
                start,
                batch: messages.cloned().collect(),
                publications: found,
            };
        }
        Some(read)
    }
}
