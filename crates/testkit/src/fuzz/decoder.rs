use super::{Source, oracle};
use crate::{Chunker, Endpoint, RawFrame, Rng, assembled, joined};
use longwire_proto::{CloseCause, CloseInfo, Event, MessageKind, ReceiveMode, Role};

/// The longest frame and message, for us and for the oracle.
pub(super) const SIZE_LIMIT: usize = 1 << 18;

/// How a stream ended.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event<'static>>,
    info: Option<CloseInfo>,
}

/// A connection is given arbitrary bytes.
///
/// The first byte says who receives and whether the rest are raw bytes or
/// recipes for frames (`frame_stream`), the second how they are cut. However
/// they are cut, and whichever way they are read, the outcome must be the same;
/// streaming must give the messages that whole reception gives; and tungstenite
/// must see the same.
///
/// # Panics
/// If any of this does not hold.
pub fn decoder(data: &[u8]) {
    let mut source = Source(data);
    let flags = source.byte();
    let role = if flags & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let mut cuts = Rng::new(source.byte().into());
    let stream = match flags & 2 {
        0 => source.0.to_vec(),
        _ => frame_stream(role.peer(), &mut source),
    };
    let chunker = Chunker::random(&mut cuts, stream.len());

    let whole = run(role, ReceiveMode::Message, |end| end.receive(&stream));
    let pieces = run(role, ReceiveMode::Message, |end| {
        end.receive_in_pieces(&stream, &chunker)
    });
    assert_eq!(whole, pieces, "cuts change nothing");
    let directly = run(role, ReceiveMode::Message, |end| {
        end.receive_directly(&stream, &chunker)
    });
    assert_eq!(
        whole, directly,
        "nor does reading into the message's buffer"
    );
    check_streaming(role, &stream, &chunker, &whole);
    oracle::check(role, &stream, &whole.events, whole.info.as_ref());
}

fn run(
    role: Role,
    mode: ReceiveMode,
    receive: impl FnOnce(&mut Endpoint) -> Vec<Event<'static>>,
) -> Outcome {
    let mut end = Endpoint::with_config(role, |config| {
        config.limits.max_frame_size = SIZE_LIMIT as u64;
        config.limits.max_message_size = SIZE_LIMIT as u64;
    });
    end.connection.set_receive_mode(mode);
    let events = receive(&mut end);
    check_output(&mut end);
    Outcome {
        events,
        info: end.connection.close_info().cloned(),
    }
}

/// What the connection said itself must be whole and right frames: Pongs, and
/// at most one Close, at the end.
fn check_output(end: &mut Endpoint) {
    let ended = end.connection.close_info().is_some();
    let frames = end.take_frames();
    let closes = frames.iter().filter(|frame| frame.opcode() == 0x8).count();
    assert_eq!(closes, usize::from(ended));
    for (i, frame) in frames.iter().enumerate() {
        let last = i + 1 == frames.len();
        assert!(frame.opcode() == 0xA || frame.opcode() == 0x8 && last);
    }
}

/// Streaming sees the same, but for the limits, which it does not have, and
/// for the beginning of a message that then turns out bad.
fn check_streaming(role: Role, stream: &[u8], chunker: &Chunker, whole: &Outcome) {
    let streamed = run(role, ReceiveMode::Stream, |end| {
        end.receive_in_pieces(stream, chunker)
    });
    let directly = run(role, ReceiveMode::Stream, |end| {
        end.receive_directly(stream, chunker)
    });
    assert_eq!(joined(streamed.events.clone()), joined(directly.events));
    let events = assembled(streamed.events);
    if matches!(
        whole.info.as_ref().map(|info| info.cause),
        Some(CloseCause::Failed(longwire_proto::Failure::Limit(_)))
    ) {
        let before = &whole.events[..whole.events.len() - 1];
        assert_eq!(&events[..before.len()], before);
    } else {
        assert_eq!(events, whole.events);
        assert_eq!(streamed.info, whole.info);
    }
}

/// Frames from recipes: mostly right, so that the fuzzer gets past the header's
/// rules and masks without having to find them.
fn frame_stream(sender: Role, source: &mut Source<'_>) -> Vec<u8> {
    const OPCODES: [u8; 8] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA, 0x1, 0x2];
    let mut stream = Vec::new();
    while !source.0.is_empty() {
        let recipe = source.byte();
        let mut frame = RawFrame::new(OPCODES[usize::from(recipe & 7)], []);
        let len = match recipe >> 3 & 3 {
            0 | 1 => usize::from(source.byte() & 0x7F),
            2 => usize::from(source.u16() % 4096),
            _ if stream.len() < SIZE_LIMIT => 0x1_0000 - 128 + usize::from(source.byte()),
            _ => 0,
        };
        let len = if frame.opcode() >= 0x8 {
            len % 126
        } else {
            len
        };
        let given = len.min(source.0.len());
        frame.payload.extend_from_slice(&source.0[..given]);
        source.0 = &source.0[given..];
        // The rest of a long payload is text too, if it began so.
        frame.payload.resize(len, b'~');
        frame = frame.sent_by(sender);
        if recipe & 0x20 != 0 {
            frame = frame.fragment();
        }
        if recipe & 0xC0 == 0xC0 {
            frame.first ^= source.byte();
        }
        stream.extend(frame.to_bytes());
    }
    stream
}

/// The text or payload of a message, for comparing with the oracle's.
pub(super) fn message<'e>(event: &'e Event<'static>) -> Option<(MessageKind, &'e [u8])> {
    match event {
        Event::Text(text) => Some((MessageKind::Text, text.as_bytes())),
        Event::Binary(payload) => Some((MessageKind::Binary, payload)),
        _ => None,
    }
}
