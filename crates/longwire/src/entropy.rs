//! Randomness: masking keys and nonces, from the thread's cryptographic
//! generator (RFC 6455 sections 4.1 and 5.3 ask for a strong source).

use longwire_proto::MaskKeys;
use rand::Rng as _;

/// Makes the masking keys of client frames.
pub(crate) struct ThreadRandom;

impl MaskKeys for ThreadRandom {
    fn next_key(&mut self) -> [u8; 4] {
        rand::rng().random()
    }
}

/// The nonce of an opening handshake.
pub(crate) fn nonce() -> [u8; 16] {
    rand::rng().random()
}
