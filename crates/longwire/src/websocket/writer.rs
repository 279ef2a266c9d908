use super::{Sender, Shared, driver::Driver, signal::WaitKey};
use crate::{Error, keeper::Now};
use bytes::Bytes;
use longwire_proto::{CloseCode, CloseFrame, Message, MessageRef, Utf8Bytes};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// The longest fragment that [`BinaryWriter`] makes as an [`AsyncWrite`].
const MAX_FRAGMENT: usize = 64 * 1024;

/// A fragmented message under way.
#[derive(Debug)]
struct Fragments<'s> {
    sender: &'s Sender,
    begun: bool,
    finished: bool,
}

impl Fragments<'_> {
    async fn send(&mut self, fragment: MessageRef<'_>, last: bool) -> Result<(), Error> {
        let sender = self.sender;
        let send = |_: &Sender, cx: &mut Context<'_>, key: &mut WaitKey| {
            self.poll_send(cx, key, fragment, last)
        };
        sender.wait(send).await
    }

    /// Leaves the writing to later.
    async fn feed(&mut self, fragment: Message) -> Result<(), Error> {
        let sender = self.sender;
        let mut fragment = Some(fragment);
        let feed = |_: &Sender, cx: &mut Context<'_>, key: &mut WaitKey| {
            self.poll_put(cx, key, (false, true), |_, driver, _| {
                fragment
                    .take()
                    .map_or(Ok(()), |it| driver.feed_fragment(it))
            })
        };
        sender.wait(feed).await
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        fragment: MessageRef<'_>,
        last: bool,
    ) -> Poll<Result<(), Error>> {
        self.poll_put(cx, key, (last, false), |shared, driver, now| {
            if driver.lends(fragment) {
                shared.write_fragment(driver, fragment, last, now)
            } else {
                driver.send_fragment(fragment, last)
            }
        })
    }

    /// Waits for room, then puts out a fragment by `put`.
    fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        (last, defer): (bool, bool),
        put: impl FnOnce(&Shared, &mut Driver, &Now<'_>) -> Result<(), Error>,
    ) -> Poll<Result<(), Error>> {
        let shared = &self.sender.handle().0;
        let mut driver = shared.lock();
        let now = shared.now();
        if !self.begun || driver.is_backlogged() {
            ready!(self.poll_room(cx, key, &mut driver, &now))?;
        }
        put(shared, &mut driver, &now)?;
        self.begun = true;
        self.finished = last;
        shared.written(driver, &now, defer);
        Poll::Ready(Ok(()))
    }

    fn poll_room(
        &self,
        cx: &mut Context<'_>,
        key: &mut WaitKey,
        driver: &mut Driver,
        now: &Now<'_>,
    ) -> Poll<Result<(), Error>> {
        let shared = &self.sender.handle().0;
        if !self.begun {
            // Another message may be under way.
            return shared.poll_room(cx, key, driver, now);
        }
        shared.wait(cx, key, driver, now);
        if driver.is_backlogged() && driver.connection().is_open() {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Fragments<'_> {
    /// A message that breaks off must not pass for a whole one.
    fn drop(&mut self) {
        if self.begun
            && !self.finished
            && let Ok(frame) = CloseFrame::new(CloseCode::INTERNAL_ERROR, "a message broke off")
        {
            self.sender.closer().close(frame);
        }
    }
}

/// A text message that is sent as it is made.
///
/// Dropping it unfinished closes the connection with 1011: the peer must not
/// take a part for the whole.
#[derive(Debug)]
pub struct TextWriter<'s>(Fragments<'s>);

impl<'s> TextWriter<'s> {
    pub(super) fn new(sender: &'s Sender) -> TextWriter<'s> {
        TextWriter(Fragments {
            sender,
            begun: false,
            finished: false,
        })
    }

    /// Sends the next part of the text, as one fragment.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    ///
    /// # Cancel safety
    /// The part is queued as a whole or not at all.
    pub async fn write(&mut self, text: &str) -> Result<(), Error> {
        self.0.send(text.into(), false).await
    }

    /// Sends the next part of the text, as one fragment, but leaves the writing
    /// to the next `write` or `finish`, or to when your task waits for something
    /// else. A large part is not copied.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    ///
    /// # Cancel safety
    /// The part is queued as a whole or not at all.
    pub async fn feed(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), Error> {
        self.0.feed(Message::Text(text.into())).await
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    pub async fn finish(mut self) -> Result<(), Error> {
        self.0.send("".into(), true).await
    }
}

/// A binary message that is sent as it is made.
///
/// It is [`AsyncWrite`] too, so that a file can be copied to it; shutting that
/// down finishes the message. Dropping it unfinished closes the connection with
/// 1011: the peer must not take a part for the whole.
#[derive(Debug)]
pub struct BinaryWriter<'s>(Fragments<'s>);

impl<'s> BinaryWriter<'s> {
    pub(super) fn new(sender: &'s Sender) -> BinaryWriter<'s> {
        BinaryWriter(Fragments {
            sender,
            begun: false,
            finished: false,
        })
    }

    /// Sends the next part, as one fragment.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    ///
    /// # Cancel safety
    /// The part is queued as a whole or not at all.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.send(bytes.into(), false).await
    }

    /// Sends the next part, as one fragment, but leaves the writing to the next
    /// `write` or `finish`, or to when your task waits for something else. A large
    /// part is not copied. This is the way to send on what a
    /// [`MessageReader`](super::MessageReader) gives:
    ///
    /// ```
    /// # async fn run(reader: &mut longwire::MessageReader<'_>, sender: longwire::Sender)
    /// # -> Result<(), longwire::Error> {
    /// let mut writer = sender.stream_binary();
    /// while let Some(chunk) = reader.chunk().await {
    ///     writer.feed(chunk?).await?;
    /// }
    /// writer.finish().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    ///
    /// # Cancel safety
    /// The part is queued as a whole or not at all.
    pub async fn feed(&mut self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.0.feed(Message::Binary(bytes.into())).await
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`Error::Closing`] or [`Error::Ended`].
    pub async fn finish(mut self) -> Result<(), Error> {
        self.0.send(MessageRef::Binary(&[]), true).await
    }
}

impl AsyncWrite for BinaryWriter<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let fragment = &buf[..buf.len().min(MAX_FRAGMENT)];
        ready!(
            self.0
                .poll_send(cx, &mut WaitKey::Unguarded, fragment.into(), false)
        )
        .map_err(io::Error::other)?;
        Poll::Ready(Ok(fragment.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut key = WaitKey::Unguarded;
        self.0
            .sender
            .poll_flush(cx, &mut key)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.0.finished {
            let end = MessageRef::Binary(&[]);
            ready!(self.0.poll_send(cx, &mut WaitKey::Unguarded, end, true))
                .map_err(io::Error::other)?;
        }
        self.poll_flush(cx)
    }
}
