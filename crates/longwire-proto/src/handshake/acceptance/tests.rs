use super::*;
use crate::handshake::{HttpVersion, Request};

/// A request with these offers.
fn request(subprotocols: &str, extensions: &str) -> Request {
    let headers = [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", subprotocols),
        ("Sec-WebSocket-Extensions", extensions),
    ];
    Request::from_parts("GET", "/chat", HttpVersion::Http11, headers).unwrap()
}

fn extension(name: &str) -> Extension {
    Extension::new(name).unwrap()
}

#[test]
fn the_answer_of_rfc_6455() {
    let acceptance = Acceptance::new().subprotocol("chat");
    let bytes = request("chat, superchat", "").accept(&acceptance).unwrap();
    assert_eq!(
        core::str::from_utf8(&bytes).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Protocol: chat\r\n\r\n"
    );
}

#[test]
fn nothing_is_chosen_by_default() {
    let headers = request("chat", "a")
        .accept_headers(&Acceptance::new())
        .unwrap();
    assert_eq!(headers.len(), 3);
}

#[test]
fn extensions_and_own_headers() {
    let acceptance = Acceptance::new()
        .extension(extension("b").param("c", "1").unwrap())
        .extension(extension("a"))
        .header("Set-Cookie", "d=e")
        .unwrap();
    let headers = request("", "a, b; c, b")
        .accept_headers(&acceptance)
        .unwrap();
    assert_eq!(headers.get("Sec-WebSocket-Extensions"), Some("b; c=1, a"));
    assert_eq!(headers.get("Set-Cookie"), Some("d=e"));
}

#[test]
fn who_beats_stands_in_the_answer() {
    let terms = Terms {
        server: heartbeat::ServerBeat::Nothing,
        canaries: true,
    };
    let headers = request("", "")
        .accept_headers(&Acceptance::new().heartbeat(terms))
        .unwrap();
    assert_eq!(Terms::of(&headers), Some(terms));
}

#[test]
fn only_what_was_offered_can_be_chosen() {
    let request = request("chat", "a");
    for name in ["", "Chat", "chat, superchat", "chat\r\nX: y"] {
        let error = request.accept(&Acceptance::new().subprotocol(name));
        assert_eq!(error, Err(MisuseError::SubprotocolNotOffered(name.into())));
    }
    let error = request.accept(&Acceptance::new().extension(extension("b")));
    assert_eq!(error, Err(MisuseError::ExtensionNotOffered("b".into())));
    let twice = Acceptance::new()
        .extension(extension("a"))
        .extension(extension("a"));
    assert_eq!(
        request.accept(&twice),
        Err(MisuseError::ExtensionNotOffered("a".into()))
    );
}

#[test]
fn the_handshake_cannot_be_overridden_nor_headers_injected() {
    for name in RESERVED {
        let name = name.to_ascii_lowercase();
        let error = Acceptance::new().header(&name, "x");
        assert_eq!(error, Err(MisuseError::ReservedHeader(name)));
    }
    let error = Acceptance::new().header("X", "y\r\nSec-WebSocket-Protocol: z");
    assert_eq!(error, Err(MisuseError::InvalidHeaderValue("X".into())));
}
