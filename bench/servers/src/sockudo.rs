//! sockudo-ws.

use std::net::SocketAddr;

use sockudo_ws::handshake::server_handshake;
use sockudo_ws::protocol::Message;
use sockudo_ws::{Config, WebSocketStream};
use tokio::net::TcpStream;

use crate::{Result, listen::serve_tcp, sink};

pub(crate) fn echo(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        sink::echo(accept(stream).await?, is_data).await
    })
}

pub(crate) fn echo_batching(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        sink::echo_batching(accept(stream).await?, is_data).await
    })
}

async fn accept(mut stream: TcpStream) -> Result<WebSocketStream<TcpStream>> {
    // The load generator sends nothing before the answer, so there is no leftover.
    server_handshake(&mut stream).await?;
    Ok(WebSocketStream::server(stream, Config::default()))
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
