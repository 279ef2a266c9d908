//! The bodies of the fuzz targets for the handshake. They take any bytes, and panic when a property
//! of the parsers does not hold.

use super::{Acceptance, ClientRequest, HandshakeError, HeadError, HeadLimits};
use super::{Headers, Request, RequestHead, RequestReader, Response};
use crate::extension::Extension;
use crate::heartbeat::{self, Proposal, Terms};
use crate::subprotocol::Subprotocol;
use alloc::string::{String, ToString};

/// A request, read whole and in pieces; and if it is valid, the answer, which the client must take.
pub fn request(bytes: &[u8]) {
    let whole = read_request(bytes, bytes.len());
    for size in [1, 7] {
        assert_eq!(read_request(bytes, size), whole);
    }
    let Ok(Some((head, consumed))) = whole else {
        return;
    };
    assert_eq!(head.raw(), &bytes[..consumed]);
    match Request::from_head(head) {
        Ok(request) => accept(&request),
        Err(refusal) => assert!((400..600).contains(&refusal.status())),
    }
}

/// A response to a request that offers a subprotocol and an extension, read whole and in pieces.
pub fn response(bytes: &[u8]) {
    let whole = read_response(bytes, bytes.len());
    for size in [1, 7] {
        assert_eq!(read_response(bytes, size), whole);
    }
    match whole {
        Ok(Some((response, consumed))) => {
            assert!(consumed <= bytes.len());
            assert!(response.subprotocol.is_none_or(|name| name == "chat"));
            assert!(
                response
                    .extensions
                    .iter()
                    .all(|extension| extension.name() == "x")
            );
        }
        Ok(None) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Lists of extensions and subprotocols: what is parsed is the same when it is written and parsed
/// again.
pub fn lists(bytes: &[u8]) {
    let parse = |value: &[u8]| {
        let mut headers = Headers::new();
        headers.append("Sec-WebSocket-Extensions", value).ok()?;
        headers.append("Sec-WebSocket-Protocol", value).ok()?;
        Some((
            Extension::parse_list(&headers),
            Subprotocol::parse_list(&headers),
        ))
    };
    let Some((extensions, subprotocols)) = parse(bytes) else {
        return;
    };
    if let Ok(extensions) = extensions {
        let again = super::acceptance::list(&extensions);
        assert_eq!(
            parse(again.as_bytes()).map(|lists| lists.0),
            Some(Ok(extensions))
        );
    }
    if let Ok(subprotocols) = subprotocols {
        let names: alloc::vec::Vec<&str> = subprotocols.iter().map(Subprotocol::as_str).collect();
        let again = names.join(",");
        assert_eq!(
            parse(again.as_bytes()).map(|lists| lists.1),
            Some(Ok(subprotocols))
        );
    }
}

/// What the ends say of heartbeats: what is parsed is the same when it is written and parsed
/// again.
pub fn heartbeat(bytes: &[u8]) {
    let parse = |value: &[u8]| {
        let mut headers = Headers::new();
        headers.append(heartbeat::HEADER, value).ok()?;
        Some((Proposal::of(&headers), Terms::of(&headers)))
    };
    let Some((proposal, terms)) = parse(bytes) else {
        return;
    };
    if let Some(proposal) = proposal {
        let again = parse(proposal.as_str().as_bytes());
        assert_eq!(again.and_then(|said| said.0), Some(proposal));
    }
    if let Some(terms) = terms {
        let again = parse(terms.to_string().as_bytes());
        assert_eq!(again.and_then(|said| said.1), Some(terms));
    }
}

/// A URL: what is parsed makes a request, and is the same when it is parsed again.
#[cfg(feature = "url")]
pub fn url(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(url) = super::Url::parse(text) {
        assert!(
            ClientRequest::new(&url.host_header(), url.target()).is_ok(),
            "{url}"
        );
        let again = super::Url::parse(url.as_str()).map(|again| again.to_string());
        assert_eq!(again, Ok(url.to_string()));
    }
}

fn accept(request: &Request) {
    let mut acceptance = Acceptance::new();
    if let Some(name) = request.subprotocols().first() {
        acceptance = acceptance.subprotocol(name.as_str());
    }
    if let Some(extension) = request.extensions().first() {
        acceptance = acceptance.extension(extension.clone());
    }
    let answer = request.accept(&acceptance).unwrap_or_default();
    assert!(
        answer.starts_with(b"HTTP/1.1 101 "),
        "what was offered can be accepted"
    );
    assert!(answer.ends_with(b"\r\n\r\n"));
    assert!(request.path().starts_with('/') && !request.host().is_empty());
}

/// Errors as text, without the first bytes of what is no HTTP: as many are shown as came at once.
fn read_request(bytes: &[u8], size: usize) -> Result<Option<(RequestHead, usize)>, String> {
    let mut reader = RequestReader::new(LIMITS);
    read(bytes, size, |input| reader.receive(input)).map_err(|error| match error {
        HeadError::NotHttp(_) => "not HTTP".into(),
        other => other.to_string(),
    })
}

fn read_response(bytes: &[u8], size: usize) -> Result<Option<(Response, usize)>, HandshakeError> {
    let request = ClientRequest::new("example.com", "/")
        .and_then(|request| request.subprotocol("chat"))
        .and_then(|request| Ok(request.offer(Extension::new("x")?)))
        .map_err(|_| HandshakeError::Closed { received: 0 })?;
    let mut handshake = request.limits(LIMITS).start(*b"the sample nonce");
    read(bytes, size, |input| handshake.receive(input)).map_err(|error| match error {
        HandshakeError::Head(HeadError::NotHttp(_)) => {
            HandshakeError::Head(HeadError::NotHttp("".into()))
        }
        other => other,
    })
}

/// Small, so that the limits are reached.
const LIMITS: HeadLimits = HeadLimits {
    max_bytes: 1024,
    max_headers: 16,
};

/// What a reader makes of bytes in pieces, and how many of them it takes.
fn read<T, E>(
    bytes: &[u8],
    size: usize,
    mut receive: impl FnMut(&mut &[u8]) -> Result<Option<T>, E>,
) -> Result<Option<(T, usize)>, E> {
    let mut consumed = 0;
    for mut piece in bytes.chunks(size.max(1)) {
        let length = piece.len();
        let result = receive(&mut piece)?;
        consumed += length - piece.len();
        if let Some(result) = result {
            return Ok(Some((result, consumed)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const REQUEST: &[u8] =
        b"GET /chat?a HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: \
        Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: b, c\r\nSec-WebSocket-Extensions: d; e=1, f\r\n\r\n\x81\x80abcd";

    const RESPONSE: &[u8] = b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\
        Sec-WebSocket-Extensions: x; y=1\r\n\r\n\x81\x02hi";

    /// Valid bytes with a few of them changed, taken out or put in.
    fn mutated(bytes: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n:;=,\" \\/"[..])];
        let change = (any::<prop::sample::Index>(), 0..3_u8, byte);
        prop::collection::vec(change, 0..4).prop_map(move |changes| {
            let mut bytes = bytes.to_vec();
            for (at, kind, byte) in changes {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            bytes
        })
    }

    #[test]
    fn the_seeds_are_valid() {
        assert!(matches!(read_response(RESPONSE, 1), Ok(Some(_))));
        let (head, _) = read_request(REQUEST, 1).unwrap().unwrap();
        assert!(Request::from_head(head).is_ok());
    }

    proptest! {
        #[test]
        fn requests(bytes in mutated(REQUEST)) {
            request(&bytes);
        }

        #[test]
        fn responses(bytes in mutated(RESPONSE)) {
            response(&bytes);
        }

        #[test]
        fn header_lists(bytes in mutated(b"a, b; c=d; e=\"f\", g")) {
            lists(&bytes);
        }

        #[cfg(feature = "url")]
        #[test]
        fn urls(bytes in mutated(b"ws://me:you@example.com:81/a/b?c=d")) {
            url(&bytes);
        }
    }
}
