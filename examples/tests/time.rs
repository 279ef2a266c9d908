//! The example `time`, talked to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/time.rs"]
mod time;

use longwire::{Server, WebSocket};
use std::time::Duration;

async fn next_text(ws: &mut WebSocket) -> String {
    let message = ws.next().await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}

#[tokio::test]
async fn the_time_comes_at_once_and_again_and_chatter_is_answered() {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr());
    tokio::spawn(time::serve(server, Duration::from_millis(20)));

    let mut ws = longwire::connect(url).await.unwrap();
    let first: u64 = next_text(&mut ws).await.parse().unwrap();
    let second: u64 = next_text(&mut ws).await.parse().unwrap();
    assert!(first > 1_700_000_000 && first <= second, "{first} {second}");

    ws.send("hello?").await.unwrap();
    while next_text(&mut ws).await != "nobody listens here" {}
    assert!(ws.close(1000, "").await.unwrap().was_clean());
}
