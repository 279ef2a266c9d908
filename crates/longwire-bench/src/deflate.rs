//! permessage-deflate (RFC 7692), for as little work as it gets: messages are
//! compressed once, and one answer of each connection is decompressed.

use crate::Error;
use longwire::deflate::{ZlibDeflate, ZlibInflate};
use longwire_proto::{
    extension::{
        Deflate as _, DeflateConfig, DeflateSettings, Extension, Inflate as _, PermessageDeflate,
    },
    handshake::Response,
};

/// What a message ends with before it is sent without it (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

const WINDOW_BITS: u8 = 15;

/// What is offered: no context takeover either way, since each message has to be
/// like all others.
fn config() -> DeflateConfig {
    let mut config = DeflateConfig::client();
    config.own_takeover = false;
    config.peer_takeover = false;
    config.own_window_bits = WINDOW_BITS;
    config.peer_window_bits = WINDOW_BITS;
    config
}

pub(crate) fn offers() -> Vec<Extension> {
    PermessageDeflate::offers(&config())
}

/// Looks whether the server agreed to what was offered, and to windows as large
/// as the messages were made with.
///
/// # Errors
/// [`Error::NotCompressed`] otherwise.
pub(crate) fn check(response: &Response) -> Result<(), Error> {
    let agreed = PermessageDeflate::accepted(&config(), &response.extensions);
    match agreed {
        Ok(Some(deflate)) if deflate.own().window_bits == WINDOW_BITS => Ok(()),
        _ => Err(Error::NotCompressed),
    }
}

/// The payload of a compressed message.
pub(crate) fn compress(message: &[u8]) -> Vec<u8> {
    if message.is_empty() {
        // An empty block, as section 7.2.3.6 has it.
        return vec![0x00];
    }
    let mut deflate = ZlibDeflate::new(DeflateSettings {
        window_bits: WINDOW_BITS,
        level: 6,
    });
    let mut compressed = Vec::new();
    deflate.deflate(message, &mut compressed);
    compressed.truncate(compressed.len() - TAIL.len());
    compressed
}

/// Whether `payload` decompresses to this message.
pub(crate) fn is_compressed(mut payload: Vec<u8>, message: &[u8]) -> bool {
    payload.extend_from_slice(&TAIL);
    // One byte more would be seen.
    let mut output = vec![0; message.len() + 1];
    let inflated = ZlibInflate::new().inflate(&payload, &mut output);
    inflated.is_ok_and(|inflated| output[..inflated.written] == *message)
}

/// Records of a price feed, cut off at `size`: text that shrinks as JSON does,
/// and the same in every run.
pub(crate) fn json(size: usize) -> Vec<u8> {
    const SYMBOLS: [&str; 4] = ["ACME", "GLOBEX", "INITECH", "HOOLI"];
    // Knuth's generator: any would do that is the same everywhere.
    let mut state = 1_u64;
    let mut below = |end: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let mut text = String::from("[");
    while text.len() < size {
        let symbol = SYMBOLS[below(SYMBOLS.len() as u64) as usize];
        let (id, price, cents, volume) = (below(1 << 24), below(900), below(100), below(10_000));
        text += &format!(
            r#"{{"id":{id},"symbol":"{symbol}","price":{price}.{cents:02},"volume":{volume}}},"#
        );
    }
    text.truncate(size);
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_known_again() {
        for size in [0, 1, 128, 1024, 64 * 1024] {
            let message = json(size);
            assert_eq!(message.len(), size);
            let compressed = compress(&message);
            assert!(is_compressed(compressed.clone(), &message));
            assert!(!is_compressed(compressed, &json(size + 1)));
        }
        assert!(!is_compressed(b"no DEFLATE".to_vec(), b"message"));
    }

    #[test]
    fn json_shrinks_and_is_no_constant() {
        let (short, long) = (compress(&json(1024)), compress(&json(64 * 1024)));
        assert!((200..600).contains(&short.len()), "{}", short.len());
        assert!((8_000..32_000).contains(&long.len()), "{}", long.len());
    }
}
