//! Bytes that were read and are looked at when the user comes for them.

use super::read_buffer::ReadBuffer;
use longwire_proto::{Input, Instant};
use std::{ops::Range, sync::Arc};

thread_local! {
    /// Who has left bytes unread on this thread has another hold on this.
    static LEFT: Arc<()> = Arc::new(());
}

/// What is left of a read, in the buffer that it went to.
///
/// A user who comes for message after message, as most do, gets each one from
/// here: none waits in a queue, and the memory of one is the next one's.
#[derive(Debug)]
pub(super) struct Unread {
    buffer: ReadBuffer,
    range: Range<usize>,
    /// When it was read.
    at: Instant,
    _left: Arc<()>,
}

impl Unread {
    /// The first `len` bytes of `buffer`, which were read `at` this time. One
    /// connection of a thread may leave some at a time, so that a thousand whose
    /// users are busy have no thousand buffers: the buffer is given back otherwise.
    pub(super) fn new(buffer: ReadBuffer, len: usize, at: Instant) -> Result<Unread, ReadBuffer> {
        let left = LEFT.with(|left| (Arc::strong_count(left) == 1).then(|| Arc::clone(left)));
        match left {
            None => Err(buffer),
            Some(left) => Ok(Unread {
                buffer,
                range: 0..len,
                at,
                _left: left,
            }),
        }
    }

    pub(super) const fn at(&self) -> Instant {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// What is left.
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.buffer.as_mut_slice()[self.range.clone()]
    }

    /// Lets `take` have what it wants of what is left.
    #[inline]
    pub(super) fn take<T>(&mut self, take: impl FnOnce(&mut Input<'_>) -> T) -> T {
        let end = self.range.end;
        let mut input = Input::new(self.as_mut_slice());
        let taken = take(&mut input);
        self.range.start = end - input.len();
        taken
    }
}
