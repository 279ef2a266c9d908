use super::*;
use crate::handshake::{Acceptance, Request, RequestReader};
use proptest::prelude::*;
use std::format;

const NONCE: [u8; 16] = *b"the sample nonce";

fn extension(name: &str) -> Extension {
    Extension::new(name).unwrap()
}

/// A request that offers a little of everything.
fn request() -> ClientRequest {
    let request = ClientRequest::new("example.com", "/chat?a=b").unwrap();
    let request = request.subprotocol("chat").unwrap();
    let request = request.subprotocol("superchat").unwrap();
    request
        .offer(extension("x"))
        .offer(extension("y").flag("z").unwrap())
}

#[test]
fn the_request_as_it_stands_on_the_wire() {
    let request = request()
        .origin("http://example.com")
        .unwrap()
        .header("Cookie", "c=d")
        .unwrap();
    assert_eq!(
        core::str::from_utf8(request.start(NONCE).request()).unwrap(),
        "GET /chat?a=b HTTP/1.1\r\n\
         Host: example.com\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, superchat\r\n\
         Sec-WebSocket-Extensions: x, y; z\r\n\
         Origin: http://example.com\r\n\
         Cookie: c=d\r\n\r\n"
    );
}

#[test]
fn each_connection_has_a_key_of_its_own() {
    let (one, other) = (request().start([0; 16]), request().start([1; 16]));
    assert!(one.request() != other.request());
    let answer_to_other = format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        other.accept
    );
    let mut one = one;
    let error = one.receive(&mut answer_to_other.as_bytes()).unwrap_err();
    assert!(matches!(error, HandshakeError::Accept { .. }));
}

#[test]
fn requests_that_must_not_be_made() {
    for host in ["", "a b", "user@host", "a/b", "::1", "a\r\nX: y"] {
        assert_eq!(
            ClientRequest::new(host, "/").unwrap_err(),
            MisuseError::InvalidHost(host.into())
        );
    }
    for target in [
        "",
        "a",
        "http://a/",
        "/a b",
        "/a#b",
        "/\u{e9}",
        "/ HTTP/1.1\r\nX: y",
    ] {
        assert_eq!(
            ClientRequest::new("a", target).unwrap_err(),
            MisuseError::InvalidTarget(target.into())
        );
    }
    assert_eq!(
        request().subprotocol("chat").unwrap_err(),
        MisuseError::RepeatedSubprotocol("chat".into())
    );
    for bad in ["", "a b", "a,b", "a\r\nX: y"] {
        assert_eq!(
            request().subprotocol(bad).unwrap_err(),
            MisuseError::InvalidSubprotocol(bad.into())
        );
    }
    for name in RESERVED {
        let name = name.to_ascii_lowercase();
        assert_eq!(
            request().header(&name, "x").unwrap_err(),
            MisuseError::ReservedHeader(name)
        );
    }
    let error = request().origin("http://a\r\nCookie: b").unwrap_err();
    assert_eq!(error, MisuseError::InvalidHeaderValue("Origin".into()));
}

#[test]
fn single_headers_replace_each_other_and_others_add_up() {
    let request = request()
        .origin("http://a")
        .unwrap()
        .header("origin", "http://b")
        .unwrap();
    let request = request
        .header("Cookie", "a=1")
        .unwrap()
        .header("Cookie", "b=2")
        .unwrap();
    let bytes = request.start(NONCE).request().to_vec();
    let text = core::str::from_utf8(&bytes).unwrap();
    assert!(!text.contains("http://a") && text.contains("origin: http://b\r\n"));
    assert!(text.contains("Cookie: a=1\r\nCookie: b=2\r\n"));
}

#[cfg(feature = "url")]
#[test]
fn requests_for_urls() {
    use super::super::Url;
    let lines = |url: &str| {
        let request = ClientRequest::for_url(&Url::parse(url).unwrap());
        let bytes = request.start(NONCE).request().to_vec();
        let text = std::string::String::from_utf8(bytes).unwrap();
        let mut lines = text.split("\r\n");
        (
            lines.next().unwrap().to_owned(),
            lines.next().unwrap().to_owned(),
            text.clone(),
        )
    };
    for (url, line, host) in [
        ("ws://example.com", "GET / HTTP/1.1", "Host: example.com"),
        (
            "ws://example.com:80/a?b=c",
            "GET /a?b=c HTTP/1.1",
            "Host: example.com",
        ),
        (
            "ws://example.com:443?b",
            "GET /?b HTTP/1.1",
            "Host: example.com:443",
        ),
        ("wss://[::1]:8443/", "GET / HTTP/1.1", "Host: [::1]:8443"),
    ] {
        let (first, second, _) = lines(url);
        assert_eq!((first.as_str(), second.as_str()), (line, host));
    }
    // RFC 7617, section 2.
    let (_, _, text) = lines("ws://Aladdin:open%20sesame@example.com/");
    assert!(text.contains("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    let url = Url::parse("ws://Aladdin@example.com/").unwrap();
    let request = ClientRequest::for_url(&url)
        .header("Authorization", "Bearer x")
        .unwrap();
    let sent = request.start(NONCE).request().to_vec();
    assert!(
        core::str::from_utf8(&sent)
            .unwrap()
            .contains("\r\nAuthorization: Bearer x\r\n")
    );
    assert!(!core::str::from_utf8(&sent).unwrap().contains("Basic"));
}

#[test]
fn debug_hides_credentials() {
    let request = request().header("Authorization", "Basic c2VjcmV0").unwrap();
    for text in [
        format!("{request:?}"),
        format!("{:?}", request.start(NONCE)),
    ] {
        assert!(
            text.contains("superchat") && !text.contains("c2VjcmV0"),
            "{text}"
        );
        assert!(!text.contains("65, 117, 116, 104"), "nor as bytes: {text}");
    }
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}"
}

fn any_extension() -> impl Strategy<Value = Extension> {
    (
        token(),
        prop::collection::vec((token(), prop::option::of(token())), 0..4),
    )
        .prop_map(|(name, params)| {
            params
                .iter()
                .fold(extension(&name), |extension, (name, value)| match value {
                    Some(value) => extension.param(name, value).unwrap(),
                    None => extension.flag(name).unwrap(),
                })
        })
}

proptest! {
    /// Whatever is offered, the server reads it, and whatever it chooses, the client reads that.
    #[test]
    fn client_and_server_agree(
        nonce: [u8; 16],
        subprotocols in prop::collection::btree_set(token(), 0..4),
        extensions in prop::collection::vec(any_extension(), 0..4),
        chosen in any::<prop::sample::Index>(),
        size in 1_usize..200,
    ) {
        let mut request = ClientRequest::new("[::1]:80", "/a?b").unwrap();
        for name in &subprotocols {
            request = request.subprotocol(name).unwrap();
        }
        for extension in &extensions {
            request = request.offer(extension.clone());
        }
        let mut handshake = request.start(nonce);

        let mut reader = RequestReader::new(HeadLimits::default());
        let mut pieces = handshake.request().chunks(size);
        let head = pieces.find_map(|mut piece| reader.receive(&mut piece).unwrap());
        let seen = Request::from_head(head.unwrap()).unwrap();
        prop_assert_eq!(seen.extensions(), &extensions[..]);
        let offered: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
        prop_assert_eq!(seen.subprotocols(), offered);

        let mut acceptance = Acceptance::new();
        let subprotocol = seen.subprotocols().get(chosen.index(subprotocols.len() + 1));
        if let Some(name) = subprotocol {
            acceptance = acceptance.subprotocol(name.as_str());
        }
        let accepted: Vec<Extension> = extensions.first().cloned().into_iter().collect();
        for extension in &accepted {
            acceptance = acceptance.extension(extension.clone());
        }
        let answer = seen.accept(&acceptance).unwrap();
        let mut pieces = answer.chunks(size);
        let response = pieces.find_map(|mut piece| handshake.receive(&mut piece).unwrap()).unwrap();
        prop_assert_eq!(response.subprotocol.as_ref(), subprotocol);
        prop_assert_eq!(response.extensions, accepted);
    }
}
