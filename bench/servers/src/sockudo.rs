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

/// With permessage-deflate where the client offers it. On a bare stream it is for
/// the program to negotiate.
pub(crate) fn echo_deflate() -> Result {
    serve_tcp(serve_deflate)
}

async fn serve_deflate(mut stream: impl Stream) -> Result {
    let policy = DeflateConfig {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        compression_level: 1,
        compression_threshold: 0,
        ..DeflateConfig::default()
    };
    let mut head = Vec::with_capacity(4096);
    let (agreed, response) = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err("the request ended early".into());
        }
        if let Some((request, _)) = parse_request(&head)? {
            let offers = request.extensions;
            let agreed = offers.and_then(|offers| negotiate_server_deflate(offers, &policy));
            let extension = agreed.as_ref().map(|agreed| agreed.to_response_header());
            let key = generate_accept_key(request.key);
            break (agreed, build_response(&key, None, extension.as_deref()));
        }
    };
    drop(head);
    stream.write_all(&response).await?;
    let config = Config::default();
    match agreed {
        Some(agreed) => {
            let ws = CompressedWebSocketStream::server(stream, config, agreed.config);
            sink::echo(ws, is_data).await
        }
        None => sink::echo(WebSocketStream::server(stream, config), is_data).await,
    }
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
