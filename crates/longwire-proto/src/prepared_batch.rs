use crate::PreparedMessage;
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::fmt;
use once_cell::race::OnceBox;

/// Messages that go out one behind the other, on any number of connections.
///
/// Where nothing is to be masked or compressed they are joined, when the first
/// connection sends them, and then are one piece of memory for all. Cheap to
/// clone.
///
/// ```
/// # use longwire_proto::{PreparedBatch, PreparedMessage};
/// let messages = ["hello", "all"].map(PreparedMessage::new);
/// let batch = PreparedBatch::from_iter(messages);
/// assert_eq!(&batch.frames()[..], b"\x81\x05hello\x81\x03all");
/// ```
#[derive(Clone, Default)]
pub struct PreparedBatch(Arc<Batch>);

#[derive(Default)]
struct Batch {
    messages: Vec<PreparedMessage>,
    /// Of all frames, in bytes.
    len: usize,
    joined: OnceBox<Bytes>,
}

impl PreparedBatch {
    /// The messages, in order.
    pub fn messages(&self) -> &[PreparedMessage] {
        &self.0.messages
    }

    /// Their frames, as a server sends them without an extension.
    pub fn frames(&self) -> &Bytes {
        match self.messages() {
            [one] => one.frame(),
            _ => self.0.joined.get_or_init(|| Box::new(self.0.join())),
        }
    }

    /// How many bytes the frames have. Does not join them.
    pub fn frames_len(&self) -> usize {
        self.0.len
    }
}

impl Batch {
    fn join(&self) -> Bytes {
        let mut frames = Vec::with_capacity(self.len);
        for message in &self.messages {
            frames.extend_from_slice(message.frame());
        }
        frames.into()
    }
}

impl FromIterator<PreparedMessage> for PreparedBatch {
    fn from_iter<I: IntoIterator<Item = PreparedMessage>>(messages: I) -> PreparedBatch {
        let messages: Vec<PreparedMessage> = messages.into_iter().collect();
        PreparedBatch(Arc::new(Batch {
            len: messages.iter().map(|message| message.frame().len()).sum(),
            messages,
            joined: OnceBox::new(),
        }))
    }
}

impl fmt::Debug for PreparedBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PreparedBatch")
            .field(&self.messages())
            .finish()
    }
}
