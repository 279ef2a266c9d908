//! The closing handshake (RFC 6455 section 7), and every other way to end.

use super::{
    Connection,
    state::{Closed, Closing, State},
};
use crate::{CloseCode, CloseFrame, Env, Failure, Instant, Opcode, Role, SendError};
use alloc::{boxed::Box, vec::Vec};

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseInfo {
    /// The Close frame that this endpoint sent.
    pub sent: Option<CloseFrame>,
    /// The Close frame that the peer sent.
    pub received: Option<CloseFrame>,
    /// Who sent the first of the two, as this endpoint saw it; `None` if
    /// neither was sent. When both ends close at once, each saw itself first.
    pub initiator: Option<Initiator>,
    /// What ended the connection.
    pub cause: CloseCause,
}

/// Who began the closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// This endpoint.
    Local,
    /// The peer.
    Peer,
}

/// What ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCause {
    /// The closing handshake: both Close frames passed.
    Handshake,
    /// This endpoint failed the connection.
    Failed(Failure),
    /// The peer closed TCP without a closing handshake.
    Eof,
    /// The peer did not answer our Close frame in time.
    CloseTimeout,
    /// The peer did not answer our Ping in time.
    KeepaliveTimeout,
    /// The peer took nothing of what was to be written in time.
    WriteTimeout,
    /// The transport failed: the connection was reset, TLS broke.
    TransportError,
}

impl CloseInfo {
    /// The code as the browser API reports it (RFC 6455 section 7.1.5): the
    /// one received, 1005 if the Close frame had none, 1006 if none came.
    pub fn code(&self) -> CloseCode {
        self.received
            .as_ref()
            .map_or(CloseCode::ABNORMAL_CLOSURE, CloseFrame::code)
    }

    /// The reason that the peer gave (RFC 6455 section 7.1.6); empty if none.
    pub fn reason(&self) -> &str {
        self.received.as_ref().map_or("", CloseFrame::reason)
    }

    /// Whether the closing handshake was completed (RFC 6455 section 7.1.4).
    pub const fn was_clean(&self) -> bool {
        matches!(self.cause, CloseCause::Handshake)
    }
}

/// What the driver does with the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Read and write.
    Open,
    /// Write what is left, then shut down the writing half; read on, and throw
    /// away, until the peer closes or the timeout comes. Closing at once would
    /// answer bytes under way with a reset, and a reset can destroy our Close
    /// frame before the peer has read it.
    ShutdownWrite,
    /// Write what is left, and wait for the server to close TCP first, or for
    /// the timeout (RFC 6455 section 7.1.1).
    AwaitEof,
    /// Write what the transport takes at once, and close it.
    Close,
}

impl Connection {
    /// Begins the closing handshake. Messages that come before the peer's
    /// answer are still received.
    ///
    /// # Errors
    /// [`SendError::Closing`] if the connection is closing or closed already.
    pub fn close(&mut self, env: &mut Env<'_>, frame: CloseFrame) -> Result<(), SendError> {
        if !matches!(self.state, State::Open) {
            return Err(SendError::Closing);
        }
        self.put_close(env, &frame);
        self.state = State::Closing(Box::new(Closing {
            sent: frame,
            deadline: env.now + self.config.close_timeout,
        }));
        Ok(())
    }

    /// Tells that the peer closed its half of the transport.
    pub fn receive_eof(&mut self, now: Instant) {
        self.transport_ended(now, CloseCause::Eof);
    }

    /// Tells that the transport failed.
    pub fn transport_error(&mut self, now: Instant) {
        self.transport_ended(now, CloseCause::TransportError);
    }

    /// How the connection ended; `None` while it has not.
    pub fn close_info(&self) -> Option<&CloseInfo> {
        match &self.state {
            State::Closed(closed) => Some(&closed.info),
            State::Open | State::Closing(_) => None,
        }
    }

    /// What to do with the transport. Ask after every call that may change it:
    /// input, end of input, timeout.
    pub fn transport(&self) -> Transport {
        match &self.state {
            State::Open | State::Closing(_) => Transport::Open,
            State::Closed(closed) => closed.transport,
        }
    }

    /// The peer's Close frame came: answer it, unless it is the answer.
    pub(super) fn close_received(&mut self, env: &mut Env<'_>, received: CloseFrame) {
        let (sent, initiator) = match core::mem::replace(&mut self.state, State::Open) {
            State::Closing(closing) => (closing.sent, Initiator::Local),
            State::Open | State::Closed(_) => {
                // 5.5.1: "When sending a Close frame in response, the endpoint
                // typically echos the status code it received." The reason goes
                // back too: a page that closes sees what came back, not what it
                // sent.
                self.put_close(env, &received);
                (received.clone(), Initiator::Peer)
            }
        };
        let info = CloseInfo {
            sent: Some(sent),
            received: Some(received),
            initiator: Some(initiator),
            cause: CloseCause::Handshake,
        };
        // 7.1.1: the server closes TCP first, so that it and not the client
        // holds the TIME_WAIT state.
        let transport = match self.role {
            Role::Server => Transport::ShutdownWrite,
            Role::Client => Transport::AwaitEof,
        };
        self.end(env.now, info, transport);
    }

    /// Fails the connection (RFC 6455 section 7.1.7).
    pub(super) fn fail(&mut self, env: &mut Env<'_>, failure: Failure) {
        let sent = match core::mem::replace(&mut self.state, State::Open) {
            State::Closing(closing) => closing.sent,
            State::Open | State::Closed(_) => {
                let frame = CloseFrame::of_failure(&failure);
                self.put_close(env, &frame);
                frame
            }
        };
        let info = CloseInfo {
            sent: Some(sent),
            received: None,
            initiator: Some(Initiator::Local),
            cause: CloseCause::Failed(failure),
        };
        self.end(env.now, info, Transport::ShutdownWrite);
    }

    /// The connection ends without the peer's Close frame.
    pub(super) fn give_up(&mut self, now: Instant, cause: CloseCause) {
        let sent = match core::mem::replace(&mut self.state, State::Open) {
            State::Closing(closing) => Some(closing.sent),
            State::Open | State::Closed(_) => None,
        };
        let info = CloseInfo {
            initiator: sent.as_ref().map(|_| Initiator::Local),
            sent,
            received: None,
            cause,
        };
        self.end(now, info, Transport::Close);
    }

    fn transport_ended(&mut self, now: Instant, cause: CloseCause) {
        match &mut self.state {
            State::Closed(closed) => closed.transport = Transport::Close,
            State::Open | State::Closing(_) => self.give_up(now, cause),
        }
    }

    fn end(&mut self, now: Instant, info: CloseInfo, transport: Transport) {
        // What was assembled, and what is owed, is of no use any more.
        self.receive.reset();
        self.send.reset();
        self.state = State::Closed(Box::new(Closed {
            info,
            transport,
            deadline: now + self.config.close_timeout,
            reported: false,
        }));
    }

    fn put_close(&self, env: &mut Env<'_>, frame: &CloseFrame) {
        let mut payload = Vec::with_capacity(2 + frame.reason().len());
        frame.encode(&mut payload);
        self.put_frame(env, true, Opcode::Close, &payload);
    }
}
