/// Bytes from the peer, in the driver's buffer.
///
/// The connection takes them from the front, unmasks them where they are, and
/// lends them out in its [events](crate::Event), which live as long as the
/// buffer and not just until the next call.
#[derive(Debug, Default)]
pub struct Input<'a> {
    bytes: &'a mut [u8],
    scratch: &'a mut [u8],
}

impl<'a> Input<'a> {
    /// What was read.
    pub fn new(bytes: &'a mut [u8]) -> Input<'a> {
        Input {
            bytes,
            scratch: &mut [],
        }
    }

    /// Adds room for messages that have to be decompressed: events borrow from
    /// it as well, as long as it lasts. Without it such messages are owned.
    #[must_use]
    pub fn with_scratch(self, scratch: &'a mut [u8]) -> Input<'a> {
        Input { scratch, ..self }
    }

    /// Nothing: for the calls that only fetch what is due already.
    pub fn empty() -> Input<'a> {
        Input::default()
    }

    /// What has not been taken yet.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes
    }

    /// How many bytes have not been taken yet.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether all was taken.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes a frame: gives its payload, with `len` bytes, behind a header of
    /// `header_len`. Nothing if there is less than both.
    #[inline]
    pub(crate) fn take_frame(&mut self, header_len: usize, len: usize) -> &'a mut [u8] {
        let bytes = core::mem::take(&mut self.bytes);
        let frame = bytes.split_at_mut_checked(header_len);
        let frame = frame.and_then(|(_, rest)| rest.split_at_mut_checked(len));
        let (payload, rest) = frame.unwrap_or_default();
        self.bytes = rest;
        payload
    }

    /// Takes `len` bytes, or what is left if that is less.
    pub(crate) fn take(&mut self, len: usize) -> &'a mut [u8] {
        let bytes = core::mem::take(&mut self.bytes);
        let (taken, rest) = bytes.split_at_mut(len.min(bytes.len()));
        self.bytes = rest;
        taken
    }

    /// The next bytes, which stay, and the room that is left.
    pub(crate) fn with_room(&mut self) -> (&mut [u8], &mut [u8]) {
        (self.bytes, self.scratch)
    }

    /// Takes the first `len` bytes of the room.
    pub(crate) fn take_room(&mut self, len: usize) -> &'a mut [u8] {
        let scratch = core::mem::take(&mut self.scratch);
        let (taken, rest) = scratch.split_at_mut(len.min(scratch.len()));
        self.scratch = rest;
        taken
    }

    pub(crate) fn discard(&mut self) {
        self.bytes = &mut [];
    }
}
