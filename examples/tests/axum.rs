//! The example `axum`, talked to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "`main` is not called")]
#[path = "../examples/axum.rs"]
mod example;

use longwire::WebSocket;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn app() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, example::app()).await });
    address
}

/// What a plain HTTP client gets.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn next_text(ws: &mut WebSocket) -> String {
    let message = ws.next().await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}

#[tokio::test]
async fn visitors_see_each_other_come_and_go_and_the_page_counts_them() {
    let address = app().await;
    assert!(get(address, "/visitors").await.ends_with("\r\n\r\n0\n"));

    let url = format!("ws://{address}/visitors/live");
    let mut first = longwire::connect(&url).await.unwrap();
    assert_eq!(next_text(&mut first).await, "1");
    let second = longwire::connect(&url).await.unwrap();
    assert_eq!(next_text(&mut first).await, "2");
    assert!(get(address, "/visitors").await.ends_with("\r\n\r\n2\n"));
    drop(second);
    assert_eq!(next_text(&mut first).await, "1");
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_so() {
    let answer = get(app().await, "/visitors/live").await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.contains("Upgrade: websocket"), "{answer}");
}
