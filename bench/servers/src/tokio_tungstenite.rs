//! tokio-tungstenite.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async, accept_async_with_config};

use crate::{Result, listen::serve_tcp, sink};

pub(crate) fn echo(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        sink::echo(accept_async(stream).await?, is_data).await
    })
}

/// With a read buffer of 4 KiB in place of 128 KiB, which is half its cost.
pub(crate) fn echo_small_buffer(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        let config = WebSocketConfig::default().read_buffer_size(4096);
        sink::echo(
            accept_async_with_config(stream, Some(config)).await?,
            is_data,
        )
        .await
    })
}

pub(crate) fn echo_batching(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| async {
        let config = WebSocketConfig::default().read_buffer_size(4096);
        sink::echo_batching(
            accept_async_with_config(stream, Some(config)).await?,
            is_data,
        )
        .await
    })
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
