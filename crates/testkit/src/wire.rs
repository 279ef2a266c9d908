//! Frames as raw bytes (RFC 6455 section 5.2), without the codec under test:
//! what is wrong on the wire can be written here as easily as what is right.

use longwire_proto::Role;

/// A frame, perhaps a malformed one.
///
/// ```
/// use testkit::RawFrame;
/// assert_eq!(RawFrame::text("Hello").to_bytes(), b"\x81\x05Hello");
/// // Bad in three ways.
/// let bad = RawFrame::ping("").fragment().rsv(0x40).announcing(126);
/// assert_eq!(bad.to_bytes(), b"\x49\x7e\x00\x7e");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// FIN, the reserved bits and the opcode.
    pub first: u8,
    /// The key that the payload is masked with on the wire.
    pub mask: Option<[u8; 4]>,
    /// The payload, not masked.
    pub payload: Vec<u8>,
    /// The length that the header claims, if it is not the payload's.
    pub announced: Option<u64>,
    /// How the header writes the length.
    pub length_form: LengthForm,
}

/// How a header writes the payload's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LengthForm {
    /// The only right one.
    #[default]
    Shortest,
    /// 16 bits, though fewer may do.
    Bits16,
    /// 64 bits, though fewer may do.
    Bits64,
}

impl RawFrame {
    /// A frame with this opcode, whole and not masked.
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame {
            first: 0x80 | opcode,
            mask: None,
            payload: payload.as_ref().to_vec(),
            announced: None,
            length_form: LengthForm::Shortest,
        }
    }

    /// A continuation frame that ends its message.
    pub fn continuation(payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame::new(0x0, payload)
    }

    /// A text frame; the payload need not be text.
    pub fn text(payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame::new(0x1, payload)
    }

    /// A binary frame.
    pub fn binary(payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame::new(0x2, payload)
    }

    /// A Ping.
    pub fn ping(payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame::new(0x9, payload)
    }

    /// A Pong.
    pub fn pong(payload: impl AsRef<[u8]>) -> RawFrame {
        RawFrame::new(0xA, payload)
    }

    /// A Close frame with any code, those that must not be sent too.
    pub fn close(code: u16, reason: &str) -> RawFrame {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        RawFrame::new(0x8, payload)
    }

    /// A Close frame without a payload.
    pub fn empty_close() -> RawFrame {
        RawFrame::new(0x8, [])
    }

    /// The same without FIN.
    #[must_use]
    pub fn fragment(mut self) -> RawFrame {
        self.first &= 0x7F;
        self
    }

    /// The same with these reserved bits: 0x40, 0x20, 0x10.
    #[must_use]
    pub fn rsv(mut self, bits: u8) -> RawFrame {
        self.first |= bits;
        self
    }

    /// The same, masked with `key`.
    #[must_use]
    pub fn masked(mut self, key: [u8; 4]) -> RawFrame {
        self.mask = Some(key);
        self
    }

    /// The same as `role` sends it: masked with some key if that is a client.
    #[must_use]
    pub fn sent_by(mut self, role: Role) -> RawFrame {
        self.mask = (role == Role::Client).then_some([0x37, 0xfa, 0x21, 0x3d]);
        self
    }

    /// The same with a header that announces `len` bytes, whatever follows.
    #[must_use]
    pub fn announcing(mut self, len: u64) -> RawFrame {
        self.announced = Some(len);
        self
    }

    /// The same with the length in this form.
    #[must_use]
    pub fn length_form(mut self, form: LengthForm) -> RawFrame {
        self.length_form = form;
        self
    }

    /// The opcode.
    pub const fn opcode(&self) -> u8 {
        self.first & 0x0F
    }

    /// Whether FIN is set.
    pub const fn fin(&self) -> bool {
        self.first & 0x80 != 0
    }

    /// The frame on the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let len = self.announced.unwrap_or(self.payload.len() as u64);
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![self.first];
        match (self.length_form, len) {
            (LengthForm::Shortest, 0..=125) => bytes.push(mask_bit | len as u8),
            (LengthForm::Shortest, 126..=0xFFFF) | (LengthForm::Bits16, _) => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&(len as u16).to_be_bytes());
            }
            (LengthForm::Shortest | LengthForm::Bits64, _) => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&len.to_be_bytes());
            }
        }
        let key = self.mask.unwrap_or_default();
        bytes.extend_from_slice(&key[..if self.mask.is_some() { 4 } else { 0 }]);
        bytes.extend(
            self.payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(b, k)| b ^ k),
        );
        bytes
    }

    /// The frame at the start of `bytes`, and how long it is there; `None` if
    /// it is not whole. Checks no rule.
    pub fn parse(bytes: &[u8]) -> Option<(RawFrame, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length_form, len, rest) = match second & 0x7F {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (
                    LengthForm::Bits16,
                    u64::from(u16::from_be_bytes(*len)),
                    rest,
                )
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (LengthForm::Bits64, u64::from_be_bytes(*len), rest)
            }
            len => (LengthForm::Shortest, u64::from(len), rest),
        };
        let (mask, rest) = if second & 0x80 == 0 {
            (None, rest)
        } else {
            let (key, rest) = rest.split_first_chunk()?;
            (Some(*key), rest)
        };
        let len = usize::try_from(len).ok()?;
        let (payload, rest) = rest.split_at_checked(len)?;
        let keys = mask.unwrap_or_default();
        let payload = payload.iter().zip(keys.iter().cycle()).map(|(b, k)| b ^ k);
        let mut frame = RawFrame {
            first,
            mask,
            payload: payload.collect(),
            announced: None,
            length_form: LengthForm::Shortest,
        };
        let taken = bytes.len() - rest.len();
        if frame.to_bytes().len() != taken {
            frame.length_form = length_form;
        }
        Some((frame, taken))
    }
}

/// All frames of `bytes`.
///
/// # Panics
/// If the last one is not whole.
pub fn frames(mut bytes: &[u8]) -> Vec<RawFrame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (frame, len) = RawFrame::parse(bytes).expect("the last frame is whole");
        frames.push(frame);
        bytes = &bytes[len..];
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_parses() {
        let frames_in = [
            RawFrame::text("Hello").sent_by(Role::Client),
            RawFrame::binary([7; 126]).fragment(),
            RawFrame::continuation([7; 70_000]).rsv(0x20),
            RawFrame::ping("x").length_form(LengthForm::Bits16),
            RawFrame::close(1000, "bye")
                .length_form(LengthForm::Bits64)
                .masked([1, 2, 3, 4]),
        ];
        let bytes = frames_in
            .iter()
            .flat_map(RawFrame::to_bytes)
            .collect::<Vec<_>>();
        assert_eq!(frames(&bytes), frames_in);
        assert_eq!(RawFrame::parse(&bytes[..10]), None);
    }

    #[test]
    fn the_rfcs_masked_hello() {
        let frame = RawFrame::text("Hello").masked([0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(
            frame.to_bytes(),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        );
    }
}
