//! What comes from the transport, and how it is given out.

use super::{Batch, Driver, GRACE, Interest, rare::PendingPing};
use crate::{
    Error,
    deflate::{Room, ThreadCodecs},
    entropy::ThreadRandom,
    keeper::Now,
    websocket::{
        inbox::Item,
        read_buffer::{READ, READ_STREAMED, ReadBuffer},
        reader,
        unread::Unread,
    },
};
use longwire_proto::{
    Chunk, Connection, Env, Event, Input, Instant, Message, MessageKind, ReceiveMode,
};
use std::{
    borrow::Cow,
    io,
    ops::Range,
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// A part of what was read that is to be given out where it is.
struct Lent {
    part: Range<usize>,
    /// Of a message that is being streamed, and whether it is the last chunk. A
    /// whole binary message otherwise.
    chunk: Option<(MessageKind, bool)>,
}

impl Driver {
    /// Reads one batch. What it holds is taken in or, if there may be messages for
    /// the user in it, left unread: then [`read_up`](Self::read_up) takes it in.
    /// Pending when there is nothing to read; never ready again after the end of
    /// input.
    pub(in crate::websocket) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        now: &Now<'_>,
    ) -> Poll<Batch> {
        if self.eof || self.io.is_closed() {
            return Poll::Pending;
        }
        let polled = match self.poll_read_target(cx, now) {
            Some(polled) => polled,
            None => self.poll_read_buffer(cx, now),
        };
        let read = std::task::ready!(polled);
        let batch = match read {
            Ok(1..READ) => Batch::Short,
            Ok(_) | Err(_) => Batch::Full,
        };
        match read {
            Ok(0) => {
                self.read_up(now);
                self.eof = true;
                self.release_end(now);
                self.connection.receive_eof(now.get());
                self.take_in(&mut [], now);
            }
            Ok(_) => {}
            Err(error) => self.transport_failed(error, now),
        }
        Poll::Ready(batch)
    }

    /// Reads the rest of a large message straight to where it belongs.
    fn poll_read_target(
        &mut self,
        cx: &mut Context<'_>,
        now: &Now<'_>,
    ) -> Option<Poll<io::Result<usize>>> {
        // Behind what is unread, which may be of the same message, nothing can be
        // read to there.
        if self.io.wants_room() || self.inbox.has_unread() {
            return None;
        }
        let polled = {
            let mut target = self.connection.read_target()?;
            pin!(self.io.read_buf(&mut target)).poll(cx)
        };
        if let Poll::Ready(Ok(1..)) = polled {
            self.take_in(&mut [], now);
        }
        Some(polled)
    }

    /// Reads to the thread's buffer.
    fn poll_read_buffer(&mut self, cx: &mut Context<'_>, now: &Now<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuffer::take();
        let most = match self.connection.is_streaming() {
            true => READ_STREAMED,
            false => READ,
        };
        let mut buf = ReadBuf::new(&mut buffer.as_mut_slice()[..most]);
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut buf);
        let len = buf.filled().len();
        if len > 0 {
            self.read_up(now);
            self.leave_unread(buffer, len, now);
        }
        polled.map_ok(|()| len)
    }

    /// Leaves what was read to a user who wants whole messages, unless they may be
    /// so large that they are better lent.
    fn leave_unread(&mut self, buffer: ReadBuffer, len: usize, now: &Now<'_>) {
        let is_wanted = self.interest == Interest::All && self.mode == ReceiveMode::Message;
        if !is_wanted || ReadBuffer::lends(len) {
            return self.take_in_buffer(buffer, len, now);
        }
        match Unread::new(buffer, len, now.get()) {
            Ok(unread) => self.inbox.leave(unread),
            Err(buffer) => self.take_in_buffer(buffer, len, now),
        }
    }

    /// Takes in what was left unread. Whether there was something.
    pub(in crate::websocket) fn read_up(&mut self, now: &Now<'_>) -> bool {
        let Some(mut unread) = self.inbox.take_unread() else {
            return false;
        };
        self.take_in(unread.as_mut_slice(), now);
        true
    }

    /// The message at the front of what was left unread, if it is a plain one.
    fn next_unread(&mut self) -> Option<Message> {
        let unread = self.inbox.unread()?;
        let mut env = Env {
            now: unread.at(),
            output: self.output.get_mut(),
            mask_keys: &mut ThreadRandom,
            codecs: &mut ThreadCodecs,
        };
        let connection = &mut self.connection;
        let message = unread.take(|input| {
            let message = connection.next_message(&mut env, input)?;
            Some(Message::from(message))
        });
        if unread.is_empty() {
            self.inbox.take_unread();
        }
        self.output.tidy();
        message
    }

    /// Takes in what was read to a buffer. A large part is given out where it is.
    fn take_in_buffer(&mut self, mut buffer: ReadBuffer, len: usize, now: &Now<'_>) {
        let read = &mut buffer.as_mut_slice()[..len];
        // What is decompressed is elsewhere.
        let is_plain = !self.connection.has_extension();
        let lends = |len| is_plain && ReadBuffer::lends(len);
        let Some(lent) = self.take_in_until(read, now, lends) else {
            return;
        };
        // Less than the part, and most often nothing.
        let mut rest = read[lent.part.end..].to_vec();
        let payload = buffer.lend(lent.part);
        self.inbox.push(match lent.chunk {
            None => Item::Message(Message::Binary(payload)),
            Some((kind, last)) => Item::Chunk {
                kind,
                payload,
                last,
            },
        });
        self.take_in(&mut rest, now);
    }

    /// Takes in bytes that were read.
    pub(in crate::websocket) fn take_in(&mut self, bytes: &mut [u8], now: &Now<'_>) {
        self.take_in_until(bytes, now, |_| false);
    }

    /// Takes in bytes that were read, up to the end of a part that is to be lent.
    fn take_in_until(
        &mut self,
        bytes: &mut [u8],
        now: &Now<'_>,
        lends: impl Fn(usize) -> bool,
    ) -> Option<Lent> {
        let read = bytes.len();
        let mut lent = None;
        let mut room = Room::of(&self.connection);
        let mut input = Input::new(bytes).with_scratch(room.bytes());
        let mut env = Env {
            now: now.get(),
            output: self.output.get_mut(),
            mask_keys: &mut ThreadRandom,
            codecs: &mut ThreadCodecs,
        };
        while lent.is_none()
            && let Some(event) = self.connection.next_event(&mut env, &mut input)
        {
            let taken = read - input.len();
            match event {
                Event::Text(_) | Event::Binary(_) if self.interest == Interest::Nothing => {}
                // After our Close frame we read on, for the peer's, whether or
                // not anybody takes what else comes.
                Event::Text(_) | Event::Binary(_) | Event::Chunk(_)
                    if !self.connection.is_open() && !self.inbox.has_room() => {}
                Event::Text(text) => self.inbox.push(Item::Message(text.into())),
                Event::Binary(Cow::Borrowed(bytes)) if lends(bytes.len()) => {
                    lent = Some(Lent::before(taken, bytes.len(), None));
                }
                Event::Binary(bytes) => self.inbox.push(Item::Message(bytes.into())),
                Event::Chunk(chunk) => {
                    if chunk.first {
                        self.mode = ReceiveMode::Message;
                    }
                    if chunk.last {
                        self.connection.set_receive_mode(self.mode);
                    }
                    match self.interest {
                        Interest::All if is_lent(&chunk, &lends) => {
                            let len = chunk.payload.len();
                            lent = Some(Lent::before(taken, len, Some((chunk.kind, chunk.last))));
                        }
                        Interest::All => self.inbox.push(Item::of_chunk(chunk)),
                        Interest::SkipStreamed if chunk.last => self.interest = Interest::All,
                        Interest::SkipStreamed | Interest::Nothing => {}
                    }
                }
                Event::Pong(payload) => {
                    if let Some(rare) = self.rare.get_if_any() {
                        complete_ping(&mut rare.pings, &payload, now.get());
                    }
                }
                Event::Ping(_) => {}
                Event::Closed => log_closed(&self.connection),
            }
        }
        self.output.tidy();
        if self.connection.has_held_end() {
            let interest = self.interest;
            let release = &mut self.rare.get_mut().release;
            release.get_or_insert_with(|| match interest {
                Interest::Nothing => now.get(),
                Interest::All | Interest::SkipStreamed => now.get() + GRACE,
            });
        }
        lent
    }

    /// The user comes for more than there is, or never will: what ended the
    /// connection takes effect.
    pub(in crate::websocket) fn release_end(&mut self, now: &Now<'_>) {
        if self.connection.has_held_end() {
            self.rare.get_mut().release = None;
            self.with_env(now.get(), Connection::release_end);
            self.take_in(&mut [], now);
        }
    }

    /// The user took a message, and may have an answer to it.
    pub(in crate::websocket) fn taken(&mut self, now: &Now<'_>) {
        if let Some(release) = self.rare.release_mut() {
            *release = now.get() + GRACE;
        }
    }

    /// The next whole message.
    #[inline]
    pub(in crate::websocket) fn pop_message(
        &mut self,
        now: &Now<'_>,
    ) -> Option<Result<Message, Error>> {
        self.want(ReceiveMode::Message);
        loop {
            if let Some(taken) = self.pop_taken_in() {
                return Some(taken);
            }
            if let Some(message) = self.next_unread() {
                return Some(Ok(message));
            }
            if !self.read_up(now) {
                return None;
            }
        }
    }

    /// The next whole message of what was taken in.
    #[inline]
    fn pop_taken_in(&mut self) -> Option<Result<Message, Error>> {
        while let Some(item) = self.inbox.pop() {
            match item {
                Item::Message(message) => return Some(Ok(message)),
                Item::Chunk {
                    kind,
                    payload,
                    last,
                } => {
                    if let Some(assembled) = self.assemble(kind, &payload, last) {
                        return Some(assembled);
                    }
                }
            }
        }
        None
    }

    /// The next part of the message that is being streamed.
    pub(in crate::websocket) fn pop_part(&mut self, now: &Now<'_>) -> Option<Item> {
        self.read_up(now);
        self.inbox.pop()
    }

    /// Adds a chunk to the message that it belongs to; gives that when it is
    /// whole, or too long.
    #[cold]
    fn assemble(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
    ) -> Option<Result<Message, Error>> {
        let assembly = &mut self.rare.get_mut().assembly;
        let (_, assembled) = assembly.get_or_insert_with(|| (kind, Vec::new()));
        assembled.extend_from_slice(payload);
        let limit = self.connection.config().limits.max_message_size;
        if assembled.len() as u64 > limit {
            self.rare.take_assembly();
            if !last {
                self.skip_streamed();
            }
            return Some(Err(Error::MessageTooBig { limit }));
        }
        if !last {
            return None;
        }
        let (kind, whole) = self.rare.take_assembly()?;
        Some(Ok(reader::whole(kind, whole.into())))
    }

    /// What was received next, a whole message or a chunk. From here on the
    /// next message comes in chunks.
    pub(in crate::websocket) fn pop_item(&mut self, now: &Now<'_>) -> Option<Result<Item, Error>> {
        self.want(ReceiveMode::Stream);
        if let Some((kind, assembled)) = self.rare.take_assembly() {
            return Some(Ok(Item::Chunk {
                kind,
                payload: assembled.into(),
                last: false,
            }));
        }
        self.pop_part(now).map(|item| {
            self.want(ReceiveMode::Message);
            Ok(item)
        })
    }

    fn want(&mut self, mode: ReceiveMode) {
        if self.mode != mode {
            self.mode = mode;
            self.connection.set_receive_mode(mode);
        }
    }

    /// Nobody receives any more: what comes is thrown away.
    pub(in crate::websocket) fn stop_receiving(&mut self) {
        self.interest = Interest::Nothing;
        self.inbox.clear();
        if let Some(release) = self.rare.release_mut() {
            *release = Instant::default();
        }
    }

    /// The rest of the message that is being streamed is of no interest.
    pub(in crate::websocket) fn skip_streamed(&mut self) {
        while matches!(self.inbox.front(), Some(Item::Chunk { .. })) {
            if let Some(Item::Chunk { last: true, .. }) = self.inbox.pop() {
                return;
            }
        }
        self.interest = Interest::SkipStreamed;
    }
}

impl Lent {
    /// A part of `len` bytes before `end`.
    const fn before(end: usize, len: usize, chunk: Option<(MessageKind, bool)>) -> Lent {
        Lent {
            part: end - len..end,
            chunk,
        }
    }
}

fn is_lent(chunk: &Chunk<'_>, lends: impl Fn(usize) -> bool) -> bool {
    matches!(&chunk.payload, Cow::Borrowed(payload) if lends(payload.len()))
}

fn complete_ping(pings: &mut [PendingPing], payload: &[u8], now: Instant) {
    let waiting = pings
        .iter_mut()
        .filter(|ping| ping.round_trip.is_none() && ping.id.to_be_bytes() == payload);
    for ping in waiting {
        ping.round_trip = Some(now.since(ping.sent));
    }
}

fn log_closed(connection: &Connection) {
    if let Some(info) = connection.close_info() {
        tracing::debug!(
            role = ?connection.role(),
            code = info.code().get(),
            cause = ?info.cause,
            clean = info.was_clean(),
            "connection closed"
        );
    }
}
