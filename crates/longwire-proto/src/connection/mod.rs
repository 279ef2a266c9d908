//! The connection after the opening handshake: bytes in, events and bytes out.

mod close;
mod close_info;
mod keepalive;
mod partial;
mod receive;
mod round_trip;
mod rules;
mod send;
mod state;

pub use close_info::{CloseCause, CloseInfo, Initiator, Transport};
pub use keepalive::Acknowledgements;

use crate::{
    CloseCode, Config, ControlPayload, Env, Event, Input, Instant, MessageKind, MessageRef,
    ReceiveMode, Role, Rsv, extension::MessageExtension, time::earlier,
};
use alloc::{boxed::Box, sync::Arc};
use bytes::BufMut;
use core::time::Duration;
use keepalive::{Due, Keepalive};
use receive::{Receive, event_of};
use rules::{Decoder, Received, Rules};
use state::{End, Ending};

/// A WebSocket connection, as a state machine without I/O.
///
/// # How it is driven
///
/// The driver owns the transport, the clock, the buffers and the randomness.
/// It calls
///
/// 1. [`next_event`](Self::next_event) with what it has read, **until it gives
///    `None`**. That takes all of the input: what is left of a cut frame is
///    kept in the connection. A driver that stops earlier keeps the rest of the
///    input and goes on later; that is its back-pressure.
/// 2. [`receive_eof`](Self::receive_eof) when the peer closed its half,
///    [`transport_error`](Self::transport_error) when the transport broke, and
///    [`handle_timeout`](Self::handle_timeout) at
///    [`next_timeout`](Self::next_timeout); then `next_event` again, for the
///    [`Event::Closed`] that may follow.
/// 3. [`transport`](Self::transport) after each round, to see whether to go on
///    with the transport or to close it, and how.
///
/// What is to be written collects in the [`Output`](crate::Output) of the
/// [`Env`] that each call is lent. The driver writes it when it likes: best once
/// for each batch of input. It tells how that goes by
/// [`write_blocked`](Self::write_blocked),
/// [`write_progressed`](Self::write_progressed) and, when all is written,
/// [`output_written`](Self::output_written).
///
/// Events borrow from the driver's buffer and not from the connection, so that a
/// message can be answered while it is looked at:
///
/// ```
/// use longwire_proto::{
///     Config, Connection, Env, Event, Input, Instant, NoMaskKeys, Output, Role,
///     extension::NoCodecs,
/// };
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Connection::new(Role::Server, Config::server().into(), Instant::default());
/// let mut output = Output::new();
/// // The driver read this: RFC 6455 section 5.7, a masked "Hello".
/// let mut read = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
///
/// let mut input = Input::new(&mut read);
/// let mut env = Env {
///     now: Instant::default(),
///     output: &mut output,
///     mask_keys: &mut NoMaskKeys,
///     codecs: &mut NoCodecs,
/// };
/// while let Some(event) = connection.next_event(&mut env, &mut input) {
///     match event {
///         Event::Text(text) => connection.send_ref(&mut env, &*text)?,
///         Event::Binary(bytes) => connection.send_ref(&mut env, &*bytes)?,
///         _ => {}
///     }
/// }
/// // ... and writes this.
/// let mut slices = [&[][..]; 1];
/// output.slices(&mut slices);
/// assert_eq!(slices[0], b"\x81\x05Hello");
/// # Ok(())
/// # }
/// ```
///
/// # Time
///
/// Before `handle_timeout` is called the transport should be read once: when the
/// process was stopped or the machine slept, the bytes that prove the peer alive
/// are waiting there. A driver that can ask the system what the peer has
/// acknowledged tells by [`acknowledged`](Self::acknowledged) first.
#[derive(Debug)]
pub struct Connection {
    config: Arc<Config>,
    role: Role,
    /// The state, unless it is open.
    ending: Option<Box<Ending>>,
    receive: Receive,
    /// The kind of the fragmented message that is being sent.
    fragmented: Option<MessageKind>,
    /// The Ping that could not be answered yet.
    owed_pong: Option<Box<ControlPayload>>,
    keepalive: Keepalive,
    /// How many Pings have come.
    pings: u16,
    /// How the user wants the message that begins next.
    mode: ReceiveMode,
    hold_ends: bool,
    /// Behind one pointer more, since most have none.
    extension: Option<Box<Box<dyn MessageExtension>>>,
}

impl Connection {
    /// A connection whose opening handshake is done.
    pub fn new(role: Role, config: Arc<Config>, now: Instant) -> Connection {
        Connection {
            config,
            role,
            ending: None,
            receive: Receive::default(),
            fragmented: None,
            owed_pong: None,
            keepalive: Keepalive::new(now),
            pings: 0,
            mode: ReceiveMode::default(),
            hold_ends: false,
            extension: None,
        }
    }

    /// The same, with the extension that the opening handshake agreed on.
    #[must_use]
    pub fn with_extension(self, extension: Box<dyn MessageExtension>) -> Connection {
        Connection {
            extension: Some(Box::new(extension)),
            ..self
        }
    }

    /// Whether an extension is in use.
    pub const fn has_extension(&self) -> bool {
        self.extension.is_some()
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The configuration.
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether messages can be sent: no Close frame was, and no end of the
    /// connection has taken effect.
    pub fn is_open(&self) -> bool {
        matches!(self.ending.as_deref(), None | Some(Ending::Held(_)))
    }

    /// Takes bytes from the front of `input` until there is something to tell.
    /// `None` when all of the input is taken.
    ///
    /// A violation by the peer fails the connection: the Close frame with the
    /// fitting code is put out, the rest of the input is discarded, and
    /// [`Event::Closed`] comes.
    #[inline]
    pub fn next_event<'a>(
        &mut self,
        env: &mut Env<'_>,
        input: &mut Input<'a>,
    ) -> Option<Event<'a>> {
        if let Some(message) = self.plain_message(env, input) {
            return Some(event_of(self.mode, message));
        }
        self.next_other(env, input)
    }

    /// Takes the message at the front of `input`, if it is there as a whole, in
    /// one frame and as it was sent, as most are. `None` for anything else, and
    /// with [chunks](ReceiveMode::Stream): then [`next_event`](Self::next_event)
    /// has the next event.
    ///
    /// A driver that gives out messages one by one may leave the others in its
    /// buffer as long as this finds one. The time that it says it is may be the
    /// one at which it has read them.
    #[inline]
    pub fn next_message<'a>(
        &mut self,
        env: &mut Env<'_>,
        input: &mut Input<'a>,
    ) -> Option<MessageRef<'a>> {
        match self.mode {
            ReceiveMode::Message => self.plain_message(env, input),
            ReceiveMode::Stream => None,
        }
    }

    #[inline]
    fn plain_message<'a>(
        &mut self,
        env: &mut Env<'_>,
        input: &mut Input<'a>,
    ) -> Option<MessageRef<'a>> {
        if !matches!(self.ending.as_deref(), None | Some(Ending::Closing(_))) {
            return None;
        }
        let received = self
            .receive
            .plain_message(self.role, &self.config, self.mode, input)?;
        self.keepalive.heard(env.now);
        match received {
            Ok(message) => Some(message),
            Err(failure) => {
                self.end_received(env, End::Failure(failure));
                None
            }
        }
    }

    /// The next event that is no plain message.
    fn next_other<'a>(&mut self, env: &mut Env<'_>, input: &mut Input<'a>) -> Option<Event<'a>> {
        if !input.is_empty() || self.receive.has_unread() {
            self.keepalive.heard(env.now);
        }
        // 5.5.1 and 1.4: what follows a Close frame is ignored.
        match self.ending.as_deref_mut() {
            None | Some(Ending::Closing(_)) => {}
            Some(Ending::Held(_)) => {
                input.discard();
                return None;
            }
            Some(Ending::Closed(closed)) => {
                input.discard();
                return (!core::mem::replace(&mut closed.reported, true)).then_some(Event::Closed);
            }
        }
        let rules = Rules {
            now: env.now,
            role: self.role,
            config: &self.config,
            rsv: self.rsv(),
            mode: self.mode,
        };
        let mut decoder = Decoder {
            extension: self.extension.as_deref_mut().map(Box::as_mut),
            env,
        };
        match self.receive.next(rules, &mut decoder, input) {
            Ok(None) => return None,
            Ok(Some(Received::Event(event))) => {
                match &event {
                    Event::Ping(payload) => {
                        self.pings = self.pings.wrapping_add(1);
                        self.answer_ping(env, payload);
                    }
                    Event::Pong(payload) => self.keepalive.ponged(payload, env.now),
                    _ => {}
                }
                return Some(event);
            }
            Ok(Some(Received::Close(frame))) => self.end_received(env, End::Close(frame)),
            Err(failure) => self.end_received(env, End::Failure(failure)),
        }
        self.next_other(env, input)
    }

    /// How many bytes are missing behind `input` until the frame at its front,
    /// which the input's end has cut, is whole; at least one, if the header is
    /// cut. `None` when no frame is, or when it could not be lent from the input
    /// all the same, because its message has to be assembled or breaks a rule.
    ///
    /// A driver with a large buffer that knows of more bytes may leave the cut
    /// frame where it is, read on behind it, and only then call
    /// [`next_event`](Self::next_event): a large message is then lent like a
    /// small one, and never copied.
    pub fn missing(&self, input: &Input<'_>) -> Option<usize> {
        match self.ending.as_deref() {
            None | Some(Ending::Closing(_)) => {}
            Some(Ending::Held(_) | Ending::Closed(_)) => return None,
        }
        let rules = Rules {
            // Of no account to a header's rules.
            now: Instant::default(),
            role: self.role,
            config: &self.config,
            rsv: self.rsv(),
            mode: self.mode,
        };
        self.receive.missing(rules, input.as_slice())
    }

    /// The reserved bits that the extension in use gives a meaning to.
    fn rsv(&self) -> Rsv {
        let extension = self.extension.as_ref();
        extension.map_or(Rsv::NONE, |extension| extension.rsv())
    }

    /// Where the driver may read to directly, when the rest of a large payload
    /// is due: the message's own buffer, to spare a copy. After reading, call
    /// [`next_event`](Self::next_event) with [`Input::empty`]. `None` when the
    /// driver's buffer is the place.
    pub fn read_target(&mut self) -> Option<impl BufMut> {
        self.receive.read_target()
    }

    /// Whole messages, or chunks. Takes effect at the next message; but a
    /// message that is being assembled when streaming is switched on goes over
    /// to chunks, the first of which is what was assembled.
    pub fn set_receive_mode(&mut self, mode: ReceiveMode) {
        self.mode = mode;
        if mode == ReceiveMode::Stream {
            self.receive.stream_from_here();
        }
    }

    /// Whether what comes next is given out in chunks: the message under way, or
    /// the next one.
    pub fn is_streaming(&self) -> bool {
        self.receive.mode().unwrap_or(self.mode) == ReceiveMode::Stream
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing happens
    /// before.
    pub fn next_timeout(&self) -> Option<Instant> {
        match self.ending.as_deref() {
            None | Some(Ending::Held(_)) => {
                let heartbeat = self.keepalive.next_timeout(&self.config);
                let extension = self.extension.as_ref();
                let extension = extension.and_then(|used| used.next_timeout(&self.config));
                earlier(earlier(heartbeat, self.receive.deadline()), extension)
            }
            Some(Ending::Closing(closing)) => Some(closing.deadline),
            Some(Ending::Closed(closed)) => {
                (closed.transport != Transport::Close).then_some(closed.deadline)
            }
        }
    }

    /// Does what is due: sends a Ping, gives up a dead or unresponsive peer,
    /// fails a message that takes too long, gives an idle compressor back.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>) {
        match self.ending.as_deref_mut() {
            None | Some(Ending::Held(_)) => self.handle_timeout_while_open(env),
            Some(Ending::Closing(closing)) => {
                if closing.deadline <= env.now {
                    self.give_up(env.now, CloseCause::CloseTimeout);
                }
            }
            Some(Ending::Closed(closed)) => {
                if closed.deadline <= env.now {
                    closed.transport = Transport::Close;
                }
            }
        }
    }

    fn handle_timeout_while_open(&mut self, env: &mut Env<'_>) {
        if let Some(extension) = &mut self.extension {
            extension.handle_timeout(env, &self.config);
        }
        if self
            .receive
            .deadline()
            .is_some_and(|deadline| deadline <= env.now)
        {
            return self.fail(env, crate::LimitError::AssemblyTime.into());
        }
        match self.keepalive.handle_timeout(env.now, &self.config) {
            Due::Nothing => {}
            Due::Ping(payload) => {
                // An open connection may always send a Ping.
                let _ = self.ping(env, &payload);
            }
            Due::Dead(cause) => self.give_up(env.now, cause),
        }
    }

    /// Sends no more Pings and only watches, because the client said that it
    /// keeps the connection alive
    /// ([`Proposal::Client`](crate::heartbeat::Proposal::Client)): after
    /// [`Config::max_silence`] without a byte it counts as gone.
    pub fn watch(&mut self) {
        self.keepalive.watch();
    }

    /// Pings after so much silence from now on, in place of
    /// [`Config::ping_interval`]. From 1 ms to 49 days. The next timeout may be
    /// an earlier one then. A connection that only [watches](Self::watch) still
    /// does not ping.
    pub fn set_ping_interval(&mut self, interval: Duration) {
        self.keepalive.set_interval(interval);
    }

    /// How long a Ping that was sent now could stay unanswered before the peer
    /// counted as dead: see [`Config::min_pong_timeout`].
    pub fn pong_timeout(&self) -> Duration {
        self.keepalive.patience(&self.config)
    }

    /// Tells that the driver does not read at present, because it has no room:
    /// the peer's silence is the driver's own doing, and no sign of death.
    pub fn reading_paused(&mut self, now: Instant) {
        self.keepalive.not_listening(now);
    }

    /// Tells that the transport takes nothing now of what is to be written.
    /// From here [`Config::write_timeout`] runs.
    pub fn write_blocked(&mut self, now: Instant) {
        self.keepalive.write_blocked(now);
    }

    /// Tells that a write went on that had been blocked: the peer took
    /// something, so it lives, though it may be too busy to answer.
    pub fn write_progressed(&mut self, now: Instant) {
        self.keepalive.write_progressed(now);
    }

    /// Tells that the transport took something of what is to be written. From the
    /// first such call on [`next_timeout`](Self::next_timeout) may be nearer:
    /// the peer's system has to acknowledge it.
    pub const fn write_taken(&mut self) {
        self.keepalive.write_taken();
    }

    /// Whether what the transport took may wait to be acknowledged, as far as is
    /// known.
    pub const fn awaits_acknowledgement(&self) -> bool {
        self.keepalive.awaits_acknowledgement()
    }

    /// Tells what the system knows of the bytes that the transport took: what was
    /// acknowledged is a sign of life, and what stays unacknowledged longer than
    /// an answered Ping may take is one of death.
    ///
    /// It need not be asked before [`handle_timeout`](Self::handle_timeout) is
    /// due, so no message costs anything for it.
    pub fn acknowledged(&mut self, now: Instant, acknowledgements: &Acknowledgements) {
        self.keepalive
            .acknowledged(now, acknowledgements, &self.config);
    }

    /// The time from a heartbeat's Ping to its Pong, smoothed; `None` before the
    /// first. A connection that is never silent sends no heartbeats.
    pub fn round_trip(&self) -> Option<Duration> {
        self.keepalive.round_trip()
    }

    /// When the peer last gave a sign of life: a byte that was received, or one
    /// that it took after it had taken none. At first, when the connection was
    /// opened.
    pub const fn last_heard(&self) -> Instant {
        self.keepalive.last_heard()
    }

    /// How many Pings have come from the peer. It wraps around.
    ///
    /// What watches whether the peer beats by itself compares it now and then,
    /// so that no message costs anything for it.
    pub const fn pings_received(&self) -> u16 {
        self.pings
    }

    /// The code that the connection ended with, as the browser API reports it;
    /// `None` while it has not ended.
    pub fn close_code(&self) -> Option<CloseCode> {
        self.close_info().map(CloseInfo::code)
    }
}

#[cfg(test)]
mod tests;
