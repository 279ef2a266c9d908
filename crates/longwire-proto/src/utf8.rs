//! UTF-8: the incremental validator, and text that is known to be valid.
//!
//! This is the only file of the crate with `unsafe`. What it buys: text is
//! validated as it arrives (it must be, to fail a connection inside the frame),
//! and handing the assembled message out as `str` would otherwise validate all
//! of it a second time. `cargo bench -p longwire-proto` has both ways side by
//! side under `utf8`; `docs/architecture.md` has the figures.
#![allow(unsafe_code)]

use alloc::{string::String, vec::Vec};
use bytes::Bytes;
use core::{borrow::Borrow, fmt, ops::Deref, str};

/// Validates UTF-8 that comes in pieces, and notices a bad byte in the piece
/// that holds it (RFC 6455 section 8.1, RFC 3629).
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8Validator {
    /// The start of a character that the last piece cut off.
    pending: [u8; 4],
    pending_len: u8,
}

/// The text is not UTF-8, whatever may still follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not UTF-8")
    }
}

impl core::error::Error for InvalidUtf8 {}

impl Utf8Validator {
    /// A validator that has seen nothing.
    pub const fn new() -> Utf8Validator {
        Utf8Validator {
            pending: [0; 4],
            pending_len: 0,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`InvalidUtf8`] if no continuation can make valid what has come so far.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        while self.pending_len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            self.push_to_pending(byte)?;
            piece = rest;
        }
        match str::from_utf8(piece) {
            Ok(_) => Ok(()),
            // `error_len` is `None` only for the valid start of a character
            // that the piece's end cut off: one to three bytes.
            Err(error) if error.error_len().is_none() => {
                let tail = &piece[error.valid_up_to()..];
                self.pending[..tail.len()].copy_from_slice(tail);
                self.pending_len = tail.len() as u8;
                Ok(())
            }
            Err(_) => Err(InvalidUtf8),
        }
    }

    /// Whether what has come so far ends at the end of a character.
    pub const fn is_complete(&self) -> bool {
        self.pending_len == 0
    }

    fn push_to_pending(&mut self, byte: u8) -> Result<(), InvalidUtf8> {
        let len = usize::from(self.pending_len);
        self.pending[len] = byte;
        match str::from_utf8(&self.pending[..=len]) {
            Ok(_) => self.pending_len = 0,
            // Never past three: a valid four-byte prefix is a whole character.
            Err(error) if error.error_len().is_none() => self.pending_len += 1,
            Err(_) => return Err(InvalidUtf8),
        }
        Ok(())
    }
}

/// The text in `bytes`, which a [`Utf8Validator`] has accepted as a whole.
///
/// Takes the validator so that no caller can come by without having run one.
pub(crate) fn into_string(validator: Utf8Validator, bytes: Vec<u8>) -> Result<String, InvalidUtf8> {
    if !validator.is_complete() {
        return Err(InvalidUtf8);
    }
    debug_assert!(str::from_utf8(&bytes).is_ok());
    // SAFETY: the callers (`connection::receive`) push every byte that they
    // append to `bytes` through `validator`, in order and once. It accepted
    // all of them and ends at a character boundary, so `bytes` is UTF-8.
    Ok(unsafe { String::from_utf8_unchecked(bytes) })
}

/// Text that is cheap to clone: [`Bytes`] that are known to be UTF-8.
///
/// ```
/// use longwire_proto::Utf8Bytes;
/// let text = Utf8Bytes::from("grüße");
/// assert_eq!(&*text.clone(), "grüße");
/// assert!(Utf8Bytes::try_from(bytes::Bytes::from_static(b"\xff")).is_err());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct Utf8Bytes {
    bytes: Bytes,
    /// Where a [`Message`](crate::Message), and what contains one, notes which of
    /// its variants it is: behind the bytes. In front of them it would shift them
    /// by half of what the processor moves at once, and each message that is moved
    /// soon after it was made would wait for its bytes to arrive in memory.
    valid: Valid,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
enum Valid {
    #[default]
    Utf8,
}

impl Utf8Bytes {
    /// Of bytes that are known to be UTF-8.
    const fn new(bytes: Bytes) -> Utf8Bytes {
        Utf8Bytes {
            bytes,
            valid: Valid::Utf8,
        }
    }

    /// Text that lives as long as the program; copies nothing.
    pub const fn from_static(text: &'static str) -> Utf8Bytes {
        Utf8Bytes::new(Bytes::from_static(text.as_bytes()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor takes `str`, `String`, or bytes that it
        // validates, and nothing hands out the bytes mutably.
        unsafe { str::from_utf8_unchecked(&self.bytes) }
    }

    /// The text as bytes; copies nothing.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Borrow<str> for Utf8Bytes {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Utf8Bytes::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Utf8Bytes::new(Bytes::from(text))
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.bytes
    }
}

impl From<Utf8Bytes> for String {
    fn from(text: Utf8Bytes) -> Self {
        String::from(text.as_str())
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = InvalidUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, InvalidUtf8> {
        match str::from_utf8(&bytes) {
            Ok(_) => Ok(Utf8Bytes::new(bytes)),
            Err(_) => Err(InvalidUtf8),
        }
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn push_all(pieces: &[&[u8]]) -> Result<bool, InvalidUtf8> {
        let mut validator = Utf8Validator::new();
        for piece in pieces {
            validator.push(piece)?;
        }
        Ok(validator.is_complete())
    }

    #[test]
    fn a_character_may_be_cut_anywhere() {
        assert_eq!(push_all(&[b"\xe2", b"\x82", b"\xac"]), Ok(true));
        assert_eq!(push_all(&[b"\xf0\x9f", b"\x98\x80ok"]), Ok(true));
        assert_eq!(push_all(&[b"\xf0\x9f", b"", b"\x98"]), Ok(false));
    }

    #[test]
    fn a_bad_start_is_refused_before_the_character_ends() {
        // Surrogate, overlong, past U+10FFFF: wrong at the second byte.
        for bad in [&b"\xed\xa0"[..], b"\xe0\x80", b"\xf4\x90", b"\xf0\x80"] {
            assert_eq!(push_all(&[bad]), Err(InvalidUtf8));
            assert_eq!(push_all(&[&bad[..1], &bad[1..]]), Err(InvalidUtf8));
        }
        for bad in [&b"\x80"[..], b"\xc0", b"\xc1", b"\xf5", b"\xff"] {
            assert_eq!(push_all(&[bad]), Err(InvalidUtf8));
        }
    }

    #[test]
    fn assembled_text_needs_a_complete_character() {
        let mut validator = Utf8Validator::new();
        validator.push(b"\xe2\x82").unwrap();
        assert_eq!(
            into_string(validator, b"\xe2\x82".to_vec()),
            Err(InvalidUtf8)
        );
        validator.push(b"\xac").unwrap();
        assert_eq!(
            into_string(validator, b"\xe2\x82\xac".to_vec()).unwrap(),
            "€"
        );
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library_in_any_pieces(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                ".{0,32}".prop_map(String::into_bytes),
                // Valid text with one byte replaced.
                (".{1,32}", any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
                    let mut bytes = text.into_bytes();
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                    bytes
                }),
            ],
            size in 1usize..8,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(push_all(&pieces) == Ok(true), str::from_utf8(&bytes).is_ok());
        }
    }
}
