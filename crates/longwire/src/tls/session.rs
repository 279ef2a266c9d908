//! TLS without I/O of its own: records are decrypted in the caller's buffer, and
//! encrypted in one that all sessions of a thread share.
//!
//! Between its turns a session holds the beginning of a record that is not whole
//! yet, and ciphertext that the transport did not take: nothing, while it is
//! idle.

mod end;
mod states;

pub(crate) use end::End;

use super::rustls::{
    ClientConfig, CommonState, Error, InvalidMessage, ServerConfig,
    client::UnbufferedClientConnection,
    pki_types::ServerName,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncryptError, UnbufferedStatus, WriteTraffic},
};
use longwire_proto::FrameHeader;
use states::{Attended, attend, keep_in};
use std::{
    cell::Cell,
    fmt,
    io::{self, ErrorKind, Read, Write},
    ops::Deref,
    sync::Arc,
};

/// What a read leaves free at the front of its buffer. Plaintext is collected
/// there, and does not reach the record that it comes from: records are longer
/// than what is in them, and none has more than this (RFC 8446, section 5.1).
const RESERVED: usize = 1 << 14;

/// RFC 5246, section 6.2.3: how long an encrypted fragment may be. TLS 1.3
/// allows less.
const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// How much input may wait for its end in the handshake, where a message may be
/// cut into many records; rustls takes none that is longer.
const MAX_HANDSHAKE: usize = 1 << 16;

/// How much may wait after that: a record.
const MAX_RECORD: usize = 5 + MAX_FRAGMENT;

/// How much plaintext is encrypted at a time: a message of 64 KiB with its header.
/// No more than this is kept as ciphertext when the transport takes nothing, but
/// for the records' overhead.
const CHUNK: usize = (1 << 16) + FrameHeader::MAX_LEN;

thread_local! {
    /// What sessions encrypt to. Taken out while in use.
    static SEALED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// One end of a TLS connection.
pub(crate) struct Session<E = UnbufferedServerConnection> {
    connection: E,
    /// What was received and waits for its end.
    rest: Vec<u8>,
    /// Whether nobody has looked at `rest`, since the handshake left it.
    unseen: bool,
    /// Plaintext that came with the end of the handshake: at most as much as was
    /// received in it.
    first: Vec<u8>,
    /// Ciphertext for the peer.
    unsent: Vec<u8>,
    input: Input,
}

/// What may still come from the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// Nothing: the peer has said so, authenticated.
    Closed,
    /// Nothing that could be trusted.
    Failed,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// So much plaintext, at the front of the buffer.
    Plaintext {
        len: usize,
        /// The transport has no more for now.
        drained: bool,
    },
    /// Nothing for now.
    Nothing,
    /// The peer has said, authenticated, that nothing more will come.
    End,
}

impl Session {
    /// The server's end.
    ///
    /// # Errors
    /// If the configuration is unusable.
    pub(crate) fn server(config: Arc<ServerConfig>) -> Result<Session, Error> {
        Ok(Session::new(UnbufferedServerConnection::new(config)?))
    }
}

impl Session<UnbufferedClientConnection> {
    /// The client's end, with what it has to say first.
    ///
    /// # Errors
    /// If the configuration is unusable.
    pub(crate) fn client(
        config: Arc<ClientConfig>,
        server: ServerName<'static>,
    ) -> Result<Self, Error> {
        let mut session = Session::new(UnbufferedClientConnection::new(config, server)?);
        session.shake_hands()?;
        Ok(session)
    }
}

impl<E: End> Session<E> {
    fn new(connection: E) -> Session<E> {
        Session {
            connection,
            rest: Vec::new(),
            unseen: false,
            first: Vec::new(),
            unsent: Vec::new(),
            input: Input::Open,
        }
    }

    /// Whether nothing was received yet.
    #[cfg(feature = "worker")]
    pub(crate) fn is_new(&self) -> bool {
        self.rest.is_empty() && !self.unseen
    }

    /// Takes input for [`shake_hands`](Self::shake_hands). Tells whether that
    /// has something to do now: it works on whole records.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> bool {
        self.rest.extend_from_slice(bytes);
        // RFC 8446, section 5.1: the length is in bytes 3 and 4.
        match self.rest[..] {
            [_, _, _, high, low, ref fragment @ ..] => {
                let length = u16::from_be_bytes([high, low]).into();
                // One that is too long is refused without waiting for it.
                length > MAX_FRAGMENT || fragment.len() >= length
            }
            _ => false,
        }
    }

    /// Goes on with the handshake as far as what was received allows. What it
    /// has to say, be it an alert, is in [`unsent`](Self::unsent) then.
    ///
    /// # Errors
    /// When the handshake has failed.
    pub(crate) fn shake_hands(&mut self) -> Result<(), Error> {
        let mut rest = std::mem::take(&mut self.rest);
        let mut at = 0;
        let mut blocked = false;
        // What is behind the handshake is for `read`.
        while !blocked && (self.is_handshaking() || self.state().wants_write()) {
            let UnbufferedStatus { discard, state } = self.connection.process(&mut rest[at..]);
            match attend(state, &mut self.unsent, keep_in(&mut self.first)) {
                Ok(Attended::GoOn) => {}
                Ok(Attended::Blocked | Attended::PeerClosed) => blocked = true,
                Err(error) => {
                    self.take_alert(&mut rest[at + discard..]);
                    return Err(error);
                }
            }
            at += discard;
        }
        self.rest = rest.split_off(at);
        self.unseen = true;
        if self.rest.len() > MAX_HANDSHAKE && self.is_handshaking() {
            return Err(too_long());
        }
        Ok(())
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.state().is_handshaking()
    }

    /// What the handshake has agreed on.
    pub(crate) fn state(&self) -> &CommonState {
        self.connection.state()
    }

    /// Ciphertext for the peer that the transport has not taken.
    #[cfg(any(feature = "worker", test))]
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.unsent
    }

    /// Reads until there is plaintext, and decrypts all of it that was read.
    ///
    /// The buffer is longer than what a read leaves free and keeps together: by
    /// far, if many records are to be read at once.
    ///
    /// # Errors
    /// Those of the transport. `UnexpectedEof` when it ends and the peer has not
    /// said so: somebody may have cut it off (RFC 8446, section 6.1).
    /// `InvalidData`, with the TLS error in it, when the peer breaks a rule; the
    /// alert was written if the transport took it.
    pub(crate) fn read<T: Read + Write>(
        &mut self,
        transport: &mut T,
        buffer: &mut [u8],
    ) -> io::Result<Received> {
        if !self.first.is_empty() {
            let len = self.first.len().min(buffer.len());
            buffer[..len].copy_from_slice(&self.first[..len]);
            self.first = self.first.split_off(len);
            return Ok(Received::Plaintext {
                len,
                drained: false,
            });
        }
        while self.input == Input::Open {
            let start = RESERVED + self.rest.len();
            let free = buffer.get_mut(start..).unwrap_or_default();
            let room = free.len();
            if room == 0 {
                return Err(io::Error::other("there is no room to read to"));
            }
            let read = match transport.read(free) {
                Ok(0) => return Err(cut_off()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.unseen || self.rest.is_empty() {
                        return Ok(Received::Nothing);
                    }
                    0
                }
                Err(error) => return Err(error),
            };
            buffer[RESERVED..start].copy_from_slice(&self.rest);
            let opened = self.open(&mut buffer[..start + read]);
            let len = opened.map_err(|error| self.failed(transport, error))?;
            if len > 0 {
                return Ok(Received::Plaintext {
                    len,
                    drained: read < room && self.input == Input::Open,
                });
            }
        }
        Ok(Received::End)
    }

    /// Decrypts what is in the buffer behind the reserved space. Returns how
    /// much plaintext is at its front then.
    fn open(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let (mut at, mut len) = (RESERVED, 0);
        loop {
            let (front, sealed) = buffer.split_at_mut(at);
            let UnbufferedStatus { discard, state } = self.connection.process(sealed);
            let attended = attend(state, &mut self.unsent, |plaintext| {
                let free = front.get_mut(len..len + plaintext.len());
                free.ok_or_else(too_long)?.copy_from_slice(plaintext);
                len += plaintext.len();
                Ok(())
            });
            at += discard;
            match attended {
                Ok(Attended::GoOn) => {}
                Ok(Attended::Blocked) => break,
                Ok(Attended::PeerClosed) => self.input = Input::Closed,
                Err(error) => {
                    self.take_alert(&mut buffer[at..]);
                    return Err(error);
                }
            }
        }
        // RFC 8446, section 6.1: what comes after close_notify is ignored.
        if self.input == Input::Open {
            self.rest = buffer[at..].to_vec();
        } else {
            self.rest = Vec::new();
        }
        if self.rest.len() > MAX_RECORD {
            return Err(too_long());
        }
        self.unseen = false;
        Ok(len)
    }

    /// Fetches the alert that belongs to an error.
    fn take_alert(&mut self, input: &mut [u8]) {
        // As long as this holds no input is looked at.
        while self.state().wants_write() {
            let state = self.connection.process(input).state;
            if attend(state, &mut self.unsent, |_| Ok(())).is_err() {
                return;
            }
        }
    }

    /// The error of the transport for one of TLS, whose alert is written if the
    /// transport takes it.
    pub(super) fn failed(&mut self, transport: &mut impl Write, error: Error) -> io::Error {
        self.input = Input::Failed;
        // Whether the peer gets the alert changes nothing here.
        let _ = self.write_unsent(transport);
        io::Error::new(ErrorKind::InvalidData, error)
    }

    /// Writes what is unsent. Tells whether all of it is written.
    ///
    /// # Errors
    /// Those of the transport.
    pub(crate) fn write_unsent(&mut self, transport: &mut impl Write) -> io::Result<bool> {
        let written = write_all(transport, &self.unsent)?;
        if written < self.unsent.len() {
            self.unsent.drain(..written);
            return Ok(false);
        }
        self.unsent = Vec::new();
        Ok(true)
    }

    /// Encrypts the beginning of `pieces`, which follow each other, and writes it.
    /// Returns how long it was: nothing, if the transport has not taken what was
    /// written before.
    ///
    /// # Errors
    /// Those of the transport, and when the keys are worn out.
    pub(crate) fn write(
        &mut self,
        transport: &mut impl Write,
        pieces: &[impl Deref<Target = [u8]>],
    ) -> io::Result<usize> {
        if !self.write_unsent(transport)? {
            return Ok(0);
        }
        let mut sealed = SEALED.take();
        let written = self.seal(pieces, &mut sealed).and_then(|(taken, len)| {
            // A key update may have to go before it.
            let written = if self.unsent.is_empty() {
                write_all(transport, &sealed[..len])?
            } else {
                0
            };
            self.unsent.extend_from_slice(&sealed[written..len]);
            Ok(taken)
        });
        SEALED.set(sealed);
        written
    }

    /// Encrypts the beginning of `pieces`, each to records of its own. Returns how
    /// much that was, and how long the records are.
    fn seal(
        &mut self,
        pieces: &[impl Deref<Target = [u8]>],
        sealed: &mut Vec<u8>,
    ) -> io::Result<(usize, usize)> {
        self.with_traffic(|traffic| {
            let (mut taken, mut len) = (0, 0);
            for piece in pieces {
                let piece = &piece[..piece.len().min(CHUNK - taken)];
                len += loop {
                    match traffic.encrypt(piece, &mut sealed[len..]) {
                        Err(EncryptError::InsufficientSize(size)) => {
                            sealed.resize(len + size.required_size, 0);
                        }
                        done => break done?,
                    }
                };
                taken += piece.len();
            }
            Ok((taken, len))
        })
    }

    /// Says that nothing more will come, by the next
    /// [`write_unsent`](Self::write_unsent). Does nothing if that was said
    /// before, or TLS has failed.
    pub(crate) fn close(&mut self) {
        if self.input == Input::Failed {
            return;
        }
        let mut notice = [0; 256];
        let len = self.with_traffic(|traffic| traffic.queue_close_notify(&mut notice));
        self.unsent.extend_from_slice(&notice[..len.unwrap_or(0)]);
    }

    /// Calls `act` when data may be encrypted, which it may from the end of the
    /// handshake on.
    fn with_traffic<T>(
        &mut self,
        act: impl FnOnce(&mut WriteTraffic<'_, E::Data>) -> Result<T, EncryptError>,
    ) -> io::Result<T> {
        loop {
            let UnbufferedStatus { discard, state } = self.connection.process(&mut self.rest);
            let state = match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let done = act(&mut traffic);
                    self.rest.drain(..discard);
                    return done.map_err(io::Error::other);
                }
                state => state,
            };
            let attended = attend(state, &mut self.unsent, keep_in(&mut self.first));
            match attended.map_err(io::Error::other)? {
                Attended::GoOn => {}
                Attended::PeerClosed => self.input = Input::Closed,
                Attended::Blocked => return Err(ErrorKind::NotConnected.into()),
            }
            self.rest.drain(..discard);
        }
    }
}

impl<E> fmt::Debug for Session<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("rest", &self.rest.len())
            .field("unsent", &self.unsent.len())
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// Writes until all is written or the transport takes no more. Returns how much
/// it took.
fn write_all(transport: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match transport.write(&bytes[at..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => at += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

fn cut_off() -> io::Error {
    let text = "the peer closed the connection without a close_notify of TLS";
    io::Error::new(ErrorKind::UnexpectedEof, text)
}

fn too_long() -> Error {
    InvalidMessage::MessageTooLarge.into()
}

#[cfg(test)]
mod tests;
