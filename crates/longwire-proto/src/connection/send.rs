//! What goes out: messages, whole and in fragments, Pings and Pongs.

use super::Connection;
use crate::{
    Compress, Config, ControlPayload, Env, FrameHeader, Message, MessageKind, MessageRef, Opcode,
    Output, PreparedBatch, PreparedMessage, Role, Rsv, SendError,
    extension::{MessageExtension, Piece},
};
use alloc::{boxed::Box, vec::Vec};
use bytes::Bytes;

impl Connection {
    /// While more than this waits to be written, a Pong is owed instead of
    /// queued: a peer that sends Pings and reads nothing must not fill memory.
    const PONG_BACKLOG: usize = 16 * 1024;

    /// Sends a message from borrowed memory, which is copied.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_ref<'m>(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<MessageRef<'m>>,
    ) -> Result<(), SendError> {
        self.send_ref_with(env, message, Compress::Auto)
    }

    /// The same, and says whether to compress it.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_ref_with<'m>(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<MessageRef<'m>>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        self.may_begin()?;
        let opcode = message.kind().opcode();
        match self.encode(env, whole(message.as_bytes(), compress)) {
            Some((rsv, payload)) => self.put_coded(env, true, opcode, rsv, payload),
            None => self.put_frame(env, true, opcode, message.as_bytes()),
        }
        Ok(())
    }

    /// Sends a message whose payload the driver writes from where it is. Puts
    /// out what must come before it, and returns what is left to be written
    /// right behind the output: a server's whole payload. One that is compressed,
    /// or a client's, which is masked, is another one, and nothing is left.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_lent<'m>(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<MessageRef<'m>>,
    ) -> Result<&'m [u8], SendError> {
        let message = message.into();
        let (opcode, payload) = (message.kind().opcode(), message.as_bytes());
        self.may_begin()?;
        if let Some((rsv, payload)) = self.encode(env, whole(payload, Compress::Auto)) {
            self.put_coded(env, true, opcode, rsv, payload);
            return Ok(&[]);
        }
        Ok(self.put_lent(env, true, opcode, payload))
    }

    /// Sends a message that may be kept by reference until it is written: a
    /// large one is not copied, by a client only if it is not shared.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<Message>,
    ) -> Result<(), SendError> {
        self.send_with(env, message, Compress::Auto)
    }

    /// The same, and says whether to compress it.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_with(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        self.may_begin()?;
        let opcode = message.kind().opcode();
        match self.encode(env, whole(message.as_bytes(), compress)) {
            Some((rsv, payload)) => self.put_coded(env, true, opcode, rsv, payload),
            // Its bytes are copied all the same: so it need not be moved.
            None if message.len() < Output::SHARE_FROM => {
                self.put_frame(env, true, opcode, message.as_bytes());
            }
            None => {
                let header = self.header(env, true, opcode, Rsv::NONE, message.len());
                put_owned(env, &header, message.into_bytes());
            }
        }
        Ok(())
    }

    /// Sends a message that was encoded once for many connections.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_prepared(
        &mut self,
        env: &mut Env<'_>,
        message: &PreparedMessage,
    ) -> Result<(), SendError> {
        self.may_begin()?;
        let extension = self.extension.as_mut();
        let encoded = extension
            .and_then(|used| used.encode_prepared(env, &self.config, message))
            .unwrap_or(message.plain());
        match self.role {
            Role::Server => env.output.put_shared_ref(encoded.frame()),
            Role::Client => {
                let (rsv, payload) = (encoded.rsv(), encoded.payload());
                let header = self.header(env, true, message.kind().opcode(), rsv, payload.len());
                env.output.put_frame(&header, payload);
            }
        }
        Ok(())
    }

    /// Sends messages that were encoded once for many connections.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_batch(
        &mut self,
        env: &mut Env<'_>,
        batch: &PreparedBatch,
    ) -> Result<(), SendError> {
        self.may_begin()?;
        if self.role == Role::Server && self.extension.is_none() {
            env.output.put_shared_ref(batch.frames());
            return Ok(());
        }
        let mut messages = batch.messages().iter();
        messages.try_for_each(|message| self.send_prepared(env, message))
    }

    /// Sends the next fragment of a message; the first begins it, `last` ends
    /// it. Control frames may pass between fragments, other messages may not
    /// (RFC 6455 section 5.4).
    ///
    /// # Errors
    /// [`SendError`], also when the fragment is of another kind than the
    /// message; nothing was sent.
    pub fn send_fragment<'m>(
        &mut self,
        env: &mut Env<'_>,
        fragment: impl Into<MessageRef<'m>>,
        last: bool,
    ) -> Result<(), SendError> {
        self.send_fragment_with(env, fragment, last, Compress::Auto)
    }

    /// The same, and says whether to compress the message; what the first
    /// fragment says counts for all of them. Each is compressed so that the peer
    /// can have all of it at once.
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_fragment_with<'m>(
        &mut self,
        env: &mut Env<'_>,
        fragment: impl Into<MessageRef<'m>>,
        last: bool,
        compress: Compress,
    ) -> Result<(), SendError> {
        let rest = self.put_fragment(env, fragment.into(), last, compress)?;
        env.output.put(rest);
        Ok(())
    }

    /// Sends the next fragment of a message, which the driver writes from where
    /// it is: what is left to be written is as in [`send_lent`](Self::send_lent).
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_fragment_lent<'m>(
        &mut self,
        env: &mut Env<'_>,
        fragment: impl Into<MessageRef<'m>>,
        last: bool,
    ) -> Result<&'m [u8], SendError> {
        self.put_fragment(env, fragment.into(), last, Compress::Auto)
    }

    /// Sends the next fragment of a message, which may be kept by reference until
    /// it is written, as in [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_fragment_shared(
        &mut self,
        env: &mut Env<'_>,
        fragment: impl Into<Message>,
        last: bool,
    ) -> Result<(), SendError> {
        let fragment = fragment.into();
        let kind = fragment.kind();
        let opcode = self.may_continue(kind)?;
        let piece = self.fragment(fragment.as_bytes(), last, Compress::Auto);
        match self.encode(env, piece) {
            Some((rsv, payload)) => self.put_coded(env, last, opcode, rsv, payload),
            None => {
                let header = self.header(env, last, opcode, Rsv::NONE, fragment.len());
                put_owned(env, &header, fragment.into_bytes());
            }
        }
        self.fragmented = (!last).then_some(kind);
        Ok(())
    }

    /// Appends a fragment. What is left is to follow right behind.
    fn put_fragment<'m>(
        &mut self,
        env: &mut Env<'_>,
        fragment: MessageRef<'m>,
        last: bool,
        compress: Compress,
    ) -> Result<&'m [u8], SendError> {
        let opcode = self.may_continue(fragment.kind())?;
        let piece = self.fragment(fragment.as_bytes(), last, compress);
        let rest = match self.encode(env, piece) {
            Some((rsv, payload)) => {
                self.put_coded(env, last, opcode, rsv, payload);
                &[]
            }
            None => self.put_lent(env, last, opcode, fragment.as_bytes()),
        };
        self.fragmented = (!last).then_some(fragment.kind());
        Ok(rest)
    }

    /// Whether a fragmented message is under way.
    pub const fn in_fragmented_message(&self) -> bool {
        self.fragmented.is_some()
    }

    /// Sends a Ping.
    ///
    /// # Errors
    /// [`SendError::Closing`]; nothing was sent.
    pub fn ping(&mut self, env: &mut Env<'_>, payload: &ControlPayload) -> Result<(), SendError> {
        self.may_send()?;
        self.put_frame(env, true, Opcode::Ping, payload.as_bytes());
        Ok(())
    }

    /// Sends an unsolicited Pong: a heartbeat that expects no answer
    /// (RFC 6455 section 5.5.3).
    ///
    /// # Errors
    /// [`SendError::Closing`]; nothing was sent.
    pub fn pong(&mut self, env: &mut Env<'_>, payload: &ControlPayload) -> Result<(), SendError> {
        self.may_send()?;
        self.put_frame(env, true, Opcode::Pong, payload.as_bytes());
        Ok(())
    }

    /// Tells that all output is written. Puts out the Pong that is owed, if
    /// one is.
    pub fn output_written(&mut self, env: &mut Env<'_>) {
        self.keepalive.write_unblocked();
        if env.output.len() <= Self::PONG_BACKLOG
            && let Some(payload) = self.owed_pong.take()
        {
            self.put_frame(env, true, Opcode::Pong, payload.as_bytes());
        }
    }

    /// Forgets what will not be sent any more.
    pub(super) fn reset_sending(&mut self) {
        self.fragmented = None;
        self.owed_pong = None;
    }

    /// Answers a Ping. If too much waits to be written, only the latest Ping
    /// is answered, later: "the endpoint MAY elect to send a Pong frame for
    /// only the most recently processed Ping frame" (RFC 6455 section 5.5.3).
    pub(super) fn answer_ping(&mut self, env: &mut Env<'_>, payload: &[u8]) {
        if self.ending.is_some() {
            // 5.5.2: "unless it already received a Close frame"; after our own
            // Close frame nothing else may be sent (5.5.1 speaks of data
            // frames, but peers are known to refuse any).
            return;
        }
        if env.output.len() <= Self::PONG_BACKLOG {
            self.owed_pong = None;
            self.put_frame(env, true, Opcode::Pong, payload);
        } else {
            self.owed_pong = Some(Box::new(ControlPayload::of_received(payload)));
        }
    }

    /// Appends one plain frame.
    #[inline]
    pub(super) fn put_frame(&self, env: &mut Env<'_>, fin: bool, opcode: Opcode, payload: &[u8]) {
        let header = self.header(env, fin, opcode, Rsv::NONE, payload.len());
        env.output.put_frame(&header, payload);
    }

    /// Appends one plain frame, of which a payload that goes out as it is is left
    /// to follow.
    fn put_lent<'m>(
        &self,
        env: &mut Env<'_>,
        fin: bool,
        opcode: Opcode,
        payload: &'m [u8],
    ) -> &'m [u8] {
        let header = self.header(env, fin, opcode, Rsv::NONE, payload.len());
        if header.mask.is_some() {
            env.output.put_frame(&header, payload);
            return &[];
        }
        env.output.put_header(&header);
        payload
    }

    /// What the extension makes of a piece of a message, and the reserved bits
    /// of its frame; `None` if it goes out plain.
    #[inline]
    fn encode(&mut self, env: &mut Env<'_>, piece: Piece<'_>) -> Option<(Rsv, Vec<u8>)> {
        let extension = self.extension.as_deref_mut()?;
        encode_by(&mut **extension, env, &self.config, piece)
    }

    fn put_coded(&self, env: &mut Env<'_>, fin: bool, opcode: Opcode, rsv: Rsv, payload: Vec<u8>) {
        let header = self.header(env, fin, opcode, rsv, payload.len());
        put_owned(env, &header, payload.into());
    }

    #[inline]
    fn header(
        &self,
        env: &mut Env<'_>,
        fin: bool,
        opcode: Opcode,
        rsv: Rsv,
        len: usize,
    ) -> FrameHeader {
        FrameHeader {
            fin,
            rsv,
            opcode,
            mask: self.role.masks().then(|| env.mask_keys.next_key()),
            payload_len: len as u64,
        }
    }

    fn may_begin(&self) -> Result<(), SendError> {
        if self.fragmented.is_some() {
            return Err(SendError::InMessage);
        }
        self.may_send()
    }

    /// The opcode of the next fragment, if it may be of this kind.
    fn may_continue(&self, kind: MessageKind) -> Result<Opcode, SendError> {
        let opcode = match self.fragmented {
            None => kind.opcode(),
            Some(begun) if begun == kind => Opcode::Continuation,
            Some(_) => return Err(SendError::InMessage),
        };
        self.may_send().map(|()| opcode)
    }

    /// The next piece of the message that is sent in fragments.
    const fn fragment<'m>(&self, bytes: &'m [u8], last: bool, compress: Compress) -> Piece<'m> {
        Piece {
            bytes,
            first: self.fragmented.is_none(),
            last,
            compress,
        }
    }

    pub(super) fn may_send(&self) -> Result<(), SendError> {
        if self.is_open() {
            Ok(())
        } else {
            Err(SendError::Closing)
        }
    }
}

fn encode_by(
    extension: &mut dyn MessageExtension,
    env: &mut Env<'_>,
    config: &Config,
    piece: Piece<'_>,
) -> Option<(Rsv, Vec<u8>)> {
    let payload = extension.encode(env, config, piece)?;
    let rsv = if piece.first {
        extension.rsv()
    } else {
        Rsv::NONE
    };
    Some((rsv, payload))
}

/// A whole message.
fn whole(bytes: &[u8], compress: Compress) -> Piece<'_> {
    Piece {
        bytes,
        first: true,
        last: true,
        compress,
    }
}

/// Appends a frame whose payload may be kept by reference, if it need not be
/// masked or is not shared.
fn put_owned(env: &mut Env<'_>, header: &FrameHeader, payload: Bytes) {
    let Some(key) = header.mask else {
        env.output.put_header(header);
        return env.output.put_shared(payload);
    };
    match payload.try_into_mut() {
        Ok(mut payload) => {
            crate::frame::mask(key, 0, &mut payload);
            env.output.put_header(header);
            env.output.put_shared(payload.freeze());
        }
        Err(payload) => env.output.put_frame(header, &payload),
    }
}
