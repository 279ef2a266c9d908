//! What goes out: messages, whole and in fragments, Pings and Pongs.

use super::{Connection, state::State};
use crate::{
    ControlPayload, Env, FrameHeader, Message, MessageKind, MessageRef, Opcode, PreparedMessage,
    Role, Rsv, SendError,
};
use alloc::boxed::Box;

/// The sending side's state.
#[derive(Debug, Default)]
pub(super) struct Send {
    /// The kind of the fragmented message under way.
    fragmented: Option<MessageKind>,
    /// The Ping that could not be answered yet.
    owed_pong: Option<Box<ControlPayload>>,
}

impl Send {
    /// Forgets what will not be sent any more.
    pub(super) fn reset(&mut self) {
        *self = Send::default();
    }
}

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
        let message = message.into();
        self.may_begin()?;
        self.put_frame(env, true, message.kind().opcode(), message.as_bytes());
        Ok(())
    }

    /// Sends a message whose payload the driver writes from where it is. Puts
    /// out what must come before it, and returns what is left to be written
    /// right behind the output: a server's whole payload. A client's is masked,
    /// which makes a copy, and nothing is left.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send_lent<'m>(
        &mut self,
        env: &mut Env<'_>,
        message: impl Into<MessageRef<'m>>,
    ) -> Result<&'m [u8], SendError> {
        let message = message.into();
        let payload = message.as_bytes();
        self.may_begin()?;
        let header = self.header(env, true, message.kind().opcode(), payload.len());
        env.output.put_header(&header);
        Ok(match header.mask {
            None => payload,
            Some(key) => {
                env.output.put_masked(key, payload);
                &[]
            }
        })
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
        let message = message.into();
        self.may_begin()?;
        let header = self.header(env, true, message.kind().opcode(), message.len());
        env.output.put_header(&header);
        let payload = message.into_bytes();
        match header.mask {
            None => env.output.put_shared(payload),
            Some(key) => match payload.try_into_mut() {
                Ok(mut payload) => {
                    crate::frame::mask(key, 0, &mut payload);
                    env.output.put_shared(payload.freeze());
                }
                Err(payload) => env.output.put_masked(key, &payload),
            },
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
        match self.role {
            Role::Server => env.output.put_shared(message.frame().clone()),
            Role::Client => self.put_frame(env, true, message.kind().opcode(), message.payload()),
        }
        Ok(())
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
        let fragment = fragment.into();
        let opcode = match self.send.fragmented {
            None => fragment.kind().opcode(),
            Some(kind) if kind == fragment.kind() => Opcode::Continuation,
            Some(_) => return Err(SendError::InMessage),
        };
        self.may_send()?;
        self.put_frame(env, last, opcode, fragment.as_bytes());
        self.send.fragmented = (!last).then_some(fragment.kind());
        Ok(())
    }

    /// Whether a fragmented message is under way.
    pub const fn in_fragmented_message(&self) -> bool {
        self.send.fragmented.is_some()
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
            && let Some(payload) = self.send.owed_pong.take()
        {
            self.put_frame(env, true, Opcode::Pong, payload.as_bytes());
        }
    }

    /// Answers a Ping. If too much waits to be written, only the latest Ping
    /// is answered, later: "the endpoint MAY elect to send a Pong frame for
    /// only the most recently processed Ping frame" (RFC 6455 section 5.5.3).
    pub(super) fn answer_ping(&mut self, env: &mut Env<'_>, payload: &[u8]) {
        if !matches!(self.state, State::Open) {
            // 5.5.2: "unless it already received a Close frame"; after our own
            // Close frame nothing else may be sent (5.5.1 speaks of data
            // frames, but peers are known to refuse any).
            return;
        }
        if env.output.len() <= Self::PONG_BACKLOG {
            self.send.owed_pong = None;
            self.put_frame(env, true, Opcode::Pong, payload);
        } else {
            self.send.owed_pong = Some(Box::new(ControlPayload::of_received(payload)));
        }
    }

    /// Appends one frame; the only place where a payload meets its header.
    pub(super) fn put_frame(&self, env: &mut Env<'_>, fin: bool, opcode: Opcode, payload: &[u8]) {
        let header = self.header(env, fin, opcode, payload.len());
        env.output.put_header(&header);
        match header.mask {
            None => env.output.put(payload),
            Some(key) => env.output.put_masked(key, payload),
        }
    }

    fn header(&self, env: &mut Env<'_>, fin: bool, opcode: Opcode, len: usize) -> FrameHeader {
        FrameHeader {
            fin,
            rsv: Rsv::NONE,
            opcode,
            mask: self.role.masks().then(|| env.mask_keys.next_key()),
            payload_len: len as u64,
        }
    }

    fn may_begin(&self) -> Result<(), SendError> {
        if self.send.fragmented.is_some() {
            return Err(SendError::InMessage);
        }
        self.may_send()
    }

    const fn may_send(&self) -> Result<(), SendError> {
        match self.state {
            State::Open | State::Held(_) => Ok(()),
            State::Closing(_) | State::Closed(_) => Err(SendError::Closing),
        }
    }
}
