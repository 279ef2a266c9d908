use super::FrameHeader;
use alloc::vec::Vec;

/// The bytes of a frame header.
#[derive(Debug, Clone, Copy)]
pub struct EncodedHeader {
    bytes: [u8; FrameHeader::MAX_LEN],
    len: u8,
}

impl EncodedHeader {
    /// The bytes: 2 to 14.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn push(&mut self, bytes: &[u8]) {
        let at = usize::from(self.len);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FrameHeader {
    /// The header on the wire, with the length in its shortest form
    /// (RFC 6455 section 5.2: "the minimal number of bytes MUST be used").
    pub fn encode(&self) -> EncodedHeader {
        let mut encoded = EncodedHeader {
            bytes: [0; Self::MAX_LEN],
            len: 0,
        };
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let first = self.first_byte();
        match self.payload_len {
            len @ 0..=125 => encoded.push(&[first, masked | len as u8]),
            len @ 126..=0xFFFF => {
                encoded.push(&[first, masked | 126]);
                encoded.push(&(len as u16).to_be_bytes());
            }
            len => {
                encoded.push(&[first, masked | 127]);
                encoded.push(&len.to_be_bytes());
            }
        }
        if let Some(key) = self.mask {
            encoded.push(&key);
        }
        encoded
    }

    /// Appends the header to `bytes`.
    #[inline]
    pub(crate) fn append_to(&self, bytes: &mut Vec<u8>) {
        // Most that a server sends is short.
        match (self.payload_len, self.mask) {
            (0..=125, None) => {
                bytes.extend_from_slice(&[self.first_byte(), self.payload_len as u8]);
            }
            _ => self.append_long_to(bytes),
        }
    }

    fn append_long_to(&self, bytes: &mut Vec<u8>) {
        // All that there is room for and then none too many, which is a few moves
        // of known size in the place of a call to copy some.
        let encoded = self.encode();
        let end = bytes.len() + usize::from(encoded.len);
        bytes.extend_from_slice(&encoded.bytes);
        bytes.truncate(end);
    }

    fn first_byte(&self) -> u8 {
        let fin = if self.fin { 0x80 } else { 0 };
        fin | self.rsv.bits() | self.opcode.bits()
    }
}
