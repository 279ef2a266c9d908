//! The client's half of the opening handshake (RFC 6455, section 4.1): the response.

use super::accept_key::AcceptKey;
use super::body::Body;
use super::error::HandshakeError;
use super::headers::{Headers, NotSole};
use super::message_head::{HttpVersion, ResponseHead};
use crate::extension::Extension;
use crate::subprotocol::Subprotocol;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What the client offered, for the server to choose from.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    pub(super) subprotocols: Vec<Subprotocol>,
    pub(super) extensions: Vec<Extension>,
    /// The names of those that the client cannot do without.
    pub(super) required: Vec<String>,
}

/// The server's answer that opened the WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// Status line and headers.
    pub head: ResponseHead,
    /// The subprotocol that the server chose, one of those offered. None if it chose none, which it
    /// may.
    pub subprotocol: Option<Subprotocol>,
    /// The extensions that the server accepted, in the order in which they apply; all of them were
    /// offered.
    pub extensions: Vec<Extension>,
    /// The required extensions that the server did not accept.
    ///
    /// If there are any, the connection is to be closed with 1010, their names in the reason (RFC
    /// 6455, section 7.4.1).
    pub missing_extensions: Vec<String>,
}

impl Response {
    /// Judges a final response by RFC 6455, section 4.1, "the client MUST validate the server's
    /// response as follows".
    pub(super) fn check(
        head: ResponseHead,
        accept: &AcceptKey,
        offer: &Offer,
    ) -> Result<Response, HandshakeError> {
        if head.status() != 101 {
            return Err(HandshakeError::Refused(Box::new(Refused::new(head))));
        }
        if head.version() != HttpVersion::Http11 {
            return Err(HandshakeError::Version(head.version()));
        }
        let headers = head.headers();
        check_upgrade(headers)?;
        check_accept(headers, accept)?;
        let extensions = extensions(headers, &offer.extensions)?;
        let subprotocol = subprotocol(headers, &offer.subprotocols)?;
        let is_missing = |name: &&String| {
            !extensions
                .iter()
                .any(|extension| extension.name() == **name)
        };
        let missing_extensions = offer.required.iter().filter(is_missing).cloned().collect();
        Ok(Response {
            head,
            subprotocol,
            extensions,
            missing_extensions,
        })
    }
}

/// Items 2 and 3. `Upgrade` is `websocket` and nothing else, `Connection` a list with `Upgrade` in
/// it.
fn check_upgrade(headers: &Headers) -> Result<(), HandshakeError> {
    let mut upgrade = headers.list("Upgrade");
    let is_websocket = upgrade
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case(b"websocket"));
    if !is_websocket || upgrade.next().is_some() {
        return Err(HandshakeError::Upgrade(shown(headers, "Upgrade")));
    }
    if !headers.list_contains("Connection", "upgrade") {
        return Err(HandshakeError::Connection(shown(headers, "Connection")));
    }
    Ok(())
}

/// Item 4.
fn check_accept(headers: &Headers, expected: &AcceptKey) -> Result<(), HandshakeError> {
    match sole(headers, "Sec-WebSocket-Accept")? {
        Some(received) if received == expected.as_str() => Ok(()),
        received => Err(HandshakeError::Accept {
            expected: *expected,
            received: received.map(ToOwned::to_owned),
        }),
    }
}

/// Item 5: nothing but what was offered; and as an extension can be in use once only, each name
/// once.
fn extensions(headers: &Headers, offered: &[Extension]) -> Result<Vec<Extension>, HandshakeError> {
    let accepted = Extension::parse_list(headers).map_err(HandshakeError::MalformedExtensions)?;
    for (at, extension) in accepted.iter().enumerate() {
        let same = |other: &Extension| other.name() == extension.name();
        if !offered.iter().any(same) {
            return Err(HandshakeError::Extension(extension.name().to_owned()));
        }
        // The list is bounded by the offer: whatever stands in it was offered, and stands there
        // once so far.
        if accepted[..at].iter().any(same) {
            return Err(HandshakeError::RepeatedExtension(
                extension.name().to_owned(),
            ));
        }
    }
    Ok(accepted)
}

/// Item 6: one of those offered, or none.
fn subprotocol(
    headers: &Headers,
    offered: &[Subprotocol],
) -> Result<Option<Subprotocol>, HandshakeError> {
    match sole(headers, "Sec-WebSocket-Protocol")? {
        None => Ok(None),
        Some(name) => match offered.iter().find(|offer| *offer == name) {
            Some(offer) => Ok(Some(offer.clone())),
            None => Err(HandshakeError::Subprotocol(name.to_owned())),
        },
    }
}

/// The only value of a header that may stand in a response once, and as text.
fn sole<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a str>, HandshakeError> {
    headers.sole(name).map_err(|error| match error {
        NotSole::Repeated => HandshakeError::RepeatedHeader(name),
        NotSole::NotText => HandshakeError::HeaderNotText(name),
    })
}

/// The first value of a header, to show it to a person.
fn shown(headers: &Headers, name: &str) -> Option<String> {
    headers
        .get_all(name)
        .next()
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

/// The server's answer that opened no WebSocket: any other status than 101.
///
/// Why is often told in the body, which the driver may read from the rest of its input and from the
/// connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Status line and headers.
    pub head: ResponseHead,
    /// Collects the body.
    pub body: Body,
}

impl Refused {
    fn new(head: ResponseHead) -> Refused {
        let body = Body::of(&head);
        Refused { head, body }
    }

    /// Where a redirect leads to, as it stands in the `Location` header: possibly relative to the
    /// URL of the request.
    pub fn location(&self) -> Option<&str> {
        matches!(self.head.status(), 301 | 302 | 303 | 307 | 308)
            .then(|| self.head.headers().get("Location"))
            .flatten()
    }

    /// The versions of the protocol that the server speaks, if it told so because 13 is none of
    /// them (RFC 6455, section 4.4).
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.head
            .headers()
            .list("Sec-WebSocket-Version")
            .filter_map(|version| core::str::from_utf8(version).ok())
    }
}

#[cfg(test)]
mod tests;
