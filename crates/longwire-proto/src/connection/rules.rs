//! What a frame is checked against, and what it comes to: the ground that both
//! ways through the receiving side stand on.

use crate::{
    CloseFrame, Config, Env, Event, Failure, FrameHeader, Instant, LimitError, MessageKind, Opcode,
    ProtocolError, ReceiveMode, Role, Rsv, extension::MessageExtension, frame::Expected,
};
use alloc::borrow::Cow;

/// What the rules depend on besides the bytes.
#[derive(Clone, Copy)]
pub(super) struct Rules<'c> {
    pub(super) now: Instant,
    pub(super) role: Role,
    pub(super) config: &'c Config,
    /// The reserved bits that the extension in use gives a meaning to.
    pub(super) rsv: Rsv,
    /// Of the message under way, or else of the next one.
    pub(super) mode: ReceiveMode,
}

/// What decodes a message that an extension has coded.
pub(super) struct Decoder<'d, 'e> {
    pub(super) extension: Option<&'d mut (dyn MessageExtension + 'static)>,
    pub(super) env: &'d mut Env<'e>,
}

impl Rules<'_> {
    pub(super) fn decode(
        &self,
        bytes: &[u8],
        in_message: bool,
    ) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let expected = Expected {
            role: self.role,
            rsv: self.rsv,
            in_message,
        };
        FrameHeader::decode(bytes, expected)
    }

    /// The limits that a header alone can break. What depends on the frames
    /// before it is checked where a message is assembled.
    pub(super) fn admit(
        &self,
        header: &FrameHeader,
        control: &mut ControlRate,
    ) -> Result<(), Failure> {
        let kind = match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                return Ok(control.count(self.now, self.config.limits.max_control_frames)?);
            }
            Opcode::Continuation => None,
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
        };
        if kind.is_some_and(|kind| !self.config.accepts.includes(kind)) {
            return Err(Failure::UnsupportedKind);
        }
        let limits = &self.config.limits;
        match self.mode {
            ReceiveMode::Stream => Ok(()),
            ReceiveMode::Message if header.payload_len > limits.max_frame_size => {
                let limit = limits.max_frame_size;
                Err(LimitError::FrameSize { limit }.into())
            }
            ReceiveMode::Message if header.payload_len > limits.max_message_size => {
                let limit = limits.max_message_size;
                Err(LimitError::MessageSize { limit }.into())
            }
            ReceiveMode::Message => Ok(()),
        }
    }

    /// Whether the length in a header is allowed to a message of one frame.
    pub(super) const fn is_within_limits(&self, header: &FrameHeader) -> bool {
        let limits = &self.config.limits;
        header.payload_len <= limits.max_frame_size && header.payload_len <= limits.max_message_size
    }
}

/// How many control frames came in the current second.
#[derive(Debug, Default)]
pub(super) struct ControlRate {
    /// In milliseconds: that they wrap, after 49 days, matters to nobody.
    since: u32,
    count: u32,
}

impl ControlRate {
    fn count(&mut self, now: Instant, limit: u32) -> Result<(), LimitError> {
        let now = (now.as_micros() / 1000) as u32;
        if now.wrapping_sub(self.since) >= 1000 {
            *self = ControlRate {
                since: now,
                count: 0,
            };
        }
        self.count = self.count.saturating_add(1);
        if self.count > limit {
            return Err(LimitError::ControlFrames { limit });
        }
        Ok(())
    }
}

/// What a frame came to: something for the user, or the peer's Close frame.
#[derive(Debug)]
pub(super) enum Received<'a> {
    Event(Event<'a>),
    Close(CloseFrame),
}

impl Received<'_> {
    /// What a complete control frame says.
    pub(super) fn of_control(
        opcode: Opcode,
        payload: Cow<'_, [u8]>,
    ) -> Result<Received<'_>, Failure> {
        Ok(match opcode {
            Opcode::Ping => Received::Event(Event::Ping(payload)),
            Opcode::Pong => Received::Event(Event::Pong(payload)),
            _ => Received::Close(CloseFrame::decode(&payload)?),
        })
    }
}
