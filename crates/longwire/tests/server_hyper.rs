//! WebSockets inside a hyper server, and hyper behind a server of ours.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use longwire::server::{Accepted, Rewound, Server, ServerHandle};
use server_peer::*;
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

async fn handle(
    mut request: Request<Incoming>,
    server: Option<ServerHandle>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/page" {
        return Ok(Response::new("a page".into()));
    }
    let upgrade = longwire::hyper::Upgrade::new(&mut request);
    let upgrade = match upgrade {
        Ok(upgrade) if upgrade.is_canary() && upgrade.request().path() == "/canaries" => {
            let accepted = upgrade.accept_canary();
            let response = accepted.unwrap_or_else(longwire::hyper::Rejection::into_response);
            return Ok(response.map(Full::new));
        }
        upgrade => upgrade,
    };
    let accepted = upgrade.and_then(|upgrade| match upgrade.request().path() {
        "/bad" => upgrade.subprotocol("unheard-of").accept(),
        _ => upgrade
            .select_subprotocol(&["chat"])
            .header("X-Server", "hyper")
            .accept(),
    });
    let (response, upgrading) = match accepted {
        Ok(accepted) => accepted,
        Err(rejection) => return Ok(rejection.into_response().map(Full::new)),
    };
    tokio::spawn(async move {
        let mut ws = upgrading.await.unwrap();
        if let Some(server) = server {
            server.adopt(&ws);
        }
        while let Some(Ok(message)) = ws.next().await {
            ws.send(message).await.unwrap();
        }
    });
    Ok(response.map(Full::new))
}

#[derive(Clone, Copy, Debug)]
enum Conn {
    Http1,
    Auto,
}

async fn hyper_server(conn: Conn) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let io = TokioIo::new(listener.accept().await.unwrap().0);
            let service = service_fn(|request| handle(request, None));
            tokio::spawn(async move {
                // A client that goes away is no concern of this test.
                let _ = match conn {
                    Conn::Http1 => hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .with_upgrades()
                        .await
                        .map_err(Into::into),
                    Conn::Auto => {
                        hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                            .serve_connection_with_upgrades(io, service)
                            .await
                    }
                };
            });
        }
    });
    address
}

#[tokio::test]
async fn a_request_is_upgraded_with_the_frames_that_came_with_it() {
    for conn in [Conn::Http1, Conn::Auto] {
        let address = hyper_server(conn).await;
        let mut peer = Peer::connect(address).await;
        let mut bytes = request("/", "Sec-WebSocket-Protocol: x, chat\r\n").into_bytes();
        bytes.extend(frame(0x81, b"early"));
        peer.send(bytes).await;
        let head = peer.read_head().await.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{conn:?}: {head}");
        assert!(head.contains("sec-websocket-protocol: chat\r\n"), "{head}");
        assert!(head.contains("x-server: hyper\r\n"), "{head}");
        assert!(head.contains(&format!(
            "sec-websocket-accept: {}\r\n",
            ACCEPT.to_ascii_lowercase()
        )));
        assert_eq!(
            peer.read_frame().await,
            (0x81, b"early".to_vec()),
            "{conn:?}"
        );
        peer.echoes("hello").await;
        peer.send(close_frame(1000)).await;
        assert_eq!(peer.read_frame().await.0, 0x88);
        assert_eq!(peer.read_to_end().await, "");
    }
}

#[tokio::test]
async fn the_same_rules_hold_as_without_hyper() {
    let address = hyper_server(Conn::Http1).await;
    let close = "Connection: Upgrade, close";
    let good = request("/", "").replace("Connection: Upgrade", close);
    for (request, status, text) in [
        (
            good.replace("Upgrade: websocket\r\n", ""),
            "426",
            "Upgrade: websocket",
        ),
        (good.replace(": 13", ": 12"), "426", "version 13"),
        (good.replace(KEY, "short"), "400", "Sec-WebSocket-Key"),
        (good.replace("GET", "POST"), "405", "GET"),
        (good.replace("GET / ", "GET /bad "), "500", "mistake"),
        (
            good.replace("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n"),
            "403",
            "Upgrade::origin",
        ),
    ] {
        let answer = Peer::exchange(address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(text),
            "{request} -> {answer}"
        );
    }
}

#[tokio::test]
async fn who_beats_is_agreed_and_canaries_are_known() {
    let address = hyper_server(Conn::Http1).await;
    let mut client = Peer::connect(address).await;
    client
        .send(request("/", "Longwire-Heartbeat: client\r\n"))
        .await;
    let head = client.read_head().await.to_ascii_lowercase();
    assert!(head.contains("longwire-heartbeat: watch=3600"), "{head}");
    client.echoes("hello").await;

    let canary = |path| request(path, "Longwire-Heartbeat: canary\r\n");
    let closing = canary("/").replace("Connection: Upgrade", "Connection: Upgrade, close");
    let refused = Peer::exchange(address, closing).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert!(refused.contains("canaries=?0"), "{refused}");

    let mut kept = Peer::connect(address).await;
    kept.send(canary("/canaries")).await;
    assert!(kept.read_head().await.starts_with("HTTP/1.1 101 "));
    kept.send(frame(0x89, b"?")).await;
    assert_eq!(kept.read_frame().await, (0x8A, b"?".to_vec()));
    kept.send(frame(0x81, b"hello")).await;
    let (first, payload) = kept.read_frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1008_u16.to_be_bytes()[..]));
}

#[tokio::test]
async fn one_port_serves_both_by_accept_any() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    let handle_of_server = server.handle();
    tokio::spawn(async move {
        while let Some(accepted) = server.accept_any().await {
            let server = server.handle();
            tokio::spawn(async move {
                match accepted {
                    Accepted::WebSocket(pending) => {
                        let mut ws = pending.accept().await.unwrap();
                        while let Some(Ok(message)) = ws.next().await {
                            ws.send(message).await.unwrap();
                        }
                    }
                    Accepted::Http(http) => {
                        let io: TokioIo<Rewound> = TokioIo::new(http.into_stream());
                        let service = service_fn(|request| handle(request, Some(server.clone())));
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(io, service)
                            .with_upgrades()
                            .await
                            .unwrap();
                    }
                }
            });
        }
    });
    let mut direct = Peer::open(address).await;
    direct.echoes("directly").await;
    direct.send(close_frame(1000)).await;
    direct.read_frame().await;
    assert_eq!(direct.read_to_end().await, "");

    // A page first, and then a WebSocket on the same connection.
    let mut peer = Peer::connect(address).await;
    peer.send("GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .await;
    let head = peer.read_head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut body = [0; 6];
    soon(tokio::io::AsyncReadExt::read_exact(&mut peer.0, &mut body))
        .await
        .unwrap();
    assert_eq!(&body, b"a page");
    peer.send(request("/", "")).await;
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    peer.echoes("through hyper").await;
    // The server has adopted it.
    let limit = Duration::from_secs(10);
    let shutdown = tokio::spawn(async move { handle_of_server.shutdown(limit).await });
    let (first, payload) = peer.read_frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &[3, 0xE9][..]));
    peer.send(close_frame(1001)).await;
    assert_eq!(peer.read_to_end().await, "");
    assert_eq!(soon(shutdown).await.unwrap(), 0);
}

#[tokio::test]
async fn without_upgrades_there_is_an_error_and_no_hang() {
    let mut request = Request::builder().uri("/").header("Host", "a");
    for (name, value) in [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ] {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let (response, upgrading) = longwire::hyper::upgrade(&mut request).unwrap();
    assert_eq!(response.status(), 101);
    assert!(soon(upgrading).await.is_err());
}
