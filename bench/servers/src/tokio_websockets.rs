//! tokio-websockets.

use tokio_websockets::{Message, ServerBuilder};

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
    let (_, ws) = ServerBuilder::new().accept(stream).await?;
    sink::echo(ws, is_data).await
}

pub(crate) fn echo_batching() -> Result {
    serve_tcp(|stream| async {
        let (_, ws) = ServerBuilder::new().accept(stream).await?;
        sink::echo_collecting(ws, is_data).await
    })
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
