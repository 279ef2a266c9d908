/// What a frame carries (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of the message under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A heartbeat that asks for an answer.
    Ping = 0x9,
    /// The answer to a Ping, or an unsolicited heartbeat.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode of these four bits; `None` for the reserved ones
    /// (0x3 to 0x7, 0xB to 0xF) and for what does not fit four bits.
    pub const fn from_bits(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    /// The four bits on the wire.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether this is a control frame: its most significant bit is set
    /// (RFC 6455 section 5.5).
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_opcodes_are_inverse() {
        let known: alloc::vec::Vec<u8> = (0..=u8::MAX)
            .filter(|&bits| Opcode::from_bits(bits).is_some_and(|opcode| opcode.bits() == bits))
            .collect();
        assert_eq!(known, [0x0, 0x1, 0x2, 0x8, 0x9, 0xA]);
    }
}
