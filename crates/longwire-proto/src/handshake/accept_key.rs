//! `Sec-WebSocket-Accept`: the proof that a server understood the handshake (RFC 6455, section
//! 4.2.2, item 5.4).
//!
//! It is a fixed hash: it shows that the answer belongs to this request and that it comes from
//! something that knows WebSockets. It neither encrypts nor authenticates anything.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use core::fmt;
use sha1::{Digest, Sha1};

/// The GUID that RFC 6455, section 1.3, has appended to the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 that takes nonzero bits behind the last byte: RFC 4648, section 3.5, lets a decoder do
/// so, clients that make up 22 random characters send them, and the decoded bytes are used for
/// nothing but their count.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The value of a `Sec-WebSocket-Accept` header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AcceptKey([u8; 28]);

/// Computes the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455, section 4.2.2).
///
/// The key is used as it stands in the header, without decoding it; that it is valid is not checked
/// here.
///
/// ```
/// # use longwire_proto::handshake::accept_key;
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ==").as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> AcceptKey {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut text = [b'='; 28];
    // 20 bytes are 28 characters of base64, so that the slice always fits.
    let written = STANDARD.encode_slice(digest, &mut text);
    debug_assert_eq!(written, Ok(28));
    AcceptKey(text)
}

/// The `Sec-WebSocket-Key` for a nonce: its base64 (RFC 6455, section 4.1, item 7).
pub(super) fn key_for(nonce: [u8; 16]) -> alloc::string::String {
    STANDARD.encode(nonce)
}

/// Whether `key` decodes to 16 bytes (RFC 6455, section 4.2.1, item 5).
pub(super) fn is_key(key: &str) -> bool {
    // Room for one group too many: `decode_slice` asks for space by its estimate, which rounds up.
    let mut bytes = [0; 24];
    LENIENT.decode_slice(key, &mut bytes) == Ok(16)
}

impl AcceptKey {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        // Base64 is ASCII.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AcceptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcceptKey").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ==").as_str(),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(key_for(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
    }

    #[test]
    fn the_example_of_the_older_drafts() {
        assert_eq!(
            accept_key("x3JJHMbDL1EzLkh9GBhXDw==").as_str(),
            "HSmrc0sMlYUkAGmm5OPpG2HaGWk="
        );
    }

    #[test]
    fn a_key_is_sixteen_bytes_of_base64() {
        assert!(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key("AAAAAAAAAAAAAAAAAAAAAA=="));
        // Nonzero bits behind the last byte.
        assert!(is_key("abcdefghijklmnopqrstuv=="));
    }

    #[test]
    fn anything_else_is_no_key() {
        for bad in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",       // no padding
            "dGhlIHNhbXBsZSBub25jZQ=",      // half of it
            "dGhlIHNhbXBsZSBub25j",         // 15 bytes
            "dGhlIHNhbXBsZSBub25jZQA=",     // 17 bytes
            "dGhlIHNhbXBsZSBub25jZQAA",     // 18 bytes
            "dGhlIHNhbXBsZSBub25jZQAAAAAA", // 21 bytes
            "dGhlIHNhbXBsZSBub25jZ-==",     // the URL alphabet
            "dGhl IHNhbXBsZSBub25jZQ==",
            "====",
        ] {
            assert!(!is_key(bad), "{bad:?}");
        }
        assert!(!is_key(&"A".repeat(4096)));
    }
}
