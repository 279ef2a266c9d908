//! What tungstenite makes of the same bytes.
//!
//! The two must give the same messages, and both go on, both see the peer's
//! Close frame, or both refuse. Where they differ by design:
//!
//! - We refuse a frame at the first byte that is wrong, tungstenite when it is
//!   whole. If the stream ends inside such a frame, only we have refused it.
//! - tungstenite takes lengths that are not in their shortest form.
//! - tungstenite answers a Close frame with a code that must not be sent with
//!   1002, as we do, but reports it as a Close frame and not as an error; and
//!   it takes 1014, which was registered later, for such a code.
//! - tungstenite counts a message's size when a fragment is whole, we count the
//!   announced length.

use super::decoder::{SIZE_LIMIT, message};
use crate::{LengthForm, RawFrame};
use longwire_proto::{CloseCause, CloseInfo, Event, Failure, MessageKind, ProtocolError, Role};
use std::io::{self, Read, Write};
use tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError as TheirError,
    protocol::{self, CloseFrame, WebSocketConfig, frame::coding::CloseCode},
};

/// How a stream ended for tungstenite.
#[derive(Debug)]
enum End {
    /// It went on to the end of the bytes.
    Open,
    /// The peer's Close frame came.
    Closed(Option<CloseFrame>),
    /// It was refused.
    Refused(#[allow(dead_code, reason = "shown when the check fails")] Error),
}

pub(super) fn check(
    role: Role,
    stream: &[u8],
    events: &[Event<'static>],
    info: Option<&CloseInfo>,
) {
    if has_long_length(stream) {
        return;
    }
    let (theirs, end) = read(role, stream);
    let ours = events.iter().filter(|event| **event != Event::Closed);
    assert!(
        ours.clone().count() == theirs.len(),
        "{events:?} {theirs:?} {end:?}"
    );
    for (ours, theirs) in ours.zip(&theirs) {
        assert!(is_same(ours, theirs), "{ours:?} {theirs:?}");
    }
    let agreed = match (info.map(|info| (info.cause, &info.received)), &end) {
        (None, End::Open) => true,
        (Some((CloseCause::Handshake, Some(ours))), End::Closed(theirs)) => {
            theirs.as_ref().map_or(ours.code().get() == 1005, |theirs| {
                // 1014: see above.
                let code = u16::from(theirs.code);
                code == ours.code().get() || ours.code().get() == 1014 && code == 1002
            })
        }
        (
            Some((CloseCause::Failed(Failure::Protocol(ProtocolError::InvalidCloseCode(_))), _)),
            End::Closed(Some(theirs)),
        ) => theirs.code == CloseCode::Protocol,
        (Some((CloseCause::Failed(_), _)), End::Refused(_)) => true,
        (Some((CloseCause::Failed(_), _)), End::Open) => ends_in_a_frame(stream),
        _ => false,
    };
    assert!(agreed, "{info:?} {end:?}");
}

/// The bytes, and nowhere to write to.
struct Stream<'a>(&'a [u8]);

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read(role: Role, stream: &[u8]) -> (Vec<Message>, End) {
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .max_frame_size(Some(SIZE_LIMIT))
        .max_message_size(Some(SIZE_LIMIT))
        .read_buffer_size(4096);
    let mut socket = WebSocket::from_raw_socket(Stream(stream), role, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return (messages, End::Closed(frame)),
            Ok(message) => messages.push(message),
            Err(Error::Protocol(TheirError::ResetWithoutClosingHandshake)) => {
                return (messages, End::Open);
            }
            Err(error) => return (messages, End::Refused(error)),
        }
    }
}

fn is_same(ours: &Event<'static>, theirs: &Message) -> bool {
    match (ours, theirs) {
        (Event::Ping(ours), Message::Ping(theirs)) | (Event::Pong(ours), Message::Pong(theirs)) => {
            **ours == **theirs
        }
        (ours, Message::Text(theirs)) => {
            message(ours) == Some((MessageKind::Text, theirs.as_bytes()))
        }
        (ours, Message::Binary(theirs)) => message(ours) == Some((MessageKind::Binary, theirs)),
        _ => false,
    }
}

/// Whether a length is not in its shortest form somewhere.
fn has_long_length(mut stream: &[u8]) -> bool {
    while let Some((frame, len)) = RawFrame::parse(stream) {
        if frame.length_form != LengthForm::Shortest {
            return true;
        }
        stream = &stream[len..];
    }
    // The last frame, if its header is there but not its payload.
    match *stream {
        [_, second, high, low, ..] if second & 0x7F == 126 => [high, low] < [0, 126],
        [_, second, ref length @ ..] if second & 0x7F == 127 => {
            length.len() >= 8 && length[..6] == [0; 6]
        }
        _ => false,
    }
}

/// Whether the last frame is not whole.
fn ends_in_a_frame(mut stream: &[u8]) -> bool {
    while let Some((_, len)) = RawFrame::parse(stream) {
        stream = &stream[len..];
    }
    !stream.is_empty()
}
