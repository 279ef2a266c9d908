//! The closing handshake (RFC 6455 section 7), and every other way to end.

use super::{
    Connection,
    close_info::{CloseCause, CloseInfo, Initiator, Transport},
    state::{Closed, Closing, End, Ending},
};
use crate::{CloseFrame, Env, Failure, Instant, Opcode, Role, SendError};
use alloc::{boxed::Box, vec::Vec};

impl Connection {
    /// Begins the closing handshake. Messages that come before the peer's
    /// answer are still received.
    ///
    /// # Errors
    /// [`SendError::Closing`] if the connection is closing or closed already.
    pub fn close(&mut self, env: &mut Env<'_>, frame: CloseFrame) -> Result<(), SendError> {
        self.may_send()?;
        if let Some(end) = self.take_held_end() {
            self.end_by(env, end, Some(frame));
            return Ok(());
        }
        self.put_close(env, &frame);
        self.reset_sending();
        self.ending = Some(Box::new(Ending::Closing(Closing {
            sent: frame,
            deadline: env.now + self.config.close_timeout,
        })));
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

    /// Tells that the system gave the transport up, because what was written was
    /// not acknowledged.
    pub fn transport_timed_out(&mut self, now: Instant) {
        self.transport_ended(now, CloseCause::Unacknowledged);
    }

    /// Tells that the local address of the transport is gone: nothing can come
    /// through it any more.
    pub fn address_gone(&mut self, now: Instant) {
        self.transport_ended(now, CloseCause::AddressGone);
    }

    /// How the connection ended; `None` while it has not.
    pub fn close_info(&self) -> Option<&CloseInfo> {
        match self.ending.as_deref()? {
            Ending::Closed(closed) => Some(&closed.info),
            Ending::Held(_) | Ending::Closing(_) => None,
        }
    }

    /// What to do with the transport. Ask after every call that may change it:
    /// input, end of input, timeout.
    pub fn transport(&self) -> Transport {
        match self.ending.as_deref() {
            None | Some(Ending::Held(_) | Ending::Closing(_)) => Transport::Open,
            Some(Ending::Closed(closed)) => closed.transport,
        }
    }

    /// Holds back what ends the connection: a Close frame or a violation by
    /// the peer is then noted by [`next_event`](Self::next_event), and takes
    /// effect in [`release_end`](Self::release_end). Until then messages can be
    /// sent.
    ///
    /// For drivers that read ahead of their user, who is to answer the messages
    /// that came before the end first (RFC 6455 section 5.5.1 allows to delay
    /// the answer to a Close frame). Off by default.
    pub fn hold_ends(&mut self, hold: bool) {
        self.hold_ends = hold;
    }

    /// Whether an end is held back.
    pub fn has_held_end(&self) -> bool {
        matches!(self.ending.as_deref(), Some(Ending::Held(_)))
    }

    /// Lets the end that is held back take effect, if there is one. Due at
    /// the latest before [`receive_eof`](Self::receive_eof) and
    /// [`transport_error`](Self::transport_error).
    pub fn release_end(&mut self, env: &mut Env<'_>) {
        if let Some(end) = self.take_held_end() {
            self.end_by(env, end, None);
        }
    }

    fn take_held_end(&mut self) -> Option<End> {
        match *self
            .ending
            .take_if(|ending| matches!(**ending, Ending::Held(_)))?
        {
            Ending::Held(end) => Some(end),
            Ending::Closing(_) | Ending::Closed(_) => None,
        }
    }

    /// Something came that ends the connection.
    pub(super) fn end_received(&mut self, env: &mut Env<'_>, end: End) {
        if self.hold_ends && self.ending.is_none() {
            // A message that broke off has no deadline any more.
            self.receive.reset();
            self.ending = Some(Box::new(Ending::Held(end)));
        } else {
            self.end_by(env, end, None);
        }
    }

    /// Ends the connection by what came from the peer. Answers with `answer`,
    /// or with the frame that the rules give, unless a Close frame was sent.
    fn end_by(&mut self, env: &mut Env<'_>, end: End, answer: Option<CloseFrame>) {
        let sent = match self.ending.take().map(|ending| *ending) {
            Some(Ending::Closing(closing)) => Some(closing.sent),
            None | Some(Ending::Held(_) | Ending::Closed(_)) => None,
        };
        let peer_first = sent.is_none() && matches!(end, End::Close(_));
        let sent = sent.unwrap_or_else(|| {
            let frame = match &end {
                End::Failure(failure) => CloseFrame::of_failure(failure),
                // 5.5.1: "When sending a Close frame in response, the endpoint
                // typically echos the status code it received." The reason goes
                // back too: a page that closes sees what came back, not what it
                // sent.
                End::Close(received) => answer.unwrap_or_else(|| received.clone()),
            };
            self.put_close(env, &frame);
            frame
        });
        let (received, cause, transport) = match end {
            End::Failure(failure) => (None, CloseCause::Failed(failure), Transport::ShutdownWrite),
            // 7.1.1: the server closes TCP first, so that it and not the client
            // holds the TIME_WAIT state.
            End::Close(received) => match self.role {
                Role::Server => (
                    Some(received),
                    CloseCause::Handshake,
                    Transport::ShutdownWrite,
                ),
                Role::Client => (Some(received), CloseCause::Handshake, Transport::AwaitEof),
            },
        };
        let info = CloseInfo {
            sent: Some(sent),
            received,
            initiator: Some(if peer_first {
                Initiator::Peer
            } else {
                Initiator::Local
            }),
            cause,
        };
        self.end(env.now, info, transport);
    }

    /// Fails the connection (RFC 6455 section 7.1.7).
    pub(super) fn fail(&mut self, env: &mut Env<'_>, failure: Failure) {
        self.end_by(env, End::Failure(failure), None);
    }

    /// The connection ends without the closing handshake. What came from the
    /// peer and is held back has still come.
    pub(super) fn give_up(&mut self, now: Instant, cause: CloseCause) {
        let mut info = CloseInfo {
            sent: None,
            received: None,
            initiator: None,
            cause,
        };
        match self.ending.take().map(|ending| *ending) {
            None | Some(Ending::Closed(_)) => {}
            Some(Ending::Closing(closing)) => {
                info.sent = Some(closing.sent);
                info.initiator = Some(Initiator::Local);
            }
            Some(Ending::Held(End::Close(received))) => {
                info.received = Some(received);
                info.initiator = Some(Initiator::Peer);
            }
            Some(Ending::Held(End::Failure(failure))) => {
                info.cause = CloseCause::Failed(failure);
            }
        }
        self.end(now, info, Transport::Close);
    }

    fn transport_ended(&mut self, now: Instant, cause: CloseCause) {
        match self.ending.as_deref_mut() {
            Some(Ending::Closed(closed)) => closed.transport = Transport::Close,
            None | Some(Ending::Held(_) | Ending::Closing(_)) => self.give_up(now, cause),
        }
    }

    fn end(&mut self, now: Instant, info: CloseInfo, transport: Transport) {
        // What was assembled, and what is owed, is of no use any more.
        self.receive.reset();
        self.reset_sending();
        self.extension = None;
        self.ending = Some(Box::new(Ending::Closed(Closed {
            info,
            transport,
            deadline: now + self.config.close_timeout,
            reported: false,
        })));
    }

    fn put_close(&self, env: &mut Env<'_>, frame: &CloseFrame) {
        let mut payload = Vec::with_capacity(2 + frame.reason().len());
        frame.encode(&mut payload);
        self.put_frame(env, true, Opcode::Close, &payload);
    }
}
