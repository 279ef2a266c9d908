//! What comes in: frames into messages or chunks.
//!
//! There are two ways through. A whole message in one whole frame, which is
//! what most input is, passes without any state ([`Receive::whole_frame`]).
//! Everything else - a frame cut by the end of the input, a fragmented message,
//! one that an extension has coded - goes through a [`Partial`], which exists
//! only as long as it is needed.

use super::{
    partial::Partial,
    rules::{ControlRate, Decoder, Received, Rules},
};
use crate::{
    Chunk, Event, Failure, Input, Instant, MessageKind, Opcode, ProtocolError, ReceiveMode, Rsv,
    frame::mask,
};
use alloc::{borrow::Cow, boxed::Box, vec::Vec};

/// The receiving side's state.
#[derive(Debug, Default)]
pub(super) struct Receive {
    control: ControlRate,
    partial: Option<Box<Partial>>,
}

impl Receive {
    /// The next thing in the input; `None` when the input is used up.
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
            if let Some(received) = self.whole_frame(rules, input)? {
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

    /// Takes a frame that is whole in the input and is a whole plain message, or
    /// a control frame.
    fn whole_frame<'a>(
        &mut self,
        rules: Rules<'_>,
        input: &mut Input<'a>,
    ) -> Result<Option<Received<'a>>, Failure> {
        let Some((header, header_len)) = rules.decode(input.as_slice(), false)? else {
            return Ok(None);
        };
        let available = input.len() - header_len;
        let len = match usize::try_from(header.payload_len) {
            Ok(len) if header.fin && header.rsv == Rsv::NONE && len <= available => len,
            _ => return Ok(None),
        };
        rules.admit(&header, &mut self.control)?;
        input.take(header_len);
        let payload = input.take(len);
        if let Some(key) = header.mask {
            mask(key, 0, payload);
        }
        let payload: &'a [u8] = payload;
        let received = match header.opcode {
            Opcode::Text => Event::Text(Cow::Borrowed(
                core::str::from_utf8(payload).map_err(|_| ProtocolError::InvalidUtf8)?,
            )),
            Opcode::Binary => Event::Binary(Cow::Borrowed(payload)),
            // The header's rules let no continuation begin a message.
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => {
                return Received::of_control(header.opcode, Cow::Borrowed(payload)).map(Some);
            }
        };
        Ok(Some(Received::Event(match rules.mode {
            ReceiveMode::Message => received,
            ReceiveMode::Stream => as_only_chunk(received),
        })))
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

/// A whole message in streaming mode: one chunk.
fn as_only_chunk(event: Event<'_>) -> Event<'_> {
    let (kind, payload) = match event {
        Event::Text(Cow::Borrowed(text)) => (MessageKind::Text, Cow::Borrowed(text.as_bytes())),
        Event::Text(Cow::Owned(text)) => (MessageKind::Text, Cow::Owned(text.into_bytes())),
        Event::Binary(payload) => (MessageKind::Binary, payload),
        other => return other,
    };
    Event::Chunk(Chunk {
        kind,
        payload,
        first: true,
        last: true,
    })
}
