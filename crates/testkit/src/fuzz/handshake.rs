use longwire_proto::handshake::{Acceptance, HeadLimits, Request, RequestReader, accept_key, fuzz};
use tungstenite::handshake::{machine::TryParse, server};

/// The parsers of the opening handshake are given any bytes. The first byte
/// says which: of requests, of responses, of header values, of URLs.
///
/// A request that is accepted must be accepted by tungstenite too, with the
/// same answer to its key. Where it refuses more:
///
/// - targets with characters that RFC 3986 does not have: its URI type refuses
///   them, we pass them on;
/// - `Connection` in more than one field, or with a tab or a byte beyond ASCII
///   somewhere, and `Upgrade` with more than one protocol;
/// - keys whose Base64 has bits set behind the last byte.
///
/// The other way round there is nothing to compare: it asks for no Host, and
/// looks at no list of extensions or subprotocols.
///
/// # Panics
/// If a property of the parsers does not hold.
pub fn handshake(data: &[u8]) {
    let Some((&parser, bytes)) = data.split_first() else {
        return;
    };
    match parser % 4 {
        0 => {
            fuzz::request(bytes);
            ask_tungstenite(bytes);
        }
        1 => fuzz::response(bytes),
        2 => {
            fuzz::lists(bytes);
            fuzz::heartbeat(bytes);
        }
        _ => fuzz::url(bytes),
    }
}

fn ask_tungstenite(bytes: &[u8]) {
    let mut rest = bytes;
    let head = RequestReader::new(HeadLimits::default()).receive(&mut rest);
    let Ok(Some(head)) = head else { return };
    let Ok(ours) = Request::from_head(head) else {
        return;
    };
    let answer = ours
        .accept(&Acceptance::new())
        .expect("nothing that could be refused is asked");
    let key = ours
        .header("Sec-WebSocket-Key")
        .expect("a request without it is refused");
    let theirs = server::Request::try_parse(bytes);
    if matches!(theirs, Err(tungstenite::Error::HttpFormat(_))) || refuses_more(&ours, key) {
        return;
    }

    let (len, theirs) = theirs
        .expect("tungstenite parses the request")
        .expect("the request is whole");
    assert_eq!(len, bytes.len() - rest.len());
    let response = server::create_response(&theirs).expect("tungstenite accepts the request");
    assert_eq!(response.status(), 101);
    let accept = response.headers()["sec-websocket-accept"]
        .to_str()
        .expect("it is ASCII");
    assert_eq!(accept, accept_key(key).as_str());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains(accept), "{answer}");
}

/// Whether tungstenite may refuse what we let pass, as [`handshake`] lists it.
fn refuses_more(ours: &Request, key: &str) -> bool {
    let canonical = ["A==", "Q==", "g==", "w=="];
    let is_plain = |name: &str, rule: fn(&[u8]) -> bool| {
        let mut fields = ours.headers().get_all(name);
        fields.next().is_some_and(rule) && fields.next().is_none()
    };
    !canonical.iter().any(|end| key.ends_with(end))
        || !is_plain("Upgrade", |value| value.eq_ignore_ascii_case(b"websocket"))
        || !is_plain("Connection", |value| {
            value.iter().all(|&byte| matches!(byte, b' '..=b'~'))
        })
        || !is_plain("Sec-WebSocket-Version", |value| value == b"13")
}
