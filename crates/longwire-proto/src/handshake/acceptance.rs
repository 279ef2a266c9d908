//! How a server says yes.

use super::headers::Headers;
use super::misuse::MisuseError;
use super::server::Request;
use crate::extension::Extension;
use crate::heartbeat::{self, Terms};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a server chose when it lets a client in: by default no subprotocol, no extension and no
/// further headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    subprotocol: Option<String>,
    extensions: Vec<Extension>,
    heartbeat: Option<Terms>,
    headers: Headers,
}

/// Headers of the handshake, and those of a body, which a 101 does not have.
const RESERVED: [&str; 9] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Version",
    heartbeat::HEADER,
    "Content-Length",
    "Transfer-Encoding",
];

impl Acceptance {
    /// Nothing but the protocol itself.
    pub fn new() -> Acceptance {
        Acceptance::default()
    }

    /// Speaks this subprotocol, which has to be one that the client offered.
    ///
    /// A browser fails the connection if it offered some and none is chosen.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Acceptance {
        self.subprotocol = Some(name.into());
        self
    }

    /// Uses this extension, which has to be one that the client offered.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Acceptance {
        self.extensions.push(extension);
        self
    }

    /// Says how the server beats, to a client that asks
    /// ([`Proposal`](heartbeat::Proposal)).
    #[must_use]
    pub fn heartbeat(mut self, terms: Terms) -> Acceptance {
        self.heartbeat = Some(terms);
        self
    }

    /// Adds a header to the answer, such as `Set-Cookie`.
    ///
    /// # Errors
    /// [`MisuseError::ReservedHeader`] for a header of the handshake itself, and those of
    /// [`Headers::append`].
    pub fn header(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Acceptance, MisuseError> {
        if RESERVED
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(name))
        {
            return Err(MisuseError::ReservedHeader(name.to_owned()));
        }
        self.headers.append(name, value)?;
        Ok(self)
    }
}

impl Request {
    /// The answer that opens the WebSocket, as it stands on the wire (RFC 6455, section 4.2.2, item
    /// 5).
    ///
    /// # Errors
    /// The same as [`accept_headers`](Request::accept_headers).
    pub fn accept(&self, acceptance: &Acceptance) -> Result<Vec<u8>, MisuseError> {
        let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        self.accept_headers(acceptance)?.write_to(&mut out);
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }

    /// The headers of the answer that opens the WebSocket, for an HTTP library that writes it: its
    /// status is 101.
    ///
    /// # Errors
    /// [`MisuseError::SubprotocolNotOffered`] and [`MisuseError::ExtensionNotOffered`] if something
    /// was chosen that the client did not offer, or the same extension twice.
    pub fn accept_headers(&self, acceptance: &Acceptance) -> Result<Headers, MisuseError> {
        let mut headers = Headers::new();
        headers.push("Upgrade", "websocket");
        headers.push("Connection", "Upgrade");
        headers.push("Sec-WebSocket-Accept", self.accept_key().as_str());
        if let Some(name) = &acceptance.subprotocol {
            if !self
                .subprotocols()
                .iter()
                .any(|offer| offer == name.as_str())
            {
                return Err(MisuseError::SubprotocolNotOffered(name.clone()));
            }
            headers.push("Sec-WebSocket-Protocol", name);
        }
        self.check_extensions(&acceptance.extensions)?;
        if !acceptance.extensions.is_empty() {
            headers.push("Sec-WebSocket-Extensions", list(&acceptance.extensions));
        }
        if let Some(terms) = &acceptance.heartbeat {
            headers.push(heartbeat::HEADER, terms.to_string());
        }
        for (name, value) in acceptance.headers.iter() {
            headers.push(name, value);
        }
        Ok(headers)
    }

    fn check_extensions(&self, chosen: &[Extension]) -> Result<(), MisuseError> {
        for (at, extension) in chosen.iter().enumerate() {
            let same = |other: &Extension| other.name() == extension.name();
            if !self.extensions().iter().any(same) || chosen[..at].iter().any(same) {
                return Err(MisuseError::ExtensionNotOffered(
                    extension.name().to_owned(),
                ));
            }
        }
        Ok(())
    }
}

/// Extensions as one header value.
pub(super) fn list<'a>(extensions: impl IntoIterator<Item = &'a Extension>) -> String {
    let members: Vec<String> = extensions.into_iter().map(ToString::to_string).collect();
    members.join(", ")
}

#[cfg(test)]
mod tests;
