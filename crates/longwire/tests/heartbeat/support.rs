//! Scripted servers: what they do once a WebSocket is open is a closure of the
//! test.

use longwire::{Config, Role, WebSocket, proto::handshake::accept_key};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

/// Opens every WebSocket and leaves it to `script`, with the head of its
/// request. Gives the URL.
pub(crate) async fn serve<F>(script: impl Fn(TcpStream, String) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    serve_with("", script).await
}

/// The same, with these header lines more in the answer.
pub(crate) async fn serve_with<F>(
    headers: &'static str,
    script: impl Fn(TcpStream, String) -> F + Send + 'static,
) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = open(&mut stream, headers).await;
            tokio::spawn(script(stream, head));
        }
    });
    url
}

/// Makes the opening handshake. Gives the head of the request.
async fn open(stream: &mut TcpStream, headers: &str) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let accept = accept_key(header(&head, "Sec-WebSocket-Key").unwrap());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    head
}

/// Speaks for a server that only answers, and pings after so much silence if it
/// is to, until the connection ends.
pub(crate) async fn answer(stream: TcpStream, ping_interval: Option<Duration>) {
    let mut config = Config::server();
    config.ping_interval = ping_interval;
    let mut ws = WebSocket::from_stream(stream, Role::Server, config, b"");
    while ws.next().await.is_some() {}
}

/// A header of a request.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(each, value)| (each == name).then_some(value))
}
