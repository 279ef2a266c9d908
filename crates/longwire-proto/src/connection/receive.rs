//! What comes in: frames into messages or chunks.
//!
//! There are two ways through. A whole message in one plain frame, which is what
//! most input is, passes without any state ([`Receive::plain_message`]).
//! Everything else - a control frame, one cut by the end of the input, a
//! fragmented message, one that an extension has coded, one that breaks a rule -
//! is judged by its header, and goes through a [`Partial`] unless it is a whole
//! control frame. A `Partial` exists only as long as it is needed.

use super::{
    partial::Partial,
    rules::{ControlRate, Decoder, Received, Rules},
};
use crate::{
    Chunk, Config, Event, Failure, Input, Instant, MessageKind, MessageRef, ProtocolError,
    ReceiveMode, Role,
    frame::{PlainFrame, mask},
};
use alloc::{borrow::Cow, boxed::Box, vec::Vec};

/// The receiving side's state.
#[derive(Debug, Default)]
pub(super) struct Receive {
    control: ControlRate,
    partial: Option<Box<Partial>>,
}

impl Receive {
    /// Takes a message that is whole in the input, as one plain frame. `None` if
    /// what is there is anything else: then [`next`](Self::next) knows.
    #[inline]
    pub(super) fn plain_message<'a>(
        &mut self,
        role: Role,
        config: &Config,
        mode: ReceiveMode,
        input: &mut Input<'a>,
    ) -> Option<Result<MessageRef<'a>, Failure>> {
        if self.partial.is_some() {
            return None;
        }
        let frame = PlainFrame::at_start(input.as_slice(), role)?;
        let len = frame.payload_len as u64;
        let limits = &config.limits;
        let allowed = mode == ReceiveMode::Stream
            || (len <= limits.max_frame_size && len <= limits.max_message_size);
        if !allowed || !config.accepts.includes(frame.kind) {
            return None;
        }
        let payload = input.take_frame(frame.header_len, frame.payload_len);
        if let Some(key) = frame.mask {
            mask(key, 0, payload);
        }
        Some(match frame.kind {
            MessageKind::Binary => Ok(MessageRef::Binary(payload)),
            MessageKind::Text => match core::str::from_utf8(payload) {
                Ok(text) => Ok(MessageRef::Text(text)),
                Err(_) => Err(ProtocolError::InvalidUtf8.into()),
            },
        })
    }

    /// The next thing in the input that is no whole plain message; `None` when the
    /// input is used up.
    pub(super) fn next<'a>(
        &mut self,
        rules: Rules<'_>,
        decoder: &mut Decoder<'_, '_>,
        input: &mut Input<'a>,
    ) -> Result<Option<Received<'a>>, Failure> {
        if self.partial.is_none() {
            if input.is_empty() {
                return Ok(None);
            }
            if let Some(received) = self.control_frame(rules, input)? {
                return Ok(Some(received));
            }
        }
        let partial = self.partial.get_or_insert_default();
        let received = partial.next(rules, &mut self.control, decoder, input)?;
        if partial.is_done() {
            self.partial = None;
        }
        Ok(received)
    }

    /// Takes a control frame that is whole in the input.
    fn control_frame<'a>(
        &mut self,
        rules: Rules<'_>,
        input: &mut Input<'a>,
    ) -> Result<Option<Received<'a>>, Failure> {
        let Some((header, header_len)) = rules.decode(input.as_slice(), false)? else {
            return Ok(None);
        };
        // At most 125 bytes, by the header's rules.
        let len = header.payload_len as usize;
        if !header.opcode.is_control() || len > input.len() - header_len {
            return Ok(None);
        }
        rules.admit(&header, &mut self.control)?;
        let payload = input.take_frame(header_len, len);
        if let Some(key) = header.mask {
            mask(key, 0, payload);
        }
        Received::of_control(header.opcode, Cow::Borrowed(payload)).map(Some)
    }

    /// How many bytes are missing behind `input` until what is at its front can
    /// be taken as a whole frame: the rest of the frame, or at least one more
    /// byte of its header.
    pub(super) fn missing(&self, rules: Rules<'_>, input: &[u8]) -> Option<usize> {
        if self.partial.is_some() || rules.mode == ReceiveMode::Stream || input.is_empty() {
            return None;
        }
        let Some((header, header_len)) = rules.decode(input, false).ok()? else {
            return Some(1);
        };
        if !header.fin || !rules.is_within_limits(&header) {
            return None;
        }
        let len = usize::try_from(header.payload_len).ok()?;
        let missing = header_len.checked_add(len)?.checked_sub(input.len())?;
        (missing > 0).then_some(missing)
    }

    /// The message under way goes over to chunks.
    pub(super) fn stream_from_here(&mut self) {
        if let Some(partial) = &mut self.partial {
            partial.stream_from_here();
        }
    }

    /// How the message under way is received, if one is.
    pub(super) fn mode(&self) -> Option<ReceiveMode> {
        self.partial.as_ref()?.mode()
    }

    /// Where the driver may read the rest of a large payload to.
    pub(super) fn read_target(&mut self) -> Option<bytes::buf::Limit<&mut Vec<u8>>> {
        self.partial.as_mut()?.read_target()
    }

    /// Whether the driver has read to the message's own buffer.
    pub(super) fn has_unread(&self) -> bool {
        self.partial
            .as_ref()
            .is_some_and(|partial| partial.has_unread())
    }

    /// When the message under way must be complete.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.partial.as_ref()?.deadline()
    }

    /// Forgets what was under way.
    pub(super) fn reset(&mut self) {
        self.partial = None;
    }
}

/// What a message that came in one piece is to the user.
#[inline]
pub(super) fn event_of(mode: ReceiveMode, message: MessageRef<'_>) -> Event<'_> {
    match (mode, message) {
        (ReceiveMode::Message, MessageRef::Text(text)) => Event::Text(Cow::Borrowed(text)),
        (ReceiveMode::Message, MessageRef::Binary(bytes)) => Event::Binary(Cow::Borrowed(bytes)),
        (ReceiveMode::Stream, message) => Event::Chunk(Chunk {
            kind: message.kind(),
            payload: Cow::Borrowed(message.as_bytes()),
            first: true,
            last: true,
        }),
    }
}
