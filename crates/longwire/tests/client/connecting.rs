//! What is sent, and to where.

use crate::support::{
    header, next_text, read_head, serve, serve_heads, serve_on, switching, tell_head, text_frame,
};
use longwire::{ConnectError, Connector, client::DialEvent, connect, proto::extension::Extension};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_request_is_a_websocket_request() {
    let address = serve_heads("").await;
    let mut websocket = connect(format!("ws://{address}/chat?room=1"))
        .await
        .unwrap();
    let head = next_text(&mut websocket).await;
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "Host"), Some(&*address.to_string()));
    assert_eq!(header(&head, "Upgrade"), Some("websocket"));
    assert_eq!(header(&head, "Sec-WebSocket-Version"), Some("13"));
    assert_eq!(header(&head, "Sec-WebSocket-Key").unwrap().len(), 24);
    let user_agent = header(&head, "User-Agent").unwrap();
    assert!(user_agent.starts_with("longwire/"), "{user_agent}");
    for absent in [
        "Origin",
        "Authorization",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        assert_eq!(header(&head, absent), None);
    }
}

#[tokio::test]
async fn every_connection_has_its_own_key() {
    let address = serve_heads("").await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut websocket = connect(format!("ws://{address}")).await.unwrap();
        let head = next_text(&mut websocket).await;
        keys.push(header(&head, "Sec-WebSocket-Key").unwrap().to_owned());
    }
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn the_builders_headers_are_sent() {
    let address = serve_heads("Sec-WebSocket-Protocol: chat.v1\r\nX-Server: yes\r\n").await;
    let connector = Connector::builder()
        .header("X-Token", "secret")
        .header("User-Agent", "me")
        .origin("https://example.com")
        .subprotocol("chat.v2")
        .subprotocol("chat.v1")
        .build()
        .unwrap();
    let (mut websocket, response) = connector
        .connect_with_response(format!("ws://{address}"))
        .await
        .unwrap();
    let head = next_text(&mut websocket).await;
    assert_eq!(header(&head, "X-Token"), Some("secret"));
    assert_eq!(header(&head, "User-Agent"), Some("me"));
    assert_eq!(header(&head, "Origin"), Some("https://example.com"));
    assert_eq!(
        header(&head, "Sec-WebSocket-Protocol"),
        Some("chat.v2, chat.v1")
    );
    assert_eq!(websocket.subprotocol(), Some("chat.v1"));
    assert_eq!(response.head.headers().get("X-Server"), Some("yes"));
    assert_eq!(response.subprotocol.unwrap(), "chat.v1");
}

#[tokio::test]
async fn credentials_of_the_url_become_basic_auth() {
    let address = serve_heads("").await;
    let mut websocket = connect(format!("ws://Aladdin:open%20sesame@{address}"))
        .await
        .unwrap();
    let head = next_text(&mut websocket).await;
    // RFC 7617 section 2 has this very example.
    assert_eq!(
        header(&head, "Authorization"),
        Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    );
    assert_eq!(header(&head, "Host"), Some(&*address.to_string()));
}

#[test]
fn connecting_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    let connector = Connector::new();
    is_send(connect("ws://a.example"));
    is_send(connector.dial("ws://a.example"));
    is_send(connector.handshake("ws://a.example", tokio::io::empty()));
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn a_build_without_tls_says_so() {
    let error = connect("wss://127.0.0.1:1/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no TLS with 127.0.0.1:1: this program was built without it; switch on longwire's feature \
         `tls`"
    );
}

#[test]
fn what_cannot_be_sent_is_found_when_the_connector_is_built() {
    for (builder, expected) in [
        (
            Connector::builder().header("X", "a\r\nInjected: b"),
            "the value for header \"X\" holds a line break or another control character",
        ),
        (
            Connector::builder().header("Sec-WebSocket-Key", "mine"),
            "the handshake sets header \"Sec-WebSocket-Key\" by itself; it cannot be set by hand",
        ),
        (
            Connector::builder().subprotocol("a").subprotocol("a"),
            "subprotocol \"a\" is offered twice",
        ),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), expected);
    }
}

#[test]
fn debugging_shows_no_header_values() {
    let connector = Connector::builder()
        .header("X-Api-Key", "hunter2")
        .build()
        .unwrap();
    let text = format!("{connector:?}");
    assert!(
        text.contains("X-Api-Key") && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test]
async fn text_that_is_no_url_is_explained() {
    let error = connect("localhost:8080").await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "\"localhost:8080\" has no scheme; did you mean ws://localhost:8080?"
    );
}

#[tokio::test]
async fn frames_in_the_packet_of_the_response_are_received() {
    let address = serve(|mut stream| async move {
        let head = read_head(&mut stream).await;
        let mut packet = switching(&head, "");
        packet.extend(text_frame("one"));
        packet.extend(text_frame("two"));
        let last = text_frame("three");
        packet.extend(&last[..4]);
        stream.write_all(&packet).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(&last[4..]).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut websocket = connect(format!("ws://{address}")).await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(next_text(&mut websocket).await, expected);
    }
}

#[tokio::test]
async fn a_response_may_come_byte_by_byte() {
    let address = serve(|mut stream| async move {
        stream.set_nodelay(true).unwrap();
        let head = read_head(&mut stream).await;
        for byte in switching(&head, "") {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.write_all(&text_frame("hello")).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut websocket = connect(format!("ws://{address}")).await.unwrap();
    assert_eq!(next_text(&mut websocket).await, "hello");
}

#[tokio::test]
async fn ipv6_literals() {
    let address = serve_on("[::1]:0", |stream| tell_head(stream, "")).await;
    let port = address.port();
    let mut websocket = connect(format!("ws://[::1]:{port}/")).await.unwrap();
    let head = next_text(&mut websocket).await;
    assert_eq!(header(&head, "Host"), Some(&*format!("[::1]:{port}")));
}

#[tokio::test]
async fn names_are_resolved() {
    let address = serve_heads("").await;
    let url = format!("ws://localhost:{}", address.port());
    let mut websocket = connect(url).await.unwrap();
    let head = next_text(&mut websocket).await;
    let host = format!("localhost:{}", address.port());
    assert_eq!(header(&head, "Host"), Some(&*host));
}

#[tokio::test]
async fn an_address_that_refuses_is_passed_over() {
    let address = serve_heads("").await;
    let connector = Connector::builder()
        // Names in URLs come in lower case.
        .resolve("Two.Example", [Ipv6Addr::LOCALHOST.into(), address.ip()])
        .build()
        .unwrap();
    let url = format!("ws://two.example:{}", address.port());
    let stream = connector.dial(&url).await.unwrap();
    assert_eq!(stream.peer_addr(), address);
    let (mut websocket, _) = connector.handshake(&url, stream).await.unwrap();
    let head = next_text(&mut websocket).await;
    let host = format!("two.example:{}", address.port());
    assert_eq!(header(&head, "Host"), Some(&*host));
}

#[tokio::test]
async fn each_address_that_is_tried_is_told() {
    let address = serve_heads("").await;
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, address.port()));
    let connector = Connector::builder()
        .resolve("two.example", [other.ip(), address.ip()])
        .build()
        .unwrap();
    let mut told = Vec::new();
    let observe = |event: DialEvent<'_>| {
        told.push(match event {
            DialEvent::Failed(attempt) => format!("Failed({})", attempt.address),
            event => format!("{event:?}"),
        });
    };
    let url = format!("ws://two.example:{}", address.port());
    connector.dial_observed(url, observe).await.unwrap();
    let expected = [
        format!("Resolved([{other}, {address}])"),
        format!("Attempt({other})"),
        format!("Failed({other})"),
        format!("Attempt({address})"),
        format!("Connected({address})"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn when_nobody_listens_every_address_is_named() {
    // A port that was free a moment ago.
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let connector = Connector::builder()
        .resolve(
            "nobody.example",
            [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        )
        .build()
        .unwrap();
    let error = connector
        .connect(format!("ws://nobody.example:{port}"))
        .await
        .unwrap_err();
    let ConnectError::Unreachable { attempts, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(std::error::Error::source(&error).is_some());
    let text = error.to_string();
    for part in [
        &format!("cannot connect to nobody.example:{port}: [::1]:{port}: "),
        &format!("; 127.0.0.1:{port}: "),
        "; nothing listens there: is the server running, and the port right?",
    ] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
}

#[tokio::test]
async fn a_name_without_address_is_named() {
    // RFC 6761 section 6.4: this name never resolves.
    let error = connect("ws://nowhere.invalid/").await.unwrap_err();
    assert!(matches!(&error, ConnectError::Resolve { host, .. } if host == "nowhere.invalid"));
    assert_eq!(error.cause(), "resolve");
    let text = error.to_string();
    assert!(
        text.starts_with("cannot find the address of \"nowhere.invalid\": "),
        "{text}"
    );
}

#[tokio::test]
async fn the_handshake_works_over_any_stream() {
    let (client, server) = tokio::io::duplex(1024);
    tokio::spawn(tell_head(server, ""));
    let (mut websocket, _) = Connector::new()
        .handshake("wss://example.com/path", client)
        .await
        .unwrap();
    let head = next_text(&mut websocket).await;
    assert!(
        head.starts_with("GET /path HTTP/1.1\r\nHost: example.com\r\n"),
        "{head}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_handshake_works_over_unix_sockets() {
    let (client, server) = tokio::net::UnixStream::pair().unwrap();
    tokio::spawn(tell_head(server, ""));
    let (mut websocket, _) = Connector::new()
        .handshake("ws://localhost/", client)
        .await
        .unwrap();
    assert!(
        next_text(&mut websocket)
            .await
            .starts_with("GET / HTTP/1.1\r\n")
    );
}

#[tokio::test]
async fn a_required_extension_that_is_missing_closes_with_1010() {
    let (closed, frame) = tokio::sync::oneshot::channel();
    let (client, mut server) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        let head = read_head(&mut server).await;
        assert_eq!(
            header(&head, "Sec-WebSocket-Extensions"),
            Some("x-cipher, x-nice")
        );
        server.write_all(&switching(&head, "")).await.unwrap();
        let mut frame = [0; 6 + 2 + 8];
        server.read_exact(&mut frame).await.unwrap();
        closed.send(frame).unwrap();
    });
    let connector = Connector::builder()
        .require_extension(Extension::new("x-cipher").unwrap())
        .extension(Extension::new("x-nice").unwrap())
        .build()
        .unwrap();
    let error = connector
        .handshake("ws://a.example", client)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.example has no WebSocket with the required extension x-cipher"
    );
    let mut frame = frame.await.unwrap();
    let (header, payload) = frame.split_at_mut(6);
    assert_eq!(header[..2], [0x88, 0x80 | 10]);
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= header[2 + at % 4];
    }
    assert_eq!(*payload, *b"\x03\xf2x-cipher");
}
