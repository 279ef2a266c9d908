use crate::{MessageKind, Role};

/// A whole message in one frame that no extension has touched, as most frames
/// are.
///
/// It is recognised and not judged: it breaks no rule of the header's, and what
/// is anything else is left to [`FrameHeader::decode`](super::FrameHeader::decode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlainFrame {
    pub(crate) kind: MessageKind,
    pub(crate) header_len: usize,
    pub(crate) payload_len: usize,
    pub(crate) mask: Option<[u8; 4]>,
}

/// FIN, and the opcode.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

impl PlainFrame {
    /// The plain frame at the start of `bytes`, if one is there as a whole.
    #[inline]
    pub(crate) fn at_start(bytes: &[u8], receiver: Role) -> Option<PlainFrame> {
        let &[first, second, ref rest @ ..] = bytes else {
            return None;
        };
        let kind = match first {
            TEXT => MessageKind::Text,
            BINARY => MessageKind::Binary,
            _ => return None,
        };
        let masked = second & 0x80 != 0;
        if masked != receiver.peer().masks() {
            return None;
        }
        let (payload_len, rest) = match second & 0x7F {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (at_least(126, u16::from_be_bytes(*length).into())?, rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (at_least(0x1_0000, u64::from_be_bytes(*length))?, rest)
            }
            length => (length.into(), rest),
        };
        let (mask, rest) = if masked {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        } else {
            (None, rest)
        };
        // What no memory can hold is not there either.
        (payload_len <= rest.len()).then_some(PlainFrame {
            kind,
            header_len: bytes.len() - rest.len(),
            payload_len,
            mask,
        })
    }
}

/// A length that could not have been written shorter.
fn at_least(minimum: u64, length: u64) -> Option<usize> {
    usize::try_from(length).ok().filter(|_| length >= minimum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameHeader, Opcode, Rsv, frame::Expected};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// What the rules make of a plain frame that is whole.
    fn by_the_rules(bytes: &[u8], receiver: Role) -> Option<PlainFrame> {
        let expected = Expected {
            role: receiver,
            rsv: Rsv::NONE,
            in_message: false,
        };
        let (header, header_len) = FrameHeader::decode(bytes, expected).ok()??;
        let kind = match header.opcode {
            Opcode::Text => MessageKind::Text,
            Opcode::Binary => MessageKind::Binary,
            _ => return None,
        };
        let payload_len = usize::try_from(header.payload_len).ok()?;
        let is_whole = header.fin && payload_len <= bytes.len() - header_len;
        is_whole.then_some(PlainFrame {
            kind,
            header_len,
            payload_len,
            mask: header.mask,
        })
    }

    proptest! {
        #[test]
        fn nothing_is_recognised_that_the_rules_would_refuse(
            first in prop_oneof![Just(TEXT), Just(BINARY), any::<u8>()],
            masked: bool,
            length in 0u8..128,
            extended in prop_oneof![0u64..300, 0xFFF0u64..0x1_0100, any::<u64>()],
            wide: bool,
            rest in prop_oneof![0usize..20, 100usize..400, 0xFFF0usize..0x1_0200],
            receiver in prop_oneof![Just(Role::Client), Just(Role::Server)],
        ) {
            let mut bytes: Vec<u8> = alloc::vec![first, length | u8::from(masked) << 7];
            if wide {
                bytes.extend_from_slice(&extended.to_be_bytes());
            } else {
                bytes.extend_from_slice(&(extended as u16).to_be_bytes());
            }
            bytes.resize(bytes.len() + rest, 7);
            prop_assert_eq!(
                PlainFrame::at_start(&bytes, receiver),
                by_the_rules(&bytes, receiver)
            );
        }

        #[test]
        fn every_cut_of_a_plain_frame_is_none(
            len in prop_oneof![0usize..200, 0xFFFEusize..0x1_0002],
            cut in 1usize..20,
            receiver in prop_oneof![Just(Role::Client), Just(Role::Server)],
        ) {
            let header = FrameHeader {
                fin: true,
                rsv: Rsv::NONE,
                opcode: Opcode::Binary,
                mask: receiver.peer().masks().then_some([1, 2, 3, 4]),
                payload_len: len as u64,
            };
            let mut bytes = header.encode().as_bytes().to_vec();
            let header_len = bytes.len();
            bytes.resize(header_len + len, 0);
            let whole = PlainFrame {
                kind: MessageKind::Binary,
                header_len,
                payload_len: len,
                mask: header.mask,
            };
            prop_assert_eq!(PlainFrame::at_start(&bytes, receiver), Some(whole));
            let cut = bytes.len().saturating_sub(cut);
            prop_assert_eq!(PlainFrame::at_start(&bytes[..cut], receiver), None);
        }
    }
}
