//! The parameters of an offer or of a response (RFC 7692 section 7.1).

use super::PermessageDeflate;
use crate::extension::Extension;
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

/// How messages in one direction are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    /// Whether a message may refer to those before it.
    pub takeover: bool,
    /// How far back it may refer, as a power of two, 8 to 15.
    pub window_bits: u8,
}

/// What stands in an offer or in a response. In a response
/// `client_max_window_bits` has a value always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<MaxWindowBits>,
}

/// `client_max_window_bits`, which in an offer may come without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxWindowBits {
    /// The server may choose.
    Any,
    Bits(u8),
}

/// What is wrong with a server's answer to an offer of permessage-deflate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeflateParamError {
    /// This parameter is not one of permessage-deflate.
    Unknown(String),
    /// This parameter stands there twice.
    Repeated(String),
    /// This parameter has a value that it must not have, or none though it must
    /// have one.
    Value(String),
    /// The parameters agree with no offer of the client.
    NotOffered,
}

impl fmt::Display for DeflateParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no parameter {name:?}"),
            Self::Repeated(name) => write!(f, "{name:?} is there twice"),
            Self::Value(name) => write!(f, "{name:?} has a wrong value"),
            Self::NotOffered => f.write_str("it agrees with no offer"),
        }
    }
}

impl core::error::Error for DeflateParamError {}

impl Params {
    /// Reads an offer. One with an error in it is declined (7.1: "MUST decline
    /// an extension negotiation offer" for each of them).
    pub(super) fn of_offer(offer: &Extension) -> Result<Params, DeflateParamError> {
        let mut params = Params::default();
        let mut seen = Vec::new();
        for (name, value) in offer.params() {
            if seen.contains(&name) {
                return Err(DeflateParamError::Repeated(name.to_owned()));
            }
            seen.push(name);
            params
                .set(name, value)
                .ok_or_else(|| DeflateParamError::Value(name.to_owned()))??;
        }
        Ok(params)
    }

    /// Reads a response. One with an error in it fails the connection (7.1:
    /// "MUST _Fail the WebSocket Connection_").
    pub(super) fn of_response(response: &Extension) -> Result<Params, DeflateParamError> {
        let params = Params::of_offer(response)?;
        if params.client_max_window_bits == Some(MaxWindowBits::Any) {
            // 7.1.2.2: "a 'client_max_window_bits' parameter in a response
            // without a value" is invalid.
            return Err(DeflateParamError::Value(CLIENT_BITS.to_owned()));
        }
        Ok(params)
    }

    /// Takes one parameter; `None` if its value is not valid.
    fn set(&mut self, name: &str, value: Option<&str>) -> Option<Result<(), DeflateParamError>> {
        match (name, value) {
            (SERVER_TAKEOVER, None) => self.server_no_context_takeover = true,
            (CLIENT_TAKEOVER, None) => self.client_no_context_takeover = true,
            (SERVER_BITS, Some(value)) => self.server_max_window_bits = Some(bits(value)?),
            (CLIENT_BITS, None) => self.client_max_window_bits = Some(MaxWindowBits::Any),
            (CLIENT_BITS, Some(value)) => {
                self.client_max_window_bits = Some(MaxWindowBits::Bits(bits(value)?));
            }
            (SERVER_TAKEOVER | CLIENT_TAKEOVER | SERVER_BITS, _) => return None,
            _ => return Some(Err(DeflateParamError::Unknown(name.to_owned()))),
        }
        Some(Ok(()))
    }

    pub(super) fn to_extension(self) -> Extension {
        let mut extension = Extension::of_valid(PermessageDeflate::NAME);
        if self.server_no_context_takeover {
            extension.push_valid(SERVER_TAKEOVER, None);
        }
        if self.client_no_context_takeover {
            extension.push_valid(CLIENT_TAKEOVER, None);
        }
        if let Some(bits) = self.server_max_window_bits {
            extension.push_valid(SERVER_BITS, Some(bits));
        }
        match self.client_max_window_bits {
            None => {}
            Some(MaxWindowBits::Any) => extension.push_valid(CLIENT_BITS, None),
            Some(MaxWindowBits::Bits(bits)) => extension.push_valid(CLIENT_BITS, Some(bits)),
        }
        extension
    }
}

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// 7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15,
/// inclusive".
fn bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    let is_plain = !value.starts_with(['0', '+']);
    is_plain.then_some(bits)
}
