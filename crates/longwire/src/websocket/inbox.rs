//! What has been received and not been taken yet.

use bytes::Bytes;
use longwire_proto::{Chunk, Message, MessageKind};
use std::{cell::Cell, collections::VecDeque};

/// Received messages, bounded by what they weigh: the driver stops reading when
/// there is no room.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Nothing while there is nothing.
    items: Option<Items>,
    weight: usize,
}

/// Behind a pointer, so that an idle connection holds no more than that.
type Items = Box<VecDeque<Item>>;

#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    /// A part of the message that is being streamed.
    Chunk {
        kind: MessageKind,
        payload: Bytes,
        last: bool,
    },
}

impl Item {
    pub(super) fn of_chunk(chunk: Chunk<'_>) -> Item {
        Item::Chunk {
            kind: chunk.kind,
            payload: chunk.payload.into_owned().into(),
            last: chunk.last,
        }
    }

    /// What the item counts: its payload, and what it costs to keep.
    fn weight(&self) -> usize {
        let payload = match self {
            Item::Message(message) => message.len(),
            Item::Chunk { payload, .. } => payload.len(),
        };
        payload + size_of::<Item>()
    }
}

thread_local! {
    /// The memory in which the connections of this thread keep what they have
    /// received, one after the other: most are emptied before the next is read.
    static SPARE: Cell<Option<Items>> = const { Cell::new(None) };
}

/// A spare queue with more places than this is given back to the system.
const SPARE_CAPACITY: usize = 1024;

impl Inbox {
    /// How much is read ahead of a user who does not receive.
    const CAPACITY: usize = 128 * 1024;

    pub(super) fn has_room(&self) -> bool {
        self.weight < Self::CAPACITY
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_none()
    }

    #[inline]
    pub(super) fn push(&mut self, item: Item) {
        self.weight += item.weight();
        let items = self
            .items
            .get_or_insert_with(|| SPARE.take().unwrap_or_default());
        items.push_back(item);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Item> {
        let items = self.items.as_mut()?;
        let item = items.pop_front()?;
        self.weight -= item.weight();
        if items.is_empty() {
            self.tidy();
        }
        Some(item)
    }

    /// Leaves the memory to the thread's next connection: nothing is retained by
    /// an idle one.
    fn tidy(&mut self) {
        let items = self.items.take();
        if items
            .as_ref()
            .is_some_and(|items| items.capacity() <= SPARE_CAPACITY)
        {
            SPARE.set(items);
        }
    }

    pub(super) fn front(&self) -> Option<&Item> {
        self.items.as_ref()?.front()
    }
}
