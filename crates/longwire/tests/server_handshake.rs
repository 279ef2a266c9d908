//! Who is let in, and what the others are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use longwire::server::{
    AcceptError, Accepted, HeadLimits, Listener, MisuseError, Options, OriginPolicy, Pending,
    Refusal, Server, accept,
};
use server_peer::*;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that lets `answer` decide on every request.
async fn deciding<F>(answer: impl Fn(Pending) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(answer(pending));
        }
    });
    address
}

#[tokio::test]
async fn every_refusal_comes_with_its_status_and_a_reason() {
    let mut options = Options::default();
    options.head_limits = HeadLimits {
        max_bytes: 1024,
        max_headers: 12,
    };
    let server = Echo::start(options).await;
    let good = request("/", "");
    let cases = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".into(),
            "426",
            "Upgrade: websocket",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".into(),
            "405",
            "GET",
        ),
        (good.replace("GET", "POST"), "405", "GET"),
        (good.replace("HTTP/1.1", "HTTP/1.0"), "426", "HTTP/1.0"),
        (good.replace("HTTP/1.1", "HTTP/2.0"), "505", "HTTP/1.1"),
        (
            good.replace(": 13", ": 8"),
            "426",
            "Sec-WebSocket-Version: 13",
        ),
        (
            good.replace("Connection: Upgrade", "Connection: close"),
            "400",
            "Connection",
        ),
        (good.replace("Host: example.com\r\n", ""), "400", "Host"),
        (good.replace("Host: example.com", "Host: a/b"), "400", "a/b"),
        (good.replace(KEY, "c2hvcnQ="), "400", "Sec-WebSocket-Key"),
        (
            good.replace("Sec-WebSocket-Version: 13\r\n", ""),
            "400",
            "Sec-WebSocket-Version",
        ),
        (request("/", "Content-Length: 5\r\n"), "400", "body"),
        (
            request("/", "Sec-WebSocket-Protocol: a, a\r\n"),
            "400",
            "twice",
        ),
        (
            request("/", "Sec-WebSocket-Extensions: =\r\n"),
            "400",
            "Extensions",
        ),
        (request("/#f", ""), "400", "target"),
        (request("/", "No Header\r\n"), "400", "malformed"),
        (
            request("/", &format!("Cookie: {}\r\n", "x".repeat(1024))),
            "431",
            "1024 bytes",
        ),
        (request("/", &"A: b\r\n".repeat(8)), "431", "12"),
        ("HELO there\r\n\r\n".into(), "400", "HTTP"),
        (
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{1}\x03\x03".into(),
            "400",
            "wss://",
        ),
        (
            request("/", "Origin: https://evil.example\r\n"),
            "403",
            "Options::origin",
        ),
        (request("/", "Origin: null\r\n"), "403", "Options::origin"),
    ];
    for (request, status, text) in cases {
        let answer = Peer::exchange(server.address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(text),
            "{request:?} -> {answer:?}"
        );
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn pages_of_the_same_host_and_those_that_are_named_are_let_in() {
    let mut options = Options::default();
    options.origin = OriginPolicy::SameHostOr(vec!["https://other.example".into()]);
    options.origin_setting = "--allow-origin".into();
    let server = Echo::start(options).await;
    for origin in ["http://example.com", "https://other.example"] {
        let mut peer = Peer::connect(server.address).await;
        peer.send(request("/", &format!("Origin: {origin}\r\n")))
            .await;
        assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    }
    let evil = request("/", "Origin: https://evil.example\r\n");
    let answer = Peer::exchange(server.address, evil).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("--allow-origin"));
}

#[tokio::test]
async fn the_handshake_of_the_rfc_and_frames_in_the_same_packet() {
    let server = Echo::start(Options::default()).await;
    let mut peer = Peer::connect(server.address).await;
    let mut bytes = request("/", "").into_bytes();
    bytes.extend(frame(0x81, b"early"));
    // The beginning of a frame, whose rest comes later.
    bytes.extend_from_slice(&frame(0x82, b"split")[..8]);
    peer.send(bytes).await;
    let head = peer.read_head().await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    assert!(head.contains(&format!("\r\nSec-WebSocket-Accept: {ACCEPT}\r\n")));
    assert!(!head.contains("Sec-WebSocket-Protocol"));
    assert_eq!(peer.read_frame().await, (0x81, b"early".to_vec()));
    peer.send(&frame(0x82, b"split")[8..]).await;
    assert_eq!(peer.read_frame().await, (0x82, b"split".to_vec()));
    peer.send(close_frame(1000)).await;
    assert_eq!(
        peer.read_frame().await,
        (0x88, 1000_u16.to_be_bytes().to_vec())
    );
    assert_eq!(peer.read_to_end().await, "");
}

#[tokio::test]
async fn a_head_may_come_byte_by_byte() {
    let server = Echo::start(Options::default()).await;
    let mut peer = Peer::connect(server.address).await;
    peer.0.set_nodelay(true).unwrap();
    for byte in request("/", "").bytes() {
        peer.send([byte]).await;
    }
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    peer.echoes("hello").await;
}

#[tokio::test]
async fn the_program_sees_the_request_and_refuses() {
    let address = deciding(async |pending| {
        assert_eq!(pending.request().path(), "/secret");
        assert_eq!(pending.request().query(), Some("room=1"));
        assert_eq!(pending.request().header("Cookie"), Some("id=1"));
        assert!(
            pending
                .peer_addr()
                .unwrap()
                .tcp()
                .unwrap()
                .ip()
                .is_loopback()
        );
        let refusal = Refusal::new(401, "Log in first.\n").unwrap();
        pending.refuse(refusal.header("WWW-Authenticate", "Basic").unwrap());
    })
    .await;
    let answer = Peer::exchange(address, request("/secret?room=1", "Cookie: id=1\r\n")).await;
    assert!(
        answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nWWW-Authenticate: Basic\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\nLog in first.\n"), "{answer}");
}

#[tokio::test]
async fn subprotocol_and_headers_are_the_programs_choice() {
    let address = deciding(async |pending| {
        let pending = match pending.request().path() {
            "/select" => pending.select_subprotocol(&["b", "c"]),
            "/first" => pending.select_first_offered(),
            "/none" => pending.select_subprotocol(&["x"]),
            _ => pending.subprotocol("c").header("Set-Cookie", "id=2"),
        };
        let mut ws = pending.accept().await.unwrap();
        let chosen = ws.subprotocol().unwrap_or("none").to_owned();
        ws.send(chosen).await.unwrap();
        ws.close(1000, "").await.unwrap();
    })
    .await;
    for (path, chosen) in [("/select", "b"), ("/first", "a"), ("/none", ""), ("/", "c")] {
        let mut peer = Peer::connect(address).await;
        peer.send(request(
            path,
            "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n",
        ))
        .await;
        let head = peer.read_head().await;
        let told = head.split("Sec-WebSocket-Protocol: ").nth(1);
        let told = told
            .and_then(|rest| rest.split("\r\n").next())
            .unwrap_or_default();
        assert_eq!(told, chosen, "{path}: {head}");
        assert_eq!(head.contains("\r\nSet-Cookie: id=2\r\n"), path == "/");
        let chosen = if chosen.is_empty() { "none" } else { chosen };
        assert_eq!(peer.read_frame().await.1, chosen.as_bytes());
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_sent_is_an_error_here_and_a_500_there() {
    let (errors, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let address = deciding(move |pending| {
        let errors = errors.clone();
        async move {
            let pending = match pending.request().path() {
                "/subprotocol" => pending.subprotocol("unheard-of"),
                _ => pending.header("X", "a\r\nb").header("Y", "fine"),
            };
            errors.send(pending.accept().await.unwrap_err()).unwrap();
        }
    })
    .await;
    for path in ["/subprotocol", "/header"] {
        let answer = Peer::exchange(address, request(path, "")).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        let error = seen.recv().await.unwrap();
        match path {
            "/header" => assert!(matches!(
                error,
                AcceptError::Misuse(MisuseError::InvalidHeaderValue(name)) if name == "X"
            )),
            _ => assert!(matches!(
                error,
                AcceptError::Misuse(MisuseError::SubprotocolNotOffered(_))
            )),
        }
    }
}

#[tokio::test]
async fn who_is_forgotten_gets_a_503() {
    let address = deciding(async |pending| drop(pending)).await;
    let answer = Peer::exchange(address, request("/", "")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn a_refusal_arrives_though_the_client_goes_on_sending() {
    let server = Echo::start(Options::default()).await;
    let mut peer = Peer::connect(server.address).await;
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        .await;
    peer.send(vec![b'x'; 50_000]).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    peer.send(vec![b'x'; 50_000]).await;
    peer.0.shutdown().await.unwrap();
    let answer = peer.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn what_is_no_websocket_goes_to_the_programs_http_server_untouched() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    let client = tokio::spawn(async move {
        let sent = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        Peer::exchange(address, sent).await
    });
    let Some(Accepted::Http(http)) = soon(server.accept_any()).await else {
        panic!("this is no WebSocket");
    };
    assert_eq!(http.head().method(), "POST");
    assert_eq!(http.head().target(), "/form");
    assert!(http.peer_addr().is_some());
    let mut stream = http.into_stream();
    let mut read = Vec::new();
    // In small pieces, across the border of what was read before.
    while !read.ends_with(b"body") {
        let mut piece = [0; 7];
        let len = soon(stream.read(&mut piece)).await.unwrap();
        read.extend_from_slice(&piece[..len]);
    }
    assert!(read.starts_with(b"POST /form HTTP/1.1\r\nHost: a\r\n"));
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .await
        .unwrap();
    drop(stream);
    assert_eq!(client.await.unwrap(), "HTTP/1.1 204 No Content\r\n\r\n");
}

#[tokio::test]
async fn any_stream_can_be_accepted_without_a_server() {
    let options = Options::default();
    let (near, far) = tokio::io::duplex(4096);
    let mut peer = Peer(far);
    peer.send(request("/x", "")).await;
    let Accepted::WebSocket(pending) = soon(accept(near, &options)).await.unwrap() else {
        panic!("this is a WebSocket");
    };
    assert_eq!(pending.request().path(), "/x");
    assert_eq!(pending.peer_addr(), None);
    let mut ws = pending.accept().await.unwrap();
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    peer.send(frame(0x81, b"hi")).await;
    let message = soon(ws.next()).await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("hi"));
}

#[tokio::test]
async fn accept_says_why_there_is_no_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for (sent, expected) in [
        ("", "closed the connection without a request"),
        ("GET / HT", "closed the connection after 8 bytes"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(sent.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let error = soon(accept(stream, &Options::default())).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let first = Listener::bind("127.0.0.1:0").await.unwrap();
    let error = Server::bind(first.local_addr().tcp().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
