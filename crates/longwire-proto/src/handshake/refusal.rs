//! How a server says no.

use super::head::HeadError;
use super::headers::Headers;
use super::misuse::MisuseError;
use super::status::reason_phrase;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The answer to a request that becomes no WebSocket: a status, headers, and a body that says why.
///
/// ```
/// # use longwire_proto::handshake::Refusal;
/// let refusal = Refusal::new(401, "Log in first.\n")?;
/// let refusal = refusal.header("WWW-Authenticate", "Basic realm=\"chat\"")?;
/// assert!(refusal.to_bytes().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok::<(), longwire_proto::handshake::MisuseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

/// Headers that frame the answer, which follow from the body and from what happens to the
/// connection.
const RESERVED: [&str; 3] = ["Content-Length", "Transfer-Encoding", "Connection"];

impl Refusal {
    /// A refusal whose body is plain text.
    ///
    /// # Errors
    /// [`MisuseError::InvalidStatus`] if the status is not from 300 to 599.
    pub fn new(status: u16, text: impl Into<String>) -> Result<Refusal, MisuseError> {
        if !(300..600).contains(&status) {
            return Err(MisuseError::InvalidStatus(status));
        }
        Ok(Refusal::with_text(status, text))
    }

    /// 403: the client may not do this, whoever it is.
    pub fn forbidden(text: impl Into<String>) -> Refusal {
        Refusal::with_text(403, text)
    }

    /// 404: there is no WebSocket at this path.
    pub fn not_found(text: impl Into<String>) -> Refusal {
        Refusal::with_text(404, text)
    }

    /// 503: not now; a `Retry-After` header may say when.
    pub fn unavailable(text: impl Into<String>) -> Refusal {
        Refusal::with_text(503, text)
    }

    pub(super) fn with_text(status: u16, text: impl Into<String>) -> Refusal {
        let mut headers = Headers::new();
        headers.push("Content-Type", "text/plain; charset=utf-8");
        Refusal {
            status,
            headers,
            body: text.into().into_bytes(),
        }
    }

    /// 400: the request is not what it should be.
    pub fn bad_request(text: impl Into<String>) -> Refusal {
        Refusal::with_text(400, text)
    }

    /// 426, with what RFC 9110, section 15.5.22, wants to be told: the protocol to upgrade to.
    pub(super) fn upgrade_required(text: impl Into<String>) -> Refusal {
        let mut refusal = Refusal::with_text(426, text);
        refusal.headers.push("Upgrade", "websocket");
        refusal.headers.push("Connection", "Upgrade");
        refusal
    }

    /// Adds a header that was made here.
    pub(super) fn and(mut self, name: &'static str, value: &'static str) -> Refusal {
        self.headers.push(name, value);
        self
    }

    /// Leaves the body out, as an answer to HEAD has none.
    pub(super) fn without_body(mut self) -> Refusal {
        self.body.clear();
        self
    }

    /// Adds a header, such as `WWW-Authenticate`, `Location` or `Retry-After`. A `Content-Type`
    /// replaces that of plain text.
    ///
    /// # Errors
    /// [`MisuseError::ReservedHeader`] for `Content-Length`, `Transfer-Encoding` and `Connection`,
    /// and those of [`Headers::append`].
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Refusal, MisuseError> {
        if RESERVED
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(name))
        {
            return Err(MisuseError::ReservedHeader(name.into()));
        }
        if name.eq_ignore_ascii_case("Content-Type") {
            self.headers.set(name, value)?;
        } else {
            self.headers.append(name, value)?;
        }
        Ok(self)
    }

    /// Replaces the body; its type is told with [`header`](Refusal::header), unless it is plain
    /// text.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Refusal {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers without `Content-Length` and `Connection: close`, which a connection's HTTP
    /// library sets by itself.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, which is empty where the status allows none.
    pub fn body_bytes(&self) -> &[u8] {
        // RFC 9110, section 15.4.5.
        if self.status == 304 { &[] } else { &self.body }
    }

    /// The whole answer as it stands on the wire. The connection is to be closed behind it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (status, body) = (self.status, self.body_bytes());
        let mut out = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status)).into_bytes();
        self.headers.write_to(&mut out);
        out.extend_from_slice(
            format!(
                "Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            )
            .as_bytes(),
        );
        out.extend_from_slice(body);
        out
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "refused with {} {}",
            self.status,
            reason_phrase(self.status)
        )?;
        match core::str::from_utf8(&self.body).map(str::trim_ascii) {
            Ok("") | Err(_) => Ok(()),
            Ok(text) => write!(f, ": {text}"),
        }
    }
}

impl core::error::Error for Refusal {}

impl From<HeadError> for Refusal {
    /// The answer to what is no usable head of a request.
    fn from(error: HeadError) -> Refusal {
        let status = match error {
            HeadError::TooLarge(_) | HeadError::TooManyHeaders(_) => 431,
            HeadError::UnsupportedVersion => 505,
            HeadError::Tls | HeadError::NotHttp(_) | HeadError::Malformed(_) => 400,
        };
        Refusal::with_text(status, format!("{error}.\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_on_the_wire() {
        let refusal = Refusal::forbidden("No.\n")
            .header("X-Why", "because")
            .unwrap();
        assert_eq!(
            core::str::from_utf8(&refusal.to_bytes()).unwrap(),
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n\
             X-Why: because\r\n\
             Content-Length: 4\r\nConnection: close\r\n\r\nNo.\n"
        );
        assert_eq!(format!("{refusal}"), "refused with 403 Forbidden: No.");
    }

    #[test]
    fn statuses_from_300_to_599() {
        for status in [0, 101, 200, 299, 600, 1000] {
            assert_eq!(
                Refusal::new(status, ""),
                Err(MisuseError::InvalidStatus(status))
            );
        }
        assert!(
            Refusal::new(300, "")
                .unwrap()
                .to_bytes()
                .starts_with(b"HTTP/1.1 300 Multiple Choices\r\n")
        );
        assert!(
            Refusal::new(599, "")
                .unwrap()
                .to_bytes()
                .starts_with(b"HTTP/1.1 599 \r\n")
        );
        assert!(
            Refusal::new(304, "text")
                .unwrap()
                .to_bytes()
                .ends_with(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        );
    }

    #[test]
    fn own_bodies_headers_and_redirects() {
        let refusal = Refusal::new(307, "").unwrap();
        let refusal = refusal.header("Location", "wss://other.example/").unwrap();
        let refusal = refusal
            .header("content-type", "text/html")
            .unwrap()
            .body("<p>moved");
        assert_eq!(refusal.headers().get("Content-Type"), Some("text/html"));
        assert_eq!(refusal.headers().get_all("Content-Type").count(), 1);
        assert!(refusal.to_bytes().ends_with(b"\r\n\r\n<p>moved"));
    }

    #[test]
    fn framing_cannot_be_overridden_nor_headers_injected() {
        let refusal = || Refusal::not_found("");
        for name in ["content-length", "Transfer-Encoding", "CONNECTION"] {
            assert_eq!(
                refusal().header(name, "1"),
                Err(MisuseError::ReservedHeader(name.into()))
            );
        }
        let injected = refusal().header("Location", "/\r\nSet-Cookie: a=b");
        assert_eq!(
            injected,
            Err(MisuseError::InvalidHeaderValue("Location".into()))
        );
    }

    #[test]
    fn every_head_error_has_a_status() {
        for (error, status) in [
            (HeadError::TooLarge(1), 431),
            (HeadError::TooManyHeaders(1), 431),
            (HeadError::UnsupportedVersion, 505),
            (HeadError::Tls, 400),
            (HeadError::NotHttp("x".into()), 400),
            (HeadError::Malformed("x"), 400),
        ] {
            let refusal = Refusal::from(error.clone());
            assert_eq!(refusal.status(), status);
            assert_eq!(refusal.body_bytes(), format!("{error}.\n").as_bytes());
        }
    }
}
