use super::{Handle, MessageReader, ReadyState, driver::Driver, signal::Guarded};
use crate::{Error, keeper::Now};
use futures_core::Stream;
use longwire_proto::{CloseInfo, Message};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The receiving half of a [`WebSocket`](super::WebSocket).
///
/// While it is dropped and a [`Sender`](super::Sender) lives, what comes is
/// thrown away.
pub struct Receiver {
    handle: Handle,
}

impl Receiver {
    pub(super) fn new(handle: Handle) -> Receiver {
        Receiver { handle }
    }

    /// Waits for the next message: see [`WebSocket::next`](super::WebSocket::next).
    ///
    /// # Errors
    /// [`Error::Ended`] once, if the connection ended without a closing
    /// handshake.
    ///
    /// # Cancel safety
    /// No message is lost.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is asynchronous: no iterator's"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        self.receive(Driver::pop_message)
    }

    /// Waits for the next message, to read it as it arrives: see
    /// [`WebSocket::next_reader`](super::WebSocket::next_reader).
    ///
    /// # Errors
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Nothing is lost while it waits. Dropping the reader skips the rest of
    /// its message.
    pub async fn next_reader(&mut self) -> Option<Result<MessageReader<'_>, Error>> {
        let first = self.receive(Driver::pop_item).await?;
        Some(first.map(|first| MessageReader::new(self, first)))
    }

    /// The state, as in the browser API.
    pub fn state(&self) -> ReadyState {
        self.handle.state()
    }

    /// How the connection ended; `None` while it has not.
    pub fn close_info(&self) -> Option<CloseInfo> {
        self.handle.close_info()
    }

    /// Whether both halves came from one [`WebSocket::split`](super::WebSocket::split).
    pub fn is_pair_of(&self, sender: &super::Sender) -> bool {
        std::sync::Arc::ptr_eq(&self.handle.0, &sender.handle().0)
    }

    /// Waits until `take` finds something.
    pub(super) fn receive<T, F>(&mut self, take: F) -> Receive<'_, F>
    where
        F: FnMut(&mut Driver, &Now<'_>) -> Option<Result<T, Error>> + Unpin,
    {
        Receive {
            handle: &self.handle,
            armed: false,
            take,
        }
    }

    pub(super) fn skip_streamed(&mut self) {
        self.handle.0.lock().skip_streamed();
    }

    pub(super) fn poll_chunk<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnMut(&mut Driver, &Now<'_>) -> Option<Result<T, Error>>,
    ) -> Poll<Option<Result<T, Error>>> {
        self.handle.0.poll_receive(cx, Guarded::No, take)
    }
}

/// A wait that hands the transport back to the keeper when it is given up.
///
/// Written out, where an `async fn` would do, because an idle connection sits in
/// it and each message passes through it.
pub(super) struct Receive<'r, F> {
    handle: &'r Handle,
    armed: bool,
    take: F,
}

impl<T, F> Future for Receive<'_, F>
where
    F: FnMut(&mut Driver, &Now<'_>) -> Option<Result<T, Error>> + Unpin,
{
    type Output = Option<Result<T, Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let shared = &this.handle.0;
        let polled = shared.poll_receive(cx, Guarded::Yes, &mut this.take);
        this.armed = polled.is_pending();
        polled
    }
}

impl<F> Drop for Receive<'_, F> {
    fn drop(&mut self) {
        if self.armed {
            self.handle.0.signal.stop_receiving();
        }
    }
}

/// The messages. [`next`](Receiver::next) is cheaper where it will do: a
/// combinator does not tell when it has lost its interest, so after each wake-up
/// the keeper looks after the connection too.
impl Stream for Receiver {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.handle
            .0
            .poll_receive(cx, Guarded::No, Driver::pop_message)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.handle.0.lock().stop_receiving();
        self.handle.0.signal.hurry();
        self.handle.0.signal.schedule();
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
