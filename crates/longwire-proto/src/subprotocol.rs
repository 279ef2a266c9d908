//! Subprotocols: what two programs speak over a WebSocket (RFC 6455, section 1.9).

use crate::handshake::token::is_token;
use crate::handshake::{Headers, MisuseError};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The name of a subprotocol: a token (RFC 6455, section 4.1, item 10). Names compare byte for
/// byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subprotocol(String);

impl Subprotocol {
    /// A subprotocol of this name.
    ///
    /// # Errors
    /// [`MisuseError::InvalidSubprotocol`] unless it is a token.
    pub fn new(name: &str) -> Result<Subprotocol, MisuseError> {
        if !is_token(name.as_bytes()) {
            return Err(MisuseError::InvalidSubprotocol(name.to_owned()));
        }
        Ok(Subprotocol(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The subprotocols that a request offers, the most wanted one first.
    ///
    /// # Errors
    /// [`SubprotocolListError`] if one is not a token or stands there twice.
    pub fn parse_list(headers: &Headers) -> Result<Vec<Subprotocol>, SubprotocolListError> {
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for name in headers.list("Sec-WebSocket-Protocol") {
            if !is_token(name) {
                return Err(SubprotocolListError::NotToken(
                    String::from_utf8_lossy(name).into_owned(),
                ));
            }
            // Tokens are ASCII.
            let name = String::from_utf8_lossy(name).into_owned();
            if !seen.insert(name.clone()) {
                return Err(SubprotocolListError::Repeated(name));
            }
            list.push(Subprotocol(name));
        }
        Ok(list)
    }
}

impl AsRef<str> for Subprotocol {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Subprotocol {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Subprotocol {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Subprotocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a list of subprotocols that a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubprotocolListError {
    /// This member is not a token.
    NotToken(String),
    /// This member stands in the list twice.
    Repeated(String),
}

impl fmt::Display for SubprotocolListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotToken(name) => write!(f, "Sec-WebSocket-Protocol: {name:?} is not a token"),
            Self::Repeated(name) => {
                write!(f, "Sec-WebSocket-Protocol: {name:?} stands there twice")
            }
        }
    }
}

impl core::error::Error for SubprotocolListError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Vec<Subprotocol>, SubprotocolListError> {
        let mut headers = Headers::new();
        for value in values {
            headers.append("sec-websocket-protocol", value).unwrap();
        }
        Subprotocol::parse_list(&headers)
    }

    #[test]
    fn offers_keep_their_order_over_all_fields() {
        assert_eq!(
            parse(&["chat, superchat", "v2.chat"]).unwrap(),
            ["chat", "superchat", "v2.chat"]
        );
        assert_eq!(parse(&[]).unwrap(), [""; 0]);
        assert_eq!(parse(&["", " , "]).unwrap(), [""; 0]);
        // Names are told apart by case.
        assert_eq!(parse(&["chat, Chat"]).unwrap(), ["chat", "Chat"]);
    }

    #[test]
    fn offers_are_unique_tokens() {
        assert_eq!(
            parse(&["chat", "x, chat"]),
            Err(SubprotocolListError::Repeated("chat".into()))
        );
        for bad in ["a b", "a/b", "\"a\"", "a=b", "a;b", "\u{e9}"] {
            assert_eq!(
                parse(&[bad]),
                Err(SubprotocolListError::NotToken(bad.into()))
            );
            assert_eq!(
                Subprotocol::new(bad),
                Err(MisuseError::InvalidSubprotocol(bad.into()))
            );
        }
        assert!(Subprotocol::new("").is_err());
        assert_eq!(Subprotocol::new("v1.chat").unwrap(), "v1.chat");
    }
}
