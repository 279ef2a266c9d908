//! The memory that a thread reads to.

use bytes::Bytes;
use longwire_proto::FrameHeader;
use std::{cell::Cell, mem, ops::Range};

/// How much is read at once: a message of 128 KiB with its header.
pub(super) const READ: usize = 128 * 1024 + FrameHeader::MAX_LEN;

/// The same of a message that is streamed, whose parts are not kept for long: one
/// of 1 MiB in four reads and not in five.
pub(super) const READ_STREAMED: usize = 256 * 1024 + FrameHeader::MAX_LEN;

/// From this size on a part is lent instead of copied: half of what is read at
/// once, so that who keeps it keeps no more than as much again. What lies behind
/// takes memory only where messages are streamed.
const LEND: usize = 64 * 1024;

thread_local! {
    /// Reads of all connections on this thread go through one buffer; an idle
    /// connection has none. Taken out while in use, so that a transport that is
    /// itself a WebSocket finds it missing and not borrowed.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    /// What is read to while the other is lent.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer of the thread's, which goes back to it at the end.
#[derive(Debug)]
pub(super) struct ReadBuffer(Vec<u8>);

impl ReadBuffer {
    pub(super) fn take() -> ReadBuffer {
        let mut buffer = BUFFER.take();
        if buffer.is_empty() {
            buffer = SPARE.take();
        }
        if buffer.is_empty() {
            buffer = vec![0; READ_STREAMED];
        }
        ReadBuffer(buffer)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Whether a part of this length is better lent than copied.
    pub(super) const fn lends(len: usize) -> bool {
        len >= LEND
    }

    /// A part of what was read, where it is.
    pub(super) fn lend(self, part: Range<usize>) -> Bytes {
        Bytes::from_owner(self).slice(part)
    }
}

impl AsRef<[u8]> for ReadBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for ReadBuffer {
    /// A part that was lent may be dropped while its thread comes to an end.
    fn drop(&mut self) {
        let buffer = mem::take(&mut self.0);
        let _ = BUFFER.try_with(|first| {
            let other = first.replace(buffer);
            if !other.is_empty() {
                let _ = SPARE.try_with(|spare| spare.set(other));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_is_read_to_again_only_when_it_is_given_back() {
        let mut first = ReadBuffer::take();
        let memory = first.as_mut_slice().as_ptr();
        first.as_mut_slice()[7] = 1;
        let part = first.lend(7..10);
        assert_eq!(part, [1, 0, 0][..]);
        let other = ReadBuffer::take();
        assert_ne!(other.as_ref().as_ptr(), memory);
        drop(other);
        drop(part);
        let both = [ReadBuffer::take(), ReadBuffer::take()];
        assert!(both.iter().any(|buffer| buffer.as_ref().as_ptr() == memory));
    }
}
