//! The core on a transport: everything here is synchronous and polls.

use super::{
    inbox::{Inbox, Item},
    outgoing::Outgoing,
};
use crate::{Error, deflate::ThreadCodecs, entropy::ThreadRandom, io::Io, keeper::Now, network};
use longwire_proto::{
    CloseCause, CloseFrame, Compress, Connection, ControlPayload, Env, Event, Input, Instant,
    Message, MessageKind, MessageRef, ReceiveMode, SendError, Transport,
};
use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

pub(super) struct Driver {
    connection: Connection,
    io: Io,
    output: Outgoing,
    pub(super) inbox: Inbox,
    /// The beginning of a message that comes in chunks, and that is received
    /// whole all the same.
    assembly: Option<Box<(MessageKind, Vec<u8>)>>,
    interest: Interest,
    /// When the end that is held back takes effect, whether or not the user
    /// has come for it.
    release: Option<Instant>,
    /// How the user wants the message after the one under way.
    mode: ReceiveMode,
    writing: Writing,
    /// The peer closed its half.
    eof: bool,
    /// We closed ours.
    shut_down: bool,
    /// The end of the connection was reported to the receiving side.
    reported: bool,
    io_error: Option<Arc<io::Error>>,
    pings: Vec<PendingPing>,
}

/// What of that which comes is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interest {
    All,
    /// Not the rest of the message that is being streamed.
    SkipStreamed,
    /// Nothing: nobody receives any more.
    Nothing,
}

/// How the transport took the last write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// All that it was given has gone.
    Flushed,
    /// It may hold bytes back, as TLS does.
    Unflushed,
    /// It took nothing: it says when to try again.
    Blocked,
}

/// How much a read found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// Less than there was room for: most likely that was all.
    Short,
    /// As much as there was room for, or the end.
    Full,
}

/// A Ping whose Pong somebody waits for.
struct PendingPing {
    id: u64,
    sent: Instant,
    round_trip: Option<Duration>,
}

/// How long the end of the connection waits for a user who is busy with the
/// messages before it.
const GRACE: Duration = Duration::from_secs(1);

/// What the Ping says that asks whether a connection outlived a change of the
/// network. No other Ping says so.
const NETWORK_CHANGED: &[u8] = b"network changed";

/// The size of a thread's read buffer: a message of 64 KiB comes in one read.
const READ_BUFFER: usize = 128 * 1024;

thread_local! {
    /// Reads of all connections on this thread go through one buffer; an idle
    /// connection has none. Taken out while in use, so that a transport that is
    /// itself a WebSocket finds it missing and not borrowed.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Driver {
    pub(super) fn new(mut connection: Connection, io: Io) -> Driver {
        // We read ahead of the user, who is to answer what came before the end.
        connection.hold_ends(true);
        Driver {
            connection,
            io,
            output: Outgoing::default(),
            inbox: Inbox::default(),
            assembly: None,
            interest: Interest::All,
            release: None,
            mode: ReceiveMode::Message,
            writing: Writing::Flushed,
            eof: false,
            shut_down: false,
            reported: false,
            io_error: None,
            pings: Vec::new(),
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn set_ping_interval(&mut self, interval: Duration) {
        self.connection.set_ping_interval(interval);
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.io.local_addr()
    }

    /// Calls into the core to send something. What is sent does not depend on
    /// the time, so the clock is not read for it.
    pub(super) fn with_output<R>(
        &mut self,
        call: impl FnOnce(&mut Connection, &mut Env<'_>) -> R,
    ) -> R {
        self.with_env(Instant::default(), call)
    }

    /// Calls into the core with what it is lent.
    fn with_env<R>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Connection, &mut Env<'_>) -> R,
    ) -> R {
        let mut env = Env {
            now,
            output: self.output.get_mut(),
            mask_keys: &mut ThreadRandom,
            codecs: &mut ThreadCodecs,
        };
        let called = call(&mut self.connection, &mut env);
        self.output.tidy();
        called
    }

    // --- Receiving ---

    /// Reads one batch and takes in what it holds. Pending when there is
    /// nothing to read; never ready again after the end of input.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, now: &Now<'_>) -> Poll<Batch> {
        if self.eof || self.io.is_closed() {
            return Poll::Pending;
        }
        let polled = match self.poll_read_target(cx, now) {
            Some(polled) => polled,
            None => self.poll_read_buffer(cx, now),
        };
        let read = std::task::ready!(polled);
        let batch = match read {
            Ok(1..READ_BUFFER) => Batch::Short,
            Ok(_) | Err(_) => Batch::Full,
        };
        match read {
            Ok(0) => {
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
        let mut buffer = BUFFER.take();
        buffer.resize(READ_BUFFER, 0);
        let mut buf = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.io).poll_read(cx, &mut buf);
        let len = buf.filled().len();
        if len > 0 {
            self.take_in(&mut buffer[..len], now);
        }
        BUFFER.set(buffer);
        polled.map_ok(|()| len)
    }

    /// Takes in bytes that were read.
    pub(super) fn take_in(&mut self, bytes: &mut [u8], now: &Now<'_>) {
        let mut input = Input::new(bytes);
        let mut env = Env {
            now: now.get(),
            output: self.output.get_mut(),
            mask_keys: &mut ThreadRandom,
            codecs: &mut ThreadCodecs,
        };
        while let Some(event) = self.connection.next_event(&mut env, &mut input) {
            match event {
                Event::Text(_) | Event::Binary(_) if self.interest == Interest::Nothing => {}
                // After our Close frame we read on, for the peer's, whether or
                // not anybody takes what else comes.
                Event::Text(_) | Event::Binary(_) | Event::Chunk(_)
                    if !self.connection.is_open() && !self.inbox.has_room() => {}
                Event::Text(text) => self.inbox.push(Item::Message(text.into())),
                Event::Binary(bytes) => self.inbox.push(Item::Message(bytes.into())),
                Event::Chunk(chunk) => {
                    if chunk.first {
                        self.mode = ReceiveMode::Message;
                    }
                    if chunk.last {
                        self.connection.set_receive_mode(self.mode);
                    }
                    match self.interest {
                        Interest::All => self.inbox.push(Item::of_chunk(chunk)),
                        Interest::SkipStreamed if chunk.last => self.interest = Interest::All,
                        Interest::SkipStreamed | Interest::Nothing => {}
                    }
                }
                Event::Pong(payload) => complete_ping(&mut self.pings, &payload, now.get()),
                Event::Ping(_) => {}
                Event::Closed => log_closed(&self.connection),
            }
        }
        self.output.tidy();
        if self.connection.has_held_end() && self.release.is_none() {
            self.release = Some(match self.interest {
                Interest::Nothing => now.get(),
                Interest::All | Interest::SkipStreamed => now.get() + GRACE,
            });
        }
    }

    /// The user comes for more than there is, or never will: what ended the
    /// connection takes effect.
    pub(super) fn release_end(&mut self, now: &Now<'_>) {
        if self.connection.has_held_end() {
            self.release = None;
            self.with_env(now.get(), Connection::release_end);
            self.take_in(&mut [], now);
        }
    }

    /// The user took a message, and may have an answer to it.
    pub(super) fn taken(&mut self, now: &Now<'_>) {
        if let Some(release) = &mut self.release {
            *release = now.get() + GRACE;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let timeout = self.connection.next_timeout();
        match self.release {
            None => timeout,
            Some(release) => Some(timeout.map_or(release, |timeout| timeout.min(release))),
        }
    }

    /// The next whole message.
    pub(super) fn pop_message(&mut self) -> Option<Result<Message, Error>> {
        self.want(ReceiveMode::Message);
        loop {
            match self.inbox.pop()? {
                Item::Message(message) => return Some(Ok(message)),
                Item::Chunk {
                    kind,
                    payload,
                    last,
                } => {
                    let (_, assembled) = &mut **self
                        .assembly
                        .get_or_insert_with(|| Box::new((kind, Vec::new())));
                    assembled.extend_from_slice(&payload);
                    let limit = self.connection.config().limits.max_message_size;
                    if assembled.len() as u64 > limit {
                        self.assembly = None;
                        if !last {
                            self.skip_streamed();
                        }
                        return Some(Err(Error::MessageTooBig { limit }));
                    }
                    if last && let Some(assembly) = self.assembly.take() {
                        let (kind, whole) = *assembly;
                        return Some(Ok(super::reader::whole(kind, whole.into())));
                    }
                }
            }
        }
    }

    /// What was received next, a whole message or a chunk. From here on the
    /// next message comes in chunks.
    pub(super) fn pop_item(&mut self) -> Option<Result<Item, Error>> {
        self.want(ReceiveMode::Stream);
        if let Some(assembly) = self.assembly.take() {
            let (kind, assembled) = *assembly;
            return Some(Ok(Item::Chunk {
                kind,
                payload: assembled.into(),
                last: false,
            }));
        }
        self.inbox.pop().map(|item| {
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
    pub(super) fn stop_receiving(&mut self) {
        self.interest = Interest::Nothing;
        self.inbox = Inbox::default();
        if let Some(release) = &mut self.release {
            *release = Instant::default();
        }
    }

    /// The rest of the message that is being streamed is of no interest.
    pub(super) fn skip_streamed(&mut self) {
        while matches!(self.inbox.front(), Some(Item::Chunk { .. })) {
            if let Some(Item::Chunk { last: true, .. }) = self.inbox.pop() {
                return;
            }
        }
        self.interest = Interest::SkipStreamed;
    }

    /// How the connection ended, for the receiving side: once as an error if
    /// it was not closed properly, and `None` from then on.
    pub(super) fn end(&mut self) -> Option<Option<Error>> {
        let info = self.connection.close_info()?;
        if info.was_clean() || std::mem::replace(&mut self.reported, true) {
            return Some(None);
        }
        Some(Some(self.ended(info.cause)))
    }

    fn ended(&self, cause: CloseCause) -> Error {
        Error::Ended {
            cause,
            source: self.io_error.clone(),
        }
    }

    // --- Sending ---

    /// Whether a message may be queued now.
    pub(super) fn has_room(&self) -> bool {
        !self.is_backlogged() && !self.connection.in_fragmented_message()
    }

    /// Whether more waits to be written than a sender may add to.
    pub(super) fn is_backlogged(&self) -> bool {
        self.output.len() >= self.connection.config().limits.max_queued_output
    }

    /// Whether the transport is to say when it takes more.
    pub(super) fn is_blocked(&self) -> bool {
        self.writing == Writing::Blocked
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.output.is_empty() && self.writing == Writing::Flushed
    }

    pub(super) fn send(&mut self, message: Message) -> Result<(), Error> {
        let sent = self.with_output(|connection, env| connection.send(env, message));
        sent.map_err(|error| self.refused(error))
    }

    pub(super) fn send_with(&mut self, message: Message, compress: Compress) -> Result<(), Error> {
        let sent = self.with_output(|connection, env| connection.send_with(env, message, compress));
        sent.map_err(|error| self.refused(error))
    }

    pub(super) fn send_fragment(
        &mut self,
        fragment: MessageRef<'_>,
        last: bool,
    ) -> Result<(), Error> {
        let sent =
            self.with_output(|connection, env| connection.send_fragment(env, fragment, last));
        sent.map_err(|error| self.refused(error))
    }

    /// The error for what the core refused to send.
    pub(super) fn refused(&self, _error: SendError) -> Error {
        match self.connection.close_info() {
            Some(info) if !info.was_clean() => self.ended(info.cause),
            // A fragmented message under way is waited for, so this is closing.
            _ => Error::Closing,
        }
    }

    /// Writes what there is to write. Nothing to wait for here: when the
    /// transport can take more it says so through `cx`.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: &Now<'_>) {
        if self.io.is_closed() {
            return;
        }
        while let Some(output) = self.output.get() {
            match self.io.poll_write_output(cx, output) {
                Poll::Ready(Ok(0)) => {
                    return self.transport_failed(io::ErrorKind::WriteZero.into(), now);
                }
                Poll::Ready(Ok(len)) => self.written(len, now),
                Poll::Ready(Err(error)) => return self.transport_failed(error, now),
                Poll::Pending => return self.write_blocked(now),
            }
        }
        self.output.tidy();
        if self.writing != Writing::Flushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.writing = Writing::Flushed,
                Poll::Ready(Err(error)) => self.transport_failed(error, now),
                Poll::Pending => self.write_blocked(now),
            }
        }
    }

    fn written(&mut self, len: usize, now: &Now<'_>) {
        self.output.advance(len);
        if self.writing == Writing::Blocked {
            self.connection.write_progressed(now.get());
        }
        self.connection.write_taken();
        self.writing = Writing::Unflushed;
        if self.output.is_empty() {
            // May put out the Pong that was owed.
            self.with_output(Connection::output_written);
        }
    }

    fn write_blocked(&mut self, now: &Now<'_>) {
        self.writing = Writing::Blocked;
        self.connection.write_blocked(now.get());
    }

    pub(super) fn begin_close(&mut self, frame: CloseFrame, now: &Now<'_>) {
        // Closing twice is no error: the first close goes on.
        let _ = self.with_env(now.get(), |connection, env| connection.close(env, frame));
    }

    pub(super) fn send_ping(&mut self, id: u64, now: &Now<'_>) -> Result<(), Error> {
        let payload = ControlPayload::try_from(&id.to_be_bytes()[..])?;
        let sent = self.with_output(|connection, env| connection.ping(env, &payload));
        sent.map_err(|error| self.refused(error))?;
        self.pings.push(PendingPing {
            id,
            sent: now.get(),
            round_trip: None,
        });
        Ok(())
    }

    pub(super) fn send_pong(&mut self, payload: &ControlPayload) -> Result<(), Error> {
        let sent = self.with_output(|connection, env| connection.pong(env, payload));
        sent.map_err(|error| self.refused(error))
    }

    pub(super) fn round_trip(&self, id: u64) -> Option<Duration> {
        self.pings.iter().find(|ping| ping.id == id)?.round_trip
    }

    pub(super) fn forget_ping(&mut self, id: u64) {
        self.pings.retain(|ping| ping.id != id);
        self.pings.shrink_to_fit();
    }

    /// The network has changed: whether the connection is still possible is
    /// known at once, or else asked.
    pub(super) fn network_changed(&mut self, now: &Now<'_>) {
        if self.io.local_addr().is_some_and(network::is_gone) {
            self.address_gone(now);
        } else if let Ok(payload) = ControlPayload::try_from(NETWORK_CHANGED) {
            // Whether it may be sent makes no difference.
            let _ = self.with_output(|connection, env| connection.ping(env, &payload));
        }
    }

    // --- The end ---

    pub(super) fn handle_timeout(&mut self, now: &Now<'_>) {
        if !self.inbox.has_room() {
            self.connection.reading_paused(now.get());
        }
        if self.release.is_some_and(|release| release <= now.get()) {
            self.release_end(now);
        }
        if self
            .connection
            .next_timeout()
            .is_some_and(|timeout| timeout <= now.get())
        {
            self.ask_the_system(now);
            self.with_env(now.get(), Connection::handle_timeout);
            self.take_in(&mut [], now);
        }
    }

    /// Asks what became of the bytes that were written.
    fn ask_the_system(&mut self, now: &Now<'_>) {
        let Some(acknowledgements) = self.io.acknowledgements() else {
            return;
        };
        self.connection.acknowledged(now.get(), &acknowledgements);
        // The peer has no room for them, or they have no way to go.
        let stuck = acknowledgements.pending && acknowledgements.in_flight.is_none();
        if stuck && self.io.local_addr().is_some_and(network::is_gone) {
            self.address_gone(now);
        }
    }

    fn address_gone(&mut self, now: &Now<'_>) {
        self.release_end(now);
        self.connection.address_gone(now.get());
        self.take_in(&mut [], now);
    }

    /// Takes the transport down as far as the core says.
    pub(super) fn poll_transport(&mut self, cx: &mut Context<'_>, now: &Now<'_>) {
        if self.io.is_closed() {
            return;
        }
        if self.connection.transport() == Transport::ShutdownWrite
            && self.is_flushed()
            && !self.shut_down
        {
            match Pin::new(&mut self.io).poll_shutdown(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.shut_down = true,
                Poll::Ready(Err(_)) => self.connection.transport_error(now.get()),
            }
        }
        if self.connection.transport() == Transport::Close {
            self.io = Io::Closed;
            self.output = Outgoing::default();
        }
    }

    /// Nothing is left to be done on the transport.
    pub(super) fn is_finished(&self) -> bool {
        self.io.is_closed()
    }

    /// The transport panicked. What it is in now is anyone's guess, so it is
    /// not touched again.
    pub(super) fn transport_panicked(&mut self, now: &Now<'_>) {
        self.io = Io::Closed;
        self.output = Outgoing::default();
        self.transport_failed(io::Error::other("the transport panicked"), now);
    }

    fn transport_failed(&mut self, error: io::Error, now: &Now<'_>) {
        self.release_end(now);
        let timed_out = error.kind() == io::ErrorKind::TimedOut;
        if self.connection.close_info().is_none() {
            self.io_error = Some(Arc::new(error));
        }
        if timed_out {
            self.connection.transport_timed_out(now.get());
        } else {
            self.connection.transport_error(now.get());
        }
        self.take_in(&mut [], now);
    }
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
