//! The server's half of the opening handshake (RFC 6455, section 4.2).

use super::accept_key::{AcceptKey, accept_key, is_key};
use super::authority::Authority;
use super::headers::{Headers, NotSole};
use super::message_head::{HttpVersion, RequestHead};
use super::refusal::Refusal;
use crate::extension::Extension;
use crate::subprotocol::Subprotocol;
use alloc::format;
use alloc::vec::Vec;

/// A request for a WebSocket that follows every rule of RFC 6455, section 4.2.1.
///
/// What is left to decide is the server's own: whether it likes the path, the origin and the
/// credentials, and which subprotocol and extensions to speak. It says yes with
/// [`accept`](Request::accept), or no with a [`Refusal`].
///
/// ```
/// # use longwire_proto::handshake::{
/// #     Acceptance, HeadLimits, OriginPolicy, Refusal, Request, RequestReader,
/// # };
/// fn answer(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
///     let mut input = bytes;
///     let Some(head) = RequestReader::new(HeadLimits::default()).receive(&mut input)? else {
///         return Ok(Vec::new()); // Not whole yet: read more.
///     };
///     let request = Request::from_head(head)?;
///     OriginPolicy::SameHost.check(&request, "--allow-origin")?;
///     if request.path() != "/chat" {
///         return Err(Refusal::not_found("There is no WebSocket here.\n"));
///     }
///     let mut acceptance = Acceptance::new();
///     if let Some(chosen) = request.select_subprotocol(&["v2.chat", "v1.chat"]) {
///         acceptance = acceptance.subprotocol(chosen.as_str());
///     }
///     Ok(request.accept(&acceptance).expect("the subprotocol is one of those offered"))
/// }
/// # let request = b"GET /chat HTTP/1.1\r\nHost: x\r\n\
/// #     Upgrade: websocket\r\nConnection: Upgrade\r\n\
/// #     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// # assert!(answer(request).unwrap().starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    head: RequestHead,
    target: Target,
    accept: AcceptKey,
    subprotocols: Vec<Subprotocol>,
    extensions: Vec<Extension>,
}

impl Request {
    /// Judges a request whose head was read from a connection.
    ///
    /// # Errors
    /// The [`Refusal`] to send, for the first rule that the request breaks:
    ///
    /// | what is wrong | status |
    /// |---|---|
    /// | the method is not GET | 405 |
    /// | HTTP/1.0, or no `Upgrade: websocket` | 426 |
    /// | HTTP/2 or later | 505 |
    /// | a `Sec-WebSocket-Version` other than 13 | 426 with `Sec-WebSocket-Version: 13` |
    /// | `Connection` without `Upgrade` in it | 400 |
    /// | `Host` or a `Sec-WebSocket-` header missing, repeated or malformed | 400 |
    /// | the target malformed, `Origin` repeated | 400 |
    /// | a body is announced | 400 |
    pub fn from_head(head: RequestHead) -> Result<Request, Refusal> {
        check_method(head.method())?;
        check_version(head.version())?;
        let headers = head.headers();
        check_upgrade(headers)?;
        check_websocket_version(headers)?;
        check_no_body(headers)?;
        let target = Target::of(&head)?;
        let accept = accept_key(key(headers)?);
        sole(headers, "Origin")?;
        let subprotocols =
            Subprotocol::parse_list(headers).map_err(|error| bad(format!("{error}.\n")))?;
        let extensions =
            Extension::parse_list(headers).map_err(|error| bad(format!("{error}.\n")))?;
        Ok(Request {
            head,
            target,
            accept,
            subprotocols,
            extensions,
        })
    }

    /// Judges a request that an HTTP library has read: see [`RequestHead::from_parts`].
    ///
    /// # Errors
    /// The same as [`from_head`](Request::from_head).
    pub fn from_parts<N: AsRef<str>, V: AsRef<[u8]>>(
        method: &str,
        target: &str,
        version: HttpVersion,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Request, Refusal> {
        Request::from_head(RequestHead::from_parts(method, target, version, headers)?)
    }

    /// The request target as it came: usually path and query.
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// The path, which begins with `/`; percent-encoded, as it came.
    pub fn path(&self) -> &str {
        match self.target.path.clone() {
            path if path.is_empty() => "/",
            path => &self.head.target()[path],
        }
    }

    /// What stands behind the first `?` of the target, percent-encoded, as it came.
    pub fn query(&self) -> Option<&str> {
        self.head.target()[self.target.path.end..].strip_prefix('?')
    }

    /// The host that the client believes to speak to, with the port if it is not the usual one.
    ///
    /// It is from the target if there is one in it, else from the `Host` header (RFC 9112, section
    /// 3.2.2). It has the form of a host; the rest is up to the client, so that it proves nothing.
    pub fn host(&self) -> &str {
        match self.target.authority.clone() {
            Some(authority) => &self.head.target()[authority],
            None => self.header("Host").unwrap_or_default(),
        }
    }

    /// The origin of the page that opened the WebSocket; browsers always tell, other clients seldom
    /// do.
    pub fn origin(&self) -> Option<&str> {
        self.header("Origin")
    }

    /// The subprotocols that the client offers, the most wanted one first.
    pub fn subprotocols(&self) -> &[Subprotocol] {
        &self.subprotocols
    }

    /// The first of the client's offers that the server `supports`, if there is one.
    pub fn select_subprotocol(&self, supports: &[impl AsRef<str>]) -> Option<&Subprotocol> {
        self.subprotocols
            .iter()
            .find(|offer| supports.iter().any(|each| each.as_ref() == offer.as_str()))
    }

    /// The extensions that the client offers, the most wanted one first. A name may stand there
    /// more than once, with different parameters.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The first value of a header, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name)
    }

    /// All headers.
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The head that the request was made from.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    pub(super) fn accept_key(&self) -> AcceptKey {
        self.accept
    }
}

/// RFC 6455, section 4.2.1, item 1: a GET.
fn check_method(method: &str) -> Result<(), Refusal> {
    if method == "GET" {
        return Ok(());
    }
    let refusal = Refusal::with_text(
        405,
        format!("A WebSocket is opened with GET, not with {method}.\n"),
    )
    .and("Allow", "GET");
    Err(if method == "HEAD" {
        refusal.without_body()
    } else {
        refusal
    })
}

/// Item 1: HTTP/1.1 or higher. Higher ones open WebSockets in another way.
fn check_version(version: HttpVersion) -> Result<(), Refusal> {
    match version {
        HttpVersion::Http11 => Ok(()),
        // RFC 9110, section 7.8, has `Upgrade` ignored in HTTP/1.0: such a request asks for no
        // WebSocket.
        HttpVersion::Http10 => Err(Refusal::upgrade_required(
            "A WebSocket is opened with HTTP/1.1, and this is HTTP/1.0. If a proxy sent it, have \
             it speak HTTP/1.1 (nginx: proxy_http_version 1.1).\n",
        )),
        HttpVersion::Later => Err(Refusal::with_text(
            505,
            "A WebSocket is opened with HTTP/1.1 here; later versions are not supported.\n",
        )),
    }
}

/// Items 3 and 4: `Upgrade` contains `websocket`, and `Connection` the token `Upgrade`, both in any
/// case.
fn check_upgrade(headers: &Headers) -> Result<(), Refusal> {
    if !headers.list_contains("Upgrade", "websocket") {
        return Err(Refusal::upgrade_required(
            "This is a WebSocket: it takes a request with Upgrade: websocket and Connection: \
             Upgrade. If they were sent, a proxy on the way has dropped them.\n",
        ));
    }
    if !headers.list_contains("Connection", "upgrade") {
        return Err(bad(
            "Upgrade: websocket came without Connection: Upgrade. A proxy on the way probably \
             dropped it and has to be told to send it.\n",
        ));
    }
    Ok(())
}

/// Item 6, and section 4.4: version 13, or the client is told that it is 13 here.
fn check_websocket_version(headers: &Headers) -> Result<(), Refusal> {
    match sole(headers, "Sec-WebSocket-Version")? {
        Some("13") => Ok(()),
        Some(other) => {
            let text = format!(
                "WebSocket version {other:?} is not supported; version 13 (RFC 6455) is.\n"
            );
            Err(Refusal::upgrade_required(text).and("Sec-WebSocket-Version", "13"))
        }
        None => Err(bad("The header Sec-WebSocket-Version: 13 is missing.\n")),
    }
}

/// Item 5: a `Sec-WebSocket-Key` that decodes to 16 bytes.
fn key(headers: &Headers) -> Result<&str, Refusal> {
    match sole(headers, "Sec-WebSocket-Key")? {
        Some(key) if is_key(key) => Ok(key),
        Some(_) => Err(bad(
            "The header Sec-WebSocket-Key is not the base64 of 16 bytes.\n",
        )),
        None => Err(bad("The header Sec-WebSocket-Key is missing.\n")),
    }
}

/// What follows the head of this request is frames: a body would be taken for them.
fn check_no_body(headers: &Headers) -> Result<(), Refusal> {
    let is_zero = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
    if headers.contains("Transfer-Encoding") || !headers.get_all("Content-Length").all(is_zero) {
        return Err(bad(
            "A request for a WebSocket has no body, and this one announces one.\n",
        ));
    }
    Ok(())
}

/// The only value of a header that may stand in a request once, and as text.
fn sole<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    headers.sole(name).map_err(|error| {
        bad(match error {
            NotSole::Repeated => format!("The header {name} must not stand in a request twice.\n"),
            NotSole::NotText => format!("The header {name} is not text.\n"),
        })
    })
}

fn bad(text: impl Into<alloc::string::String>) -> Refusal {
    Refusal::bad_request(text)
}

/// Where the parts of a request target lie in it.
#[derive(Clone, Debug)]
struct Target {
    authority: Option<core::ops::Range<usize>>,
    path: core::ops::Range<usize>,
}

impl Target {
    /// Items 1 and 2: the target is a path or an absolute URI, and there is one `Host`.
    fn of(head: &RequestHead) -> Result<Target, Refusal> {
        let host =
            sole(head.headers(), "Host")?.ok_or_else(|| bad("The header Host is missing.\n"))?;
        let target = Target::parse(head.target()).ok_or_else(|| {
            bad("The request target is neither a path nor an http URI, without fragment.\n")
        })?;
        let authority = target
            .authority
            .clone()
            .map_or(host, |authority| &head.target()[authority]);
        if Authority::parse(authority).is_none() {
            return Err(bad(format!(
                "{authority:?} is not of the form host or host:port.\n"
            )));
        }
        Ok(target)
    }

    fn parse(text: &str) -> Option<Target> {
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return None;
        }
        let authority = if text.starts_with('/') {
            None
        } else {
            Some(authority_of(text)?)
        };
        let start = authority.as_ref().map_or(0, |authority| authority.end);
        let end = text[start..]
            .find('?')
            .map_or(text.len(), |query| start + query);
        Some(Target {
            authority,
            path: start..end,
        })
    }
}

/// Where the authority lies in an absolute `http` or `https` URI (RFC 9112, section 3.2.2).
fn authority_of(target: &str) -> Option<core::ops::Range<usize>> {
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https", "ws", "wss"]
        .iter()
        .any(|each| each.eq_ignore_ascii_case(scheme))
    {
        return None;
    }
    let start = target.len() - rest.len();
    let end = rest
        .find(['/', '?'])
        .map_or(target.len(), |end| start + end);
    Some(start..end)
}

#[cfg(test)]
mod tests;
