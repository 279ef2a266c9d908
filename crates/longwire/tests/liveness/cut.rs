//! A path that is cut, behind a box that acknowledges what it takes: then only a
//! Ping that is not answered tells.

use crate::{
    BEAT, PATIENCE, quick,
    servers::{DRIVERS, Running},
};
use longwire::{CloseCause, Connector, WebSocket};
use std::time::{Duration, Instant};
use testkit::Middlebox;
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};

/// A beat, the time that it may take to be answered, and what timers are late.
const NOTICED: Duration = BEAT.saturating_mul(5);

/// Runs until the connection has ended, and says why.
async fn ended(mut ws: WebSocket, busy: bool) -> CloseCause {
    loop {
        if busy && ws.send("there and back").await.is_err() {
            break;
        }
        match ws.next().await {
            Some(Ok(_)) => sleep(BEAT / 20).await,
            _ => break,
        }
    }
    ws.close_info().unwrap().cause
}

#[test]
fn both_ends_notice_a_cut_idle_or_busy() {
    for driver in DRIVERS {
        let running = Running::start(driver, quick());
        Runtime::new().unwrap().block_on(is_cut(&running));
    }
}

async fn is_cut(running: &Running) {
    let path = Middlebox::before(running.address).await.unwrap();
    let url = format!("ws://{}/", path.address());
    let connector = Connector::builder().config(quick()).build().unwrap();
    let mut clients = Vec::new();
    for busy in [false, true] {
        let ws = connector.connect(&*url).await.unwrap();
        clients.push(tokio::spawn(ended(ws, busy)));
    }
    // It lives as long as the path does.
    sleep(BEAT * 6).await;
    running.assert_alive();
    assert!(clients.iter().all(|client| !client.is_finished()));

    path.cut();
    let start = Instant::now();
    for client in clients {
        let cause = timeout(PATIENCE, client).await.unwrap().unwrap();
        assert_eq!(cause, CloseCause::KeepaliveTimeout);
    }
    let noticed = start.elapsed();
    for _ in 0..2 {
        assert_eq!(running.end().cause, CloseCause::KeepaliveTimeout);
    }
    // Much later only if the machine is busy.
    let generous = NOTICED * 10;
    assert!(noticed < generous, "{noticed:?}");
}
