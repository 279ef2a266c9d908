use super::*;
use crate::handshake::{RequestHead, RequestReader, ResponseHead};
use proptest::prelude::*;
use std::format;
use std::string::ToString;
use std::vec;

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\n\r\n";

/// The head that is read from `bytes` in pieces of this size, and how many bytes it took.
fn read(
    bytes: &[u8],
    size: usize,
    limits: HeadLimits,
) -> Result<Option<(RequestHead, usize)>, HeadError> {
    let mut reader = RequestReader::new(limits);
    let mut consumed = 0;
    for mut piece in bytes.chunks(size.max(1)) {
        let length = piece.len();
        let head = reader.receive(&mut piece)?;
        consumed += length - piece.len();
        if let Some(head) = head {
            return Ok(Some((head, consumed)));
        }
        assert!(
            piece.is_empty(),
            "what is not taken is what follows the head"
        );
        assert_eq!(reader.received(), consumed);
    }
    Ok(None)
}

fn read_whole(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, HeadError> {
    read(bytes, bytes.len(), HeadLimits::default())
}

fn limits(max_bytes: usize, max_headers: usize) -> HeadLimits {
    HeadLimits {
        max_bytes,
        max_headers,
    }
}

/// The first bytes of what is no HTTP are shown as far as they came with the first piece.
fn normalized<T>(result: Result<T, HeadError>) -> Result<T, HeadError> {
    result.map_err(|error| match error {
        HeadError::NotHttp(_) => HeadError::NotHttp(String::new()),
        other => other,
    })
}

#[test]
fn a_head_ends_with_an_empty_line_and_leaves_the_rest() {
    let bytes = [REQUEST, b"\x81\x80abcd\r\n\r\n"].concat();
    for size in 1..=bytes.len() {
        let (head, consumed) = read(&bytes, size, HeadLimits::default()).unwrap().unwrap();
        assert_eq!(consumed, REQUEST.len());
        assert_eq!(head.raw(), REQUEST);
        assert_eq!((head.method(), head.target()), ("GET", "/chat"));
        assert_eq!(head.headers().get("host"), Some("example.com"));
    }
}

#[test]
fn an_incomplete_head_needs_more() {
    for length in 0..REQUEST.len() {
        assert_eq!(read_whole(&REQUEST[..length]), Ok(None));
    }
}

#[test]
fn bare_line_feeds_and_empty_lines_in_front_are_tolerated() {
    for bytes in [
        &b"GET / HTTP/1.1\nHost: a\n\n"[..],
        b"\r\n\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        for size in 1..=bytes.len() {
            let (head, consumed) = read(bytes, size, limits(1000, 1)).unwrap().unwrap();
            assert_eq!(
                (head.headers().get("Host"), consumed),
                (Some("a"), bytes.len())
            );
        }
    }
}

#[test]
fn tls_is_told_at_the_first_byte() {
    assert_eq!(read_whole(b"\x16"), Err(HeadError::Tls));
    assert_eq!(
        read_whole(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
        Err(HeadError::Tls)
    );
    let mut response = HeadReader::new(HeadKind::Response, HeadLimits::default());
    assert_eq!(
        response.read(&mut &b"\x15\x03\x03\x00\x02"[..]),
        Err(HeadError::Tls)
    );
}

#[test]
fn what_cannot_be_http_is_told_at_once() {
    for bytes in [
        &b"\0"[..],
        b"\x81\x05hello",
        b" GET / HTTP/1.1",
        b"\r\n\r\n\0\r\nQUIT\n",
        b"\xffabc",
    ] {
        assert!(
            matches!(read_whole(bytes), Err(HeadError::NotHttp(_))),
            "{bytes:?}"
        );
    }
    for (bytes, shown) in [
        (&b"SSH-2.0-OpenSSH_9.2p1 Debian"[..], "SSH-2.0-OpenSSH_"),
        (b"HTTQ/1.1", "HTTQ/1.1"),
        (b"<html>\xff", "<html>\\\\xff"),
        (b"\x81\x02hi", "\\\\x81\\\\x02hi"),
    ] {
        let mut reader = HeadReader::new(HeadKind::Response, HeadLimits::default());
        let shown = shown.replace("\\\\", "\\");
        assert_eq!(reader.read(&mut &bytes[..]), Err(HeadError::NotHttp(shown)));
    }
}

#[test]
fn bytes_at_the_limit_and_one_past() {
    let length = REQUEST.len();
    let bytes = [REQUEST, &[b'x'; 100]].concat();
    for size in [1, 7, bytes.len()] {
        let (_, consumed) = read(&bytes, size, limits(length, 100)).unwrap().unwrap();
        assert_eq!(consumed, length);
        assert_eq!(
            read(&bytes, size, limits(length - 1, 100)),
            Err(HeadError::TooLarge(length - 1))
        );
    }
}

#[test]
fn a_head_without_end_is_refused_at_the_limit_and_not_kept() {
    let endless = vec![b'a'; 16 * 1024];
    assert_eq!(read_whole(&endless[1..]), Ok(None));
    assert_eq!(read_whole(&endless), Err(HeadError::TooLarge(16 * 1024)));
    let mut reader = HeadReader::new(HeadKind::Request, HeadLimits::default());
    let much = vec![b'a'; 1 << 20];
    assert_eq!(
        reader.read(&mut &much[..]),
        Err(HeadError::TooLarge(16 * 1024))
    );
    assert!(reader.partial.capacity() <= 32 * 1024);
}

#[test]
fn headers_at_the_limit_and_one_past() {
    for count in [0, 1, 100] {
        let bytes = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
        let (head, _) = read(bytes.as_bytes(), 10, limits(10_000, count))
            .unwrap()
            .unwrap();
        assert_eq!(head.headers().len(), count);
        let more = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count + 1));
        let result = read(more.as_bytes(), 10, limits(10_000, count));
        assert_eq!(result, Err(HeadError::TooManyHeaders(count)));
    }
}

#[test]
fn malformed_heads() {
    for (bytes, error) in [
        ("GET /\r\n\r\n", "the request line"),
        ("GET  / HTTP/1.1\r\n\r\n", "the request line"),
        ("GET / a HTTP/1.1\r\n\r\n", "HTTP/1.1 is supported"),
        ("G\u{e9}T / HTTP/1.1\r\n\r\n", "the request line"),
        ("GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 is supported"),
        ("GET / HTTP/1.2\r\n\r\n", "HTTP/1.1 is supported"),
        ("PRI * HTTP/2.0\r\n\r\n", "HTTP/1.1 is supported"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "a header name"),
        ("GET / HTTP/1.1\r\na : b\r\n\r\n", "a header name"),
        ("GET / HTTP/1.1\r\n: b\r\n\r\n", "a header name"),
        // RFC 9112, section 5.2: a server refuses folded lines.
        ("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", "a header name"),
        ("GET / HTTP/1.1\r\na: b\0c\r\n\r\n", "a header value"),
        ("GET / HTTP/1.1\r\na: b\rc\r\n\r\n", "a header value"),
        ("GET / HTTP/1.1\r\na: b\x7f\r\n\r\n", "a header value"),
    ] {
        let error_text = read_whole(bytes.as_bytes()).unwrap_err().to_string();
        assert!(error_text.contains(error), "{bytes:?}: {error_text}");
    }
}

#[test]
fn header_values_may_be_any_text() {
    let (head, _) = read_whole(b"GET / HTTP/1.1\r\nA: caf\xe9 \r\nB:\r\nC:\t\xf0\x9f\r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(head.headers().get_all("a").next(), Some(&b"caf\xe9"[..]));
    assert_eq!(head.headers().get("b"), Some(""));
}

#[test]
fn responses_need_no_reason() {
    for (line, reason) in [
        ("HTTP/1.1 101 Yes", "Yes"),
        ("HTTP/1.1 101 ", ""),
        ("HTTP/1.1 101", ""),
    ] {
        let head = ResponseHead::parse(format!("{line}\r\n\r\n").as_bytes(), 0).unwrap();
        assert_eq!((head.status(), head.reason()), (101, reason));
    }
    for line in [
        "HTTP/1.1 1 x",
        "HTTP/1.1 abc x",
        "HTTP/1.1",
        "HTTP/1.1  101 x",
        "HTTP/3.0 101 x",
    ] {
        assert!(
            ResponseHead::parse(format!("{line}\r\n\r\n").as_bytes(), 0).is_err(),
            "{line}"
        );
    }
}

/// Something like a request, so that the interesting cases come up often.
fn like_a_request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"GET / HTTP/1.1\r\n".to_vec()),
        Just(b"Host: a\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        "[a-z]{1,5}: [ -~]{0,10}\r\n".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same(
        bytes in like_a_request(),
        size in 1_usize..20,
        max_bytes in 0_usize..100,
    ) {
        let limits = limits(max_bytes, 4);
        let whole = normalized(read(&bytes, bytes.len(), limits));
        prop_assert_eq!(normalized(read(&bytes, size, limits)), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_whole(&bytes);
        let _ = ResponseHead::parse(&bytes, 10);
    }
}
