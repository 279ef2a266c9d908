//! An open WebSocket connection.

mod driver;
mod inbox;
mod outgoing;
mod read_buffer;
mod reader;
mod receiver;
mod sender;
mod shared;
mod signal;
mod sink;
mod unread;
mod writer;

pub use reader::MessageReader;
pub use receiver::Receiver;
pub use sender::{Permit, Sender, TrySendError};
pub(crate) use shared::Shared;
pub use writer::{BinaryWriter, TextWriter};

use crate::{Error, io::Io};
use longwire_proto::{
    CloseCode, CloseFrame, CloseInfo, Compress, Config, Instant, Message, PreparedMessage, Role,
    Utf8Bytes, extension::MessageExtension,
};
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// An open WebSocket connection, over any transport.
///
/// ```
/// # async fn example(mut ws: longwire::WebSocket) -> Result<(), longwire::Error> {
/// while let Some(message) = ws.next().await {
///     ws.send(message?).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// # What happens while you do something else
///
/// Pings are answered, queued messages written and deadlines kept whether or not
/// you wait on the connection: one task for the whole runtime looks after the
/// connections whose owners are busy. It reads ahead up to 128 KiB of messages
/// that you have not taken; behind those, Pings are not seen. When you have just
/// taken a message, it leaves you about 50 ms to come back before it looks.
///
/// # What it costs
///
/// A received message is one allocation, that of its payload, and sending one of
/// less than 4 KiB is none. An idle connection allocates at most 1,100 bytes, the
/// task of the loop above included, and as much after traffic as before.
///
/// # When what you send is written
///
/// [`send`](Self::send) queues the message and writes it at once, unless
/// messages that were received together with the last one still wait to be
/// taken. Then it is written with the answers to those: when you have taken them
/// all, or as soon as your task waits for anything else. So a loop that answers
/// each message reads and writes once for each batch of input and not once for
/// each message.
///
/// # Cancel safety
///
/// Every method may be dropped while it waits. A message is received by the one
/// who gets it or stays to be received; a message is queued as a whole or not at
/// all; [`close`](Self::close) has begun the closing handshake when it is first
/// polled.
///
/// # The end
///
/// [`next`](Self::next) gives `None` after a closing handshake, whoever began it,
/// and one error and then `None` after any other end;
/// [`close_info`](Self::close_info) tells the details. Dropping a connection that
/// is open closes it with 1001 (1011 in a panic), in the background.
pub struct WebSocket {
    sender: Sender,
    receiver: Receiver,
}

/// What the opening handshake agreed on.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    pub(crate) subprotocol: Option<String>,
    pub(crate) extension: Option<Box<dyn MessageExtension>>,
    /// The peer keeps the connection alive.
    pub(crate) watches: bool,
}

impl Agreed {
    /// Nothing but that the peer keeps the connection alive.
    pub(crate) fn watching() -> Agreed {
        Agreed {
            watches: true,
            ..Agreed::default()
        }
    }
}

/// What a connection knows of its peer's life. The times are its keeper's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vitals {
    pub(crate) now: Instant,
    pub(crate) last_heard: Instant,
    /// Wraps around.
    pub(crate) pings_received: u16,
    pub(crate) pong_timeout: Duration,
}

/// The state of a connection, as in the browser API (`readyState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// 0: not open yet. A [`WebSocket`] exists only from when it is open, so
    /// none reports this.
    Connecting = 0,
    /// 1: messages can be sent and received.
    Open = 1,
    /// 2: the closing handshake is under way.
    Closing = 2,
    /// 3: the connection has ended.
    Closed = 3,
}

impl WebSocket {
    /// A connection over a transport on which the opening handshake is done,
    /// with the bytes that were read after it.
    pub(crate) fn open(
        io: Io,
        role: Role,
        config: Arc<Config>,
        read: &[u8],
        agreed: Agreed,
    ) -> WebSocket {
        let shared = Shared::new(io, role, config, agreed);
        shared.start(read);
        tracing::debug!(
            ?role,
            subprotocol = shared.subprotocol(),
            "connection opened"
        );
        let handle = Handle(shared);
        WebSocket {
            sender: Sender::new(handle.clone()),
            receiver: Receiver::new(handle),
        }
    }

    /// A connection over a transport on which you have done the opening
    /// handshake yourself. `read` is what you have read of the frames after it.
    ///
    /// Runs on the current tokio runtime, and panics outside one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), longwire::Error> {
    /// use longwire::{Config, Role, WebSocket};
    /// let (left, right) = tokio::io::duplex(4096);
    /// let mut client = WebSocket::from_stream(left, Role::Client, Config::client(), b"");
    /// let mut server = WebSocket::from_stream(right, Role::Server, Config::server(), b"");
    /// client.send("hello").await?;
    /// assert_eq!(server.next().await.unwrap()?.as_text(), Some("hello"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_stream(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        role: Role,
        config: impl Into<Arc<Config>>,
        read: &[u8],
    ) -> WebSocket {
        WebSocket::open(
            Io::new(stream),
            role,
            config.into(),
            read,
            Agreed::default(),
        )
    }

    /// Waits for the next message.
    ///
    /// `None` after the closing handshake.
    ///
    /// # Errors
    /// [`Error::Ended`] once, if the connection ended without a closing
    /// handshake; `None` from then on.
    ///
    /// # Cancel safety
    /// No message is lost.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is asynchronous: no iterator's"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        self.receiver.next()
    }

    /// Waits for the next message, to read it as it arrives, in constant
    /// memory and without a limit to its size.
    ///
    /// `None` after the closing handshake.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Nothing is lost while it waits. Dropping the reader skips the rest of
    /// its message.
    pub async fn next_reader(&mut self) -> Option<Result<MessageReader<'_>, Error>> {
        self.receiver.next_reader().await
    }

    /// Sends a message: waits for room in the outgoing queue
    /// ([`Limits::max_queued_output`](crate::Limits::max_queued_output)), queues
    /// it, and writes what the transport takes. The rest is written without you.
    ///
    /// # Errors
    /// [`Error::Closing`] after a Close frame, [`Error::Ended`] if the connection
    /// is lost. The message was not queued.
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub fn send(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.sender.send(message)
    }

    /// As [`send`](Self::send), but leaves the writing to the next `send` or
    /// `flush`, or to when your task waits for something else.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.sender.feed(message)
    }

    /// Waits until all that is queued is handed to the transport.
    ///
    /// # Errors
    /// [`Error::Ended`] if the connection was lost before.
    ///
    /// # Cancel safety
    /// Safe: the queue is written in any case.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.sender.flush().await
    }

    /// Waits for room in the outgoing queue. The permit then sends one message
    /// without waiting, so that it can be made just before.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Safe: nothing is held.
    pub async fn reserve(&mut self) -> Result<Permit<'_>, Error> {
        self.sender.reserve().await
    }

    /// Takes room in the outgoing queue if there is some now: not while the
    /// connection closes either.
    pub fn try_reserve(&mut self) -> Option<Permit<'_>> {
        self.sender.try_reserve()
    }

    /// Sends a message if there is room in the outgoing queue now.
    ///
    /// # Errors
    /// [`TrySendError`], with the message.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.sender.try_send(message)
    }

    /// Sends a message that was encoded once for many connections.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.sender.send_prepared(message).await
    }

    /// Sends a message as [`send`](Self::send) does, and says whether to compress
    /// it where the peers have agreed on that: [`Compress::Never`] for what is
    /// compressed already.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn send_with(
        &mut self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), Error> {
        self.sender.send_with(message, compress).await
    }

    /// As [`send_prepared`](Self::send_prepared), but leaves the writing to the
    /// next `send` or `flush`, or to when your task waits for something else.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn feed_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.sender.feed_prepared(message).await
    }

    /// Begins a text message that is sent as it is made.
    pub fn stream_text(&mut self) -> TextWriter<'_> {
        self.sender.stream_text()
    }

    /// Begins a binary message that is sent as it is made.
    pub fn stream_binary(&mut self) -> BinaryWriter<'_> {
        self.sender.stream_binary()
    }

    /// Sends a Ping and waits for its Pong. Returns the round-trip time.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Error::Ended`] or [`Error::Closing`] if the
    /// connection ends before the Pong comes.
    ///
    /// # Cancel safety
    /// Safe: only the answer is missed.
    pub async fn ping(&mut self) -> Result<Duration, Error> {
        self.sender.ping().await
    }

    /// Sends an unsolicited Pong, a heartbeat that asks for no answer
    /// (RFC 6455 section 5.5.3). Does not wait: 125 bytes always have room.
    ///
    /// # Errors
    /// [`Error::ControlPayloadTooLong`] for more than 125 bytes;
    /// [`Error::Closing`] or [`Error::Ended`].
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.sender.pong(payload)
    }

    /// Sends a Ping after so much silence of the peer from now on, in place of
    /// [`Config::ping_interval`]: to the millisecond, up to 49 days.
    pub fn set_ping_interval(&self, interval: Duration) {
        self.sender.set_ping_interval(interval);
    }

    /// Closes the connection: sends a Close frame behind all that is queued,
    /// and waits for the peer's. Messages that come meanwhile are kept for
    /// [`next`](Self::next), up to 128 KiB of them; more are thrown away.
    ///
    /// If the connection is closing or closed already, waits for its end.
    ///
    /// # Errors
    /// [`Error::InvalidClose`] if the code or reason cannot be sent (1005, 1006
    /// and 1015 are only ever reported). A peer that does not answer is no
    /// error: the [`CloseInfo`] tells.
    ///
    /// # Cancel safety
    /// Safe: once it has been polled the closing handshake goes on.
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<CloseInfo, Error> {
        self.sender.close(code, reason).await
    }

    /// Splits the connection into halves that can be used by different tasks
    /// at the same time. It is closed when both are dropped.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.sender.subprotocol()
    }

    /// The state, as in the browser API.
    pub fn state(&self) -> ReadyState {
        self.sender.state()
    }

    /// How the connection ended; `None` while it has not.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.sender.close_info()
    }

    /// The local address, if the transport is TCP, or TLS on it, and open.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.sender.local_addr()
    }

    /// A way to close the connection from elsewhere.
    pub fn closer(&self) -> Closer {
        self.sender.closer()
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("state", &self.state())
            .field("subprotocol", &self.subprotocol())
            .finish_non_exhaustive()
    }
}

/// Closes a connection that someone else owns; does not keep it alive.
#[derive(Clone)]
pub struct Closer(Weak<Shared>);

impl Closer {
    /// Begins the closing handshake, unless it has begun. The owner receives
    /// what still comes, and then `None`.
    pub fn close(&self, frame: CloseFrame) {
        if let Some(shared) = self.0.upgrade() {
            shared.begin_close(frame);
        }
    }

    /// Whether the WebSocket connection has ended and its transport is closed.
    pub fn is_closed(&self) -> bool {
        self.0
            .upgrade()
            .is_none_or(|shared| shared.lock().is_finished())
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").finish_non_exhaustive()
    }
}

/// A user's hold on the connection, counted.
struct Handle(Arc<Shared>);

impl Handle {
    fn state(&self) -> ReadyState {
        let driver = self.0.lock();
        if driver.connection().close_info().is_some() {
            ReadyState::Closed
        } else if driver.connection().is_open() {
            ReadyState::Open
        } else {
            ReadyState::Closing
        }
    }

    fn close_info(&self) -> Option<CloseInfo> {
        self.0.lock().connection().close_info().cloned()
    }

    fn vitals(&self) -> Vitals {
        let driver = self.0.lock();
        let connection = driver.connection();
        Vitals {
            now: self.0.now().get(),
            last_heard: connection.last_heard(),
            pings_received: connection.pings_received(),
            pong_timeout: connection.pong_timeout(),
        }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.0.add_handle();
        Handle(Arc::clone(&self.0))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.remove_handle();
    }
}
