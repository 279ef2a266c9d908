//! The example `chat`, talked to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/chat.rs"]
mod chat;

use longwire::{Message, Server, WebSocket};
use std::time::Duration;

async fn room() -> String {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr());
    tokio::spawn(chat::serve(server));
    url
}

async fn next(ws: &mut WebSocket) -> Message {
    ws.next().await.unwrap().unwrap()
}

/// A client is open before it is in the room: says `greeting` until `listener`
/// hears it, as the speaker is in the room by then and the listener too.
async fn meet(speaker: &mut WebSocket, listener: &mut WebSocket, greeting: &str) {
    loop {
        speaker.send(greeting).await.unwrap();
        let heard = tokio::time::timeout(Duration::from_millis(20), listener.next());
        if heard.await.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn what_one_says_the_others_hear_in_order() {
    let url = room().await;
    let mut alice = longwire::connect(&url).await.unwrap();
    let mut bob = longwire::connect(&url).await.unwrap();
    meet(&mut alice, &mut bob, "are you there?").await;

    alice.send("one").await.unwrap();
    alice.send(vec![2]).await.unwrap();
    // Greetings that came after the first one may be under way.
    let mut heard = next(&mut bob).await;
    while heard.as_text() == Some("are you there?") {
        heard = next(&mut bob).await;
    }
    assert_eq!(heard, Message::from("one"));
    assert_eq!(next(&mut bob).await, Message::from(vec![2]));

    // The first that Alice hears is Bob: what she said did not come back.
    bob.send("three").await.unwrap();
    assert_eq!(next(&mut alice).await, Message::from("three"));
}

#[tokio::test]
async fn one_who_leaves_is_not_missed() {
    let url = room().await;
    let mut alice = longwire::connect(&url).await.unwrap();
    let mut bob = longwire::connect(&url).await.unwrap();
    let mut carol = longwire::connect(&url).await.unwrap();
    assert!(carol.close(1000, "").await.unwrap().was_clean());
    meet(&mut alice, &mut bob, "she left").await;
}
