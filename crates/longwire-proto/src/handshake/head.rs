//! Reads the head of a request or a response, in whatever pieces it comes, within limits.

use super::misuse::MisuseError;
use super::token::is_tchar;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How large the head of a request or a response may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// The most bytes from the first one up to the empty line, that line included. Default: 16 KiB.
    pub max_bytes: usize,
    /// The most header fields. Default: 100.
    pub max_headers: usize,
}

impl Default for HeadLimits {
    fn default() -> HeadLimits {
        HeadLimits {
            max_bytes: 16 * 1024,
            max_headers: 100,
        }
    }
}

/// Which kind of head is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadKind {
    Request,
    Response,
}

/// Why the bytes that came are no usable head of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer speaks TLS, and this connection does not.
    Tls,
    /// The first bytes (given as text, escaped) cannot begin an HTTP message.
    NotHttp(String),
    /// The head does not end within this many bytes ([`HeadLimits::max_bytes`]).
    TooLarge(usize),
    /// The head has more header fields than this ([`HeadLimits::max_headers`]).
    TooManyHeaders(usize),
    /// The message says that it is of a version other than HTTP/1.0 and HTTP/1.1.
    UnsupportedVersion,
    /// The head does not follow the grammar of HTTP (RFC 9112); the text says where.
    Malformed(&'static str),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls => f.write_str(
                "this looks like TLS, which is not spoken here; \
                 use wss:// where it is, ws:// where not",
            ),
            Self::NotHttp(first) => write!(f, "this is not HTTP; it begins with \"{first}\""),
            Self::TooLarge(limit) => {
                write!(f, "the head is larger than the limit of {limit} bytes")
            }
            Self::TooManyHeaders(limit) => {
                write!(f, "there are more headers than the limit of {limit}")
            }
            Self::UnsupportedVersion => f.write_str("only HTTP/1.1 is supported for the handshake"),
            Self::Malformed(what) => write!(f, "malformed HTTP: {what}"),
        }
    }
}

impl core::error::Error for HeadError {}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> HeadError {
        HeadError::Malformed(match error {
            httparse::Error::Version => return HeadError::UnsupportedVersion,
            httparse::Error::HeaderName => "a header name holds a character that it must not",
            httparse::Error::HeaderValue => "a header value holds a character that it must not",
            httparse::Error::NewLine => "a carriage return without a line feed",
            httparse::Error::Status => "the status line is not `HTTP/1.1 NNN reason`",
            httparse::Error::Token => "the request line is not `METHOD target HTTP/1.1`",
            // The room for headers is made by counting lines, so that this does not come up.
            httparse::Error::TooManyHeaders => "there are more headers than lines",
        })
    }
}

impl From<MisuseError> for HeadError {
    /// For header fields that the parser let through and [`Headers`](super::Headers) does not.
    fn from(_: MisuseError) -> HeadError {
        HeadError::Malformed("a header holds a character that it must not")
    }
}

/// Collects a head up to the empty line that ends it. Each byte is looked at once, whatever the
/// pieces.
#[derive(Debug)]
pub(super) struct HeadReader {
    kind: HeadKind,
    limit: usize,
    /// How many bytes of the limit earlier heads used up: those of interim responses count towards
    /// the final one's.
    used: usize,
    /// What came so far of a head that is not whole yet; not allocated before there is such a
    /// thing.
    partial: Vec<u8>,
    scan: Scan,
}

impl HeadReader {
    pub(super) fn new(kind: HeadKind, limits: HeadLimits) -> HeadReader {
        HeadReader {
            kind,
            limit: limits.max_bytes,
            used: 0,
            partial: Vec::new(),
            scan: Scan::new(kind),
        }
    }

    /// How many bytes of an incomplete head came so far.
    pub(super) fn received(&self) -> usize {
        self.partial.len()
    }

    /// Takes the head's bytes off the front of `input`; gives the whole head once its last byte has
    /// come.
    ///
    /// What is left of `input` then belongs to what follows the head. Nothing may be read after an
    /// error.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, HeadError> {
        let room = self.limit - self.used - self.partial.len();
        let new = &input[..input.len().min(room)];
        let end = self.scan.advance(new)?;
        let (taken, rest) = input.split_at(end.unwrap_or(new.len()));
        *input = rest;
        self.partial.extend_from_slice(taken);
        if end.is_some() {
            self.used += self.partial.len();
            self.scan = Scan::new(self.kind);
            return Ok(Some(core::mem::take(&mut self.partial)));
        }
        if taken.len() == room {
            return Err(HeadError::TooLarge(self.limit));
        }
        Ok(None)
    }
}

/// Looks for the empty line that ends a head.
///
/// Lines end with LF, with or without a CR before it, and empty lines before the first one are
/// skipped: RFC 9112, section 2.2, lets a recipient do both, and the HTTP parser does.
#[derive(Debug)]
struct Scan {
    kind: HeadKind,
    /// How many bytes of the first line were seen, as long as they are checked.
    start: usize,
    line: Line,
}

/// What was seen of the current line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    Cr,
    Text,
}

/// How every response begins (RFC 9112, section 2.3).
const RESPONSE_START: &[u8] = b"HTTP/";

impl Scan {
    fn new(kind: HeadKind) -> Scan {
        Scan {
            kind,
            start: 0,
            line: Line::Empty,
        }
    }

    /// Looks at the bytes that came; says where the head ends if it ends in them.
    fn advance(&mut self, new: &[u8]) -> Result<Option<usize>, HeadError> {
        let mut at = 0;
        while let Some(&byte) = new.get(at) {
            if self.start < RESPONSE_START.len()
                && !matches!((self.start, byte), (0, b'\r' | b'\n'))
            {
                self.check_start(byte, &new[at..])?;
            }
            self.line = match (byte, self.line) {
                (b'\n', Line::Text) => Line::Empty,
                (b'\n', Line::Empty | Line::Cr) if self.start > 0 => return Ok(Some(at + 1)),
                (b'\n', Line::Empty | Line::Cr) => Line::Empty,
                (b'\r', Line::Empty) => Line::Cr,
                _ => Line::Text,
            };
            at += 1;
            if self.line == Line::Text && self.start >= RESPONSE_START.len() {
                // Nothing matters before the end of the line.
                let rest = new[at..].iter();
                at += rest.take_while(|&&byte| byte != b'\n').count();
            }
        }
        Ok(None)
    }

    /// Checks one of the first bytes of the first line, so that what is no HTTP is told at once and
    /// not by a timeout.
    fn check_start(&mut self, byte: u8, rest: &[u8]) -> Result<(), HeadError> {
        // The content types of a TLS record that opens a connection (RFC 8446, section 5.1):
        // handshake and alert.
        if self.start == 0 && matches!(byte, 0x15 | 0x16) {
            return Err(HeadError::Tls);
        }
        let fits = match self.kind {
            HeadKind::Request => self.start > 0 || is_tchar(byte),
            HeadKind::Response => byte == RESPONSE_START[self.start],
        };
        if !fits {
            let seen = RESPONSE_START[..self.start]
                .iter()
                .chain(rest.iter().take(16));
            return Err(HeadError::NotHttp(
                seen.flat_map(|byte| byte.escape_ascii())
                    .map(char::from)
                    .collect(),
            ));
        }
        self.start += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
