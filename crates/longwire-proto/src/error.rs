//! Errors, by who is to blame, and what each puts on the wire.

use crate::CloseCode;
use core::fmt;

/// Why this endpoint failed the connection (RFC 6455 section 7.1.7).
///
/// Each cause has its close code ([`Failure::close_code`]); the match there is
/// total, so a new cause does not compile until it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer broke the protocol.
    Protocol(ProtocolError),
    /// The peer went past a limit of this endpoint.
    Limit(LimitError),
    /// This endpoint takes only text or only binary messages, and the other
    /// kind came.
    UnsupportedKind,
}

impl Failure {
    /// The code of the Close frame that is sent.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Failure::Protocol(error) => error.close_code(),
            Failure::Limit(error) => error.close_code(),
            Failure::UnsupportedKind => CloseCode::UNSUPPORTED_DATA,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Protocol(error) => error.fmt(f),
            Failure::Limit(error) => error.fmt(f),
            Failure::UnsupportedKind => f.write_str("this kind of message is not accepted here"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Failure::Protocol(error)
    }
}

impl From<LimitError> for Failure {
    fn from(error: LimitError) -> Self {
        Failure::Limit(error)
    }
}

/// A rule of RFC 6455 that the peer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set that no negotiated extension uses (5.2).
    ReservedBits,
    /// The opcode is reserved (5.2).
    ReservedOpcode(u8),
    /// A length is not in its shortest form (5.2).
    NonMinimalLength,
    /// A 64-bit length has its most significant bit set (5.2).
    LengthOutOfRange,
    /// A control frame is fragmented (5.5).
    FragmentedControl,
    /// A control frame has more than 125 bytes (5.5).
    OversizedControl,
    /// A client sent a frame that is not masked (5.1).
    UnmaskedFrame,
    /// A server sent a masked frame (5.1).
    MaskedFrame,
    /// A continuation frame came outside a message (5.4).
    UnexpectedContinuation,
    /// A new message began inside a fragmented one (5.4).
    ExpectedContinuation,
    /// A text message or a close reason is not UTF-8 (8.1).
    InvalidUtf8,
    /// A Close frame has a payload of one byte (5.5.1).
    TruncatedCloseCode,
    /// A Close frame has a code that must not be sent (7.4).
    InvalidCloseCode(CloseCode),
    /// A compressed message is not DEFLATE (RFC 7692 section 7.2.2).
    InvalidDeflate,
}

impl ProtocolError {
    /// The code of the Close frame that answers this.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            ProtocolError::ReservedBits
            | ProtocolError::ReservedOpcode(_)
            | ProtocolError::NonMinimalLength
            | ProtocolError::LengthOutOfRange
            | ProtocolError::FragmentedControl
            | ProtocolError::OversizedControl
            | ProtocolError::UnmaskedFrame
            | ProtocolError::MaskedFrame
            | ProtocolError::UnexpectedContinuation
            | ProtocolError::ExpectedContinuation
            | ProtocolError::TruncatedCloseCode
            | ProtocolError::InvalidCloseCode(_) => CloseCode::PROTOCOL_ERROR,
            ProtocolError::InvalidUtf8 | ProtocolError::InvalidDeflate => {
                CloseCode::INVALID_PAYLOAD_DATA
            }
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProtocolError::ReservedBits => f.write_str("a reserved bit is set"),
            ProtocolError::ReservedOpcode(opcode) => write!(f, "opcode {opcode:#x} is reserved"),
            ProtocolError::NonMinimalLength => f.write_str("a length is not in its shortest form"),
            ProtocolError::LengthOutOfRange => f.write_str("a length is 2^63 or more"),
            ProtocolError::FragmentedControl => f.write_str("a control frame is fragmented"),
            ProtocolError::OversizedControl => {
                f.write_str("a control frame is longer than 125 bytes")
            }
            ProtocolError::UnmaskedFrame => f.write_str("a frame from the client is not masked"),
            ProtocolError::MaskedFrame => f.write_str("a frame from the server is masked"),
            ProtocolError::UnexpectedContinuation => {
                f.write_str("a continuation frame came outside a message")
            }
            ProtocolError::ExpectedContinuation => {
                f.write_str("a new message began inside a fragmented one")
            }
            ProtocolError::InvalidUtf8 => f.write_str("text is not UTF-8"),
            ProtocolError::TruncatedCloseCode => f.write_str("a close frame holds half a code"),
            ProtocolError::InvalidCloseCode(code) => {
                write!(f, "close code {} must not be sent", code.get())
            }
            ProtocolError::InvalidDeflate => {
                f.write_str("a compressed message cannot be decompressed")
            }
        }
    }
}

impl core::error::Error for ProtocolError {}

/// A limit of this endpoint that the peer went past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// A frame is longer than [`Limits::max_frame_size`](crate::Limits::max_frame_size).
    FrameSize {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A message is longer than [`Limits::max_message_size`](crate::Limits::max_message_size).
    MessageSize {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A message has more fragments than [`Limits::max_fragments`](crate::Limits::max_fragments).
    Fragments {
        /// The limit, in frames.
        limit: u32,
    },
    /// More control frames came within a second than
    /// [`Limits::max_control_frames`](crate::Limits::max_control_frames).
    ControlFrames {
        /// The limit, in frames per second.
        limit: u32,
    },
    /// A message took longer to come than
    /// [`Limits::assembly_timeout`](crate::Limits::assembly_timeout).
    AssemblyTime,
    /// All partial messages together are past
    /// [`AssemblyBudget`](crate::AssemblyBudget): not this peer's fault alone.
    AssemblyBudget,
    /// A compressed message became longer than
    /// [`Limits::max_inflation`](crate::Limits::max_inflation) allows.
    Inflation {
        /// The limit, as a multiple of what came.
        limit: u32,
    },
    /// All decompressors are lent to messages that are under way: not this
    /// peer's fault alone.
    Inflaters,
}

impl LimitError {
    /// The code of the Close frame that answers this.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            LimitError::FrameSize { .. }
            | LimitError::MessageSize { .. }
            | LimitError::Fragments { .. }
            | LimitError::Inflation { .. } => CloseCode::MESSAGE_TOO_BIG,
            LimitError::ControlFrames { .. } | LimitError::AssemblyTime => {
                CloseCode::POLICY_VIOLATION
            }
            LimitError::AssemblyBudget | LimitError::Inflaters => CloseCode::TRY_AGAIN_LATER,
        }
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitError::FrameSize { limit } => write!(f, "a frame is longer than {limit} bytes"),
            LimitError::MessageSize { limit } => {
                write!(f, "a message is longer than {limit} bytes")
            }
            LimitError::Fragments { limit } => {
                write!(f, "a message has more than {limit} fragments")
            }
            LimitError::ControlFrames { limit } => {
                write!(f, "more than {limit} control frames came within a second")
            }
            LimitError::AssemblyTime => f.write_str("a message took too long to arrive"),
            LimitError::AssemblyBudget => {
                f.write_str("the memory for unfinished messages is in use")
            }
            LimitError::Inflation { limit } => {
                write!(f, "a message became {limit} times as long as it came")
            }
            LimitError::Inflaters => f.write_str("all decompressors are in use"),
        }
    }
}

impl core::error::Error for LimitError {}

/// A send that the connection's state does not allow: the caller's doing, never
/// the peer's. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close frame was sent or received, or the connection has ended.
    Closing,
    /// A fragmented message is under way: finish it first.
    InMessage,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Closing => "the connection is closing or closed",
            SendError::InMessage => "a fragmented message is under way; finish it first",
        })
    }
}

impl core::error::Error for SendError {}
