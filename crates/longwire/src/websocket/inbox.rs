//! What has been received and not been taken yet.

use super::unread::Unread;
use bytes::Bytes;
use longwire_proto::{Chunk, Message, MessageKind};
use std::{cell::Cell, collections::VecDeque};

/// Received messages, bounded by what they weigh: the driver stops reading when
/// there is no room. Behind them may be bytes that are not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Nothing while there is nothing.
    contents: Option<Box<Contents>>,
    weight: usize,
}

/// Behind a pointer, so that an idle connection holds no more than that.
#[derive(Debug, Default)]
struct Contents {
    items: VecDeque<Item>,
    unread: Option<Unread>,
}

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
    static SPARE: Cell<Option<Box<Contents>>> = const { Cell::new(None) };
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
        self.contents.is_none()
    }

    #[inline]
    pub(super) fn push(&mut self, item: Item) {
        self.weight += item.weight();
        self.contents().items.push_back(item);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Item> {
        let contents = self.contents.as_mut()?;
        let item = contents.items.pop_front()?;
        self.weight -= item.weight();
        self.tidy();
        Some(item)
    }

    pub(super) fn front(&self) -> Option<&Item> {
        self.contents.as_ref()?.items.front()
    }

    /// Forgets what was received, but not what is to be looked at.
    pub(super) fn clear(&mut self) {
        self.weight = 0;
        if let Some(contents) = &mut self.contents {
            contents.items.clear();
            self.tidy();
        }
    }

    /// Leaves bytes to be looked at behind all that is here. There must be none.
    pub(super) fn leave(&mut self, unread: Unread) {
        self.contents().unread = Some(unread);
    }

    #[inline]
    pub(super) fn unread(&mut self) -> Option<&mut Unread> {
        self.contents.as_mut()?.unread.as_mut()
    }

    pub(super) fn has_unread(&self) -> bool {
        self.contents
            .as_ref()
            .is_some_and(|contents| contents.unread.is_some())
    }

    pub(super) fn take_unread(&mut self) -> Option<Unread> {
        let unread = self.contents.as_mut()?.unread.take()?;
        self.tidy();
        Some(unread)
    }

    fn contents(&mut self) -> &mut Contents {
        self.contents
            .get_or_insert_with(|| SPARE.take().unwrap_or_default())
    }

    /// Leaves the memory to the thread's next connection, if nothing is in it:
    /// nothing is retained by an idle one.
    #[inline]
    fn tidy(&mut self) {
        let is_empty =
            |contents: &mut Box<Contents>| contents.items.is_empty() && contents.unread.is_none();
        if let Some(contents) = self.contents.take_if(is_empty)
            && contents.items.capacity() <= SPARE_CAPACITY
        {
            SPARE.set(Some(contents));
        }
    }
}
