//! What control frames carry: at most 125 bytes (RFC 6455 section 5.5).

use crate::{CloseCode, ProtocolError, Utf8Bytes};
use bytes::Bytes;
use core::fmt;

/// The payload of a Ping or Pong: at most 125 bytes.
///
/// ```
/// use longwire_proto::ControlPayload;
/// assert!(ControlPayload::try_from(vec![0; 125]).is_ok());
/// assert!(ControlPayload::try_from(vec![0; 126]).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ControlPayload(Bytes);

impl ControlPayload {
    /// No payload.
    pub const EMPTY: ControlPayload = ControlPayload(Bytes::new());

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The payload of a control frame that has passed the header's rules.
    pub(crate) fn of_received(bytes: &[u8]) -> ControlPayload {
        debug_assert!(bytes.len() <= 125);
        ControlPayload(Bytes::copy_from_slice(bytes))
    }
}

/// More than the 125 bytes that fit in a control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlPayloadTooLong {
    /// How long it was, in bytes.
    pub len: usize,
}

impl fmt::Display for ControlPayloadTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} bytes are too many for a control frame: at most 125 fit",
            self.len
        )
    }
}

impl core::error::Error for ControlPayloadTooLong {}

impl TryFrom<Bytes> for ControlPayload {
    type Error = ControlPayloadTooLong;

    fn try_from(bytes: Bytes) -> Result<Self, ControlPayloadTooLong> {
        match bytes.len() {
            0..=125 => Ok(ControlPayload(bytes)),
            len => Err(ControlPayloadTooLong { len }),
        }
    }
}

impl TryFrom<alloc::vec::Vec<u8>> for ControlPayload {
    type Error = ControlPayloadTooLong;

    fn try_from(bytes: alloc::vec::Vec<u8>) -> Result<Self, ControlPayloadTooLong> {
        Bytes::from(bytes).try_into()
    }
}

impl TryFrom<&[u8]> for ControlPayload {
    type Error = ControlPayloadTooLong;

    fn try_from(bytes: &[u8]) -> Result<Self, ControlPayloadTooLong> {
        Bytes::copy_from_slice(bytes).try_into()
    }
}

/// A Close frame: a code, and a reason of at most 123 bytes
/// (RFC 6455 section 5.5.1).
///
/// The code 1005 stands for a Close frame without a payload, as in section
/// 7.1.5; the number itself is never on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CloseFrame {
    code: CloseCode,
    reason: Utf8Bytes,
}

/// A code or reason that no Close frame may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidCloseFrame {
    /// The code is one that must not be sent (RFC 6455 section 7.4).
    Code(CloseCode),
    /// The reason has more than 123 bytes.
    ReasonTooLong {
        /// How long it was, in bytes.
        len: usize,
    },
}

impl fmt::Display for InvalidCloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidCloseFrame::Code(code) => write!(
                f,
                "close code {code} must not be sent; use 1000 to 1003, 1007 to 1014, or your own from 3000 to 4999"
            ),
            InvalidCloseFrame::ReasonTooLong { len } => {
                write!(
                    f,
                    "a close reason of {len} bytes is too long: at most 123 fit"
                )
            }
        }
    }
}

impl core::error::Error for InvalidCloseFrame {}

impl CloseFrame {
    /// A Close frame without a payload.
    pub const EMPTY: CloseFrame = CloseFrame {
        code: CloseCode::NO_STATUS_RECEIVED,
        reason: Utf8Bytes::from_static(""),
    };

    /// The longest reason, in bytes.
    pub const MAX_REASON: usize = 123;

    /// A Close frame with this code and reason.
    ///
    /// # Errors
    /// [`InvalidCloseFrame`] if the code may not be sent, or the reason is
    /// longer than 123 bytes.
    pub fn new(
        code: impl Into<CloseCode>,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<CloseFrame, InvalidCloseFrame> {
        let (code, reason) = (code.into(), reason.into());
        if !code.may_be_sent() {
            return Err(InvalidCloseFrame::Code(code));
        }
        if reason.len() > Self::MAX_REASON {
            return Err(InvalidCloseFrame::ReasonTooLong { len: reason.len() });
        }
        Ok(CloseFrame { code, reason })
    }

    /// The frame that this endpoint's own rules send: registered codes and
    /// short texts, so nothing can be wrong with it.
    pub(crate) fn of_failure(failure: &crate::Failure) -> CloseFrame {
        let reason = alloc::string::ToString::to_string(failure);
        debug_assert!(reason.len() <= Self::MAX_REASON && failure.close_code().may_be_sent());
        CloseFrame {
            code: failure.close_code(),
            reason: reason.into(),
        }
    }

    /// Parses the payload of a Close frame.
    ///
    /// # Errors
    /// The rule of RFC 6455 sections 5.5.1, 7.4 or 8.1 that it breaks.
    pub fn decode(payload: &[u8]) -> Result<CloseFrame, ProtocolError> {
        let (code, reason) = match *payload {
            [] => return Ok(CloseFrame::EMPTY),
            [_] => return Err(ProtocolError::TruncatedCloseCode),
            [high, low, ref reason @ ..] => {
                (CloseCode::new(u16::from_be_bytes([high, low])), reason)
            }
        };
        if !code.may_be_sent() {
            return Err(ProtocolError::InvalidCloseCode(code));
        }
        let reason = core::str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
        Ok(CloseFrame {
            code,
            reason: reason.into(),
        })
    }

    /// Appends the payload of this frame: nothing for 1005.
    pub(crate) fn encode(&self, payload: &mut alloc::vec::Vec<u8>) {
        if self.code.may_be_sent() {
            payload.extend_from_slice(&self.code.get().to_be_bytes());
            payload.extend_from_slice(self.reason.as_bytes());
        }
    }

    /// The code; 1005 if the frame has no payload.
    pub const fn code(&self) -> CloseCode {
        self.code
    }

    /// The reason; empty if there is none.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn close_payloads_decode_or_name_their_rule() {
        let frame = |code, reason: &str| CloseFrame {
            code: CloseCode::new(code),
            reason: reason.into(),
        };
        let cases: [(&[u8], Result<CloseFrame, ProtocolError>); 8] = [
            (b"", Ok(CloseFrame::EMPTY)),
            (b"\x03", Err(ProtocolError::TruncatedCloseCode)),
            (b"\x03\xe8", Ok(frame(1000, ""))),
            (b"\x0f\xa0bye", Ok(frame(4000, "bye"))),
            (
                b"\x03\xed",
                Err(ProtocolError::InvalidCloseCode(
                    CloseCode::NO_STATUS_RECEIVED,
                )),
            ),
            (
                b"\x00\x00",
                Err(ProtocolError::InvalidCloseCode(CloseCode::new(0))),
            ),
            (
                b"\x13\x88",
                Err(ProtocolError::InvalidCloseCode(CloseCode::new(5000))),
            ),
            (b"\x03\xe8\xce", Err(ProtocolError::InvalidUtf8)),
        ];
        for (payload, expected) in cases {
            assert_eq!(CloseFrame::decode(payload), expected);
            if let Ok(frame) = expected {
                let mut encoded = Vec::new();
                frame.encode(&mut encoded);
                assert_eq!(encoded, payload);
            }
        }
    }

    #[test]
    fn a_reason_of_123_bytes_fits_and_no_more() {
        let reason = "x".repeat(124);
        assert!(CloseFrame::new(1000, &reason[..123]).is_ok());
        assert_eq!(
            CloseFrame::new(1000, &*reason),
            Err(InvalidCloseFrame::ReasonTooLong { len: 124 })
        );
    }

    #[test]
    fn codes_that_are_only_reported_cannot_be_made() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(
                CloseFrame::new(code, ""),
                Err(InvalidCloseFrame::Code(CloseCode::new(code)))
            );
        }
    }
}
