//! The client's half of the opening handshake (RFC 6455, section 4.1): the request.

use super::accept_key::{accept_key, key_for};
use super::acceptance::list;
use super::authority::Authority;
use super::error::HandshakeError;
use super::head::{HeadKind, HeadLimits, HeadReader};
use super::headers::Headers;
use super::message_head::ResponseHead;
use super::misuse::MisuseError;
use super::response::{Offer, Response};
use crate::extension::Extension;
use crate::subprotocol::Subprotocol;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What a client asks for. [`start`](ClientRequest::start) makes a [`ClientHandshake`] of it, for
/// one connection.
///
/// ```
/// # use longwire_proto::handshake::{ClientRequest, HandshakeError};
/// let request = ClientRequest::new("example.com", "/chat")?.subprotocol("chat")?;
/// // Sixteen bytes, which have to be random and new for every connection.
/// let mut handshake = request.start(*b"the sample nonce");
/// let to_send = handshake.request();
/// # assert!(to_send.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
///
/// let mut input = &b"HTTP/1.1 101 Switching Protocols\r\n\
///     Upgrade: websocket\r\n\
///     Connection: Upgrade\r\n\
///     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///     Sec-WebSocket-Protocol: chat\r\n\r\n\
///     \x81\x02hi"[..];
/// let response = handshake.receive(&mut input)?.expect("the response is complete");
/// assert_eq!(response.subprotocol.unwrap(), "chat");
/// assert_eq!(input, b"\x81\x02hi"); // The first frame, for the connection.
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientRequest {
    host: String,
    target: String,
    offer: Offer,
    headers: Headers,
    limits: HeadLimits,
}

/// Headers that the handshake sets, and those of a body, which its request does not have.
const RESERVED: [&str; 10] = [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// Headers of which a request has one at most.
const SINGLE: [&str; 3] = ["Origin", "Authorization", "User-Agent"];

impl ClientRequest {
    /// A request for the WebSocket at `target`, a path that may have a query.
    ///
    /// `host` is for the `Host` header: it has a port if that is not the usual one, and IPv6
    /// addresses stand in brackets.
    ///
    /// # Errors
    /// [`MisuseError::InvalidHost`] and [`MisuseError::InvalidTarget`].
    pub fn new(host: &str, target: &str) -> Result<ClientRequest, MisuseError> {
        if Authority::parse(host).is_none() {
            return Err(MisuseError::InvalidHost(host.to_owned()));
        }
        if !target.starts_with('/')
            || !target
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return Err(MisuseError::InvalidTarget(target.to_owned()));
        }
        Ok(ClientRequest::of_valid(host.to_owned(), target.to_owned()))
    }

    /// A request for the WebSocket at `url`. Credentials in it become an `Authorization` header
    /// (RFC 7617).
    #[cfg(feature = "url")]
    pub fn for_url(url: &super::Url) -> ClientRequest {
        let mut request = ClientRequest::of_valid(url.host_header(), url.target().to_owned());
        if let Some(authorization) = url.basic_authorization() {
            request.headers.push("Authorization", authorization);
        }
        request
    }

    fn of_valid(host: String, target: String) -> ClientRequest {
        ClientRequest {
            host,
            target,
            offer: Offer::default(),
            headers: Headers::new(),
            limits: HeadLimits::default(),
        }
    }

    /// Offers a subprotocol, the most wanted one first.
    ///
    /// # Errors
    /// [`MisuseError::InvalidSubprotocol`] unless it is a token,
    /// [`MisuseError::RepeatedSubprotocol`] if it is offered already.
    pub fn subprotocol(mut self, name: &str) -> Result<ClientRequest, MisuseError> {
        let subprotocol = Subprotocol::new(name)?;
        if self.offer.subprotocols.contains(&subprotocol) {
            return Err(MisuseError::RepeatedSubprotocol(name.to_owned()));
        }
        self.offer.subprotocols.push(subprotocol);
        Ok(self)
    }

    /// Offers an extension, the most wanted one first. One extension may be offered in several
    /// variants.
    #[must_use]
    pub fn offer(mut self, extension: Extension) -> ClientRequest {
        self.offer.extensions.push(extension);
        self
    }

    /// Offers an extension that the client cannot do without.
    ///
    /// If the server accepts the connection without it, [`Response::missing_extensions`] names it.
    #[must_use]
    pub fn require(mut self, extension: Extension) -> ClientRequest {
        if !self
            .offer
            .required
            .iter()
            .any(|name| name == extension.name())
        {
            self.offer.required.push(extension.name().to_owned());
        }
        self.offer(extension)
    }

    /// Tells the server the origin of the page, as a browser does: for clients that act for one.
    ///
    /// # Errors
    /// The same as [`header`](ClientRequest::header).
    pub fn origin(self, origin: &str) -> Result<ClientRequest, MisuseError> {
        self.header("Origin", origin)
    }

    /// Adds a header, such as `Authorization` or `Cookie`.
    ///
    /// `Origin`, `Authorization` and `User-Agent` stand in a request once: the last one given
    /// replaces the others, and an `Authorization` the one from the URL.
    ///
    /// # Errors
    /// [`MisuseError::ReservedHeader`] for a header of the handshake itself, and those of
    /// [`Headers::append`].
    pub fn header(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<ClientRequest, MisuseError> {
        let is_in = |names: &[&str]| names.iter().any(|each| each.eq_ignore_ascii_case(name));
        if is_in(&RESERVED) {
            return Err(MisuseError::ReservedHeader(name.to_owned()));
        }
        if is_in(&SINGLE) {
            self.headers.set(name, value)?;
        } else {
            self.headers.append(name, value)?;
        }
        Ok(self)
    }

    /// Sets how large the head of the response may be.
    #[must_use]
    pub fn limits(mut self, limits: HeadLimits) -> ClientRequest {
        self.limits = limits;
        self
    }

    /// Begins the handshake on one connection. The nonce has to be random, and another one for
    /// every connection (RFC 6455, section 4.1, item 7).
    pub fn start(&self, nonce: [u8; 16]) -> ClientHandshake {
        let key = key_for(nonce);
        let reader = HeadReader::new(HeadKind::Response, self.limits);
        ClientHandshake {
            request: self.to_bytes(&key),
            accept: accept_key(&key),
            offer: self.offer.clone(),
            reader,
            max_headers: self.limits.max_headers,
        }
    }

    fn to_bytes(&self, key: &str) -> Vec<u8> {
        let mut headers = Headers::new();
        headers.push("Host", &self.host);
        headers.push("Upgrade", "websocket");
        headers.push("Connection", "Upgrade");
        headers.push("Sec-WebSocket-Key", key);
        headers.push("Sec-WebSocket-Version", "13");
        if !self.offer.subprotocols.is_empty() {
            let names: Vec<&str> = self
                .offer
                .subprotocols
                .iter()
                .map(Subprotocol::as_str)
                .collect();
            headers.push("Sec-WebSocket-Protocol", names.join(", "));
        }
        if !self.offer.extensions.is_empty() {
            headers.push("Sec-WebSocket-Extensions", list(&self.offer.extensions));
        }
        let mut out = Vec::new();
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        headers.write_to(&mut out);
        self.headers.write_to(&mut out);
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// The opening handshake of one connection, seen from the client.
///
/// 1. Send [`request`](ClientHandshake::request).
/// 2. Give what comes to [`receive`](ClientHandshake::receive), until it gives a response or an
///    error; or say that nothing more comes, with [`receive_eof`](ClientHandshake::receive_eof).
/// 3. What is left of the input belongs to the connection or, after [`HandshakeError::Refused`],
///    to [`Refused::body`](super::Refused::body).
pub struct ClientHandshake {
    request: Vec<u8>,
    accept: super::AcceptKey,
    offer: Offer,
    reader: HeadReader,
    max_headers: usize,
}

impl ClientHandshake {
    /// The request as it stands on the wire.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes the bytes of the response's head off the front of `input`; gives the response once it
    /// is whole.
    ///
    /// After `Ok(None)` all of `input` is taken, and more is needed. Interim responses, which may
    /// come before the final one (RFC 9110, section 15.2), are skipped.
    ///
    /// # Errors
    /// [`HandshakeError`], as soon as it is certain that no WebSocket opens. The handshake must not
    /// be used afterwards.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Response>, HandshakeError> {
        while let Some(raw) = self.reader.read(input)? {
            let head = ResponseHead::parse(&raw, self.max_headers)?;
            if !matches!(head.status(), 100 | 102..=199) {
                return Response::check(head, &self.accept, &self.offer).map(Some);
            }
        }
        Ok(None)
    }

    /// What it means that the connection ended before the response was whole.
    pub fn receive_eof(&self) -> HandshakeError {
        HandshakeError::Closed {
            received: self.reader.received(),
        }
    }
}

impl fmt::Debug for ClientHandshake {
    /// Without the request, which may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandshake")
            .field("accept", &self.accept)
            .field("offer", &self.offer)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
