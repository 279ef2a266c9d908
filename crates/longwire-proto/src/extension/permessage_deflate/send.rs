//! Compression of messages (RFC 7692 section 7.2.1), and when it is worth it.

use super::{Deflate, DeflateConfig, DeflateSettings, TAIL, params::Direction};
use crate::{
    EncodedMessage, Env, Instant, PreparedMessage, Rsv,
    extension::message::{Compress, Piece},
};
use alloc::{boxed::Box, vec, vec::Vec};

/// The smallest window there is (7.1.2).
const MIN_BITS: u8 = 8;

/// The compressor, while there is one, and what it is used for.
#[derive(Debug, Default)]
pub(super) struct Sending {
    deflater: Option<Box<dyn Deflate>>,
    /// Since when the deflater is idle; `None` while a message is under way that
    /// goes out compressed.
    idle: Option<Instant>,
}

impl Sending {
    pub(super) fn encode(
        &mut self,
        own: Direction,
        env: &mut Env<'_>,
        config: &DeflateConfig,
        piece: Piece<'_>,
    ) -> Option<Vec<u8>> {
        let begins = piece.first && is_wanted(config, piece) && self.borrow(own, env, config);
        let is_under_way = self.deflater.is_some() && self.idle.is_none();
        if !(begins || is_under_way) {
            return None;
        }
        let payload = self.compress(piece);
        if piece.last {
            self.idle = Some(env.now);
            if !own.takeover {
                self.give_back(env);
            }
        }
        // Where no later message refers to this one it can still go out plain.
        let is_whole = piece.first && piece.last;
        let is_worth_it = payload.len() < piece.bytes.len() || piece.compress == Compress::Always;
        (is_worth_it || own.takeover || !is_whole).then_some(payload)
    }

    /// Without context takeover, whatever was agreed: so that all connections
    /// with the same window share the result. A compressor whose messages refer
    /// to those before it has to begin anew then.
    pub(super) fn encode_prepared<'m>(
        &mut self,
        own: Direction,
        env: &mut Env<'_>,
        config: &DeflateConfig,
        message: &'m PreparedMessage,
    ) -> Option<&'m EncodedMessage> {
        let piece = Piece {
            bytes: message.payload(),
            first: true,
            last: true,
            compress: message.compress(),
        };
        if !is_wanted(config, piece) {
            return None;
        }
        let number = usize::from(own.window_bits - MIN_BITS);
        let encoded = message.variant(number, Rsv::RSV1, || {
            self.give_back(env);
            self.borrow(own, env, config).then(|| self.compress(piece))
        });
        self.give_back(env);
        encoded
    }

    fn borrow(&mut self, own: Direction, env: &mut Env<'_>, config: &DeflateConfig) -> bool {
        let settings = DeflateSettings {
            window_bits: own.window_bits,
            level: config.level.clamp(1, 9),
        };
        if self.deflater.is_none() {
            self.deflater = env.codecs.deflater(settings, config.max_lent);
        }
        self.idle = None;
        self.deflater.is_some()
    }

    fn compress(&mut self, piece: Piece<'_>) -> Vec<u8> {
        if piece.bytes.is_empty() {
            // 7.2.3.6: an empty block without compression, but for its tail. In
            // a fragment that is not the last, nothing.
            return if piece.last { vec![0x00] } else { Vec::new() };
        }
        let mut payload = Vec::new();
        if let Some(deflater) = &mut self.deflater {
            deflater.deflate(piece.bytes, &mut payload);
        }
        if piece.last {
            // 7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the
            // tail end."
            debug_assert!(payload.ends_with(&TAIL));
            payload.truncate(payload.len().saturating_sub(TAIL.len()));
        }
        payload
    }

    /// Gives the compressor back. The next message begins with an empty window,
    /// which it may at any time: it refers to nothing then.
    pub(super) fn give_back(&mut self, env: &mut Env<'_>) {
        self.idle = None;
        if let Some(deflater) = self.deflater.take() {
            env.codecs.take_back_deflater(deflater);
        }
    }

    /// When the compressor has been idle for long enough.
    pub(super) fn next_timeout(&self, config: &DeflateConfig) -> Option<Instant> {
        Some(self.idle? + config.idle_timeout)
    }
}

fn is_wanted(config: &DeflateConfig, piece: Piece<'_>) -> bool {
    match piece.compress {
        Compress::Always => true,
        Compress::Never => false,
        Compress::Auto => !piece.last || piece.bytes.len() >= config.threshold,
    }
}
