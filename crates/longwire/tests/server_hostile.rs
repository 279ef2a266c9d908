//! Clients that are slow, silent or many.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use longwire::server::{AcceptError, Options, accept};
use server_peer::*;
use std::time::Duration;
use tokio::{net::TcpStream, time::Instant};

fn impatient(limit: Duration) -> Options {
    let mut options = Options::default();
    options.handshake_timeout = limit;
    options
}

#[tokio::test]
async fn a_head_that_trickles_in_gets_a_408() {
    let server = Echo::start(impatient(Duration::from_millis(300))).await;
    let mut slow = Peer::connect(server.address).await;
    let began = Instant::now();
    // Each byte comes early enough for a timeout that starts anew with it.
    for byte in b"GET / HTTP" {
        slow.send([*byte]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = slow.read_to_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_silent_connection_is_closed_without_a_word() {
    let server = Echo::start(impatient(Duration::from_millis(100))).await;
    let mut silent = Peer::connect(server.address).await;
    assert_eq!(silent.read_to_end().await, "");
}

#[tokio::test(start_paused = true)]
async fn the_timeout_says_how_far_the_request_came() {
    for (sent, told) in [("", 0), ("GET /", 5)] {
        let (near, far) = tokio::io::duplex(1024);
        let mut peer = Peer(far);
        peer.send(sent).await;
        let error = accept(near, &Options::default()).await.unwrap_err();
        assert!(
            matches!(error, AcceptError::Timeout { received } if received == told),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_thousand_silent_connections_keep_no_one_waiting() {
    let server = Echo::start(Options::default()).await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(Peer::connect(server.address).await);
    }
    let began = Instant::now();
    let mut good = Peer::open(server.address).await;
    good.echoes("hello").await;
    // Well below the 10 s after which the silent ones are dropped.
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn handshakes_are_bounded_and_the_others_get_their_turn() {
    let mut options = impatient(Duration::from_millis(500));
    options.max_handshakes = 2;
    let server = Echo::start(options).await;
    let began = Instant::now();
    let mut silent = [
        Peer::connect(server.address).await,
        Peer::connect(server.address).await,
    ];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut third = Peer::open(server.address).await;
    assert!(
        began.elapsed() >= Duration::from_millis(400),
        "there was no place before a silent one timed out"
    );
    third.echoes("hello").await;
    for peer in &mut silent {
        assert_eq!(peer.read_to_end().await, "");
    }
    // An open WebSocket takes no place.
    let mut more = Vec::new();
    for _ in 0..5 {
        more.push(Peer::open(server.address).await);
    }
    third.echoes("still here").await;
}

#[tokio::test]
async fn a_task_that_panics_harms_no_other() {
    let mut server = longwire::Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().tcp().unwrap();
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                assert_ne!(pending.request().path(), "/panic", "on purpose");
                let mut ws = pending.accept().await.unwrap();
                while let Some(Ok(message)) = ws.next().await {
                    ws.send(message).await.unwrap();
                }
            });
        }
    });
    let answer = Peer::exchange(address, request("/panic", "")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    Peer::open(address).await.echoes("hello").await;
}

/// Runs in a process of its own, in which there are few descriptors.
#[cfg(unix)]
#[test]
fn running_out_of_descriptors_pauses_accepting_and_recovers() {
    if is_child() {
        return block_on(few_descriptors());
    }
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    let test = "running_out_of_descriptors_pauses_accepting_and_recovers";
    run_in_child(&mut shell, test);
}

#[cfg(unix)]
async fn few_descriptors() {
    let server = Echo::start(Options::default()).await;
    let mut early = Peer::open(server.address).await;
    // Takes every descriptor; those of the server's ends are among them.
    let mut connections = Vec::new();
    let error = loop {
        match TcpStream::connect(server.address).await {
            Ok(connection) => connections.push(connection),
            Err(error) => break error,
        }
        assert!(connections.len() < 48, "the limit is not in force");
        tokio::task::yield_now().await;
    };
    assert_eq!(error.raw_os_error(), Some(24), "this is EMFILE: {error}");
    // One more waits in the backlog, and the server cannot take it in.
    drop(connections.pop());
    let waiting = TcpStream::connect(server.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Open connections do not notice.
    early.echoes("hello").await;
    connections.clear();
    let mut waiting = Peer(waiting);
    waiting.send(request("/", "")).await;
    assert!(waiting.read_head().await.starts_with("HTTP/1.1 101 "));
    waiting.echoes("hello").await;
}
