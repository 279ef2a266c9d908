//! Tells heads and frames apart in the bytes of one direction.

use super::{Direction, Frame, PREVIEW, Seen, tap::Pings};
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
    /// The message that is not finished: its kind, and whether it is compressed.
    message: Option<(MessageKind, bool)>,
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
                    payload.take(&mut bytes);
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
        match header.opcode {
            Opcode::Text => self.message = Some((MessageKind::Text, compressed)),
            Opcode::Binary => self.message = Some((MessageKind::Binary, compressed)),
            _ => {}
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

    /// Tells of the frame as soon as enough of it is there, and goes on to the
    /// next one at its end.
    fn advance(&mut self, pings: &mut Pings, tell: &mut impl FnMut(Seen)) {
        let State::Payload(payload) = &mut self.state else {
            return;
        };
        if payload.has_preview() && !payload.shown {
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
                kind: message.map(|(kind, _)| kind),
                compressed: message.is_some_and(|(_, compressed)| compressed),
                round_trip,
            }));
        }
        if payload.passed == payload.header.payload_len {
            if payload.header.fin && !payload.header.opcode.is_control() {
                self.message = None;
            }
            self.state = State::Header(Vec::with_capacity(FrameHeader::MAX_LEN));
        }
    }
}

impl Payload {
    /// Takes what belongs to this frame.
    fn take(&mut self, bytes: &mut &[u8]) {
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
