//! Connections that only find out how long they may be silent.

use crate::{
    PING, PONG, answer, millis, open,
    running::{DRIVERS, Running, until},
    server_peer::*,
};
use longwire::{
    Config,
    proto::heartbeat::CanaryBudget,
    server::{AcceptError, Options, accept},
};

fn config(canaries: usize) -> Config {
    let mut config = Config::server();
    config.canaries = CanaryBudget::new(canaries).into();
    config
}

const CANARY: &str = "Longwire-Heartbeat: canary\r\n";

#[tokio::test]
async fn a_canary_is_answered_and_never_reaches_the_program() {
    for driver in DRIVERS {
        let mut config = config(10);
        config.ping_interval = Some(millis(50));
        let running = Running::start(driver, config).await;
        let (mut canary, told) = open(&running, "canary").await;
        assert_eq!(told.as_deref(), Some("watch=3600, canaries"), "{driver:?}");
        assert_eq!(running.config.canaries.open(), 1);
        // Somebody else is pinged meanwhile, and the canary is not.
        let (mut other, _) = open(&running, "").await;
        for _ in 0..3 {
            assert_eq!(other.read_frame().await.0, PING);
            other.send(frame(PONG, b"")).await;
        }
        for beat in [&b"anybody there?"[..], b""] {
            canary.send(frame(PING, beat)).await;
            assert_eq!(canary.read_frame().await, (PONG, beat.to_vec()));
        }
        assert_eq!(running.requests(), 1, "{driver:?}");
        assert!(running.connections().is_none_or(|count| count == 1));
        canary.send(close_frame(1000)).await;
        assert_eq!(canary.read_frame().await.0, 0x88);
        assert_eq!(canary.read_to_end().await, "");
        until(|| running.config.canaries.open() == 0).await;
        assert!(running.connections().is_none_or(|count| count == 1));
        assert_eq!(running.requests(), 1, "{driver:?}");
    }
}

#[tokio::test]
async fn there_are_no_more_than_there_may_be() {
    for driver in DRIVERS {
        let running = Running::start(driver, config(2)).await;
        let (first, _) = open(&running, "canary").await;
        let (_second, _) = open(&running, "canary").await;
        let refused = Peer::exchange(running.address, request("/", CANARY)).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.contains("as many canaries as it can"), "{refused}");
        assert_eq!(answer(&refused).as_deref(), Some("watch=3600, canaries"));
        // Cut off, it leaves its place all the same.
        drop(first);
        until(|| running.config.canaries.open() == 1).await;
        open(&running, "canary").await;
    }
}

#[tokio::test]
async fn where_they_are_forbidden_they_are_told_so() {
    for driver in DRIVERS {
        let running = Running::start(driver, config(0)).await;
        let refused = Peer::exchange(running.address, request("/", CANARY)).await;
        assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
        assert!(refused.contains("not welcome"), "{refused}");
        let told = answer(&refused);
        assert_eq!(told.as_deref(), Some("watch=3600, canaries=?0"));
        assert_eq!(running.requests(), 0);
    }
}

#[tokio::test]
async fn pages_of_other_origins_open_no_canaries() {
    for driver in DRIVERS {
        let running = Running::start(driver, config(10)).await;
        let foreign = format!("{CANARY}Origin: https://evil.example\r\n");
        let refused = Peer::exchange(running.address, request("/", &foreign)).await;
        assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
        assert_eq!(running.config.canaries.open(), 0);
    }
}

#[tokio::test]
async fn a_canary_that_sends_messages_is_closed() {
    for driver in DRIVERS {
        let running = Running::start(driver, config(10)).await;
        let (mut canary, _) = open(&running, "canary").await;
        canary.send(frame(0x81, b"hello")).await;
        let (first, payload) = canary.read_frame().await;
        assert_eq!((first, &payload[..2]), (0x88, &1008_u16.to_be_bytes()[..]));
        canary.send(close_frame(1008)).await;
        assert_eq!(canary.read_to_end().await, "");
        until(|| running.config.canaries.open() == 0).await;
        assert_eq!(running.requests(), 0);
    }
}

#[tokio::test]
async fn a_canary_that_is_silent_past_the_maximum_is_given_up() {
    for driver in DRIVERS {
        let mut config = config(10);
        config.max_silence = millis(300);
        let running = Running::start(driver, config).await;
        let (mut canary, told) = open(&running, "canary").await;
        assert_eq!(told.as_deref(), Some("watch=0.3, canaries"));
        assert_eq!(canary.read_to_end().await, "", "{driver:?}");
        until(|| running.config.canaries.open() == 0).await;
    }
}

#[tokio::test]
async fn a_shutdown_closes_canaries() {
    for driver in DRIVERS {
        let mut running = Running::start(driver, config(10)).await;
        let (mut canary, _) = open(&running, "canary").await;
        let canaries = std::sync::Arc::clone(&running.config.canaries);
        let watching = tokio::spawn(async move {
            let (first, payload) = canary.read_frame().await;
            assert_eq!((first, &payload[..2]), (0x88, &1001_u16.to_be_bytes()[..]));
            canary.send(close_frame(1001)).await;
            assert_eq!(canary.read_to_end().await, "");
        });
        running.shut_down().await;
        watching.await.unwrap();
        until(|| canaries.open() == 0).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_accepted_without_a_server_may_be_one() {
    let (near, far) = tokio::io::duplex(4096);
    let mut peer = Peer(far);
    peer.send(request("/x", CANARY)).await;
    let accepted = soon(accept(near, &Options::default())).await;
    assert!(matches!(accepted, Err(AcceptError::Canary)), "{accepted:?}");
    assert!(
        peer.read_head()
            .await
            .contains("Longwire-Heartbeat: watch=")
    );
    peer.send(frame(PING, b"?")).await;
    assert_eq!(peer.read_frame().await, (PONG, b"?".to_vec()));
}
