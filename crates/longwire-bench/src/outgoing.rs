//! What is sent, made once.

use crate::{Target, deflate, target::Protocol};
use longwire_proto::{FrameHeader, Opcode, Rsv, frame::mask};

/// Up to how many bytes of frames stand one behind the other, so that one write
/// sends many.
const RUN_BYTES: usize = 64 * 1024;

/// A message, and a run of copies of its frame.
///
/// All frames have the same masking key. A key has to be fresh and unguessable
/// (RFC 6455, section 10.3) where somebody else chooses the payload and a proxy
/// may take it for something else; this payload is nobody's.
#[derive(Debug)]
pub(crate) struct Outgoing {
    payload: Vec<u8>,
    run: Vec<u8>,
    frame_len: usize,
    echoed: bool,
    compressed: bool,
}

impl Outgoing {
    /// A message of `size` bytes, text or binary, compressed if the target has it
    /// so; with Socket.IO an event with so much text.
    pub(crate) fn new(target: &Target, size: usize, text: bool, in_flight: usize) -> Outgoing {
        let payload = match target.protocol {
            Protocol::SocketIo => event(size),
            _ if target.deflate => deflate::json(size),
            _ => printable(size),
        };
        let opcode = match target.protocol {
            Protocol::SocketIo => Opcode::Text,
            _ if text => Opcode::Text,
            _ => Opcode::Binary,
        };
        let frame = match target.deflate {
            true => encode(Rsv::RSV1, opcode, &deflate::compress(&payload)),
            false => frame(opcode, &payload),
        };
        let copies = (RUN_BYTES / frame.len()).clamp(1, in_flight.max(1));
        Outgoing {
            run: frame.repeat(copies),
            frame_len: frame.len(),
            payload,
            echoed: true,
            compressed: target.deflate,
        }
    }

    /// A message that not everybody gets back who sent it.
    pub(crate) fn published(
        target: &Target,
        size: usize,
        text: bool,
        in_flight: usize,
    ) -> Outgoing {
        Outgoing {
            echoed: false,
            ..Outgoing::new(target, size, text, in_flight)
        }
    }

    /// Whether what comes back has to be what was sent.
    pub(crate) fn is_echoed(&self) -> bool {
        self.echoed
    }

    /// Whether the frames are compressed; the answers may be.
    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The message, not compressed.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// How many bytes one message is on the wire.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame_len
    }

    /// Where a position is, of which every round of the run is the same.
    pub(crate) fn wrap(&self, at: usize) -> usize {
        if at == self.run.len() { 0 } else { at }
    }

    /// As much as there is of `left` bytes that begin `at` bytes into a frame.
    pub(crate) fn piece(&self, at: usize, left: u64) -> &[u8] {
        let rest = &self.run[at..];
        let len = usize::try_from(left).map_or(rest.len(), |left| rest.len().min(left));
        &rest[..len]
    }
}

/// Text of all printable characters, which is binary as well.
fn printable(size: usize) -> Vec<u8> {
    (b' '..=b'~').cycle().take(size).collect()
}

/// A Socket.IO event with one argument: message (4), event (2), and JSON, in
/// which letters stand for themselves.
fn event(size: usize) -> Vec<u8> {
    let text = (b'a'..=b'z').cycle().take(size);
    let mut event = br#"42["bench",""#.to_vec();
    event.extend(text);
    event.extend_from_slice(br#""]"#);
    event
}

/// A frame with a masking key of its own.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    encode(Rsv::NONE, opcode, payload)
}

fn encode(rsv: Rsv, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let key: [u8; 4] = rand::random();
    let header = FrameHeader {
        fin: true,
        rsv,
        opcode,
        mask: Some(key),
        payload_len: payload.len() as u64,
    };
    let mut frame = header.encode().as_bytes().to_vec();
    let start = frame.len();
    frame.extend_from_slice(payload);
    mask(key, 0, &mut frame[start..]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target::resolve("ws://127.0.0.1:9/", None).unwrap()
    }

    #[test]
    fn the_run_is_whole_frames() {
        let outgoing = Outgoing::new(&target(), 20, false, 16);
        assert_eq!(outgoing.frame_len(), 26);
        assert_eq!(outgoing.run.len(), 26 * 16);
        assert_eq!(outgoing.piece(0, 52), &outgoing.run[..52]);
        assert_eq!(outgoing.piece(400, 52).len(), 16);
        assert_eq!(outgoing.wrap(26 * 16), 0);
        let long = Outgoing::new(&target(), 1 << 20, true, 16);
        assert_eq!(long.run.len(), (1 << 20) + 14);
    }

    #[test]
    fn an_event_of_socket_io_is_json() {
        let outgoing = Outgoing::published(&target().socket_io(), 3, false, 1);
        assert_eq!(outgoing.payload(), br#"42["bench","abc"]"#);
    }

    #[test]
    fn what_is_compressed_says_so_and_is_shorter() {
        let outgoing = Outgoing::new(&target().compress(), 1024, true, 1);
        assert_eq!(outgoing.run[0], 0xC1);
        assert_eq!(outgoing.payload().len(), 1024);
        assert!(outgoing.frame_len() < 600);
    }

    #[test]
    fn the_frame_says_what_was_asked_for() {
        let mut bytes = frame(Opcode::Pong, b"hello");
        assert_eq!(bytes[..2], [0x8A, 0x85]);
        let key = [bytes[2], bytes[3], bytes[4], bytes[5]];
        mask(key, 0, &mut bytes[6..]);
        assert_eq!(&bytes[6..], b"hello");
    }
}
