//! permessage-deflate (RFC 7692 section 7): messages compressed with DEFLATE.
//!
//! The rules are here, the compressor is not: it is borrowed from the driver's
//! [`Codecs`] for as long as it is needed.

mod codec;
mod config;
mod negotiate;
mod params;
mod receive;
mod send;

pub use codec::{Codecs, Deflate, DeflateSettings, Inflate, Inflated, InvalidDeflate, NoCodecs};
pub use config::DeflateConfig;
pub use params::{DeflateParamError, Direction};

use super::message::{Coded, Decoded, MessageExtension, Piece};
use crate::{Config, EncodedMessage, Env, Failure, Instant, PreparedMessage, Rsv};
use alloc::{boxed::Box, vec::Vec};
use receive::Receiving;
use send::Sending;

/// permessage-deflate as it is in use on one connection.
///
/// What an idle connection holds of it: a compressor for a while, if its
/// messages may refer to those before; the last of what the peer sent, as far
/// as it may refer back to it; and else nothing.
#[derive(Debug)]
pub struct PermessageDeflate {
    own: Direction,
    peer: Direction,
    sending: Sending,
    /// A coded message is under way, or the peer's window is kept.
    receiving: Option<Box<Receiving>>,
}

/// What every flushed block sequence ends with, and a message is sent without
/// (7.2.1): an empty block without compression, but for its header.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

impl PermessageDeflate {
    /// The name under which it is registered.
    pub const NAME: &str = "permessage-deflate";

    fn new(own: Direction, peer: Direction) -> PermessageDeflate {
        PermessageDeflate {
            own,
            peer,
            sending: Sending::default(),
            receiving: None,
        }
    }

    /// What was agreed for messages that this endpoint sends.
    pub const fn own(&self) -> Direction {
        self.own
    }

    /// What was agreed for messages of the peer.
    pub const fn peer(&self) -> Direction {
        self.peer
    }
}

impl MessageExtension for PermessageDeflate {
    /// 6: "the RSV1 bit" is the "Per-Message Compressed" bit.
    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    fn begin_decoding(&mut self, env: &mut Env<'_>, config: &Config) -> Result<(), Failure> {
        let max_lent = config
            .deflate
            .as_ref()
            .map_or(0, |deflate| deflate.max_lent);
        let receiving = self.receiving.get_or_insert_default();
        receiving.begin(env, max_lent)
    }

    fn decode(
        &mut self,
        env: &mut Env<'_>,
        config: &Config,
        input: Coded<'_>,
        output: &mut [u8],
    ) -> Result<Decoded, Failure> {
        let Some(receiving) = &mut self.receiving else {
            // Nothing was begun: there is nothing to decode.
            return Ok(Decoded {
                read: input.bytes.len(),
                written: 0,
                more: false,
            });
        };
        let decoded = receiving.decode(&config.limits, input, output)?;
        let ended = input.ends && !decoded.more;
        receiving.remember(self.peer, &output[..decoded.written], ended);
        if ended {
            receiving.end(env);
            if !self.peer.takeover {
                self.receiving = None;
            }
        }
        Ok(decoded)
    }

    fn encode(&mut self, env: &mut Env<'_>, config: &Config, piece: Piece<'_>) -> Option<Vec<u8>> {
        let config = config.deflate.as_ref()?;
        self.sending.encode(self.own, env, config, piece)
    }

    fn encode_prepared<'m>(
        &mut self,
        env: &mut Env<'_>,
        config: &Config,
        message: &'m PreparedMessage,
    ) -> Option<&'m EncodedMessage> {
        let config = config.deflate.as_ref()?;
        self.sending.encode_prepared(self.own, env, config, message)
    }

    fn next_timeout(&self, config: &Config) -> Option<Instant> {
        self.sending.next_timeout(config.deflate.as_ref()?)
    }

    fn handle_timeout(&mut self, env: &mut Env<'_>, config: &Config) {
        if self
            .next_timeout(config)
            .is_some_and(|timeout| timeout <= env.now)
        {
            self.sending.give_back(env);
        }
    }
}

#[cfg(test)]
mod tests;
