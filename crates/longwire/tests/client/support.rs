//! Scripted servers: what they do on each connection is a closure of the test.

use longwire::proto::handshake::accept_key;
use std::{future::Future, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Serves every connection on a free port of 127.0.0.1 with `script`. The server
/// ends with the test's runtime.
pub(crate) async fn serve<F>(script: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    serve_on("127.0.0.1:0", script).await
}

pub(crate) async fn serve_on<F>(
    address: &str,
    script: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(script(stream));
        }
    });
    address
}

/// Answers every request with these bytes, and closes.
pub(crate) async fn serve_bytes(response: impl Into<Vec<u8>>) -> SocketAddr {
    let response = response.into();
    serve(move |mut stream| {
        let response = response.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(&response).await.unwrap();
        }
    })
    .await
}

/// Accepts every WebSocket, with these header lines more in the answer; echoes
/// the head of the request in a text message, and then waits for the end.
pub(crate) async fn serve_heads(headers: &'static str) -> SocketAddr {
    serve(move |stream| tell_head(stream, headers)).await
}

/// See [`serve_heads`].
pub(crate) async fn tell_head(mut stream: impl AsyncRead + AsyncWrite + Unpin, headers: &str) {
    let head = read_head(&mut stream).await;
    let mut answer = switching(&head, headers);
    answer.extend(text_frame(&head));
    stream.write_all(&answer).await.unwrap();
    stream.flush().await.unwrap();
    // The client's end of the connection is none of the script's business.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// Reads a request up to the empty line.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The answer that opens a WebSocket.
pub(crate) fn switching(head: &str, headers: &str) -> Vec<u8> {
    let accept = accept_key(header(head, "Sec-WebSocket-Key").unwrap());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A whole text message of a server.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length @ ..=125) => frame.push(length),
        _ => {
            frame.push(126);
            frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

/// A header of a request.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(each, value)| (each == name).then_some(value))
}

/// The next message, as text.
pub(crate) async fn next_text(websocket: &mut longwire::WebSocket) -> String {
    let message = websocket.next().await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}
