//! A connection of a worker that begins with a PROXY header.

use super::{
    connection::{Slot, Stage, Turn},
    socket::Incoming,
};
use crate::server::Announced;

impl<D: Send + 'static> Slot<D> {
    /// Reads what there is of the header, and nothing behind it. Whether it is
    /// whole; if it is none, the connection has ended.
    pub(super) fn read_proxy_header<H>(&mut self, turn: &Turn<'_, H>, buffer: &mut [u8]) -> bool {
        let Stage::Announcing(announcing) = &mut self.stage else {
            return false;
        };
        loop {
            let wants = announcing.reader.wants();
            let read = self.socket.read_bare(&mut buffer[..wants]);
            let received = match read {
                Ok(Incoming::Bytes { len, .. }) => announcing.reader.receive(&buffer[..len]),
                Ok(Incoming::Nothing) => return false,
                // Such as a health check that looks whether somebody listens.
                Ok(Incoming::End) | Err(_) => {
                    self.stage = Stage::Gone;
                    return false;
                }
            };
            match received {
                Ok(None) => {}
                Ok(Some(announced)) => {
                    let client = match announced {
                        Announced::Client(address) => Some(address),
                        Announced::Nothing => None,
                    };
                    self.stage = Stage::first(turn, announcing.deadline, client);
                    return true;
                }
                Err(error) => {
                    let peer = self.socket.peer_addr().ok().map(tracing::field::display);
                    tracing::warn!(peer, reason = %error, "the proxy is not understood");
                    self.stage = Stage::Gone;
                    return false;
                }
            }
        }
    }
}
