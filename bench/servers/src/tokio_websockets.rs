//! tokio-websockets.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_websockets::{Message, ServerBuilder};

use crate::{Result, listen::serve_tcp, sink};

pub(crate) fn echo(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        let (_, ws) = ServerBuilder::new().accept(stream).await?;
        sink::echo(ws, is_data).await
    })
}

pub(crate) fn echo_batching(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        let (_, ws) = ServerBuilder::new().accept(stream).await?;
        sink::echo_collecting(ws, is_data).await
    })
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
