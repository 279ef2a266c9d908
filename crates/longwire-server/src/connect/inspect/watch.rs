//! Tells heads and frames apart in the bytes of one direction.

use super::{Coding, Direction, Frame, PREVIEW, Seen, plain::Decompression, tap::Pings};
use jiff::Timestamp;
use longwire::proto::{
    FrameHeader, MessageKind, Opcode, ProtocolError, Rsv,
    frame::{Expected, mask},
};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// The longest head that is looked at. Longer ones the library refuses.
const MAX_HEAD: usize = 64 * 1024;

/// One direction of a connection.
pub(super) struct Watch {
    direction: Direction,
    state: State,
    message: Option<Message>,
    /// There from the first compressed message on.
    decompression: Option<Box<Decompression>>,
}

/// The message that is not finished.
#[derive(Clone, Copy)]
struct Message {
    kind: MessageKind,
    compressed: bool,
}

enum State {
    /// In the head of a request or response.
    Head(Vec<u8>),
    /// In the header of a frame.
    Header(Vec<u8>),
    /// In the payload of a frame.
    Payload(Payload),
    /// In something that is no WebSocket frame.
    Lost,
}

struct Payload {
    header: FrameHeader,
    start: Vec<u8>,
    passed: u64,
    shown: bool,
    arrived: Instant,
}

impl Watch {
    pub(super) fn new(direction: Direction) -> Watch {
        Watch {
            direction,
            state: State::Head(Vec::new()),
            message: None,
            decompression: None,
        }
    }

    /// Takes the next bytes, and tells what is complete with them.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        pings: &mut Pings,
        seen: &UnboundedSender<Seen>,
    ) {
        // That nobody listens any more is no concern of the stream's.
        let mut tell = |what| drop(seen.send(what));
        while !bytes.is_empty() {
            match &mut self.state {
                State::Lost => return,
                State::Head(head) => {
                    if let Some(next) = take_head(head, &mut bytes, self.direction, &mut tell) {
                        self.state = next;
                    }
                }
                State::Header(start) => {
                    start.push(bytes[0]);
                    bytes = &bytes[1..];
                    let expected = Expected {
                        role: self.direction.receiver(),
                        rsv: Rsv::RSV1.union(Rsv::RSV2).union(Rsv::RSV3),
                        in_message: self.message.is_some(),
                    };
                    match FrameHeader::decode(start, expected) {
                        Ok(None) => {}
                        Ok(Some((header, _))) => self.begin(header, pings, &mut tell),
                        Err(error) => self.lose(error, &mut tell),
                    }
                }
                State::Payload(payload) => {
                    let at = payload.passed;
                    let passing = payload.take(&mut bytes);
                    let header = payload.header;
                    if self.is_compressed(&header) {
                        self.decompress(&header, at, passing);
                    }
                    self.advance(pings, &mut tell);
                }
            }
        }
    }

    fn lose(&mut self, error: ProtocolError, tell: &mut impl FnMut(Seen)) {
        self.state = State::Lost;
        tell(Seen::Broken(self.direction, error));
    }

    fn begin(&mut self, header: FrameHeader, pings: &mut Pings, tell: &mut impl FnMut(Seen)) {
        let compressed = Rsv::RSV1.is_within(header.rsv);
        let kind = match header.opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            _ => None,
        };
        if let Some(kind) = kind {
            self.message = Some(Message { kind, compressed });
            if compressed {
                let new = || Box::new(Decompression::new());
                self.decompression.get_or_insert_with(new).begin();
            }
        }
        self.state = State::Payload(Payload {
            header,
            start: Vec::new(),
            passed: 0,
            shown: false,
            arrived: Instant::now(),
        });
        self.advance(pings, tell);
    }

    /// Whether the frame is a part of a compressed message.
    fn is_compressed(&self, header: &FrameHeader) -> bool {
        !header.opcode.is_control() && self.message.is_some_and(|message| message.compressed)
    }

    /// Decompresses the part of a frame's payload that begins at `at`.
    fn decompress(&mut self, header: &FrameHeader, mut at: u64, payload: &[u8]) {
        let Some(decompression) = &mut self.decompression else {
            return;
        };
        let Some(key) = header.mask else {
            return decompression.push(payload);
        };
        let mut unmasked = [0; 4096];
        for chunk in payload.chunks(unmasked.len()) {
            let unmasked = &mut unmasked[..chunk.len()];
            unmasked.copy_from_slice(chunk);
            mask(key, at, unmasked);
            decompression.push(unmasked);
            at += chunk.len() as u64;
        }
    }

    /// What can be said of the coding at this point of a frame; `None` while it
    /// takes the rest of the frame to say it.
    fn coding(&mut self, header: &FrameHeader, ended: bool) -> Option<Coding> {
        if !self.is_compressed(header) {
            return Some(Coding::None);
        }
        match &mut self.decompression {
            Some(decompression) if decompression.is_possible() => match (header.fin, ended) {
                (false, _) => Some(Coding::Compressed),
                (true, false) => None,
                (true, true) => Some(
                    decompression
                        .end()
                        .map_or(Coding::Unknown, Coding::CompressedFrom),
                ),
            },
            _ => Some(Coding::Unknown),
        }
    }

    /// Tells of the frame as soon as enough of it is there, and goes on to the
    /// next one at its end.
    fn advance(&mut self, pings: &mut Pings, tell: &mut impl FnMut(Seen)) {
        let State::Payload(payload) = &self.state else {
            return;
        };
        let header = payload.header;
        let ended = payload.passed == header.payload_len;
        if !payload.shown
            && payload.has_preview()
            && let Some(coding) = self.coding(&header, ended)
        {
            self.show(coding, pings, tell);
        }
        if ended {
            if header.fin && !header.opcode.is_control() {
                self.message = None;
            }
            self.state = State::Header(Vec::with_capacity(FrameHeader::MAX_LEN));
        }
    }

    fn show(&mut self, coding: Coding, pings: &mut Pings, tell: &mut impl FnMut(Seen)) {
        let State::Payload(payload) = &mut self.state else {
            return;
        };
        payload.shown = true;
        let header = payload.header;
        let start = std::mem::take(&mut payload.start);
        let round_trip = match (self.direction, header.opcode) {
            (Direction::Sent, Opcode::Ping) => {
                pings.sent(&start);
                None
            }
            (Direction::Received, Opcode::Pong) => pings
                .answered(&start)
                .map(|sent| payload.arrived.saturating_duration_since(sent)),
            _ => None,
        };
        let message = self.message.filter(|_| !header.opcode.is_control());
        tell(Seen::Frame(Frame {
            at: Timestamp::now(),
            direction: self.direction,
            header,
            start,
            kind: message.map(|message| message.kind),
            coding,
            round_trip,
        }));
    }
}

impl Payload {
    /// Takes what belongs to this frame, and gives it.
    fn take<'b>(&mut self, bytes: &mut &'b [u8]) -> &'b [u8] {
        let left = usize::try_from(self.header.payload_len - self.passed).unwrap_or(usize::MAX);
        let (payload, rest) = bytes.split_at(bytes.len().min(left));
        *bytes = rest;
        if !self.shown {
            let old = self.start.len();
            self.start
                .extend_from_slice(&payload[..payload.len().min(PREVIEW - old)]);
            if let Some(key) = self.header.mask {
                mask(key, old as u64, &mut self.start[old..]);
            }
        }
        self.passed += payload.len() as u64;
        payload
    }

    fn has_preview(&self) -> bool {
        self.passed == self.header.payload_len || self.start.len() == PREVIEW
    }
}

/// Takes bytes up to the end of the head, and says what comes then.
fn take_head(
    head: &mut Vec<u8>,
    bytes: &mut &[u8],
    direction: Direction,
    tell: &mut impl FnMut(Seen),
) -> Option<State> {
    const END: &[u8] = b"\r\n\r\n";
    // The end may have begun in what came before.
    let searched = head.len().saturating_sub(END.len() - 1);
    let before = head.len();
    head.extend_from_slice(bytes);
    let Some(at) = head[searched..]
        .windows(END.len())
        .position(|window| window == END)
    else {
        *bytes = &[];
        return (head.len() > MAX_HEAD).then_some(State::Lost);
    };
    let end = searched + at + END.len();
    *bytes = &bytes[end - before..];
    head.truncate(end);
    let next = match (direction, status(head)) {
        (Direction::Sent, _) | (_, Some(101)) => State::Header(Vec::new()),
        // RFC 9110 section 15.2: another response follows.
        (_, Some(100..=199)) => State::Head(Vec::new()),
        _ => State::Lost,
    };
    tell(Seen::Head(direction, std::mem::take(head)));
    Some(next)
}

/// The status of a response.
fn status(head: &[u8]) -> Option<u16> {
    let status = head.split(|&byte| byte == b' ').nth(1)?;
    std::str::from_utf8(status.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
