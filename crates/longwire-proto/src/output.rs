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
    /// What was copied, of all that is to be written.
    copied: Vec<u8>,
    /// How much of `copied` is written.
    written: usize,
    /// What is kept by reference, in order, and how much of `copied` comes before
    /// it; the first may be partly written.
    shared: VecDeque<(usize, Bytes)>,
    len: usize,
}

impl Output {
    /// From this size on a shared payload is kept by reference. Below it a copy
    /// costs less than one more slice for the kernel to walk.
    pub(crate) const SHARE_FROM: usize = 4096;

    /// An empty output, which holds no memory.
    pub const fn new() -> Output {
        Output {
            copied: Vec::new(),
            written: 0,
            shared: VecDeque::new(),
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
        self.copied.capacity()
    }

    /// Appends a copy of `bytes`.
    pub fn put(&mut self, bytes: &[u8]) {
        self.copied.extend_from_slice(bytes);
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
        self.len += bytes.len();
        self.shared.push_back((self.copied.len(), bytes));
    }

    /// Appends a frame's header.
    pub(crate) fn put_header(&mut self, header: &FrameHeader) {
        let before = self.copied.len();
        header.append_to(&mut self.copied);
        self.len += self.copied.len() - before;
    }

    /// Appends a frame with a copy of its payload, which is masked if its header
    /// says so.
    #[inline]
    pub(crate) fn put_frame(&mut self, header: &FrameHeader, payload: &[u8]) {
        let before = self.copied.len();
        self.copied.reserve(FrameHeader::MAX_LEN + payload.len());
        header.append_to(&mut self.copied);
        let start = self.copied.len();
        self.copied.extend_from_slice(payload);
        if let Some(key) = header.mask {
            frame::mask(key, 0, &mut self.copied[start..]);
        }
        self.len += self.copied.len() - before;
    }

    /// Fills `slices` with what is to be written next, in order, for one
    /// vectored write. Returns how many were filled.
    #[inline]
    pub fn slices<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        if !self.shared.is_empty() {
            return self.slices_of_all(slices);
        }
        let copied = &self.copied[self.written..];
        match slices {
            [first, ..] if !copied.is_empty() => {
                *first = copied;
                1
            }
            _ => 0,
        }
    }

    fn slices_of_all<'a>(&'a self, slices: &mut [&'a [u8]]) -> usize {
        let mut done = self.written;
        let shared = self.shared.iter().flat_map(|(at, bytes)| {
            let copied = &self.copied[core::mem::replace(&mut done, *at)..*at];
            [copied, &bytes[..]]
        });
        let last = self.shared.back().map_or(self.written, |(at, _)| *at);
        let all = shared.chain([&self.copied[last..]]);
        let mut filled = 0;
        for (slot, slice) in slices.iter_mut().zip(all.filter(|it| !it.is_empty())) {
            *slot = slice;
            filled += 1;
        }
        filled
    }

    /// Forgets the first `written` bytes, or all if there are fewer.
    #[inline]
    pub fn advance(&mut self, written: usize) {
        let written = written.min(self.len);
        self.len -= written;
        if self.shared.is_empty() {
            self.written += written;
        } else {
            self.advance_shared(written);
        }
        if self.len == 0 {
            self.copied.clear();
            self.written = 0;
        } else {
            self.forget_written();
        }
    }

    fn advance_shared(&mut self, mut written: usize) {
        while let Some((at, first)) = self.shared.front_mut() {
            let copied = written.min(*at - self.written);
            self.written += copied;
            written -= copied;
            if written < first.len() {
                return bytes::Buf::advance(first, written);
            }
            written -= first.len();
            self.shared.pop_front();
        }
        self.written += written;
    }

    /// Moves all that is still to be written to the end of `other`.
    pub fn move_to(&mut self, other: &mut Output) {
        let mut done = self.written;
        for (at, bytes) in self.shared.drain(..) {
            other.put(&self.copied[done..at]);
            other.put_shared(bytes);
            done = at;
        }
        other.put(&self.copied[done..]);
        self.copied.clear();
        self.written = 0;
        self.len = 0;
    }

    /// Gives the memory back, if all is written.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Output::new();
        }
    }

    /// What is written leaves the memory as soon as it is half of what is there:
    /// a peer that is always behind must not make it grow without end.
    #[cold]
    fn forget_written(&mut self) {
        if self.written == 0 || self.written < self.copied.len() / 2 {
            return;
        }
        self.copied.drain(..self.written);
        for (at, _) in &mut self.shared {
            *at -= self.written;
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
        assert_eq!(output.copied.capacity() + output.shared.capacity(), 0);
    }

    #[test]
    fn a_peer_that_is_always_behind_makes_nothing_grow() {
        for shared in [&[][..], &[2; Output::SHARE_FROM]] {
            let mut output = Output::new();
            output.put(&[0; 1_000]);
            for _ in 0..1_000 {
                output.put(&[1; 100]);
                output.put_shared(Bytes::from_static(shared));
                output.advance(100 + shared.len());
                assert_eq!(output.len(), 1_000);
            }
            assert!(output.capacity() < 8_000, "{} bytes", output.capacity());
        }
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
