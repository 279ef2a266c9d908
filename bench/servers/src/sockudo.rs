//! sockudo-ws.

use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request, server_handshake};
use sockudo_ws::protocol::Message;
use sockudo_ws::{CompressedWebSocketStream, Config, WebSocketStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

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

/// With permessage-deflate. On a bare stream it is for the program to negotiate
/// it.
pub(crate) fn echo_deflate() -> Result {
    serve_tcp(|stream| async { sink::echo(accept_deflate(stream).await?, is_data).await })
}

async fn accept_deflate<S: Stream>(mut stream: S) -> Result<CompressedWebSocketStream<S>> {
    let policy = DeflateConfig {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        compression_level: 1,
        compression_threshold: 0,
        ..DeflateConfig::default()
    };
    let mut head = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err("the request ended early".into());
        }
        let Some((request, _)) = parse_request(&head)? else {
            continue;
        };
        let offers = request.extensions.unwrap_or_default();
        let agreed = negotiate_server_deflate(offers, &policy).ok_or("no deflate was offered")?;
        let extension = agreed.to_response_header();
        let key = generate_accept_key(request.key);
        let response = build_response(&key, None, Some(&extension));
        stream.write_all(&response).await?;
        let config = Config::default();
        return Ok(CompressedWebSocketStream::server(
            stream,
            config,
            agreed.config,
        ));
    }
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
