//! Leaving step by step, on tasks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use longwire::{
    Drain,
    reconnecting::{Event, ReconnectWindow, reconnecting},
    server::{Listener, Options},
};
use server_peer::*;
use std::{sync::mpsc, time::Duration};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(20);

fn window(from: u64, to: u64) -> ReconnectWindow {
    ReconnectWindow {
        from: Duration::from_secs(from),
        to: Duration::from_secs(to),
    }
}

/// The code and the reason of a Close frame's payload.
fn close_of(payload: &[u8]) -> (u16, String) {
    let code = u16::from_be_bytes([payload[0], payload[1]]);
    (code, String::from_utf8(payload[2..].to_vec()).unwrap())
}

#[tokio::test]
async fn connections_are_closed_in_order_and_told_their_part_of_the_window() {
    const PEERS: u32 = 40;
    const OVER: Duration = Duration::from_secs(2);
    let server = Echo::start(Options::default()).await;
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        peers.push(Peer::open(server.address).await);
    }
    let began = Instant::now();
    let handle = server.handle.clone();
    let drain = Drain::restarting(OVER, window(10, 50));
    let draining = tokio::spawn(async move { handle.drain(drain, LIMIT).await });
    let mut last = window(0, 0);
    for (place, peer) in (0..).zip(&mut peers) {
        let (opcode, payload) = peer.read_frame().await;
        let elapsed = began.elapsed();
        assert_eq!(opcode, 0x88);
        let (code, reason) = close_of(&payload);
        assert_eq!(code, 1012);
        assert!(reason.starts_with("the server restarts; "), "{reason}");
        // Never before its time, whatever else the machine does.
        assert!(elapsed + Duration::from_millis(100) >= OVER * place / PEERS);
        let told = ReconnectWindow::in_reason(&reason).unwrap();
        // The window's part, counted from when it was closed: that was not
        // before it was due, and not after it was read.
        let part = |place: u32| Duration::from_secs(10) + Duration::from_secs(1) * place;
        assert!(told.from <= part(place), "{place}: {told}");
        assert!(
            told.to + elapsed + Duration::from_millis(10) >= part(place + 1),
            "{place}: {told}"
        );
        assert!(told.to >= last.from, "{place}: {told} after {last}");
        last = told;
        // Others go on meanwhile.
        if place + 1 < PEERS / 2 {
            peer.send(close_frame(1012)).await;
        }
    }
    assert!(last.to > Duration::from_secs(40), "{last}");
    assert!(!draining.is_finished(), "half of them have not answered");
    for peer in &mut peers[PEERS as usize / 2 - 1..] {
        peer.send(close_frame(1012)).await;
    }
    drop(peers);
    assert_eq!(soon(draining).await.unwrap(), 0);
    soon(server.serving).await.unwrap();
}

#[tokio::test]
async fn who_is_not_closed_yet_is_served() {
    let server = Echo::start(Options::default()).await;
    let mut first = Peer::open(server.address).await;
    let mut second = Peer::open(server.address).await;
    let handle = server.handle.clone();
    let drain = Drain::leaving(Duration::from_secs(3600), window(0, 3600));
    let draining = tokio::spawn(async move { handle.drain(drain, LIMIT).await });
    let (code, reason) = close_of(&first.read_frame().await.1);
    assert_eq!(code, 1001);
    assert!(
        reason.starts_with("the server shuts down; reconnect in 0-"),
        "{reason}"
    );
    second.echoes("still here").await;
    assert!(
        tokio::net::TcpStream::connect(server.address)
            .await
            .is_err()
    );
    // Told to hurry, it closes the rest at once, and the drain ends too.
    let handle = server.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown(LIMIT).await });
    let (code, reason) = close_of(&second.read_frame().await.1);
    assert_eq!((code, &*reason), (1001, "the server shuts down"));
    for peer in [&mut first, &mut second] {
        peer.send(close_frame(1001)).await;
    }
    drop((first, second));
    assert_eq!(soon(shutdown).await.unwrap(), 0);
    assert_eq!(soon(draining).await.unwrap(), 0);
}

#[tokio::test]
async fn it_ends_early_without_connections_and_goes_on_when_nobody_waits() {
    let long = Drain::leaving(Duration::from_secs(3600), window(0, 3600));
    let server = Echo::start(Options::default()).await;
    assert_eq!(soon(server.handle.drain(long, LIMIT)).await, 0);

    let server = Echo::start(Options::default()).await;
    let mut peer = Peer::open(server.address).await;
    let drain = Drain::leaving(Duration::from_millis(500), window(1, 2));
    let handle = server.handle.clone();
    let waiting = tokio::spawn(async move { handle.drain(drain, LIMIT).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    waiting.abort();
    let (code, _) = close_of(&peer.read_frame().await.1);
    assert_eq!(code, 1001);
}

/// What a drain tells is what our client does.
#[tokio::test]
async fn reconnecting_clients_come_back_to_the_next_server_when_they_were_told() {
    let first = Echo::start(Options::default()).await;
    let address = first.address;
    let (tell, told) = mpsc::channel();
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let tell = tell.clone();
        let client = reconnecting(format!("ws://{address}/"))
            .on_event(move |event| match event {
                Event::Lost { next_try_in, .. } => {
                    tell.send((began.elapsed(), Some(*next_try_in))).unwrap();
                }
                Event::Connecting { .. } => tell.send((began.elapsed(), None)).unwrap(),
                _ => {}
            })
            .build()
            .unwrap();
        soon(client.opened()).await;
        clients.push(client);
    }
    assert_eq!(told.try_iter().count(), 20);
    let from = began.elapsed();
    let drain = Drain::restarting(Duration::from_secs(1), window(2, 4));
    assert_eq!(soon(first.handle.drain(drain, LIMIT)).await, 0);
    // Nobody was early, so all meet the next one.
    let listener = Listener::bind(address).await.unwrap();
    let _second = Echo::on(listener, Options::default());
    for client in &mut clients {
        client.send("back").await.unwrap();
        let echo = soon(client.next()).await.unwrap().unwrap();
        assert_eq!(echo.as_text(), Some("back"));
    }
    let events: Vec<(Duration, Option<Duration>)> = told.try_iter().collect();
    let planned = events.iter().filter_map(|(at, wait)| Some(*at + (*wait)?));
    let slack = Duration::from_millis(100);
    let mut count = 0;
    for moment in planned {
        count += 1;
        assert!(
            moment + slack >= from + Duration::from_secs(2),
            "{moment:?}"
        );
    }
    assert_eq!(count, 20, "each was lost once");
    let tries = events.iter().filter(|(_, wait)| wait.is_none());
    assert_eq!(tries.count(), 20, "and tried once");
}
