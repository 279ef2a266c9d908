use super::*;
use crate::handshake::{ClientRequest, HeadError, HeadLimits, accept_key};
use proptest::prelude::*;
use std::format;
use std::string::ToString;

const NONCE: [u8; 16] = *b"the sample nonce";

/// The response of RFC 6455, section 1.2, to the nonce above.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

fn extension(name: &str) -> Extension {
    Extension::new(name).unwrap()
}

/// A request that offers a little of everything.
fn request() -> ClientRequest {
    let request = ClientRequest::new("example.com", "/chat?a=b").unwrap();
    let request = request
        .subprotocol("chat")
        .unwrap()
        .subprotocol("superchat")
        .unwrap();
    request
        .offer(extension("x"))
        .offer(extension("y").flag("z").unwrap())
}

/// What comes of these bytes, and how many of them the response took.
fn receive(
    request: &ClientRequest,
    bytes: &[u8],
    size: usize,
) -> Result<Option<(Response, usize)>, HandshakeError> {
    let mut handshake = request.start(NONCE);
    let mut consumed = 0;
    for mut piece in bytes.chunks(size.max(1)) {
        let length = piece.len();
        let response = handshake.receive(&mut piece)?;
        consumed += length - piece.len();
        if let Some(response) = response {
            return Ok(Some((response, consumed)));
        }
        assert!(piece.is_empty());
    }
    Ok(None)
}

fn response(text: &str) -> Result<Response, HandshakeError> {
    receive(&request(), text.as_bytes(), text.len())
        .map(|response| response.expect("it is whole").0)
}

/// RFC 6455's response with the line that begins like this replaced, or left out for an empty one.
fn with(name: &str, line: &str) -> String {
    let mut text = String::new();
    assert!(RESPONSE.contains(name));
    for old in RESPONSE.trim_end().split("\r\n") {
        let new = if old.starts_with(name) { line } else { old };
        if !new.is_empty() {
            text = text + new + "\r\n";
        }
    }
    text + "\r\n"
}

fn and(line: &str) -> String {
    with("Sec-WebSocket-Protocol", line)
}
#[test]
fn the_response_of_rfc_6455() {
    let bytes = [RESPONSE.as_bytes(), b"\x81\x02hi\r\n\r\n"].concat();
    for size in 1..=bytes.len() {
        let (response, consumed) = receive(&request(), &bytes, size).unwrap().unwrap();
        assert_eq!(consumed, RESPONSE.len());
        assert_eq!(response.subprotocol.unwrap(), "chat");
        assert_eq!(
            (response.extensions, response.missing_extensions.len()),
            (Vec::new(), 0)
        );
        assert_eq!(
            (response.head.status(), response.head.reason()),
            (101, "Switching Protocols")
        );
        assert_eq!(response.head.headers().get("upgrade"), Some("websocket"));
    }
}

#[test]
fn what_may_vary() {
    for text in [
        with("HTTP", "HTTP/1.1 101"),
        with("Upgrade", "UPGRADE: WebSocket"),
        with("Connection", "Connection: keep-alive, upgrade"),
        and(""),
        and("Sec-WebSocket-Extensions: y, x; a=\"b\""),
        and("Sec-WebSocket-Extensions:"),
        and("X: caf\u{e9}"),
        and("Content-Length: 0"),
    ] {
        assert!(response(&text).is_ok(), "{text}");
    }
}

/// Every rule of RFC 6455, section 4.1, for the server's response.
#[test]
fn each_broken_rule_has_its_error() {
    use HandshakeError as E;
    let accept = |received: Option<&str>| E::Accept {
        expected: accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
        received: received.map(Into::into),
    };
    for (text, error) in [
        (
            with("HTTP", "HTTP/1.0 101 Switching Protocols"),
            E::Version(HttpVersion::Http10),
        ),
        (with("Upgrade", ""), E::Upgrade(None)),
        (
            with("Upgrade", "Upgrade: h2c"),
            E::Upgrade(Some("h2c".into())),
        ),
        (
            with("Upgrade", "Upgrade: websocket, h2c"),
            E::Upgrade(Some("websocket, h2c".into())),
        ),
        (with("Connection", ""), E::Connection(None)),
        (
            with("Connection", "Connection: close"),
            E::Connection(Some("close".into())),
        ),
        (with("Sec-WebSocket-Accept", ""), accept(None)),
        (
            with("Sec-WebSocket-Accept", "Sec-WebSocket-Accept:"),
            accept(Some("")),
        ),
        // The value for another key, and the right one in lower case.
        (
            with(
                "Sec-WebSocket-Accept",
                "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=",
            ),
            accept(Some("HSmrc0sMlYUkAGmm5OPpG2HaGWk=")),
        ),
        (
            with(
                "Sec-WebSocket-Accept",
                "Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
            ),
            accept(Some("s3pplmbitxaq9kygzzhzrbk+xoo=")),
        ),
        (
            and("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            E::RepeatedHeader("Sec-WebSocket-Accept"),
        ),
        (
            and("Sec-WebSocket-Protocol: Chat"),
            E::Subprotocol("Chat".into()),
        ),
        (
            and("Sec-WebSocket-Protocol: chat, superchat"),
            E::Subprotocol("chat, superchat".into()),
        ),
        (
            and("Sec-WebSocket-Protocol:"),
            E::Subprotocol(String::new()),
        ),
        (
            and("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"),
            E::RepeatedHeader("Sec-WebSocket-Protocol"),
        ),
        (
            and("Sec-WebSocket-Extensions: x, z"),
            E::Extension("z".into()),
        ),
        (
            and("Sec-WebSocket-Extensions: x, y, x"),
            E::RepeatedExtension("x".into()),
        ),
    ] {
        assert_eq!(response(&text), Err(error.clone()), "{text}");
        assert!(error.to_string().contains("server"), "{error}");
    }
    let error = response(&and("Sec-WebSocket-Extensions: x y")).unwrap_err();
    assert!(matches!(error, E::MalformedExtensions(_)), "{error}");
    let bytes = RESPONSE.replace("chat", "ch~t").into_bytes();
    let bytes: Vec<u8> = bytes
        .iter()
        .map(|&byte| if byte == b'~' { 0xFF } else { byte })
        .collect();
    let error = receive(&request(), &bytes, 10).unwrap_err();
    assert_eq!(error, E::HeaderNotText("Sec-WebSocket-Protocol"));
}

#[test]
fn nothing_may_be_chosen_when_nothing_was_offered() {
    let bare = ClientRequest::new("example.com", "/").unwrap();
    let error = receive(&bare, RESPONSE.as_bytes(), 10).unwrap_err();
    assert_eq!(error, HandshakeError::Subprotocol("chat".into()));
    let text = and("Sec-WebSocket-Extensions: permessage-deflate");
    let error = receive(&bare, text.as_bytes(), 10).unwrap_err();
    assert_eq!(
        error,
        HandshakeError::Extension("permessage-deflate".into())
    );
}

#[test]
fn required_extensions_that_are_missing_are_reported() {
    let request = request()
        .require(extension("r"))
        .require(extension("r").flag("s").unwrap())
        .require(extension("x"));
    let sent = request.start(NONCE).request().to_vec();
    assert!(
        core::str::from_utf8(&sent)
            .unwrap()
            .contains("Extensions: x, y; z, r, r; s, x\r\n")
    );
    let missing = |text: String| {
        receive(&request, text.as_bytes(), 10)
            .unwrap()
            .unwrap()
            .0
            .missing_extensions
    };
    assert_eq!(missing(and("")), ["r", "x"]);
    assert_eq!(missing(and("Sec-WebSocket-Extensions: x")), ["r"]);
    assert_eq!(missing(and("Sec-WebSocket-Extensions: x, r; s")), [""; 0]);
}

fn refused(text: &str, size: usize) -> (Refused, Vec<u8>) {
    let mut handshake = request().start(NONCE);
    let mut pieces = text.as_bytes().chunks(size);
    let mut piece = pieces.next().unwrap();
    loop {
        match handshake.receive(&mut piece) {
            Err(HandshakeError::Refused(mut refused)) => {
                refused.body.receive(&mut piece);
                pieces.for_each(|mut piece| refused.body.receive(&mut piece));
                let body = refused.body.bytes().to_vec();
                return (*refused, body);
            }
            other => assert_eq!(other, Ok(None)),
        }
        piece = pieces.next().expect("the response is whole");
    }
}

#[test]
fn a_refusal_is_given_with_its_body() {
    let text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: because\r\n\r\nNo.\nmore";
    for size in 1..text.len() {
        let (refused, body) = refused(text, size);
        assert_eq!(
            (refused.head.status(), refused.head.reason()),
            (403, "Forbidden")
        );
        assert_eq!(refused.head.headers().get("x-why"), Some("because"));
        assert_eq!(
            (body.as_slice(), refused.body.is_complete()),
            (&b"No.\n"[..], true)
        );
        assert!(body.len() < Body::MAX_BYTES);
    }
}

#[test]
fn refusals_explain_themselves() {
    for (text, expected) in [
        ("404 Not Found", "the server answered 404 Not Found"),
        (
            "200 OK",
            "the server answered 200 OK: there is no WebSocket at this path",
        ),
        ("401 No", "the server answered 401 No: it wants credentials"),
        (
            "302 Found\r\nLocation: /there",
            "the server answered 302 Found: it redirects to /there",
        ),
        (
            "426 Up\r\nSec-WebSocket-Version: 8, 7\r\nSec-WebSocket-Version: 0",
            "the server answered 426 Up: it speaks WebSocket version 8, 7, 0",
        ),
        ("426 Up", "the server answered 426 Up"),
    ] {
        let (refused, _) = refused(&format!("HTTP/1.1 {text}\r\n\r\n"), 1000);
        assert_eq!(
            HandshakeError::Refused(refused.into()).to_string(),
            expected
        );
    }
    assert_eq!(
        refused("HTTP/1.1 404 x\r\nLocation: /there\r\n\r\n", 9)
            .0
            .location(),
        None
    );
    assert_eq!(
        refused("HTTP/1.1 307 x\r\nLocation: /there\r\n\r\n", 9)
            .0
            .location(),
        Some("/there")
    );
}

#[test]
fn interim_responses_are_skipped() {
    let text = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{RESPONSE}rest"
    );
    for size in [1, 30, text.len()] {
        let (_, consumed) = receive(&request(), text.as_bytes(), size).unwrap().unwrap();
        assert_eq!(consumed, text.len() - 4);
    }
    // They count towards the limit together, so that a server cannot send them for ever.
    let limits = HeadLimits {
        max_bytes: 1000,
        max_headers: 10,
    };
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(41);
    let error = receive(&request().limits(limits), endless.as_bytes(), 64).unwrap_err();
    assert_eq!(error, HandshakeError::Head(HeadError::TooLarge(1000)));
}

#[test]
fn what_is_no_http_and_what_ends_too_early() {
    let error = |bytes: &[u8]| receive(&request(), bytes, 100).unwrap_err().to_string();
    assert_eq!(
        error(b"\x15\x03\x01\x00\x02\x02\x16"),
        "the server speaks TLS here: use wss:// in place of ws://"
    );
    assert!(error(b"SSH-2.0-OpenSSH").contains("\"SSH-2.0-OpenSSH\""));
    assert!(error(b"HTTP/1.1 abc\r\n\r\n").contains("status line"));

    let mut handshake = request().start(NONCE);
    assert_eq!(
        handshake.receive_eof(),
        HandshakeError::Closed { received: 0 }
    );
    handshake.receive(&mut &b"HTTP/1."[..]).unwrap();
    assert_eq!(
        handshake.receive_eof(),
        HandshakeError::Closed { received: 7 }
    );
}

#[test]
fn response_limits_at_the_limit_and_one_past() {
    let at = |max_bytes, max_headers| {
        request().limits(HeadLimits {
            max_bytes,
            max_headers,
        })
    };
    let length = RESPONSE.len();
    assert!(
        receive(&at(length, 4), RESPONSE.as_bytes(), 10)
            .unwrap()
            .is_some()
    );
    let error = receive(&at(length - 1, 4), RESPONSE.as_bytes(), 10).unwrap_err();
    assert_eq!(error, HandshakeError::Head(HeadError::TooLarge(length - 1)));
    let error = receive(&at(length, 3), RESPONSE.as_bytes(), 10).unwrap_err();
    assert_eq!(error, HandshakeError::Head(HeadError::TooManyHeaders(3)));
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_response(
        lines in prop::collection::vec(prop_oneof![
            Just("HTTP/1.1 101 x\r\n"), Just("HTTP/1.1 100 x\r\n"), Just("HTTP/1.1 404 x\r\n"),
            Just("\r\n"), Just("\n"),
            Just(&RESPONSE[..RESPONSE.len() - 2]), Just("a: b\r\n"), Just("\r"), Just("x"),
        ], 0..8),
        size in 1_usize..50,
        max_bytes in 0_usize..400,
    ) {
        let request = request().limits(HeadLimits { max_bytes, max_headers: 6 });
        let bytes = lines.concat().into_bytes();
        let whole = receive(&request, &bytes, bytes.len());
        let pieces = receive(&request, &bytes, size);
        // The first bytes of what is no HTTP are shown as far as they came at once.
        if let Err(HandshakeError::Head(HeadError::NotHttp(_))) = whole {
            let is_not_http = matches!(pieces, Err(HandshakeError::Head(HeadError::NotHttp(_))));
            prop_assert!(is_not_http, "{pieces:?}");
        } else {
            prop_assert_eq!(pieces, whole);
        }
    }
}
