use crate::{Chunker, RawFrame, Rng, TestCodecs, frames, owned};
use bytes::BufMut;
use longwire_proto::{
    CloseFrame, Config, Connection, Env, Event, Input, Instant, MaskKeys, Message, Output, Role,
    SendError,
    extension::{Codecs, MessageExtension},
};
use std::{sync::Arc, time::Duration};

/// A connection with all that a driver owns: the clock, the output, the
/// masking keys. The test is the transport.
#[derive(Debug)]
pub struct Endpoint {
    /// The connection.
    pub connection: Connection,
    /// What is to be written.
    pub output: Output,
    /// The time.
    pub now: Instant,
    /// What a [`Pair`](crate::Pair) delivered here.
    pub events: Vec<Event<'static>>,
    /// Read into the connection's own buffer where it lends one.
    pub reads_directly: bool,
    /// The room that the driver lends for messages that are decompressed.
    pub scratch: Vec<u8>,
    /// Lends compressors.
    pub codecs: Box<dyn Codecs>,
    keys: Keys,
}

/// Masking keys from a seed, kept to be looked at.
#[derive(Debug)]
struct Keys {
    rng: Rng,
    given: Vec<[u8; 4]>,
}

impl MaskKeys for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        let key = (self.rng.next() as u32).to_ne_bytes();
        self.given.push(key);
        key
    }
}

impl Endpoint {
    /// An open connection with the role's defaults, on a clock that does not
    /// begin at zero.
    pub fn new(role: Role) -> Endpoint {
        Endpoint::with_config(role, |_| {})
    }

    /// The same, with a changed configuration.
    pub fn with_config(role: Role, change: impl FnOnce(&mut Config)) -> Endpoint {
        let mut config = match role {
            Role::Client => Config::client(),
            Role::Server => Config::server(),
        };
        change(&mut config);
        let now = Instant::from_micros(77_000_000);
        Endpoint {
            connection: Connection::new(role, Arc::new(config), now),
            output: Output::new(),
            now,
            events: Vec::new(),
            reads_directly: false,
            scratch: Vec::new(),
            codecs: Box::<TestCodecs>::default(),
            keys: Keys {
                rng: Rng::new(role as u64),
                given: Vec::new(),
            },
        }
    }

    /// Begins anew with a connection that uses this extension.
    pub fn use_extension(&mut self, extension: impl MessageExtension + 'static) {
        let config = Arc::clone(self.connection.config());
        let connection = Connection::new(self.connection.role(), config, self.now);
        self.connection = connection.with_extension(Box::new(extension));
    }

    /// Calls a method of the connection that needs an [`Env`].
    pub fn call<T>(&mut self, f: impl FnOnce(&mut Connection, &mut Env<'_>) -> T) -> T {
        let mut env = Env {
            now: self.now,
            output: &mut self.output,
            mask_keys: &mut self.keys,
            codecs: &mut *self.codecs,
        };
        f(&mut self.connection, &mut env)
    }

    /// Begins the closing handshake.
    ///
    /// # Errors
    /// As [`Connection::close`].
    ///
    /// # Panics
    /// If no Close frame may carry this.
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), SendError> {
        let frame = CloseFrame::new(code, reason).expect("a code and reason that may be sent");
        self.call(|connection, env| connection.close(env, frame))
    }

    /// Receives `bytes` in one read; what came of them.
    ///
    /// # Panics
    /// If the connection leaves some of the input.
    pub fn receive(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Event<'static>> {
        let mut buffer = bytes.as_ref().to_vec();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut input = Input::new(&mut buffer).with_scratch(&mut scratch);
        let events = self.call(|connection, env| {
            let mut events = Vec::new();
            while let Some(event) = connection.next_event(env, &mut input) {
                events.push(owned(event));
            }
            assert!(input.is_empty(), "all of the input is taken");
            events
        });
        self.scratch = scratch;
        events
    }

    /// Receives one frame, masked or not as the peer's role asks.
    pub fn receive_frame(&mut self, frame: RawFrame) -> Vec<Event<'static>> {
        let peer = self.connection.role().peer();
        self.receive(frame.sent_by(peer).to_bytes())
    }

    /// Receives `bytes` in pieces, and takes from each what messages it can by
    /// [`Connection::next_message`].
    ///
    /// # Panics
    /// As [`receive`](Self::receive).
    pub fn receive_messages_first(
        &mut self,
        bytes: &[u8],
        chunker: &Chunker,
    ) -> Vec<Event<'static>> {
        let mut events = Vec::new();
        for piece in chunker.split(bytes) {
            let mut buffer = piece.to_vec();
            let mut input = Input::new(&mut buffer);
            while let Some(message) = self.call(|connection, env| {
                let message = connection.next_message(env, &mut input)?;
                Some(Message::from(message))
            }) {
                events.push(match message {
                    Message::Text(text) => Event::Text(text.to_string().into()),
                    Message::Binary(bytes) => Event::Binary(bytes.to_vec().into()),
                });
            }
            let rest = input.as_slice().to_vec();
            events.extend(self.receive(rest));
        }
        events
    }

    /// Receives `bytes` in pieces.
    pub fn receive_in_pieces(&mut self, bytes: &[u8], chunker: &Chunker) -> Vec<Event<'static>> {
        let pieces = chunker.split(bytes);
        pieces.flat_map(|piece| self.receive(piece)).collect()
    }

    /// Receives `bytes` as a driver does that reads into the connection's own
    /// buffer where it lends one, and else into its own, in pieces.
    pub fn receive_directly(&mut self, bytes: &[u8], chunker: &Chunker) -> Vec<Event<'static>> {
        let mut events = Vec::new();
        for mut piece in chunker.split(bytes) {
            while !piece.is_empty() && self.read_to_target(&mut piece) {
                events.extend(self.poll());
            }
            events.extend(self.receive(piece));
        }
        events
    }

    /// Moves what fits from the front of `bytes` to the buffer that the
    /// connection lends; false if it lends none.
    pub fn read_to_target(&mut self, bytes: &mut &[u8]) -> bool {
        let Some(mut target) = self.connection.read_target() else {
            return false;
        };
        let (direct, rest) = bytes.split_at(bytes.len().min(target.remaining_mut()));
        target.put_slice(direct);
        *bytes = rest;
        true
    }

    /// What is due without new input: [`Event::Closed`] after a timeout, for
    /// one.
    pub fn poll(&mut self) -> Vec<Event<'static>> {
        self.receive([])
    }

    /// Lets time pass, and no timeout be handled.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now + by;
    }

    /// Jumps to the next timeout and handles it; what came of it.
    ///
    /// # Panics
    /// If none is set.
    pub fn run_timeout(&mut self) -> Vec<Event<'static>> {
        let timeout = self.connection.next_timeout().expect("a timeout is set");
        self.now = self.now.max(timeout);
        self.call(Connection::handle_timeout);
        self.poll()
    }

    /// Takes at most `len` bytes of the output, as a write does.
    pub fn write(&mut self, len: usize) -> Vec<u8> {
        let mut written = Vec::new();
        while written.len() < len && !self.output.is_empty() {
            let mut slices = [&[][..]; 4];
            let filled = self.output.slices(&mut slices);
            let mut bytes = slices[..filled].concat();
            bytes.truncate(len - written.len());
            self.output.advance(bytes.len());
            written.append(&mut bytes);
        }
        written
    }

    /// Takes all of the output, with what the connection has held back.
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while !self.output.is_empty() {
            all.extend(self.write(usize::MAX));
            self.call(Connection::output_written);
        }
        all
    }

    /// Takes all of the output, as frames. Their masks, which must be there for
    /// a client and not for a server, are left out.
    ///
    /// # Panics
    /// If a frame is masked that must not be, or the other way round.
    pub fn take_frames(&mut self) -> Vec<RawFrame> {
        let masks = self.connection.role() == Role::Client;
        let mut frames = frames(&self.take_output());
        for frame in &mut frames {
            assert_eq!(frame.mask.take().is_some(), masks, "{frame:?}");
        }
        frames
    }

    /// The masking keys that were asked for, in order.
    pub fn mask_keys(&self) -> &[[u8; 4]] {
        &self.keys.given
    }
}
