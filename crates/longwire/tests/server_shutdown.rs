//! Leaving in good order.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use longwire::server::{Options, Server};
use server_peer::*;
use std::time::Duration;
use tokio::{net::TcpStream, time::Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// The payload of the Close frame of a server that shuts down.
fn going_away() -> Vec<u8> {
    [&1001_u16.to_be_bytes()[..], b"the server shuts down"].concat()
}

#[tokio::test]
async fn shutdown_closes_every_connection_with_1001_and_completes() {
    let server = Echo::start(Options::default()).await;
    let mut peers = Vec::new();
    for _ in 0..200 {
        peers.push(Peer::open(server.address).await);
    }
    peers[7].echoes("before").await;
    let began = Instant::now();
    let handle = server.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown(LIMIT).await });
    for peer in &mut peers {
        assert_eq!(peer.read_frame().await, (0x88, going_away()));
        peer.send(close_frame(1001)).await;
        assert_eq!(peer.read_to_end().await, "");
    }
    assert_eq!(shutdown.await.unwrap(), 0);
    assert!(began.elapsed() < LIMIT);
    // `accept` gives `None`, so that the program's loop ends.
    soon(server.serving).await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn shutdown_waits_for_a_silent_peer_no_longer_than_it_may() {
    let server = Echo::start(Options::default()).await;
    let mut silent = Peer::open(server.address).await;
    let open = soon(server.handle.shutdown(Duration::from_millis(100))).await;
    assert_eq!(open, 1);
    assert!(server.handle.is_shutting_down());
    assert_eq!(silent.read_frame().await, (0x88, going_away()));
    // It was asked to go all the same; when it does, nothing is left.
    silent.send(close_frame(1001)).await;
    assert_eq!(silent.read_to_end().await, "");
    assert_eq!(soon(server.handle.shutdown(LIMIT)).await, 0);
}

#[tokio::test]
async fn what_comes_during_the_shutdown_is_turned_away() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    let connect = async || {
        let mut peer = Peer::connect(address).await;
        peer.send(request("/", "")).await;
        peer
    };
    // One is with the program and undecided, and one waits to be taken.
    let mut first = connect().await;
    let pending = soon(server.accept()).await.unwrap();
    let mut second = connect().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(soon(server.shutdown(LIMIT)).await, 0);
    assert!(second.read_to_end().await.starts_with("HTTP/1.1 503 "));
    let mut ws = pending.accept().await.unwrap();
    assert!(first.read_head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(first.read_frame().await, (0x88, going_away()));
    first.send(close_frame(1001)).await;
    assert!(soon(ws.next()).await.is_none());
}

#[tokio::test]
async fn after_a_shutdown_nothing_is_accepted_and_who_waits_is_told() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let mut peer = Peer::connect(server.local_addr().tcp().unwrap()).await;
    peer.send(request("/", "")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(soon(server.handle().shutdown(LIMIT)).await, 0);
    assert!(soon(server.accept()).await.is_none());
    assert!(peer.read_to_end().await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn dropping_the_server_stops_listening_and_leaves_connections_alone() {
    let mut server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    let client = tokio::spawn(Peer::open(address));
    let mut ws = soon(server.accept()).await.unwrap().accept().await.unwrap();
    let mut peer = client.await.unwrap();
    drop(server);
    soon(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    ws.send("still here").await.unwrap();
    assert_eq!(peer.read_frame().await.1, b"still here");
}

#[tokio::test]
async fn closed_connections_are_not_kept_account_of() {
    let server = Echo::start(Options::default()).await;
    for _ in 0..300 {
        let mut peer = Peer::open(server.address).await;
        peer.send(close_frame(1000)).await;
        peer.read_frame().await;
        assert_eq!(peer.read_to_end().await, "");
    }
    let told = format!("{:?}", server.handle);
    let kept: usize = told
        .split("closers: ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no number in {told}"));
    assert!(kept <= 64, "{kept} of 300 closed connections are kept");
}
