//! tokio-tungstenite.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async, accept_async_with_config};

use crate::listen::{Stream, serve_tcp};
use crate::tls::serve_tls;
use crate::{Result, sink};

pub(crate) fn echo() -> Result {
    serve_tcp(serve)
}

pub(crate) fn echo_tls() -> Result {
    serve_tls(serve)
}

async fn serve(stream: impl Stream) -> Result {
    sink::echo(accept_async(stream).await?, is_data).await
}

/// With a read buffer of 4 KiB in place of 128 KiB, which is half its cost.
pub(crate) fn echo_small_buffer() -> Result {
    serve_tcp(|stream| async {
        let ws = accept_async_with_config(stream, Some(small_buffer())).await?;
        sink::echo(ws, is_data).await
    })
}

pub(crate) fn echo_batching() -> Result {
    serve_tcp(|stream| async {
        let ws = accept_async_with_config(stream, Some(small_buffer())).await?;
        sink::echo_batching(ws, is_data).await
    })
}

fn small_buffer() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4096)
}

pub(crate) fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
