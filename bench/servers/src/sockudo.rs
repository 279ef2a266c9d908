//! sockudo-ws.

use sockudo_ws::handshake::server_handshake;
use sockudo_ws::protocol::Message;
use sockudo_ws::{Config, WebSocketStream};

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
    sink::echo(accept(stream).await?, is_data).await
}

pub(crate) fn echo_batching() -> Result {
    serve_tcp(|stream| async { sink::echo_batching(accept(stream).await?, is_data).await })
}

async fn accept<S: Stream>(mut stream: S) -> Result<WebSocketStream<S>> {
    // The load generator sends nothing before the answer, so there is no leftover.
    server_handshake(&mut stream).await?;
    Ok(WebSocketStream::server(stream, Config::default()))
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
