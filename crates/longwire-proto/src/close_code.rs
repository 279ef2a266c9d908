use core::fmt;

/// Why a connection was closed (RFC 6455 section 7.4 and the IANA registry of
/// close codes).
///
/// Any number can be held; [`CloseCode::may_be_sent`] says which may stand in a
/// Close frame. `docs/close-codes.md` says when Longwire sends which, and when
/// a client should reconnect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

/// The registered codes: one table, from which the constants, the names and
/// the rule of what may be sent are all made.
macro_rules! close_codes {
    ($($(#[$doc:meta])* $code:literal $name:ident $text:literal $wire:ident;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: CloseCode = CloseCode($code);)*

            /// A short description; `None` for a number that no one registered.
            pub const fn description(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }

            /// Whether a Close frame may carry this code: the registered codes
            /// but for 1004, 1005, 1006 and 1015, and 3000 to 4999
            /// (RFC 6455 sections 7.4.1 and 7.4.2).
            pub const fn may_be_sent(self) -> bool {
                match self.0 {
                    $($code => close_codes!(@ $wire),)*
                    3000..=4999 => true,
                    _ => false,
                }
            }
        }
    };
    (@ sent) => { true };
    (@ reported) => { false };
}

close_codes! {
    /// 1000: the purpose of the connection is fulfilled.
    1000 NORMAL "normal closure" sent;
    /// 1001: the endpoint goes away: a server shuts down, a page is left.
    1001 GOING_AWAY "going away" sent;
    /// 1002: the peer broke the protocol.
    1002 PROTOCOL_ERROR "protocol error" sent;
    /// 1003: this endpoint does not take this kind of message (text or binary).
    1003 UNSUPPORTED_DATA "unsupported data" sent;
    /// 1004: reserved; never sent.
    1004 RESERVED "reserved" reported;
    /// 1005: a Close frame came without a code. Reported, never sent.
    1005 NO_STATUS_RECEIVED "no status received" reported;
    /// 1006: the connection ended without a Close frame. Reported, never sent.
    1006 ABNORMAL_CLOSURE "abnormal closure" reported;
    /// 1007: the content does not fit its type: text that is not UTF-8.
    1007 INVALID_PAYLOAD_DATA "invalid payload data" sent;
    /// 1008: a policy was violated, where no other code fits.
    1008 POLICY_VIOLATION "policy violation" sent;
    /// 1009: a message or frame is larger than this endpoint takes.
    1009 MESSAGE_TOO_BIG "message too big" sent;
    /// 1010: the server did not negotiate an extension that the client needs.
    1010 MANDATORY_EXTENSION "mandatory extension" sent;
    /// 1011: the server met an unexpected condition.
    1011 INTERNAL_ERROR "internal error" sent;
    /// 1012: the service restarts.
    1012 SERVICE_RESTART "service restart" sent;
    /// 1013: the service is overloaded for now.
    1013 TRY_AGAIN_LATER "try again later" sent;
    /// 1014: a gateway got no usable answer from the server behind it.
    1014 BAD_GATEWAY "bad gateway" sent;
    /// 1015: the TLS handshake failed. Reported, never sent.
    1015 TLS_HANDSHAKE "TLS handshake" reported;
}

impl CloseCode {
    /// The code with this number, registered or not.
    pub const fn new(code: u16) -> CloseCode {
        CloseCode(code)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        CloseCode(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description() {
            Some(text) => write!(f, "{} ({text})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn what_may_be_sent_is_what_the_registry_says() {
        let sent: Vec<u16> = (0..=u16::MAX)
            .filter(|&code| CloseCode::new(code).may_be_sent())
            .collect();
        let expected: Vec<u16> = (1000..=1003)
            .chain(1007..=1014)
            .chain(3000..=4999)
            .collect();
        assert_eq!(sent, expected);
    }

    #[test]
    fn displays_number_and_meaning() {
        assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001 (going away)");
        assert_eq!(CloseCode::new(4242).to_string(), "4242");
    }
}
