use crate::MessageKind;
use alloc::borrow::Cow;

/// What [`Connection::next_event`](crate::Connection::next_event) found.
///
/// Payloads are borrowed from the driver's buffer when a whole frame was in
/// it, and owned when the message had to be assembled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(Cow<'a, str>),
    /// A whole binary message.
    Binary(Cow<'a, [u8]>),
    /// A part of a message, in [streaming mode](crate::ReceiveMode::Stream).
    Chunk(Chunk<'a>),
    /// A Ping. Its Pong is sent by the connection.
    Ping(Cow<'a, [u8]>),
    /// A Pong.
    Pong(Cow<'a, [u8]>),
    /// The WebSocket connection has ended, cleanly or not:
    /// [`Connection::close_info`](crate::Connection::close_info) says how.
    /// Reported once, and last.
    Closed,
}

/// A part of a message, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Text or binary. Text is valid so far, but a chunk may end inside a
    /// character.
    pub kind: MessageKind,
    /// The bytes. May be empty in the last chunk.
    pub payload: Cow<'a, [u8]>,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
}

/// How messages are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiveMode {
    /// Whole messages, bounded by [`Limits`](crate::Limits).
    #[default]
    Message,
    /// Chunks as they arrive, in constant memory. The limits on the size of
    /// frames and messages, on fragments and on the time of a message do not
    /// apply.
    Stream,
}
