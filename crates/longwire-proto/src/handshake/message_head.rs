//! Heads of requests and responses, parsed but not yet judged.

use super::head::{HeadError, HeadKind, HeadLimits, HeadReader};
use super::headers::Headers;
use super::token::is_token;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// The version in a request or status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/1.0, which knows no upgrade (RFC 9110, section 7.8).
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2 or later, where WebSockets open by extended CONNECT (RFC 8441) and not by this
    /// handshake.
    Later,
}

impl fmt::Display for HttpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HttpVersion::Http10 => "HTTP/1.0",
            HttpVersion::Http11 => "HTTP/1.1",
            HttpVersion::Later => "HTTP/2 or later",
        })
    }
}

impl HttpVersion {
    /// From what httparse makes of the minor version; it lets only 1.0 and 1.1 through.
    fn from_minor(minor: Option<u8>) -> HttpVersion {
        if minor == Some(0) {
            HttpVersion::Http10
        } else {
            HttpVersion::Http11
        }
    }
}

/// The head of any HTTP request: it may ask for a WebSocket, or be meant for an HTTP server.
///
/// [`Request::from_head`](super::Request::from_head) makes a WebSocket request of it. A server that
/// speaks HTTP as well asks [`is_upgrade`](RequestHead::is_upgrade) first, and hands what is none
/// to its HTTP library: [`raw`](RequestHead::raw), and then what follows on the connection.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    method: String,
    target: String,
    version: HttpVersion,
    headers: Headers,
    raw: Vec<u8>,
}

impl RequestHead {
    /// Puts a head together that an HTTP library has read.
    ///
    /// `target` is the request target, in origin form (`/path?query`) or in absolute form
    /// (`http://host/path?query`). [`raw`](RequestHead::raw) is empty then.
    ///
    /// # Errors
    /// [`HeadError::Malformed`] if the method is not a token, or a header could not stand in a
    /// request. What a library has parsed does not lead there.
    pub fn from_parts<N: AsRef<str>, V: AsRef<[u8]>>(
        method: &str,
        target: &str,
        version: HttpVersion,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<RequestHead, HeadError> {
        if !is_token(method.as_bytes()) {
            return Err(HeadError::Malformed("the method is not a token"));
        }
        let headers = collect(headers, 0)?;
        Ok(RequestHead {
            method: method.to_owned(),
            target: target.to_owned(),
            version,
            headers,
            raw: Vec::new(),
        })
    }

    fn parse(raw: Vec<u8>, max_headers: usize) -> Result<RequestHead, HeadError> {
        let mut fields = room_for_headers(&raw, max_headers)?;
        let mut parsed = httparse::Request::new(&mut fields);
        check_whole(parsed.parse(&raw)?, &raw)?;
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
            return Err(INCOMPLETE);
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let version = HttpVersion::from_minor(parsed.version);
        let fields = parsed.headers.iter().map(|field| (field.name, field.value));
        let headers = collect(fields, raw.len())?;
        Ok(RequestHead {
            method,
            target,
            version,
            headers,
            raw,
        })
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target as it came: usually path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The version of HTTP.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// All header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The head as it came, with the empty line; nothing if the head was not read from bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether the request asks for a WebSocket: whether `websocket` is in its `Upgrade` header.
    ///
    /// It may still be refused, for a reason that the client should hear: a proxy that passes
    /// `Upgrade` on but not `Connection`, say, or that speaks HTTP/1.0.
    pub fn is_upgrade(&self) -> bool {
        self.headers.list_contains("Upgrade", "websocket")
    }
}

impl fmt::Debug for RequestHead {
    /// Without the raw bytes, which may hold credentials that the headers hide.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("version", &self.version)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// Reads the head of one request from a connection: the first thing that a server does with it.
///
/// ```
/// # use longwire_proto::handshake::{HeadLimits, Request, RequestReader};
/// let mut reader = RequestReader::new(HeadLimits::default());
/// let mut input = &b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: web"[..];
/// assert_eq!(reader.receive(&mut input), Ok(None));
///
/// let mut input = &b"socket\r\n\r\nwhat follows"[..];
/// let head = reader.receive(&mut input)?.expect("the head is complete");
/// assert!(head.is_upgrade());
/// assert_eq!(head.target(), "/chat");
/// assert_eq!(input, b"what follows");
/// # Ok::<(), longwire_proto::handshake::HeadError>(())
/// ```
#[derive(Debug)]
pub struct RequestReader {
    head: HeadReader,
    max_headers: usize,
}

impl RequestReader {
    /// A reader at the start of a request. Allocates nothing before the first byte.
    pub fn new(limits: HeadLimits) -> RequestReader {
        RequestReader {
            head: HeadReader::new(HeadKind::Request, limits),
            max_headers: limits.max_headers,
        }
    }

    /// Takes the bytes of the head off the front of `input`; gives the head once it is whole.
    ///
    /// After `Ok(None)` all of `input` is taken, and more is needed. After `Ok(Some(_))` the rest
    /// of `input` is what follows the head: the first frames, when it was a WebSocket request, or a
    /// body.
    ///
    /// # Errors
    /// [`HeadError`], as soon as it is certain that this becomes no head within the limits;
    /// `Refusal::from` makes the answer of it. The reader must not be used afterwards.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<RequestHead>, HeadError> {
        let Some(raw) = self.head.read(input)? else {
            return Ok(None);
        };
        RequestHead::parse(raw, self.max_headers).map(Some)
    }

    /// How many bytes of an incomplete head came so far: none on a connection that was opened and
    /// never used.
    pub fn received(&self) -> usize {
        self.head.received()
    }
}

/// The head of an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    status: u16,
    reason: String,
    version: HttpVersion,
    headers: Headers,
}

impl ResponseHead {
    pub(super) fn parse(raw: &[u8], max_headers: usize) -> Result<ResponseHead, HeadError> {
        let mut fields = room_for_headers(raw, max_headers)?;
        let mut parsed = httparse::Response::new(&mut fields);
        check_whole(parsed.parse(raw)?, raw)?;
        let (Some(status), Some(reason)) = (parsed.code, parsed.reason) else {
            return Err(INCOMPLETE);
        };
        let (status, reason) = (status, reason.to_owned());
        let version = HttpVersion::from_minor(parsed.version);
        let fields = parsed.headers.iter().map(|field| (field.name, field.value));
        let headers = collect(fields, raw.len())?;
        Ok(ResponseHead {
            status,
            reason,
            version,
            headers,
        })
    }

    /// The status: three digits.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase, which may be empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The version of HTTP.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// All header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }
}

/// The head reader hands over whole heads only, so that the parser never asks for more.
const INCOMPLETE: HeadError = HeadError::Malformed("the head ends too early");

/// As many empty headers as the head has lines, so that a small head takes little.
fn room_for_headers(
    raw: &[u8],
    max_headers: usize,
) -> Result<Vec<httparse::Header<'_>>, HeadError> {
    // The first line and the one that ends the head are no headers; empty ones may come before the
    // first.
    let lines = raw
        .trim_ascii_start()
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count();
    let headers = lines.saturating_sub(2);
    if headers > max_headers {
        return Err(HeadError::TooManyHeaders(max_headers));
    }
    Ok(vec![httparse::EMPTY_HEADER; headers])
}

fn check_whole(parsed: httparse::Status<usize>, raw: &[u8]) -> Result<(), HeadError> {
    match parsed {
        httparse::Status::Complete(length) if length == raw.len() => Ok(()),
        _ => Err(INCOMPLETE),
    }
}

/// `text` is about how long all of them are.
fn collect<N: AsRef<str>, V: AsRef<[u8]>>(
    fields: impl IntoIterator<Item = (N, V)>,
    text: usize,
) -> Result<Headers, HeadError> {
    let fields = fields.into_iter();
    let mut headers = Headers::with_room(fields.size_hint().0, text);
    for (name, value) in fields {
        headers.append(name.as_ref(), value)?;
    }
    Ok(headers)
}
