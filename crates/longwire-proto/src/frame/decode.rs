use super::{FrameHeader, Rsv};
use crate::{Opcode, ProtocolError, Role};

/// What the connection's state allows the next frame to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The role of the end that receives.
    pub role: Role,
    /// The reserved bits that a negotiated extension uses, in the first frames
    /// of messages.
    pub rsv: Rsv,
    /// A fragmented message is under way.
    pub in_message: bool,
}

impl FrameHeader {
    /// Decodes the header at the start of `bytes`, with its length in bytes;
    /// `None` if more bytes are needed.
    ///
    /// Every rule that the bytes at hand can break is checked, so a bad frame
    /// is refused at its second byte and not when its header is complete.
    ///
    /// # Errors
    /// The [`ProtocolError`] whose rule the header breaks.
    #[inline]
    pub fn decode(
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let opcode =
            Opcode::from_bits(first & 0x0F).ok_or(ProtocolError::ReservedOpcode(first & 0x0F))?;
        let masked = second & 0x80 != 0;
        let mut header = FrameHeader {
            fin: first & 0x80 != 0,
            rsv: Rsv::of_byte(first),
            opcode,
            mask: None,
            payload_len: u64::from(second & 0x7F),
        };
        header.check(masked, expected)?;

        let extended = match header.payload_len {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some((length, rest)) = rest.split_at_checked(extended) else {
            return Ok(None);
        };
        if extended > 0 {
            header.payload_len = extended_length(length)?;
        }
        if masked {
            let Some(key) = rest.first_chunk() else {
                return Ok(None);
            };
            header.mask = Some(*key);
        }
        let len = 2 + extended + if masked { 4 } else { 0 };
        Ok(Some((header, len)))
    }

    /// Every rule for the first two bytes of a frame. `payload_len` is still
    /// the seven-bit length.
    fn check(&self, masked: bool, expected: Expected) -> Result<(), ProtocolError> {
        // 5.2: "MUST be 0 unless an extension is negotiated that defines
        // meanings for non-zero values."
        // RFC 7692 section 6: and that is only for the first frame of a message.
        let allowed = match self.opcode {
            Opcode::Text | Opcode::Binary => expected.rsv,
            _ => Rsv::NONE,
        };
        if !self.rsv.is_within(allowed) {
            return Err(ProtocolError::ReservedBits);
        }
        // 5.1: "The server MUST close the connection upon receiving a frame
        // that is not masked." "A client MUST close a connection if it detects
        // a masked frame."
        if masked != expected.role.peer().masks() {
            return Err(match expected.role {
                Role::Server => ProtocolError::UnmaskedFrame,
                Role::Client => ProtocolError::MaskedFrame,
            });
        }
        if self.opcode.is_control() {
            // 5.5: "All control frames MUST have a payload length of 125 bytes
            // or less and MUST NOT be fragmented."
            if !self.fin {
                return Err(ProtocolError::FragmentedControl);
            }
            if self.payload_len > Self::MAX_CONTROL_PAYLOAD {
                return Err(ProtocolError::OversizedControl);
            }
            return Ok(());
        }
        // 5.4: a fragmented message is one frame with an opcode, then
        // continuation frames; "the fragments of one message MUST NOT be
        // interleaved between the fragments of another message".
        match (self.opcode, expected.in_message) {
            (Opcode::Continuation, false) => Err(ProtocolError::UnexpectedContinuation),
            (Opcode::Text | Opcode::Binary, true) => Err(ProtocolError::ExpectedContinuation),
            _ => Ok(()),
        }
    }
}

/// The 16-bit or 64-bit length (RFC 6455 section 5.2).
fn extended_length(bytes: &[u8]) -> Result<u64, ProtocolError> {
    let length = bytes
        .iter()
        .fold(0, |length, &byte| length << 8 | u64::from(byte));
    // "the minimal number of bytes MUST be used to encode the length"
    let minimum = if bytes.len() == 2 { 126 } else { 0x1_0000 };
    if length < minimum {
        return Err(ProtocolError::NonMinimalLength);
    }
    // "the most significant bit MUST be 0"
    if length >> 63 != 0 {
        return Err(ProtocolError::LengthOutOfRange);
    }
    Ok(length)
}
