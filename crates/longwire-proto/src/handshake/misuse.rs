//! What a caller can get wrong about a handshake. Nothing a peer sends ever leads here.

use alloc::string::String;
use core::fmt;

/// A request or an answer was asked for that the protocol does not allow: a mistake of the calling
/// program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MisuseError {
    /// A header name is not a token (RFC 9110, section 5.6.2).
    InvalidHeaderName(String),
    /// The value for the header of this name holds a line break, a NUL or another control
    /// character.
    InvalidHeaderValue(String),
    /// The header of this name belongs to the handshake and cannot be set by hand.
    ReservedHeader(String),
    /// A subprotocol's name is not a token (RFC 6455, section 4.1, item 10).
    InvalidSubprotocol(String),
    /// The same subprotocol was offered twice (RFC 6455, section 4.1, item 10: they must all be
    /// unique).
    RepeatedSubprotocol(String),
    /// A server chose a subprotocol that the client did not offer.
    SubprotocolNotOffered(String),
    /// A name, a parameter or a value of an extension is not a token (RFC 6455, section 9.1).
    InvalidExtension(String),
    /// A server chose an extension that the client did not offer, or one extension twice.
    ExtensionNotOffered(String),
    /// A host is not of the form `host` or `host:port`, IPv6 addresses in brackets.
    InvalidHost(String),
    /// A request target does not begin with `/`, or holds a space, a `#` or something else than
    /// visible ASCII.
    InvalidTarget(String),
    /// A refusal can only have a status from 300 to 599.
    InvalidStatus(u16),
}

/// What a token is, for a person.
const TOKEN_RULE: &str = "it must consist of letters, digits and !#$%&'*+-.^_`|~ only";

impl fmt::Display for MisuseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidHeaderName(name) => {
                write!(f, "{name:?} cannot be a header name: {TOKEN_RULE}")
            }
            Self::InvalidHeaderValue(name) => {
                write!(
                    f,
                    "the value for header {name:?} holds a line break or another control character"
                )
            }
            Self::ReservedHeader(name) => {
                write!(
                    f,
                    "the handshake sets header {name:?} by itself; it cannot be set by hand"
                )
            }
            Self::InvalidSubprotocol(name) => {
                write!(f, "{name:?} cannot be a subprotocol: {TOKEN_RULE}")
            }
            Self::RepeatedSubprotocol(name) => write!(f, "subprotocol {name:?} is offered twice"),
            Self::SubprotocolNotOffered(name) => {
                write!(
                    f,
                    "subprotocol {name:?} cannot be selected: the client did not offer it"
                )
            }
            Self::InvalidExtension(text) => {
                write!(f, "{text:?} cannot stand in an extension: {TOKEN_RULE}")
            }
            Self::ExtensionNotOffered(name) => {
                write!(
                    f,
                    "extension {name:?} cannot be chosen: it was not offered, or is chosen twice"
                )
            }
            Self::InvalidHost(host) => {
                write!(
                    f,
                    "{host:?} is not a host: write host or host:port, IPv6 as in [::1]:port"
                )
            }
            Self::InvalidTarget(target) => write!(
                f,
                "{target:?} is not a request target: it is a path from / on, percent-encoded"
            ),
            Self::InvalidStatus(status) => {
                write!(
                    f,
                    "{status} cannot be the status of a refusal: take one from 300 to 599"
                )
            }
        }
    }
}

impl core::error::Error for MisuseError {}
