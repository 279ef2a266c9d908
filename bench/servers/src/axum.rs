//! axum, whose WebSockets are tokio-tungstenite's behind hyper.

use std::net::SocketAddr;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use axum::serve::ListenerExt as _;

use crate::listen::{announce, block_on};
use crate::{Result, sink};

pub(crate) fn echo(address: SocketAddr) -> Result {
    serve(address, any(upgrade))
}

pub(crate) fn echo_batching(address: SocketAddr) -> Result {
    serve(address, any(upgrade_batching))
}

fn serve(address: SocketAddr, route: MethodRouter) -> Result {
    block_on(async move {
        let listener = tokio::net::TcpListener::bind(address).await?;
        announce(listener.local_addr()?);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let app = axum::Router::new().route("/", route);
        Ok(axum::serve(listener, app).await?)
    })
}

async fn upgrade(request: WebSocketUpgrade) -> Response {
    request.on_upgrade(|ws: WebSocket| async { drop(sink::echo(ws, is_data).await) })
}

async fn upgrade_batching(request: WebSocketUpgrade) -> Response {
    request
        .read_buffer_size(4096)
        .on_upgrade(|ws: WebSocket| async { drop(sink::echo_batching(ws, is_data).await) })
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}
