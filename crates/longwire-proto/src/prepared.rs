use crate::{FrameHeader, Message, MessageKind, MessageRef, Rsv};
use alloc::vec::Vec;
use bytes::Bytes;

/// A message that is encoded once and sent on any number of connections.
///
/// A server's frames are the same for every client, so they all share these
/// bytes. A client masks each frame with a key of its own (RFC 6455 section
/// 5.3), so there only the payload is shared. Cheap to clone.
///
/// ```
/// let prepared = longwire_proto::PreparedMessage::new("hello");
/// assert_eq!(&prepared.frame()[..], b"\x81\x05hello");
/// assert_eq!(prepared.payload(), b"hello");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedMessage {
    kind: MessageKind,
    header_len: u8,
    frame: Bytes,
}

impl PreparedMessage {
    /// Encodes `message`.
    pub fn new(message: impl Into<Message>) -> PreparedMessage {
        PreparedMessage::from_ref(&message.into())
    }

    /// Encodes a message from borrowed memory.
    pub fn from_ref<'m>(message: impl Into<MessageRef<'m>>) -> PreparedMessage {
        let message = message.into();
        let (kind, payload) = (message.kind(), message.as_bytes());
        let header = FrameHeader {
            fin: true,
            rsv: Rsv::NONE,
            opcode: kind.opcode(),
            mask: None,
            payload_len: payload.len() as u64,
        };
        let header = header.encode();
        let header = header.as_bytes();
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(header);
        frame.extend_from_slice(payload);
        PreparedMessage {
            kind,
            header_len: header.len() as u8,
            frame: frame.into(),
        }
    }

    /// Text or binary.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The message's payload.
    pub fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.header_len)..]
    }

    /// The frame that a server sends.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }
}

impl<M: Into<Message>> From<M> for PreparedMessage {
    fn from(message: M) -> Self {
        PreparedMessage::new(message)
    }
}
