//! WebSockets inside an axum app.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use axum::{Router, response::Response, routing::any};
use longwire::{axum::WebSocketUpgrade, server::OriginPolicy};
use server_peer::*;
use std::net::SocketAddr;
use tokio::net::TcpListener;

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .subprotocols(["v2", "v1"])
        .header("Set-Cookie", "id=1")
        .on_upgrade(async |mut ws| {
            while let Some(Ok(message)) = ws.next().await {
                ws.send(message).await.unwrap();
            }
        })
}

async fn open_to_all(upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .origin(OriginPolicy::Any)
        .on_upgrade(async |ws| drop(ws))
}

async fn app() -> SocketAddr {
    let app = Router::new()
        .route("/echo", any(echo))
        .route("/open", any(open_to_all));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn the_extractor_opens_a_websocket() {
    let mut peer = Peer::connect(app().await).await;
    let offer = "Sec-WebSocket-Protocol: v1, v2\r\nOrigin: http://example.com\r\n";
    let mut bytes = request("/echo", offer).into_bytes();
    bytes.extend(frame(0x81, b"early"));
    peer.send(bytes).await;
    let head = peer.read_head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    // The order of preference is the client's.
    assert!(head.contains("sec-websocket-protocol: v1\r\n"), "{head}");
    assert!(head.contains("set-cookie: id=1\r\n"), "{head}");
    assert_eq!(peer.read_frame().await, (0x81, b"early".to_vec()));
    peer.echoes("hello").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_before_the_callback_runs() {
    let address = app().await;
    let good = request("/echo", "").replace("Connection: Upgrade", "Connection: Upgrade, close");
    for (request, status, text) in [
        (
            good.replace("Upgrade: websocket\r\n", ""),
            "426",
            "Upgrade: websocket",
        ),
        (good.replace(": 13", ": 7"), "426", "version 13"),
        (
            good.replace("\r\n\r\n", "\r\nOrigin: http://evil.example\r\n\r\n"),
            "403",
            "WebSocketUpgrade::origin",
        ),
    ] {
        let answer = Peer::exchange(address, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(text),
            "{request} -> {answer}"
        );
    }
    let mut peer = Peer::connect(address).await;
    peer.send(request("/open", "Origin: http://evil.example\r\n"))
        .await;
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    // The dropped WebSocket is closed properly.
    assert_eq!(
        peer.read_frame().await,
        (0x88, 1001_u16.to_be_bytes().to_vec())
    );
}

#[tokio::test]
async fn a_canary_does_not_reach_the_callback() {
    let address = app().await;
    let mut canary = Peer::connect(address).await;
    // The other route's callback would close it at once.
    canary
        .send(request("/open", "Longwire-Heartbeat: canary\r\n"))
        .await;
    let head = canary.read_head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("longwire-heartbeat: watch=3600, canaries\r\n"),
        "{head}"
    );
    canary.send(frame(0x89, b"?")).await;
    assert_eq!(canary.read_frame().await, (0x8A, b"?".to_vec()));
    canary.send(close_frame(1000)).await;
    assert_eq!(canary.read_frame().await.0, 0x88);
}
