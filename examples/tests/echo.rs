//! The example `echo`, talked to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/echo.rs"]
mod echo;

use longwire::{CloseCode, Message, Server};

#[tokio::test]
async fn what_is_sent_comes_back_until_the_client_closes() {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr());
    tokio::spawn(echo::serve(server));

    let mut ws = longwire::connect(url).await.unwrap();
    for message in [
        Message::from("grüße"),
        Message::from(vec![0, 255]),
        Message::from(""),
    ] {
        ws.send(message.clone()).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap(), message);
    }
    let info = ws.close(1000, "bye").await.unwrap();
    assert!(info.was_clean());
    assert_eq!((info.code(), info.reason()), (CloseCode::NORMAL, "bye"));
}
