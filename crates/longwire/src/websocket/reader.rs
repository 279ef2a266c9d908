use super::{Receiver, driver::Driver, inbox::Item};
use crate::{Error, keeper::Now};
use bytes::{Buf, Bytes};
use longwire_proto::{Message, MessageKind, Utf8Bytes};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// A message that is read as it arrives.
///
/// It is [`AsyncRead`] too, so that it can be copied to a file. The text of a
/// text message is valid UTF-8 as a whole, but a chunk may end inside a
/// character.
#[derive(Debug)]
pub struct MessageReader<'r> {
    receiver: &'r mut Receiver,
    kind: MessageKind,
    /// What has been received and not been given out.
    chunk: Bytes,
    /// The last chunk has been received.
    complete: bool,
    /// The connection was lost inside the message.
    failed: bool,
}

impl<'r> MessageReader<'r> {
    pub(super) fn new(receiver: &'r mut Receiver, first: Item) -> MessageReader<'r> {
        let (kind, chunk, complete) = match first {
            Item::Message(message) => (message.kind(), message.into_bytes(), true),
            Item::Chunk {
                kind,
                payload,
                last,
            } => (kind, payload, last),
        };
        MessageReader {
            receiver,
            kind,
            chunk,
            complete,
            failed: false,
        }
    }

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Waits for the next part of the message; `None` at its end. The parts
    /// are as they arrived, and say nothing of how the peer made the message.
    ///
    /// # Errors
    /// [`Error::Ended`] or [`Error::Closing`] if the connection ends inside the
    /// message.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, Error>> {
        while !self.is_ready() {
            let received = self.receiver.receive(pop).await;
            if let Err(error) = self.take(received) {
                return Some(Err(error));
            }
        }
        self.given()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        while !self.is_ready() {
            let received = ready!(self.receiver.poll_chunk(cx, pop));
            if let Err(error) = self.take(received) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        Poll::Ready(self.given())
    }

    /// Whether nothing more is to be received before something can be given out,
    /// be it the end.
    fn is_ready(&self) -> bool {
        !self.chunk.is_empty() || self.complete || self.failed
    }

    /// What is given out next.
    fn given(&mut self) -> Option<Result<Bytes, Error>> {
        let chunk = std::mem::take(&mut self.chunk);
        (!chunk.is_empty()).then_some(Ok(chunk))
    }

    fn take(&mut self, received: Option<Result<Item, Error>>) -> Result<(), Error> {
        match received {
            Some(Ok(Item::Chunk { payload, last, .. })) => {
                self.chunk = payload;
                self.complete = last;
            }
            Some(Ok(Item::Message(_))) => self.complete = true,
            Some(Err(error)) => {
                self.failed = true;
                return Err(error);
            }
            None => {
                self.failed = true;
                return Err(Error::Closing);
            }
        }
        Ok(())
    }
}

fn pop(driver: &mut Driver, now: &Now<'_>) -> Option<Result<Item, Error>> {
    driver.pop_part(now).map(Ok)
}

impl AsyncRead for MessageReader<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(self.poll_chunk(cx)) {
            None => {}
            Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            Some(Ok(mut chunk)) => {
                let len = chunk.len().min(buf.remaining());
                buf.put_slice(&chunk[..len]);
                chunk.advance(len);
                self.chunk = chunk;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for MessageReader<'_> {
    fn drop(&mut self) {
        if !self.complete && !self.failed {
            self.receiver.skip_streamed();
        }
    }
}

/// A message whose chunks were put together. The core has validated text.
pub(super) fn whole(kind: MessageKind, payload: Bytes) -> Message {
    match kind {
        MessageKind::Binary => Message::Binary(payload),
        MessageKind::Text => match Utf8Bytes::try_from(payload.clone()) {
            Ok(text) => Message::Text(text),
            // The core validates what it streams, so this is never so.
            Err(_) => Message::Binary(payload),
        },
    }
}
