//! The core on a transport: everything here is synchronous and polls.

mod rare;
mod receive;

use super::{inbox::Inbox, outgoing::Outgoing};
use crate::{Error, deflate::ThreadCodecs, entropy::ThreadRandom, io::Io, keeper::Now, network};
use longwire_proto::{
    CloseCause, CloseFrame, Compress, Connection, ControlPayload, Env, Instant, Message,
    MessageRef, ReceiveMode, SendError, Transport,
};
use rare::{PendingPing, Rare};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::AsyncWrite;

pub(super) struct Driver {
    connection: Connection,
    io: Io,
    output: Outgoing,
    pub(super) inbox: Inbox,
    interest: Interest,
    /// How the user wants the message after the one under way.
    mode: ReceiveMode,
    writing: Writing,
    /// The peer closed its half.
    eof: bool,
    /// We closed ours.
    shut_down: bool,
    /// The end of the connection was reported to the receiving side.
    reported: bool,
    rare: Rare,
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

/// How long the end of the connection waits for a user who is busy with the
/// messages before it.
const GRACE: Duration = Duration::from_secs(1);

/// What the Ping says that asks whether a connection outlived a change of the
/// network. No other Ping says so.
const NETWORK_CHANGED: &[u8] = b"network changed";

/// From this size on a fragment is written from where it is: below it a copy
/// costs less than a write that could have served more of them.
const LEND: usize = 16 * 1024;

impl Driver {
    pub(super) fn new(mut connection: Connection, io: Io) -> Driver {
        // We read ahead of the user, who is to answer what came before the end.
        connection.hold_ends(true);
        Driver {
            connection,
            io,
            output: Outgoing::default(),
            inbox: Inbox::default(),
            interest: Interest::All,
            mode: ReceiveMode::Message,
            writing: Writing::Flushed,
            eof: false,
            shut_down: false,
            reported: false,
            rare: Rare::default(),
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

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let timeout = self.connection.next_timeout();
        match self.rare.get().and_then(|rare| rare.release) {
            None => timeout,
            Some(release) => Some(timeout.map_or(release, |timeout| timeout.min(release))),
        }
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
            source: self.rare.get().and_then(|rare| rare.io_error.clone()),
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

    /// As [`send_fragment`](Self::send_fragment), for one that may be kept by
    /// reference until it is written.
    pub(super) fn feed_fragment(&mut self, fragment: Message) -> Result<(), Error> {
        let sent = self
            .with_output(|connection, env| connection.send_fragment_shared(env, fragment, false));
        sent.map_err(|error| self.refused(error))
    }

    /// As [`send_fragment`](Self::send_fragment), for a large one: what the
    /// transport takes now is written from where it is, and the rest copied.
    pub(super) fn write_fragment(
        &mut self,
        cx: &mut Context<'_>,
        fragment: MessageRef<'_>,
        last: bool,
        now: &Now<'_>,
    ) -> Result<(), Error> {
        let mut env = Env {
            now: Instant::default(),
            output: self.output.get_mut(),
            mask_keys: &mut ThreadRandom,
            codecs: &mut ThreadCodecs,
        };
        let sent = self.connection.send_fragment_lent(&mut env, fragment, last);
        let payload = sent.map_err(|error| self.refused(error))?;
        let output = self.output.get_mut();
        let queued = output.len();
        let written = match self.io.poll_write_followed(cx, output, payload) {
            Poll::Ready(Ok(len)) => len,
            Poll::Ready(Err(error)) => {
                self.transport_failed(error, now);
                return Ok(());
            }
            Poll::Pending => 0,
        };
        // Before anything else can be put out.
        output.put(&payload[written.saturating_sub(queued)..]);
        if written > 0 {
            self.written(written.min(queued), now);
        }
        self.output.tidy();
        Ok(())
    }

    /// Whether a fragment is better written from where it is than copied.
    pub(super) fn lends(&self, fragment: MessageRef<'_>) -> bool {
        fragment.as_bytes().len() >= LEND && !self.is_blocked() && self.io.is_write_vectored()
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
        self.rare.get_mut().pings.push(PendingPing {
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
        let mut pings = self.rare.get()?.pings.iter();
        pings.find(|ping| ping.id == id)?.round_trip
    }

    pub(super) fn forget_ping(&mut self, id: u64) {
        if let Some(rare) = self.rare.get_if_any() {
            rare.pings.retain(|ping| ping.id != id);
            self.rare.tidy();
        }
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
        self.read_up(now);
        if !self.inbox.has_room() {
            self.connection.reading_paused(now.get());
        }
        let release = self.rare.get().and_then(|rare| rare.release);
        if release.is_some_and(|release| release <= now.get()) {
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
        self.read_up(now);
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
        self.read_up(now);
        self.release_end(now);
        let timed_out = error.kind() == io::ErrorKind::TimedOut;
        if self.connection.close_info().is_none() {
            self.rare.get_mut().io_error = Some(Arc::new(error));
        }
        if timed_out {
            self.connection.transport_timed_out(now.get());
        } else {
            self.connection.transport_error(now.get());
        }
        self.take_in(&mut [], now);
    }
}
