use crate::{FrameHeader, frame};
use alloc::{collections::VecDeque, vec::Vec};
use bytes::Bytes;

/// What is to be written to the peer.
///
/// Small pieces are copied together; a large shared payload is kept by
/// reference and goes to the socket from where it is. The driver owns it, so
/// that many connections can share one: an empty one holds no memory, and what
/// it holds while it is filled and drained is up to the driver
/// ([`Output::release`]).
///
/// ```
/// # use longwire_proto::Output;
/// let mut output = Output::new();
/// output.put(b"abc");
/// let mut slices = [&[][..]; 4];
/// assert_eq!(output.slices(&mut slices), 1);
/// assert_eq!(slices[0], b"abc");
/// output.advance(3);
/// assert!(output.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Output {
    /// Full pieces, in order; the first may be partly written.
    pieces: VecDeque<Bytes>,
    /// What comes after them, still growing.
    tail: Vec<u8>,
    /// How much of `tail` is written; zero unless `pieces` is empty.
    written: usize,
    len: usize,
}

impl Output {
    /// From this size on a shared payload is kept by reference. Below it a copy
    /// costs less than one more slice for the kernel to walk.
    pub(crate) const SHARE_FROM: usize = 4096;

    /// An empty output, which holds no memory.
    pub const fn new() -> Output {
        Output {
            pieces: VecDeque::new(),
            tail: Vec::new(),
            written: 0,
            len: 0,
        }
    }

    /// How many bytes are still to be written.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether all is written.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How much memory it holds for what is copied to it, in bytes.
    pub const fn capacity(&self) -> usize {
        self.tail.capacity()
    }

    /// Appends a copy of `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends `bytes`, by reference if they are many.
    pub fn put_shared(&mut self, bytes: Bytes) {
        if bytes.len() < Self::SHARE_FROM {
            return self.put(&bytes);
        }
        self.put_piece(bytes);
    }

    /// As [`put_shared`](Self::put_shared), for bytes that others need as well:
    /// few of them are copied without a claim on them.
    pub(crate) fn put_shared_ref(&mut self, bytes: &Bytes) {
        if bytes.len() < Self::SHARE_FROM {
            return self.put(bytes);
        }
        self.put_piece(bytes.clone());
    }

    fn put_piece(&mut self, bytes: Bytes) {
        self.seal_tail();
        self.len += bytes.len();
        self.pieces.push_back(bytes);
    }

    /// Appends a frame's header.
    pub(crate) fn put_header(&mut self, header: &FrameHeader) {
        let before = self.tail.len();
        header.append_to(&mut self.tail);
        self.len += self.tail.len() - before;
    }

    /// Appends a frame with a copy of its payload, which is masked if its header
    /// says so.
    #[inline]
    pub(crate) fn put_frame(&mut self, header: &FrameHeader, payload: &[u8]) {
        let before = self.tail.len();
        self.tail.reserve(FrameHeader::MAX_LEN + payload.len());
        header.append_to(&mut self.tail);
        let start = self.tail.len();
        self.tail.extend_from_slice(payload);
        if let Some(key) = header.mask {
            frame::mask(key, 0, &mut self.tail[start..]);
        }
        self.len += self.tail.len() - before;
    }

    /// Fills `slices` with what is to be written next, in order, for one
    /// vectored write. Returns how many were filled.
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        let tail = &self.tail[self.written..];
        let all = self.pieces.iter().map(|piece| &piece[..]);
        let all = all.chain((!tail.is_empty()).then_some(tail));
        let mut filled = 0;
        for (slot, slice) in slices.iter_mut().zip(all) {
            *slot = slice;
            filled += 1;
        }
        filled
    }

    /// Forgets the first `written` bytes, or all if there are fewer.
    pub fn advance(&mut self, written: usize) {
        let mut written = written.min(self.len);
        self.len -= written;
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                return bytes::Buf::advance(first, written);
            }
            written -= first.len();
            self.pieces.pop_front();
        }
        self.written += written;
        if self.written == self.tail.len() {
            self.tail.clear();
            self.written = 0;
        }
    }

    /// Moves all that is still to be written to the end of `other`.
    pub fn move_to(&mut self, other: &mut Output) {
        for piece in self.pieces.drain(..) {
            other.put_shared(piece);
        }
        other.put(&self.tail[self.written..]);
        self.tail.clear();
        self.written = 0;
        self.len = 0;
    }

    /// Gives the memory back, if all is written.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Output::new();
        }
    }

    /// Makes the growing tail a full piece.
    fn seal_tail(&mut self) {
        if self.tail.is_empty() {
            return; // Its memory is for what comes later.
        }
        let tail = core::mem::take(&mut self.tail);
        if tail.len() > self.written {
            let mut piece = Bytes::from(tail);
            bytes::Buf::advance(&mut piece, self.written);
            self.pieces.push_back(piece);
        }
        self.written = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(output: &mut Output, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !output.is_empty() {
            let mut slices = [&[][..]; 3];
            let filled = output.slices(&mut slices);
            let joined = slices[..filled].concat();
            assert!(!joined.is_empty());
            let step = step.min(joined.len());
            all.extend_from_slice(&joined[..step]);
            output.advance(step);
        }
        all
    }

    #[test]
    fn an_emptied_output_gives_its_memory_back() {
        let mut output = Output::new();
        output.put(&[1; 100]);
        output.put_shared(Bytes::from(alloc::vec![2; 10_000]));
        output.put(b"end");
        output.release();
        assert_eq!(output.len(), 10_103);
        output.advance(usize::MAX);
        output.release();
        assert_eq!(output.tail.capacity() + output.pieces.capacity(), 0);
    }

    proptest! {
        #[test]
        fn what_is_put_comes_out_in_order(
            pieces in proptest::collection::vec((0usize..9000, any::<bool>()), 0..12),
            step in 1usize..10_000,
            moved in any::<bool>(),
        ) {
            let mut output = Output::new();
            let mut expected = Vec::new();
            for (i, &(len, shared)) in pieces.iter().enumerate() {
                let bytes: Vec<u8> = (0..len).map(|j| (i * 31 + j) as u8).collect();
                expected.extend_from_slice(&bytes);
                if shared { output.put_shared(bytes.into()) } else { output.put(&bytes) }
            }
            prop_assert_eq!(output.len(), expected.len());
            let mut other = Output::new();
            if moved {
                // As a driver does whose socket took only a part.
                let part = expected.len().min(step / 2);
                output.advance(part);
                expected.drain(..part);
                output.move_to(&mut other);
                prop_assert!(output.is_empty());
                core::mem::swap(&mut output, &mut other);
            }
            prop_assert_eq!(drain(&mut output, step), expected);
        }
    }
}
