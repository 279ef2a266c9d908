//! A message that an extension has coded: how much comes of its bytes is known
//! only when it has come.

use super::{
    super::rules::{Decoder, Received, Rules},
    FrameProgress, MessageProgress, Partial, Step,
};
use crate::{
    Event, Failure, Input, LimitError, MessageKind, ProtocolError, ReceiveMode,
    extension::{Coded, Decoded},
    frame::mask,
};
use alloc::{borrow::Cow, vec};

/// How many bytes are decoded at a time, at least and at most. What a bomb
/// unfolds to is noticed after one step.
const STEP: (usize, usize) = (256, 16 * 1024);

/// What is made of the frame's bytes at hand.
struct Piece {
    len: usize,
    /// The message ends with them.
    ends: bool,
}

impl Partial {
    pub(super) fn read_coded<'a>(
        &mut self,
        rules: Rules<'_>,
        decoder: &mut Decoder<'_, '_>,
        input: &mut Input<'a>,
    ) -> Result<Step<'a>, Failure> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(Step::Again);
        };
        let (event, decoded) = match message.mode {
            ReceiveMode::Message => message.assemble_coded(rules, decoder, frame, input)?,
            ReceiveMode::Stream => message.next_chunk(rules, decoder, frame, input)?,
        };
        let frame_done = frame.is_done() && !decoded.more;
        let last = frame_done && frame.header.fin;
        if frame_done {
            self.frame = None;
        }
        if last {
            self.message = None;
        }
        Ok(match event {
            Some(event) => Step::Got(Received::Event(event)),
            None if frame_done => Step::Again,
            None => Step::Starved,
        })
    }
}

impl FrameProgress {
    /// Unmasks what the input has of this frame's payload, and leaves it there.
    fn unmask_ahead(&mut self, input: &mut Input<'_>) -> Piece {
        let missing = usize::try_from(self.missing()).unwrap_or(usize::MAX);
        let len = missing.min(input.len());
        let (bytes, _) = input.with_room();
        if let Some(key) = self.header.mask {
            mask(
                key,
                self.done + self.ahead as u64,
                &mut bytes[self.ahead..len],
            );
        }
        self.ahead = len;
        Piece {
            len,
            ends: self.header.fin && len == missing,
        }
    }

    /// Takes what was decoded of it.
    fn take_ahead(&mut self, input: &mut Input<'_>, len: usize) {
        input.take(len);
        self.ahead -= len;
        self.done += len as u64;
    }
}

impl MessageProgress {
    /// Decodes all that there is of the frame. A message that is whole in the
    /// input, and fits the driver's room, is lent from there.
    fn assemble_coded<'a>(
        &mut self,
        rules: Rules<'_>,
        decoder: &mut Decoder<'_, '_>,
        frame: &mut FrameProgress,
        input: &mut Input<'a>,
    ) -> Result<(Option<Event<'a>>, Decoded), Failure> {
        let mut piece = frame.unmask_ahead(input);
        if self.buffer.is_empty() && piece.ends && !input.with_room().1.is_empty() {
            let decoded = decoder.decode_to_room(rules, frame, &piece, input)?;
            self.check_len(decoded.written)?;
            if !decoded.more {
                let payload = input.take_room(decoded.written);
                return Ok((Some(whole(self.kind, payload)?), decoded));
            }
            self.append(&input.with_room().1[..decoded.written])?;
            piece.len -= decoded.read;
        }
        loop {
            let decoded = self.decode_to_buffer(rules, decoder, frame, &piece, input)?;
            piece.len -= decoded.read;
            if decoded.more {
                continue;
            }
            if !piece.ends {
                return Ok((None, decoded));
            }
            self.trim();
            return Ok((Some(self.whole()?), decoded));
        }
    }

    /// Decodes the next chunk, of bounded length, whatever it comes from.
    fn next_chunk<'a>(
        &mut self,
        rules: Rules<'_>,
        decoder: &mut Decoder<'_, '_>,
        frame: &mut FrameProgress,
        input: &mut Input<'a>,
    ) -> Result<(Option<Event<'a>>, Decoded), Failure> {
        let piece = frame.unmask_ahead(input);
        let (decoded, payload) = if input.with_room().1.is_empty() {
            let mut chunk = vec![0; STEP.1];
            let (bytes, _) = input.with_room();
            let coded = piece.of(bytes);
            let decoded = decoder.decode(rules, coded, &mut chunk)?;
            frame.take_ahead(input, decoded.read);
            chunk.truncate(decoded.written);
            chunk.shrink_to_fit();
            (decoded, Cow::Owned(chunk))
        } else {
            let decoded = decoder.decode_to_room(rules, frame, &piece, input)?;
            let chunk: &'a [u8] = input.take_room(decoded.written);
            (decoded, Cow::Borrowed(chunk))
        };
        self.validate(&payload)?;
        let last = piece.ends && !decoded.more;
        if last && !self.validator.is_complete() {
            return Err(ProtocolError::InvalidUtf8.into());
        }
        let chunk = (last || !payload.is_empty()).then(|| Event::Chunk(self.chunk(payload, last)));
        Ok((chunk, decoded))
    }

    fn decode_to_buffer(
        &mut self,
        rules: Rules<'_>,
        decoder: &mut Decoder<'_, '_>,
        frame: &mut FrameProgress,
        piece: &Piece,
        input: &mut Input<'_>,
    ) -> Result<Decoded, Failure> {
        let start = self.buffer.len();
        // One more than may come, so that too much is noticed.
        let allowed = (self.max_len - start).saturating_add(1);
        let step = piece.len.saturating_mul(4).clamp(STEP.0, STEP.1);
        let step = step.min(allowed);
        self.reserve(step, self.max_len)?;
        self.buffer.resize(start + step, 0);
        let (bytes, _) = input.with_room();
        let decoded = decoder.decode(rules, piece.of(bytes), &mut self.buffer[start..])?;
        frame.take_ahead(input, decoded.read);
        self.buffer.truncate(start + decoded.written);
        self.check_len(self.buffer.len())?;
        self.checked = self.buffer.len();
        if self.kind == MessageKind::Text {
            self.validator
                .push(&self.buffer[start..])
                .map_err(|_| ProtocolError::InvalidUtf8)?;
        }
        Ok(decoded)
    }

    /// Appends decoded bytes.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.reserve(bytes.len(), self.max_len)?;
        self.buffer.extend_from_slice(bytes);
        self.checked = self.buffer.len();
        self.validate(bytes)
    }

    fn check_len(&self, len: usize) -> Result<(), LimitError> {
        if len > self.max_len {
            let limit = self.max_len as u64;
            return Err(LimitError::MessageSize { limit });
        }
        Ok(())
    }

    /// Gives back what was reserved and not needed, before the message is handed
    /// over with its buffer.
    fn trim(&mut self) {
        if self.buffer.capacity() / 2 > self.buffer.len() {
            self.buffer.shrink_to_fit();
        }
    }
}

impl Piece {
    fn of<'b>(&self, bytes: &'b [u8]) -> Coded<'b> {
        Coded {
            bytes: &bytes[..self.len],
            ends: self.ends,
        }
    }
}

impl Decoder<'_, '_> {
    pub(in super::super) fn begin(&mut self, rules: Rules<'_>) -> Result<(), Failure> {
        match &mut self.extension {
            Some(extension) => extension.begin_decoding(self.env, rules.config),
            // The header's rules let no reserved bit pass without an extension.
            None => Err(ProtocolError::ReservedBits.into()),
        }
    }

    fn decode(
        &mut self,
        rules: Rules<'_>,
        input: Coded<'_>,
        output: &mut [u8],
    ) -> Result<Decoded, Failure> {
        match &mut self.extension {
            Some(extension) => extension.decode(self.env, rules.config, input, output),
            None => Err(ProtocolError::ReservedBits.into()),
        }
    }

    /// Decodes to the front of the driver's room.
    fn decode_to_room(
        &mut self,
        rules: Rules<'_>,
        frame: &mut FrameProgress,
        piece: &Piece,
        input: &mut Input<'_>,
    ) -> Result<Decoded, Failure> {
        let (bytes, room) = input.with_room();
        let decoded = self.decode(rules, piece.of(bytes), room)?;
        frame.take_ahead(input, decoded.read);
        Ok(decoded)
    }
}

/// A whole message in the driver's room.
fn whole(kind: MessageKind, payload: &[u8]) -> Result<Event<'_>, Failure> {
    Ok(match kind {
        MessageKind::Binary => Event::Binary(Cow::Borrowed(payload)),
        MessageKind::Text => Event::Text(Cow::Borrowed(
            core::str::from_utf8(payload).map_err(|_| ProtocolError::InvalidUtf8)?,
        )),
    })
}
