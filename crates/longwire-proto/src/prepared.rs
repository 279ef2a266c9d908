use crate::{Compress, FrameHeader, Message, MessageKind, MessageRef, Rsv};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::fmt;
use once_cell::race::OnceBox;

/// A message that is encoded once and sent on any number of connections.
///
/// A server's frames are the same for every client, so they all share these
/// bytes. A client masks each frame with a key of its own (RFC 6455 section
/// 5.3), so there only the payload is shared. Cheap to clone.
///
/// Connections with compression share compressed bytes in the same way: they are
/// made when the first of them needs them.
///
/// ```
/// let prepared = longwire_proto::PreparedMessage::new("hello");
/// assert_eq!(&prepared.frame()[..], b"\x81\x05hello");
/// assert_eq!(prepared.payload(), b"hello");
/// ```
#[derive(Clone)]
pub struct PreparedMessage(Arc<Prepared>);

struct Prepared {
    kind: MessageKind,
    compress: Compress,
    plain: EncodedMessage,
    /// Boxed, since most messages need none.
    variants: OnceBox<Variants>,
}

/// The encodings of an extension; `None` where one is not worth it.
type Variants = [OnceBox<Option<EncodedMessage>>; PreparedMessage::VARIANTS];

/// A whole message as the frame that a server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedMessage {
    rsv: Rsv,
    header_len: u8,
    frame: Bytes,
}

impl PreparedMessage {
    /// How many encodings an extension may have.
    pub const VARIANTS: usize = 8;

    /// Encodes `message`.
    pub fn new(message: impl Into<Message>) -> PreparedMessage {
        PreparedMessage::new_with(message, Compress::Auto)
    }

    /// The same, and says whether to compress it on the connections where that
    /// was agreed on.
    ///
    /// ```
    /// # use longwire_proto::{Compress, PreparedMessage};
    /// # let jpeg = vec![0xff, 0xd8];
    /// let picture = PreparedMessage::new_with(jpeg, Compress::Never);
    /// assert_eq!(picture.compress(), Compress::Never);
    /// ```
    pub fn new_with(message: impl Into<Message>, compress: Compress) -> PreparedMessage {
        PreparedMessage::encode((&message.into()).into(), compress)
    }

    /// Encodes a message from borrowed memory.
    pub fn from_ref<'m>(message: impl Into<MessageRef<'m>>) -> PreparedMessage {
        PreparedMessage::encode(message.into(), Compress::Auto)
    }

    fn encode(message: MessageRef<'_>, compress: Compress) -> PreparedMessage {
        PreparedMessage(Arc::new(Prepared {
            kind: message.kind(),
            compress,
            plain: EncodedMessage::new(message.kind(), Rsv::NONE, message.as_bytes()),
            variants: OnceBox::new(),
        }))
    }

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        self.0.kind
    }

    /// Whether it is to be compressed.
    pub fn compress(&self) -> Compress {
        self.0.compress
    }

    /// The message's payload.
    pub fn payload(&self) -> &[u8] {
        self.0.plain.payload()
    }

    /// The frame that a server sends, without an extension.
    pub fn frame(&self) -> &Bytes {
        &self.0.plain.frame
    }

    /// The message without an extension.
    pub(crate) fn plain(&self) -> &EncodedMessage {
        &self.0.plain
    }

    /// The encoding number `number` of an extension, below
    /// [`VARIANTS`](Self::VARIANTS); `encode` makes its payload if nobody has
    /// needed it before.
    ///
    /// `None` if it makes none, or one that is no shorter than the plain one,
    /// unless it is to be compressed in any case ([`Compress::Always`]).
    pub fn variant(
        &self,
        number: usize,
        rsv: Rsv,
        encode: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<&EncodedMessage> {
        let variants = self.0.variants.get_or_init(Box::default);
        let variant = variants.get(number)?;
        if variant.get().is_none() {
            let payload = encode()?;
            let shorter = payload.len() < self.payload().len();
            let kept = shorter || self.0.compress == Compress::Always;
            let encoded = kept.then(|| EncodedMessage::new(self.0.kind, rsv, &payload));
            // Another thread may have been faster: then this one goes.
            let _ = variant.set(Box::new(encoded));
        }
        variant.get()?.as_ref()
    }
}

impl EncodedMessage {
    fn new(kind: MessageKind, rsv: Rsv, payload: &[u8]) -> EncodedMessage {
        let header = FrameHeader {
            fin: true,
            rsv,
            opcode: kind.opcode(),
            mask: None,
            payload_len: payload.len() as u64,
        };
        let header = header.encode();
        let header = header.as_bytes();
        let mut frame = Vec::with_capacity(header.len() + payload.len());
        frame.extend_from_slice(header);
        frame.extend_from_slice(payload);
        EncodedMessage {
            rsv,
            header_len: header.len() as u8,
            frame: frame.into(),
        }
    }

    /// The reserved bits that are set in the header.
    pub const fn rsv(&self) -> Rsv {
        self.rsv
    }

    /// The payload as it is coded.
    pub fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.header_len)..]
    }

    /// The frame.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }
}

impl<M: Into<Message>> From<M> for PreparedMessage {
    fn from(message: M) -> Self {
        PreparedMessage::new(message)
    }
}

impl PartialEq for PreparedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.frame() == other.frame()
    }
}

impl Eq for PreparedMessage {}

impl fmt::Debug for PreparedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedMessage")
            .field("kind", &self.0.kind)
            .field("frame", self.frame())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_variant_is_made_once_and_shared_by_clones() {
        let message = PreparedMessage::new("abcabcabcabc");
        let clone = message.clone();
        let made = clone.variant(7, Rsv::RSV1, || Some(vec![1, 2, 3])).unwrap();
        assert_eq!(&made.frame()[..], [0xC1, 3, 1, 2, 3]);
        assert_eq!((made.payload(), made.rsv()), (&[1, 2, 3][..], Rsv::RSV1));
        let again = message.variant(7, Rsv::RSV1, || panic!("it is there"));
        assert_eq!(again, Some(made));
        assert_eq!(message.variant(6, Rsv::RSV1, || None), None);
        let other = message.variant(6, Rsv::RSV1, || Some(vec![9]));
        assert_eq!(other.unwrap().payload(), [9]);
    }

    #[test]
    fn a_variant_that_saves_nothing_is_not_kept() {
        let message = PreparedMessage::new("abc");
        assert_eq!(message.variant(0, Rsv::RSV1, || Some(vec![0; 3])), None);
        let again = message.variant(0, Rsv::RSV1, || panic!("it is known"));
        assert_eq!(again, None);
        let past = message.variant(PreparedMessage::VARIANTS, Rsv::RSV1, || Some(vec![]));
        assert_eq!(past, None);
    }

    #[test]
    fn a_variant_that_is_wanted_in_any_case_is_kept() {
        let message = PreparedMessage::new_with("abc", Compress::Always);
        let made = message.variant(0, Rsv::RSV1, || Some(vec![0; 3]));
        assert_eq!(made.unwrap().payload(), [0; 3]);
    }
}
