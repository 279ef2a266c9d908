//! The body of a refusal, as far as a person wants to read it.

use super::headers::Headers;
use super::message_head::ResponseHead;
use alloc::vec::Vec;

/// Collects the beginning of a response's body, in whatever pieces it comes (RFC 9112, sections 6
/// and 7.1).
///
/// It is for showing why a server refused: it never fails, and a body that is malformed or larger
/// than [`MAX_BYTES`](Body::MAX_BYTES) is just cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    state: State,
    bytes: Vec<u8>,
}

/// What comes next of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// This many bytes, and then nothing.
    Length(u64),
    /// Bytes up to the end of the connection.
    UntilEof,
    /// A line with the size of a chunk, of which this was read; the size is over when anything but
    /// a digit came.
    ChunkSize { size: u64, over: bool },
    /// This many bytes of a chunk.
    Chunk(u64),
    /// The line break behind a chunk.
    ChunkEnd,
    /// Nothing.
    Done,
}

impl Body {
    /// The most bytes that are kept: 64 KiB.
    pub const MAX_BYTES: usize = 64 * 1024;

    pub(super) fn of(head: &ResponseHead) -> Body {
        Body {
            state: State::of(head),
            bytes: Vec::new(),
        }
    }

    /// Takes bytes of the body off the front of `input`, until [`is_complete`](Body::is_complete).
    pub fn receive(&mut self, input: &mut &[u8]) {
        while !input.is_empty() && !self.is_complete() {
            match self.state {
                State::Length(left) => {
                    self.state = State::after_length(left - self.take(left, input));
                }
                State::Chunk(left) => {
                    self.state = State::after_chunk(left - self.take(left, input));
                }
                State::UntilEof => {
                    self.take(u64::MAX, input);
                }
                State::ChunkSize { .. } | State::ChunkEnd => self.framing(input),
                State::Done => {}
            }
        }
    }

    /// Whether nothing more is to be read: the body came to its end, or as much as is kept came.
    pub fn is_complete(&self) -> bool {
        self.state == State::Done || self.bytes.len() >= Body::MAX_BYTES
    }

    /// What came so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Keeps up to `left` bytes; says how many.
    fn take(&mut self, left: u64, input: &mut &[u8]) -> u64 {
        let room = Body::MAX_BYTES - self.bytes.len();
        let length = input
            .len()
            .min(room)
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let (taken, rest) = input.split_at(length);
        self.bytes.extend_from_slice(taken);
        *input = rest;
        length as u64
    }

    /// Reads one byte of what is around the chunks.
    fn framing(&mut self, input: &mut &[u8]) {
        let Some((&byte, rest)) = input.split_first() else {
            return;
        };
        *input = rest;
        self.state = match (&self.state, byte) {
            (State::ChunkSize { size: 0, .. }, b'\n') => State::Done,
            (&State::ChunkSize { size, .. }, b'\n') => State::Chunk(size),
            (&State::ChunkSize { size, over: false }, _) => match char::from(byte).to_digit(16) {
                // What is too large to be true is more than is kept anyway.
                Some(digit) => State::ChunkSize {
                    size: size.saturating_mul(16).saturating_add(digit.into()),
                    over: false,
                },
                None => State::ChunkSize { size, over: true },
            },
            (State::ChunkEnd, b'\n') => State::ChunkSize {
                size: 0,
                over: false,
            },
            (State::ChunkEnd, b'\r') | (State::ChunkSize { .. }, _) => return,
            _ => State::Done,
        };
    }
}

impl State {
    /// RFC 9112, section 6.3.
    fn of(head: &ResponseHead) -> State {
        let headers = head.headers();
        if matches!(head.status(), 204 | 304) {
            State::Done
        } else if headers.contains("Transfer-Encoding") {
            let is_chunked = headers
                .list("Transfer-Encoding")
                .last()
                .is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            if is_chunked {
                State::ChunkSize {
                    size: 0,
                    over: false,
                }
            } else {
                State::UntilEof
            }
        } else {
            length(headers).map_or(State::UntilEof, State::after_length)
        }
    }

    fn after_length(left: u64) -> State {
        if left == 0 {
            State::Done
        } else {
            State::Length(left)
        }
    }

    fn after_chunk(left: u64) -> State {
        if left == 0 {
            State::ChunkEnd
        } else {
            State::Chunk(left)
        }
    }
}

fn length(headers: &Headers) -> Option<u64> {
    let digits = headers.get("Content-Length")?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    /// The body of a response, read in pieces of every size; what is left of the input, and whether
    /// it is complete.
    fn collect(head: &str, body: &[u8]) -> (Vec<u8>, usize, bool) {
        let head = ResponseHead::parse(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), 100).unwrap();
        let whole = read(&head, body, body.len().max(1));
        for size in 1..body.len().min(100) {
            assert_eq!(read(&head, body, size), whole);
        }
        whole
    }

    fn read(head: &ResponseHead, body: &[u8], size: usize) -> (Vec<u8>, usize, bool) {
        let mut collected = Body::of(head);
        let mut left = 0;
        for mut piece in body.chunks(size) {
            collected.receive(&mut piece);
            left += piece.len();
        }
        (collected.bytes().to_vec(), left, collected.is_complete())
    }

    #[test]
    fn by_length() {
        assert_eq!(
            collect("404 No\r\nContent-Length: 5", b"helloHTTP"),
            (b"hello".to_vec(), 4, true)
        );
        assert_eq!(
            collect("404 No\r\nContent-Length: 5", b"hell"),
            (b"hell".to_vec(), 0, false)
        );
        assert_eq!(
            collect("404 No\r\nContent-Length: 0", b"HTTP"),
            (b"".to_vec(), 4, true)
        );
    }

    #[test]
    fn up_to_the_end() {
        for head in [
            "500 No",
            "500 No\r\nContent-Length: +5",
            "500 No\r\nTransfer-Encoding: chunked, gzip",
        ] {
            assert_eq!(
                collect(head, b"hello"),
                (b"hello".to_vec(), 0, false),
                "{head}"
            );
        }
    }

    #[test]
    fn in_chunks() {
        let head = "502 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 1";
        assert_eq!(
            collect(head, b"5\r\nhello\r\n00B;ext=\"1\"\r\n, wonderful\r\n0\r\n").0,
            b"hello, wonderful"
        );
        assert_eq!(collect(head, b"0\r\n"), (b"".to_vec(), 0, true));
        assert_eq!(collect(head, b"1\nx\n0\n\n"), (b"x".to_vec(), 1, true));
        // Malformed: cut off.
        assert_eq!(collect(head, b"1\r\nxyz"), (b"x".to_vec(), 1, true));
        assert_eq!(collect(head, b"zz\r\nx"), (b"".to_vec(), 1, true));
    }

    #[test]
    fn statuses_without_body() {
        assert_eq!(
            collect("204 No\r\nContent-Length: 5", b"hello"),
            (b"".to_vec(), 5, true)
        );
        assert_eq!(collect("304 No", b"hello"), (b"".to_vec(), 5, true));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = std::vec![b'x'; Body::MAX_BYTES + 10];
        for head in ["404 No", "404 No\r\nContent-Length: 18446744073709551615"] {
            let (kept, left, complete) = collect(head, &long);
            assert_eq!((kept.len(), left, complete), (Body::MAX_BYTES, 10, true));
        }
        let chunk = [&b"fffffffffffffffffffff\r\n"[..], &long].concat();
        let (kept, left, complete) = collect("404 No\r\nTransfer-Encoding: chunked", &chunk);
        assert_eq!((kept.len(), left, complete), (Body::MAX_BYTES, 10, true));
    }
}
