//! Servers that refuse, and those that are none.

use crate::support::{read_head, serve, serve_bytes, serve_heads, switching};
use longwire::proto::handshake::{HandshakeError, HeadError, HeadLimits};
use longwire::{ConnectError, Connector, connect};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn error_of(address: SocketAddr) -> ConnectError {
    connect(format!("ws://{address}/path")).await.unwrap_err()
}

/// The error's text without what stands before the reason.
fn reason(error: &ConnectError) -> String {
    let text = error.to_string();
    let (place, reason) = text.split_once(": ").unwrap();
    assert!(place.starts_with("no WebSocket at 127.0.0.1:"), "{text}");
    reason.to_owned()
}

#[tokio::test]
async fn status_and_body_of_a_refusal_are_told() {
    let address = serve_bytes(
        "HTTP/1.1 403 Forbidden\r\nX-Why: origin\r\nContent-Length: 26\r\n\r\n\
         Origin \"null\"\n\tis not let\rin",
    )
    .await;
    let error = error_of(address).await;
    assert_eq!(
        reason(&error),
        "the server answered 403 Forbidden; does it want credentials, or another Origin? (it \
         says: Origin \"null\" is not let)"
    );
    let ConnectError::Refused { refused, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(refused.head.headers().get("X-Why"), Some("origin"));
    assert_eq!(refused.body.bytes(), b"Origin \"null\"\n\tis not let\r");
}

#[tokio::test]
async fn what_to_do_depends_on_the_status() {
    for (response, expected) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            "the server answered 401 Unauthorized: it wants credentials; give them as \
             ws://user:password@host/, or in an Authorization header",
        ),
        (
            "HTTP/1.1 404 Not Found\r\n\r\n<html>a page</html>",
            "the server answered 404 Not Found; is the path right?",
        ),
        (
            "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8, 7\r\nContent-Length: 0\r\n\r\n",
            "the server answered 426 Upgrade Required: it speaks WebSocket version 8, 7",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "the server answered 200 OK: there is no WebSocket at this path (it says: hello)",
        ),
    ] {
        let error = error_of(serve_bytes(response).await).await;
        assert_eq!(reason(&error), expected);
    }
}

#[tokio::test]
async fn a_long_body_is_cut_and_bounded() {
    let address = serve(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\n\r\n").await;
        // Endless, until the client has enough.
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let error = error_of(address).await;
    let shown = format!("(it says: {}...)", "x".repeat(200));
    assert!(error.to_string().ends_with(&shown), "{error}");
    let ConnectError::Refused { refused, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(refused.body.bytes().len(), 64 * 1024);
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_request_was_read_is_told() {
    let address = serve(|mut stream| async move {
        let refusal = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = error_of(address).await;
    assert_eq!(
        reason(&error),
        "the server answered 503 Busy; try again later"
    );
}

#[tokio::test]
async fn servers_for_other_things_are_told_apart() {
    for (answer, expected) in [
        (
            &b"220 mail.example ESMTP\r\n"[..],
            "the server's answer cannot be read: this is not HTTP; it begins with \"220 \
             mail.example\"; is this its port for WebSockets?",
        ),
        (b"", "the server closed the connection without an answer"),
        (
            b"HTTP/1.1 101 Sw",
            "the server closed the connection within its answer, after 15 bytes",
        ),
        (
            b"\x15\x03\x01\x00\x02\x02\x46",
            "the server speaks TLS here: use wss:// in place of ws://",
        ),
    ] {
        let error = error_of(serve_bytes(answer).await).await;
        assert!(matches!(error, ConnectError::Handshake { .. }), "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(reason(&error), expected);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_rules_is_explained() {
    let address = serve_bytes(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )
    .await;
    let error = error_of(address).await;
    assert!(
        matches!(
            &error,
            ConnectError::Handshake {
                source: HandshakeError::Accept { .. },
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_drops_the_upgrade_is_suspected() {
    let address = serve(|mut stream| async move {
        let head = read_head(&mut stream).await;
        let answer = String::from_utf8(switching(&head, "")).unwrap();
        let answer = answer.replace("Connection: Upgrade", "Connection: close");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    assert_eq!(
        reason(&error_of(address).await),
        "the server's answer has Connection: \"close\" in place of \"Upgrade\"; is there a proxy \
         that does not pass WebSockets on?"
    );
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_refused() {
    let address = serve_heads("Sec-WebSocket-Protocol: mqtt\r\n").await;
    assert_eq!(
        reason(&error_of(address).await),
        "the server chose subprotocol \"mqtt\", which was not offered"
    );
}

#[tokio::test]
async fn an_extension_that_was_not_offered_is_refused() {
    let address = serve_heads("Sec-WebSocket-Extensions: permessage-deflate\r\n").await;
    assert_eq!(
        reason(&error_of(address).await),
        "the server chose extension \"permessage-deflate\", which was not offered"
    );
}

#[tokio::test]
async fn the_head_may_be_as_large_as_the_limit_and_no_larger() {
    let address = serve_heads("X-Large: 0123456789\r\n").await;
    let url = format!("ws://{address}");
    let size = switching(
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n",
        "X-Large: 0123456789\r\n",
    )
    .len();
    for (max_bytes, fits) in [(size, true), (size - 1, false)] {
        let limits = HeadLimits {
            max_bytes,
            ..HeadLimits::default()
        };
        let connector = Connector::builder().head_limits(limits).build().unwrap();
        match connector.connect(&url).await {
            Ok(_) => assert!(fits),
            Err(ConnectError::Handshake {
                source: HandshakeError::Head(HeadError::TooLarge(limit)),
                ..
            }) => assert!(!fits && limit == size - 1),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn an_endless_head_is_given_up() {
    let address = serve(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
            .await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_eq!(
        reason(&error_of(address).await),
        "the server's answer cannot be read: the head is larger than the limit of 16384 bytes"
    );
}
