//! A frame or message of which not all has come.

mod coded;

use super::rules::{ControlRate, Decoder, Received, Rules};
use crate::{
    Chunk, Event, Failure, FrameHeader, Input, Instant, LimitError, MessageKind, Opcode,
    ProtocolError, ReceiveMode, Rsv,
    config::AssemblyShare,
    frame::mask,
    utf8::{self, Utf8Validator},
};
use alloc::{borrow::Cow, vec::Vec};
use bytes::{BufMut, buf::Limit};

#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The header bytes that have come, until the header is whole.
    header: [u8; FrameHeader::MAX_LEN],
    header_len: u8,
    frame: Option<FrameProgress>,
    message: Option<MessageProgress>,
    /// The payload of the control frame under way, which may stand between the
    /// fragments of a message.
    control: Vec<u8>,
}

/// The frame under way.
#[derive(Debug)]
struct FrameProgress {
    header: FrameHeader,
    /// How much of the payload has been worked on.
    done: u64,
    /// How many bytes of the input after that are unmasked already, while a
    /// coded message gives more than was wanted of it.
    ahead: usize,
}

/// The message under way.
#[derive(Debug)]
struct MessageProgress {
    kind: MessageKind,
    mode: ReceiveMode,
    /// An extension has coded it.
    coded: bool,
    /// The limit on its length.
    max_len: usize,
    /// The payload of all its frames so far, the one under way included.
    announced: u64,
    fragments: u32,
    validator: Utf8Validator,
    deadline: Instant,
    /// A chunk was given out.
    begun: bool,
    /// What was assembled. The driver may have read past `checked`.
    buffer: Vec<u8>,
    /// How much of `buffer` is unmasked and validated.
    checked: usize,
    share: AssemblyShare,
}

/// What a step through the input came to.
enum Step<'a> {
    /// The input is used up.
    Starved,
    /// Something ended that is of no interest to the user.
    Again,
    Got(Received<'a>),
}

/// From how many missing bytes on the driver is lent the message's own buffer.
const READ_TARGET_FROM: usize = 16 * 1024;

impl Partial {
    pub(super) fn next<'a>(
        &mut self,
        rules: Rules<'_>,
        control: &mut ControlRate,
        decoder: &mut Decoder<'_, '_>,
        input: &mut Input<'a>,
    ) -> Result<Option<Received<'a>>, Failure> {
        if let Some(chunk) = self
            .message
            .as_mut()
            .and_then(MessageProgress::assembled_chunk)
        {
            return Ok(Some(Received::Event(Event::Chunk(chunk))));
        }
        loop {
            let step = match &mut self.frame {
                None => self.read_header(rules, control, decoder, input)?,
                Some(frame) if frame.header.opcode.is_control() => self.read_control(input)?,
                Some(_) if self.message.as_ref().is_some_and(|message| message.coded) => {
                    self.read_coded(rules, decoder, input)?
                }
                Some(_) => self.read_data(input)?,
            };
            match step {
                Step::Starved => return Ok(None),
                Step::Again => {}
                Step::Got(received) => return Ok(Some(received)),
            }
        }
    }

    /// Nothing is under way any more.
    pub(super) const fn is_done(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    pub(super) fn has_unread(&self) -> bool {
        let message = self.message.as_ref();
        message.is_some_and(|message| message.buffer.len() > message.checked)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let message = self.message.as_ref()?;
        (message.mode == ReceiveMode::Message).then_some(message.deadline)
    }

    /// How the message under way is received.
    pub(super) fn mode(&self) -> Option<ReceiveMode> {
        self.message.as_ref().map(|message| message.mode)
    }

    pub(super) fn stream_from_here(&mut self) {
        if let Some(message) = &mut self.message {
            message.mode = ReceiveMode::Stream;
        }
    }

    fn read_header<'a>(
        &mut self,
        rules: Rules<'_>,
        control: &mut ControlRate,
        decoder: &mut Decoder<'_, '_>,
        input: &mut Input<'a>,
    ) -> Result<Step<'a>, Failure> {
        let had = usize::from(self.header_len);
        let more = input.len().min(FrameHeader::MAX_LEN - had);
        self.header[had..had + more].copy_from_slice(&input.as_slice()[..more]);
        let bytes = &self.header[..had + more];
        let Some((header, len)) = rules.decode(bytes, self.message.is_some())? else {
            input.take(more);
            self.header_len += more as u8;
            return Ok(Step::Starved);
        };
        input.take(len - had);
        self.header_len = 0;
        let message = self.message.as_ref();
        let rules = Rules {
            mode: message.map_or(rules.mode, |message| message.mode),
            ..rules
        };
        rules.admit(&header, control)?;
        if !header.opcode.is_control() {
            self.begin_fragment(rules, &header)?;
        }
        if header.rsv != Rsv::NONE {
            decoder.begin(rules)?;
        }
        self.frame = Some(FrameProgress {
            header,
            done: 0,
            ahead: 0,
        });
        Ok(Step::Again)
    }

    /// Takes a data frame's header into the message, which it may begin.
    fn begin_fragment(&mut self, rules: Rules<'_>, header: &FrameHeader) -> Result<(), Failure> {
        let limits = &rules.config.limits;
        let message = self.message.get_or_insert_with(|| MessageProgress {
            kind: match header.opcode {
                Opcode::Text => MessageKind::Text,
                _ => MessageKind::Binary,
            },
            mode: rules.mode,
            coded: header.rsv != Rsv::NONE,
            max_len: usize::try_from(limits.max_message_size).unwrap_or(usize::MAX),
            announced: 0,
            fragments: 0,
            validator: Utf8Validator::new(),
            deadline: rules.now + limits.assembly_timeout,
            begun: false,
            buffer: Vec::new(),
            checked: 0,
            share: AssemblyShare::new(&rules.config.assembly_budget),
        });
        message.fragments = message.fragments.saturating_add(1);
        message.announced = message.announced.saturating_add(header.payload_len);
        if message.mode == ReceiveMode::Stream {
            return Ok(());
        }
        if message.announced > limits.max_message_size {
            let limit = limits.max_message_size;
            return Err(LimitError::MessageSize { limit }.into());
        }
        if message.fragments > limits.max_fragments {
            let limit = limits.max_fragments;
            return Err(LimitError::Fragments { limit }.into());
        }
        Ok(())
    }

    fn read_control<'a>(&mut self, input: &mut Input<'a>) -> Result<Step<'a>, Failure> {
        let Some(frame) = &mut self.frame else {
            return Ok(Step::Again);
        };
        let piece = frame.take(input);
        let payload = if frame.is_done() && self.control.is_empty() {
            Cow::Borrowed(&*piece)
        } else {
            self.control.extend_from_slice(piece);
            if !frame.is_done() {
                return Ok(Step::Starved);
            }
            Cow::Owned(core::mem::take(&mut self.control))
        };
        let opcode = frame.header.opcode;
        self.frame = None;
        Received::of_control(opcode, payload).map(Step::Got)
    }

    fn read_data<'a>(&mut self, input: &mut Input<'a>) -> Result<Step<'a>, Failure> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(Step::Again);
        };
        let mut chunk = Cow::Borrowed(&[][..]);
        if message.mode == ReceiveMode::Message {
            message.assemble(frame, input)?;
        } else if message.buffer.is_empty() {
            let piece = frame.take(input);
            message.validate(piece)?;
            chunk = Cow::Borrowed(piece);
        } else {
            // Switched to streaming after the driver read to the buffer.
            message.assemble(frame, &mut Input::empty())?;
            chunk = Cow::Owned(message.take_buffer());
        }
        let (frame_done, fin) = (frame.is_done(), frame.header.fin);
        if frame_done {
            self.frame = None;
        }
        let last = frame_done && fin;
        if last && !message.validator.is_complete() {
            return Err(ProtocolError::InvalidUtf8.into());
        }
        let event = match message.mode {
            ReceiveMode::Stream if last || !chunk.is_empty() => {
                Event::Chunk(message.chunk(chunk, last))
            }
            ReceiveMode::Message if last => message.whole()?,
            _ if frame_done => return Ok(Step::Again),
            _ => return Ok(Step::Starved),
        };
        if last {
            self.message = None;
        }
        Ok(Step::Got(Received::Event(event)))
    }

    pub(super) fn read_target(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let (frame, message) = (self.frame.as_ref()?, self.message.as_mut()?);
        if frame.header.opcode.is_control() || message.mode == ReceiveMode::Stream || message.coded
        {
            return None;
        }
        let unread = message.buffer.len() - message.checked;
        let missing = usize::try_from(frame.missing()).ok()? - unread;
        if missing < READ_TARGET_FROM {
            return None;
        }
        // As much again as has come, so that memory follows what is received
        // and not what is announced.
        let lent = missing.min(message.buffer.len().max(READ_TARGET_FROM));
        let end = message.end(frame);
        message.reserve(lent, end).ok()?;
        Some((&mut message.buffer).limit(lent))
    }
}

impl FrameProgress {
    fn missing(&self) -> u64 {
        self.header.payload_len - self.done
    }

    fn is_done(&self) -> bool {
        self.missing() == 0
    }

    /// Takes what the input has of this frame's payload, and unmasks it.
    fn take<'a>(&mut self, input: &mut Input<'a>) -> &'a mut [u8] {
        let missing = usize::try_from(self.missing()).unwrap_or(usize::MAX);
        let piece = input.take(missing);
        self.unmask(piece);
        piece
    }

    /// Unmasks the next piece of the payload.
    fn unmask(&mut self, piece: &mut [u8]) {
        if let Some(key) = self.header.mask {
            mask(key, self.done, piece);
        }
        self.done += piece.len() as u64;
    }
}

impl MessageProgress {
    /// Appends what there is of the frame to the buffer, and works on all that
    /// is new there, whoever put it there.
    fn assemble(
        &mut self,
        frame: &mut FrameProgress,
        input: &mut Input<'_>,
    ) -> Result<(), Failure> {
        let unread = (self.buffer.len() - self.checked) as u64;
        let missing = usize::try_from(frame.missing() - unread).unwrap_or(usize::MAX);
        let piece = input.take(missing);
        self.reserve(piece.len(), self.end(frame))?;
        self.buffer.extend_from_slice(piece);
        let new = &mut self.buffer[self.checked..];
        frame.unmask(new);
        if self.kind == MessageKind::Text {
            self.validator
                .push(new)
                .map_err(|_| ProtocolError::InvalidUtf8)?;
        }
        self.checked = self.buffer.len();
        Ok(())
    }

    fn validate(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if self.kind == MessageKind::Text {
            self.validator
                .push(piece)
                .map_err(|_| ProtocolError::InvalidUtf8)?;
        }
        Ok(())
    }

    /// Past which length the buffer will not grow, as far as is known.
    fn end(&self, frame: &FrameProgress) -> usize {
        if frame.header.fin {
            let missing = usize::try_from(frame.missing()).unwrap_or(usize::MAX);
            self.checked.saturating_add(missing)
        } else {
            self.max_len
        }
    }

    /// Makes room for `len` more bytes: doubling, so that the many fragments of
    /// a message are not moved each time, but not past `end`; and up to `end` once
    /// half has come.
    fn reserve(&mut self, len: usize, end: usize) -> Result<(), LimitError> {
        let needed = self.buffer.len() + len;
        if needed <= self.buffer.capacity() {
            return Ok(());
        }
        let doubled = self.buffer.capacity().saturating_mul(2).min(end);
        let ahead = if end / 2 <= needed { end } else { doubled };
        // What the budget lacks of the ample room may be enough for what is here.
        let granted = [needed.max(ahead), needed]
            .into_iter()
            .find(|&capacity| self.share.grow_to(capacity));
        let capacity = granted.ok_or(LimitError::AssemblyBudget)?;
        self.buffer.reserve_exact(capacity - self.buffer.len());
        Ok(())
    }

    /// What was assembled before the message was switched to streaming.
    fn assembled_chunk(&mut self) -> Option<Chunk<'static>> {
        let whole = self.checked == self.buffer.len();
        if self.mode == ReceiveMode::Message || self.buffer.is_empty() || !whole {
            return None;
        }
        let assembled = self.take_buffer();
        Some(self.chunk(Cow::Owned(assembled), false))
    }

    fn take_buffer(&mut self) -> Vec<u8> {
        self.checked = 0;
        self.share.give_back();
        core::mem::take(&mut self.buffer)
    }

    fn chunk<'a>(&mut self, payload: Cow<'a, [u8]>, last: bool) -> Chunk<'a> {
        Chunk {
            kind: self.kind,
            payload,
            first: !core::mem::replace(&mut self.begun, true),
            last,
        }
    }

    /// The whole message.
    fn whole<'a>(&mut self) -> Result<Event<'a>, Failure> {
        let payload = self.take_buffer();
        Ok(match self.kind {
            MessageKind::Binary => Event::Binary(Cow::Owned(payload)),
            MessageKind::Text => Event::Text(Cow::Owned(
                utf8::into_string(self.validator, payload)
                    .map_err(|_| ProtocolError::InvalidUtf8)?,
            )),
        })
    }
}
