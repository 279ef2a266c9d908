use super::{
    BinaryWriter, Closer, Handle, ReadyState, TextWriter, Vitals, driver::Driver, signal::WaitKey,
};
use crate::Error;
use longwire_proto::{
    CloseCode, CloseFrame, CloseInfo, Compress, ControlPayload, Message, PreparedBatch,
    PreparedMessage, SendError, Utf8Bytes,
};
use std::{
    error, fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

/// The sending half of a [`WebSocket`](super::WebSocket). It can be cloned, and
/// its clones used by any number of tasks: messages are never interleaved.
#[derive(Clone)]
pub struct Sender {
    handle: Handle,
}

impl Sender {
    pub(super) fn new(handle: Handle) -> Sender {
        Sender { handle }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Looks whether the connection outlived a change of the network.
    pub(crate) fn network_changed(&self) {
        self.handle.0.network_changed();
    }

    /// Sends a message: see [`WebSocket::send`](super::WebSocket::send).
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`]; the message was not queued.
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub fn send(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.queue(message.into(), false)
    }

    /// Sends a message, and says whether to compress it: see
    /// [`WebSocket::send_with`](super::WebSocket::send_with).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn send_with(
        &self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), Error> {
        let message = message.into();
        self.queue_with(false, |driver| driver.send_with(message.clone(), compress))
            .await
    }

    /// Queues a message: see [`WebSocket::feed`](super::WebSocket::feed).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub fn feed(&self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        self.queue(message.into(), true)
    }

    /// Sends a message that was encoded once for many connections.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn send_prepared(&self, message: &PreparedMessage) -> Result<(), Error> {
        self.queue_prepared(message, false).await
    }

    /// As [`send_prepared`](Self::send_prepared), but leaves the writing to the
    /// next `send` or `flush`, or to when your task waits for something else.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// The message is queued as a whole or not at all.
    pub async fn feed_prepared(&self, message: &PreparedMessage) -> Result<(), Error> {
        self.queue_prepared(message, true).await
    }

    async fn queue_prepared(&self, message: &PreparedMessage, defer: bool) -> Result<(), Error> {
        self.queue_with(defer, |driver| {
            let sent = driver.with_output(|connection, env| connection.send_prepared(env, message));
            sent.map_err(|error| driver.refused(error))
        })
        .await
    }

    /// Waits until all that is queued is handed to the transport.
    ///
    /// # Errors
    /// [`Error::Ended`] if the connection was lost before.
    ///
    /// # Cancel safety
    /// Safe: the queue is written in any case.
    pub async fn flush(&self) -> Result<(), Error> {
        self.wait(Sender::poll_flush).await
    }

    /// Waits for room in the outgoing queue: see
    /// [`WebSocket::reserve`](super::WebSocket::reserve).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Safe: nothing is held.
    pub async fn reserve(&self) -> Result<Permit<'_>, Error> {
        self.wait(Sender::poll_room).await?;
        Ok(Permit { sender: self })
    }

    /// Takes room in the outgoing queue if there is some now: not while the
    /// connection closes either.
    pub fn try_reserve(&self) -> Option<Permit<'_>> {
        let driver = self.handle.0.lock();
        let has_room = driver.connection().is_open() && driver.has_room();
        has_room.then_some(Permit { sender: self })
    }

    /// Sends a message if there is room in the outgoing queue now.
    ///
    /// # Errors
    /// [`TrySendError`], with the message.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        let driver = self.handle.0.lock();
        if !driver.connection().is_open() {
            return Err(TrySendError::Closing(message));
        }
        if !driver.has_room() {
            return Err(TrySendError::Full(message));
        }
        drop(driver);
        self.send_now(message.clone())
            .map_err(|_| TrySendError::Closing(message))
    }

    /// Begins a text message that is sent as it is made. It goes out in
    /// fragments; other senders wait until it is finished.
    pub fn stream_text(&self) -> TextWriter<'_> {
        TextWriter::new(self)
    }

    /// Begins a binary message that is sent as it is made. It goes out in
    /// fragments; other senders wait until it is finished.
    pub fn stream_binary(&self) -> BinaryWriter<'_> {
        BinaryWriter::new(self)
    }

    /// Sends a Ping and waits for its Pong. Returns the round-trip time.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`], also if the connection ends
    /// before the Pong comes.
    ///
    /// # Cancel safety
    /// Safe: only the answer is missed.
    pub async fn ping(&self) -> Result<Duration, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let ping = PendingPing {
            handle: &self.handle,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        };
        self.send_ping(ping.id)?;
        self.wait(|sender, cx, key| {
            let shared = &sender.handle.0;
            let mut driver = shared.lock();
            shared.wait(cx, key, &mut driver, &shared.now());
            match driver.round_trip(ping.id) {
                Some(round_trip) => Poll::Ready(Ok(round_trip)),
                None if driver.connection().close_info().is_some() => {
                    Poll::Ready(Err(driver.refused(SendError::Closing)))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Sends an unsolicited Pong, a heartbeat that asks for no answer
    /// (RFC 6455 section 5.5.3). Does not wait: 125 bytes always have room.
    ///
    /// # Errors
    /// [`Error::ControlPayloadTooLong`] for more than 125 bytes;
    /// [`Error::Closing`] or [`Error::Ended`].
    pub fn pong(&self, payload: &[u8]) -> Result<(), Error> {
        let payload = ControlPayload::try_from(payload)?;
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        let now = shared.now();
        driver.send_pong(&payload)?;
        shared.written(driver, &now, false);
        Ok(())
    }

    /// Closes the connection: see [`WebSocket::close`](super::WebSocket::close).
    ///
    /// # Errors
    /// [`Error::InvalidClose`] if the code or reason cannot be sent.
    ///
    /// # Cancel safety
    /// Safe: once it has been polled the closing handshake goes on.
    pub async fn close(
        &self,
        code: impl Into<CloseCode>,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<CloseInfo, Error> {
        let frame = CloseFrame::new(code, reason)?;
        self.handle.0.begin_close(frame);
        self.wait(|sender, cx, key| sender.poll_closed(cx, key).map(Ok))
            .await
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.handle.0.subprotocol()
    }

    /// The state, as in the browser API.
    pub fn state(&self) -> ReadyState {
        self.handle.state()
    }

    /// How the connection ended; `None` while it has not.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.close_info()
    }

    /// Sends a Ping after so much silence of the peer from now on: see
    /// [`WebSocket::set_ping_interval`](super::WebSocket::set_ping_interval).
    pub fn set_ping_interval(&self, interval: Duration) {
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        driver.set_ping_interval(interval);
        shared.rearm(&driver, &shared.now());
    }

    /// The local address: see
    /// [`WebSocket::local_addr`](super::WebSocket::local_addr).
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.handle.0.lock().local_addr()
    }

    pub(crate) fn vitals(&self) -> Vitals {
        self.handle.vitals()
    }

    /// A way to close the connection that does not keep it alive.
    pub fn closer(&self) -> Closer {
        Closer(Arc::downgrade(&self.handle.0))
    }

    fn send_ping(&self, id: u64) -> Result<(), Error> {
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        let now = shared.now();
        driver.send_ping(id, &now)?;
        shared.written(driver, &now, false);
        Ok(())
    }

    #[inline]
    fn queue(&self, message: Message, defer: bool) -> Queue<'_> {
        Queue {
            message: Some(message),
            sender: self,
            key: WaitKey::New,
            defer,
        }
    }

    /// Waits for room, then queues something by `send`.
    pub(super) async fn queue_with(
        &self,
        defer: bool,
        mut send: impl FnMut(&mut Driver) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.wait(|sender, cx, key| {
            let shared = &sender.handle.0;
            let mut driver = shared.lock();
            let now = shared.now();
            ready!(shared.poll_room(cx, key, &mut driver, &now))?;
            send(&mut driver)?;
            shared.written(driver, &now, defer);
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Queues a message whether or not there is room.
    fn send_now(&self, message: Message) -> Result<(), Error> {
        self.put(message, false)
    }

    /// Queues a message whether or not there is room, and writes it later.
    pub(super) fn feed_now(&self, message: Message) -> Result<(), Error> {
        self.put(message, true)
    }

    fn put(&self, message: Message, defer: bool) -> Result<(), Error> {
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        let now = shared.now();
        driver.send(message)?;
        shared.written(driver, &now, defer);
        Ok(())
    }

    pub(super) fn poll_room(
        &self,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
    ) -> Poll<Result<(), Error>> {
        let shared = &self.handle.0;
        shared.poll_room(cx, key, &mut shared.lock(), &shared.now())
    }

    pub(super) fn poll_flush(
        &self,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
    ) -> Poll<Result<(), Error>> {
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        if !driver.is_flushed() {
            shared.wait(cx, key, &mut driver, &shared.now());
        }
        match driver.connection().close_info() {
            Some(info) if !info.was_clean() => Poll::Ready(Err(driver.refused(SendError::Closing))),
            _ if driver.is_flushed() => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    /// Waits for the end of the connection.
    pub(super) fn poll_closed(&self, cx: &mut Context<'_>, key: &mut WaitKey) -> Poll<CloseInfo> {
        let shared = &self.handle.0;
        let mut driver = shared.lock();
        if driver.connection().close_info().is_none() {
            shared.wait(cx, key, &mut driver, &shared.now());
        }
        match driver.connection().close_info().cloned() {
            None => Poll::Pending,
            Some(info) => {
                drop(driver);
                // The keeper takes the transport down.
                shared.signal.schedule();
                Poll::Ready(info)
            }
        }
    }

    /// Waits until `poll` is ready. When the wait is given up, what it was
    /// woken for is left to the keeper.
    pub(super) fn wait<T, F>(&self, poll: F) -> Wait<'_, F>
    where
        F: FnMut(&Sender, &mut Context<'_>, &mut WaitKey) -> Poll<T> + Unpin,
    {
        Wait {
            sender: self,
            key: WaitKey::New,
            poll,
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// A wait of a sender's.
///
/// Written out, where an `async fn` would do, because each message passes
/// through it.
pub(super) struct Wait<'s, F> {
    sender: &'s Sender,
    key: WaitKey,
    poll: F,
}

impl<T, F> Future for Wait<'_, F>
where
    F: FnMut(&Sender, &mut Context<'_>, &mut WaitKey) -> Poll<T> + Unpin,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        (this.poll)(this.sender, cx, &mut this.key)
    }
}

impl<F> Drop for Wait<'_, F> {
    fn drop(&mut self) {
        if self.key != WaitKey::New {
            self.sender.handle.0.signal.stop_waiting(self.key);
        }
    }
}

/// A message on its way to the outgoing queue.
///
/// A [`Wait`] with the message at its front, which moves at once from there.
#[repr(C)]
struct Queue<'s> {
    /// Until it is queued.
    message: Option<Message>,
    sender: &'s Sender,
    key: WaitKey,
    defer: bool,
}

impl Future for Queue<'_> {
    type Output = Result<(), Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let shared = &this.sender.handle.0;
        shared.poll_send(cx, &mut this.key, &mut this.message, this.defer)
    }
}

impl Drop for Queue<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.key != WaitKey::New {
            self.sender.handle.0.signal.stop_waiting(self.key);
        }
    }
}

struct PendingPing<'h> {
    handle: &'h Handle,
    id: u64,
}

impl Drop for PendingPing<'_> {
    fn drop(&mut self) {
        self.handle.0.lock().forget_ping(self.id);
    }
}

/// Room for one message in the outgoing queue.
///
/// Room is a bound on memory and not a claim: of several permits at a time each
/// can be used, and the queue grows past its limit by their messages.
#[derive(Debug)]
#[must_use = "a permit does nothing until a message is sent with it"]
pub struct Permit<'s> {
    sender: &'s Sender,
}

impl Permit<'_> {
    /// Sends a message without waiting.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send(self, message: impl Into<Message>) -> Result<(), Error> {
        self.sender.send_now(message.into())
    }

    /// Sends messages that were encoded once for many connections, without
    /// waiting and in one write.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send_batch(self, batch: &PreparedBatch) -> Result<(), Error> {
        let shared = &self.sender.handle.0;
        let mut driver = shared.lock();
        let now = shared.now();
        let sent = driver.with_output(|connection, env| connection.send_batch(env, batch));
        sent.map_err(|error| driver.refused(error))?;
        shared.written(driver, &now, false);
        Ok(())
    }
}

/// Why [`Sender::try_send`] did not send, with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrySendError {
    /// The outgoing queue is full: the peer takes less than is sent to it.
    Full(Message),
    /// The connection is closing or closed.
    Closing(Message),
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the outgoing queue is full",
            TrySendError::Closing(_) => "the connection is closing or closed",
        })
    }
}

impl error::Error for TrySendError {}
