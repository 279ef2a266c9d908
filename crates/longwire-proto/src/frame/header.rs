use crate::Opcode;

/// The header of a frame (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// This is the last fragment of its message.
    pub fin: bool,
    /// The reserved bits, which extensions give a meaning to.
    pub rsv: Rsv,
    /// What the payload is.
    pub opcode: Opcode,
    /// The key that the payload is masked with, if it is.
    pub mask: Option<[u8; 4]>,
    /// How long the payload is, in bytes: at most `2^63 - 1`.
    pub payload_len: u64,
}

impl FrameHeader {
    /// The longest header, in bytes: two, a 64-bit length, a masking key.
    pub const MAX_LEN: usize = 14;

    /// The longest payload of a control frame, in bytes (RFC 6455 section 5.5).
    pub const MAX_CONTROL_PAYLOAD: u64 = 125;
}

/// The bits RSV1, RSV2 and RSV3 of a frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rsv(u8);

impl Rsv {
    /// None of the three: what every frame has when no extension is in use.
    pub const NONE: Rsv = Rsv(0);
    /// RSV1.
    pub const RSV1: Rsv = Rsv(0x40);
    /// RSV2.
    pub const RSV2: Rsv = Rsv(0x20);
    /// RSV3.
    pub const RSV3: Rsv = Rsv(0x10);

    /// The reserved bits of a frame's first byte.
    pub(super) const fn of_byte(byte: u8) -> Rsv {
        Rsv(byte & 0x70)
    }

    /// The bits in the place that they have in a frame's first byte.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These bits and those of `other`.
    #[must_use]
    pub const fn union(self, other: Rsv) -> Rsv {
        Rsv(self.0 | other.0)
    }

    /// Whether every bit that is set here is set in `allowed` too.
    pub const fn is_within(self, allowed: Rsv) -> bool {
        self.0 & !allowed.0 == 0
    }
}
