//! What comes back: headers are parsed, payloads are counted.

use longwire_proto::{FrameHeader, Opcode, ProtocolError, Role, Rsv, frame::Expected};

/// Counts the messages in a stream of frames.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// A data message's first fragment was seen and its last one was not.
    in_message: bool,
    /// The reserved bits that were agreed on.
    rsv: Rsv,
    /// A message, while it is wanted.
    sample: Option<Sample>,
    /// Messages of one byte are heartbeats.
    heartbeats: bool,
}

#[derive(Debug)]
enum State {
    /// At a frame's header, of which these bytes came.
    Header { held: Vec<u8> },
    /// In a frame, with so much of its payload to come.
    Payload {
        header: FrameHeader,
        left: u64,
        /// The payload of a control frame.
        control: Vec<u8>,
    },
}

impl Default for State {
    fn default() -> State {
        State::Header { held: Vec::new() }
    }
}

/// What was in a piece of input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How many messages ended in it.
    pub(crate) messages: u64,
    /// The payload of the last Ping.
    pub(crate) ping: Option<Vec<u8>>,
    /// A heartbeat among the messages.
    pub(crate) heartbeat: bool,
    /// A Close frame, with its code if it has one.
    pub(crate) close: Option<Option<u16>>,
    /// The message that was wanted, if it ended in it.
    pub(crate) sample: Option<Sample>,
}

/// A message as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) payload: Vec<u8>,
    /// The "Per-Message Compressed" bit of its first frame (RFC 7692, 6).
    pub(crate) compressed: bool,
}

impl Default for Scanner {
    fn default() -> Scanner {
        Scanner {
            state: State::default(),
            in_message: false,
            rsv: Rsv::NONE,
            sample: None,
            heartbeats: false,
        }
    }
}

impl Scanner {
    /// A scanner of messages among which those of one byte are heartbeats.
    pub(crate) fn with_heartbeats() -> Scanner {
        Scanner {
            heartbeats: true,
            ..Scanner::default()
        }
    }

    /// A scanner of messages that may be compressed.
    pub(crate) fn with_deflate() -> Scanner {
        Scanner {
            rsv: Rsv::RSV1,
            ..Scanner::default()
        }
    }

    /// Has the next message given.
    pub(crate) fn sample_next(&mut self) {
        self.sample = Some(Sample::default());
    }

    /// Whether a frame's header comes next.
    pub(crate) fn is_at_header(&self) -> bool {
        matches!(self.state, State::Header { .. })
    }

    /// Of how many bytes that come next nothing is wanted but their number.
    pub(crate) fn unwanted(&self) -> u64 {
        match &self.state {
            State::Payload { header, left, .. }
                if !header.opcode.is_control() && self.sample.is_none() =>
            {
                *left
            }
            _ => 0,
        }
    }

    /// Takes note of as many [`unwanted`](Scanner::unwanted) bytes, or fewer.
    pub(crate) fn skip(&mut self, bytes: u64) -> Seen {
        let mut seen = Seen::default();
        if let State::Payload { left, .. } = &mut self.state {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.end_frame(&mut seen);
            }
        }
        seen
    }

    /// Looks at what came next.
    ///
    /// # Errors
    /// The server broke a rule that shows in a frame's header.
    pub(crate) fn scan(&mut self, mut input: &[u8]) -> Result<Seen, ProtocolError> {
        let mut seen = Seen::default();
        while !input.is_empty() {
            match &mut self.state {
                State::Header { held } => {
                    let expected = Expected {
                        role: Role::Client,
                        rsv: self.rsv,
                        in_message: self.in_message,
                    };
                    let Some((header, rest)) = take_header(held, input, expected)? else {
                        break;
                    };
                    input = rest;
                    self.state = State::Payload {
                        left: header.payload_len,
                        header,
                        control: Vec::new(),
                    };
                    if header.payload_len == 0 {
                        self.end_frame(&mut seen);
                    }
                }
                State::Payload {
                    header,
                    left,
                    control,
                } => {
                    let len =
                        usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                    let (payload, rest) = input.split_at(len);
                    input = rest;
                    *left -= len as u64;
                    if header.opcode.is_control() {
                        control.extend_from_slice(payload);
                    } else if let Some(sample) = &mut self.sample {
                        sample.payload.extend_from_slice(payload);
                        sample.compressed |= header.rsv == Rsv::RSV1;
                    }
                    if *left == 0 {
                        self.end_frame(&mut seen);
                    }
                }
            }
        }
        Ok(seen)
    }

    fn end_frame(&mut self, seen: &mut Seen) {
        let State::Payload {
            header, control, ..
        } = std::mem::take(&mut self.state)
        else {
            return;
        };
        match header.opcode {
            Opcode::Ping => seen.ping = Some(control),
            Opcode::Pong => {}
            Opcode::Close => {
                let code = control.first_chunk().map(|code| u16::from_be_bytes(*code));
                seen.close = Some(code);
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let whole = header.fin && !self.in_message;
                self.in_message = !header.fin;
                if self.heartbeats && whole && header.payload_len == 1 {
                    seen.heartbeat = true;
                    if let Some(sample) = &mut self.sample {
                        sample.payload.clear();
                    }
                } else if header.fin {
                    seen.messages += 1;
                    if let Some(sample) = self.sample.take() {
                        seen.sample = Some(sample);
                    }
                }
            }
        }
    }
}

/// Takes a header off the front of `input`, or what there is of it. `held` is
/// what came of it before.
fn take_header<'a>(
    held: &mut Vec<u8>,
    input: &'a [u8],
    expected: Expected,
) -> Result<Option<(FrameHeader, &'a [u8])>, ProtocolError> {
    if held.is_empty() {
        return Ok(match FrameHeader::decode(input, expected)? {
            Some((header, len)) => Some((header, &input[len..])),
            None => {
                held.extend_from_slice(input);
                None
            }
        });
    }
    let before = held.len();
    let more = input.len().min(FrameHeader::MAX_LEN - before);
    held.extend_from_slice(&input[..more]);
    Ok(FrameHeader::decode(held, expected)?.map(|(header, len)| (header, &input[len - before..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text message in two frames with a Ping between, an empty binary one,
    /// one of 300 bytes, and a Close.
    fn stream() -> Vec<u8> {
        let mut bytes = b"\x01\x02he\x89\x01!\x80\x03llo\x82\x00".to_vec();
        bytes.extend_from_slice(&[0x82, 126, 1, 44]);
        bytes.extend_from_slice(&[b'x'; 300]);
        bytes.extend_from_slice(b"\x88\x02\x03\xe9");
        bytes
    }

    #[test]
    fn any_chunking_counts_the_same() {
        for chunk in 1..=20 {
            let mut scanner = Scanner::default();
            scanner.sample_next();
            let mut all = Seen::default();
            for piece in stream().chunks(chunk) {
                let seen = scanner.scan(piece).unwrap();
                all.messages += seen.messages;
                all.ping = seen.ping.or(all.ping);
                all.close = seen.close.or(all.close);
                all.sample = seen.sample.or(all.sample);
            }
            let expected = Seen {
                messages: 3,
                ping: Some(b"!".to_vec()),
                heartbeat: false,
                close: Some(Some(1001)),
                sample: Some(plain(b"hello")),
            };
            assert_eq!(all, expected, "in pieces of {chunk}");
        }
    }

    #[test]
    fn what_is_skipped_counts_as_what_is_read() {
        let mut scanner = Scanner::default();
        let header = [0x82, 126, 1, 44];
        assert_eq!(scanner.scan(&header).unwrap().messages, 0);
        assert_eq!(scanner.unwanted(), 300);
        assert_eq!(scanner.skip(299).messages, 0);
        assert_eq!(scanner.skip(1).messages, 1);
        assert_eq!(scanner.unwanted(), 0);

        scanner.sample_next();
        scanner.scan(&header).unwrap();
        assert_eq!(scanner.unwanted(), 0, "it is wanted");
    }

    #[test]
    fn a_heartbeat_is_no_message() {
        let mut scanner = Scanner::with_heartbeats();
        scanner.sample_next();
        let seen = scanner.scan(b"\x81\x012\x81\x0242").unwrap();
        assert_eq!((seen.heartbeat, seen.messages), (true, 1));
        assert_eq!(seen.sample, Some(plain(b"42")));
        assert_eq!(Scanner::default().scan(b"\x81\x012").unwrap().messages, 1);
    }

    fn plain(payload: &[u8]) -> Sample {
        Sample {
            payload: payload.to_vec(),
            compressed: false,
        }
    }

    #[test]
    fn only_what_was_agreed_on_may_be_compressed() {
        let message = b"\xC1\x03abc";
        let mut scanner = Scanner::with_deflate();
        scanner.sample_next();
        let sample = scanner.scan(message).unwrap().sample.unwrap();
        assert!(sample.compressed);
        assert_eq!(sample.payload, b"abc");
        assert!(Scanner::default().scan(message).is_err());
    }

    #[test]
    fn a_masked_answer_is_an_error() {
        let error = Scanner::default().scan(b"\x82\x81\0\0\0\0x").unwrap_err();
        assert_eq!(error, ProtocolError::MaskedFrame);
    }
}
