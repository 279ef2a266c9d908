//! Who beats, and canaries: the same on the async server and on the event loops.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canaries;
mod running;
#[path = "../server_peer/mod.rs"]
mod server_peer;

use longwire::{CloseCause, Config};
use running::{DRIVERS, Running};
use server_peer::*;
use std::time::Duration;

const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A client that says this in the header, and what it is answered there.
async fn open(running: &Running, said: &str) -> (Peer, Option<String>) {
    let mut peer = Peer::connect(running.address).await;
    let said = match said {
        "" => String::new(),
        _ => format!("Longwire-Heartbeat: {said}\r\n"),
    };
    peer.send(request("/", &said)).await;
    let head = peer.read_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let answer = answer(&head);
    (peer, answer)
}

fn answer(head: &str) -> Option<String> {
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix("Longwire-Heartbeat: "));
    value.map(ToOwned::to_owned)
}

#[tokio::test]
async fn the_server_tells_those_who_ask_how_it_beats() {
    let config = |change: fn(&mut Config)| {
        let mut config = Config::server();
        change(&mut config);
        config
    };
    for (config, said, expected) in [
        (config(|_| {}), "", None),
        (config(|_| {}), "?1", None),
        (config(|_| {}), "client, canary", None),
        (config(|_| {}), "client", Some("watch=3600, canaries")),
        (
            config(|_| {}),
            "client; later=1",
            Some("watch=3600, canaries"),
        ),
        (config(|_| {}), "ask", Some("ping=25, timeout=20, canaries")),
        (
            config(|config| config.max_silence = millis(1_800_500)),
            "client",
            Some("watch=1800.5, canaries"),
        ),
        (
            config(|config| {
                config.ping_interval = None;
                config.canaries = longwire::proto::heartbeat::CanaryBudget::new(0).into();
            }),
            "something-later",
            Some("canaries=?0"),
        ),
    ] {
        for driver in DRIVERS {
            let running = Running::start(driver, config.clone()).await;
            let (mut peer, told) = open(&running, said).await;
            assert_eq!(told.as_deref(), expected, "{driver:?}: {said}");
            peer.echoes("hello").await;
        }
    }
}

#[tokio::test]
async fn a_client_that_keeps_the_connection_alive_is_not_pinged() {
    for driver in DRIVERS {
        let mut config = Config::server();
        config.ping_interval = Some(millis(100));
        let running = Running::start(driver, config).await;
        let (mut own, _) = open(&running, "client").await;
        for said in ["", "ask"] {
            let (mut other, _) = open(&running, said).await;
            for _ in 0..3 {
                let (first, payload) = other.read_frame().await;
                assert_eq!(first, PING, "{driver:?}");
                other.send(frame(PONG, &payload)).await;
            }
        }
        // Several intervals later nothing has come but the answer to its own.
        own.send(frame(PING, b"beat")).await;
        let answer = own.read_frame().await;
        assert_eq!(answer, (PONG, b"beat".to_vec()), "{driver:?}");
        own.echoes("hello").await;
    }
}

#[tokio::test]
async fn a_client_that_stops_to_beat_is_gone_after_the_maximum() {
    for driver in DRIVERS {
        let mut config = Config::server();
        config.max_silence = millis(500);
        let running = Running::start(driver, config).await;
        let began = std::time::Instant::now();
        let (mut silent, told) = open(&running, "client").await;
        assert_eq!(told.as_deref(), Some("watch=0.5, canaries"));
        // Nobody is there to be told: TCP ends without a Close frame.
        assert_eq!(silent.read_to_end().await, "", "{driver:?}");
        assert!(began.elapsed() >= millis(500), "{driver:?}");
        let causes = running.ends(1).await;
        assert_eq!(causes, [CloseCause::KeepaliveTimeout], "{driver:?}");
    }
}
