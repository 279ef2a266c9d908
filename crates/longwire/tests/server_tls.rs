//! `wss://`, and those who mistake it for `ws://`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;
mod tls_peer;

use longwire::{
    server::Options,
    tls::{ServerTls, TlsErrorKind},
};
use server_peer::*;
use std::time::Duration;
use tls_peer::Certificate;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

fn options(certificate: &Certificate) -> Options {
    let mut options = Options::default();
    options.tls = Some(certificate.server());
    options
}

async fn connect(server: &Echo, certificate: &Certificate) -> Peer<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    Peer(
        soon(certificate.connector().connect(name, tcp))
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn wss_serves_and_shuts_down() {
    let certificate = Certificate::new();
    let server = Echo::start(options(&certificate)).await;
    let mut peer = connect(&server, &certificate).await;
    let mut bytes = request("/", "").into_bytes();
    bytes.extend(frame(0x81, b"early"));
    peer.send(bytes).await;
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(peer.read_frame().await.1, b"early");
    peer.echoes("hello").await;
    let handle = server.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown(Duration::from_secs(10)).await });
    let (first, payload) = peer.read_frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &[3, 0xE9][..]));
    peer.send(close_frame(1001)).await;
    // `read_to_end` fails unless the server says goodbye in TLS as well.
    assert_eq!(peer.read_to_end().await, "");
    assert_eq!(soon(shutdown).await.unwrap(), 0);
}

#[tokio::test]
async fn a_refusal_comes_through_tls() {
    let certificate = Certificate::new();
    let server = Echo::start(options(&certificate)).await;
    let mut peer = connect(&server, &certificate).await;
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(peer.read_to_end().await.starts_with("HTTP/1.1 426 "));
}

#[tokio::test]
async fn plain_text_on_a_tls_port_is_told_so_in_plain_text() {
    let certificate = Certificate::new();
    let server = Echo::start(options(&certificate)).await;
    let answer = Peer::exchange(server.address, request("/", "")).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("wss://"),
        "{answer}"
    );
    connect(&server, &certificate).await;
}

#[tokio::test]
async fn one_peers_tls_failure_is_its_own() {
    let certificate = Certificate::new();
    let mut options = options(&certificate);
    options.handshake_timeout = Duration::from_millis(500);
    let server = Echo::start(options).await;
    // A client that does not trust the certificate, one that sends rubbish that
    // looks like TLS, one that hangs up within the handshake, and one that stops
    // in it.
    let stranger = Certificate::new().connector();
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    assert!(soon(stranger.connect(name, tcp)).await.is_err());
    Peer::connect(server.address)
        .await
        .send([0x16, 3, 1, 0, 4, 9, 9, 9, 9])
        .await;
    Peer::connect(server.address).await.send([0x16, 3, 1]).await;
    let mut slow = Peer::connect(server.address).await;
    slow.send([0x16, 3, 1, 2, 0]).await;
    assert_eq!(
        slow.read_to_end().await,
        "",
        "the time for TLS is limited too"
    );
    let mut good = connect(&server, &certificate).await;
    good.send(request("/", "")).await;
    assert!(good.read_head().await.starts_with("HTTP/1.1 101 "));
}

#[test]
fn what_is_wrong_with_a_certificate_is_told() {
    let (one, other) = (Certificate::new(), Certificate::new());
    let told = |chain: &str, key: &str| {
        let error = ServerTls::from_pem(chain, key).unwrap_err();
        assert_eq!(error.kind(), TlsErrorKind::Config);
        error.to_string()
    };
    assert!(told("", &one.key).contains("no certificate"));
    assert!(told(&one.key, &one.key).contains("no certificate"));
    assert!(told(&one.pem, "").contains("no private key"));
    assert!(told(&one.pem, &one.pem).contains("no private key"));
    assert!(told(&one.pem, &other.key).contains("not that of the certificate"));
    let error = ServerTls::from_pem_files("/nowhere/chain.pem", "/nowhere/key.pem").unwrap_err();
    assert!(error.to_string().contains("/nowhere/chain.pem"));
    // One text with both sections will do.
    let both = format!("{}{}", one.key, one.pem);
    assert!(ServerTls::from_pem(&both, &both).is_ok());
}
