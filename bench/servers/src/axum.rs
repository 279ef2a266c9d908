//! axum, whose WebSockets are tokio-tungstenite's behind hyper.

use std::io;
use std::net::SocketAddr;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use axum::serve::{Listener, ListenerExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::listen::{ADDRESS, announce, block_on};
use crate::{Result, sink, tls};

pub(crate) fn echo() -> Result {
    serve(any(upgrade))
}

pub(crate) fn echo_batching() -> Result {
    serve(any(upgrade_batching))
}

fn serve(route: MethodRouter) -> Result {
    serve_app(axum::Router::new().route("/", route))
}

pub(crate) fn serve_app(app: axum::Router) -> Result {
    block_on(async move {
        let listener = TcpListener::bind(ADDRESS).await?;
        announce(listener.local_addr()?);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, app).await?)
    })
}

pub(crate) fn echo_tls() -> Result {
    block_on(async move {
        let tcp = TcpListener::bind(ADDRESS).await?;
        announce(tcp.local_addr()?);
        let tls = TlsAcceptor::from(tls::config()?);
        let app = axum::Router::new().route("/", any(upgrade));
        Ok(axum::serve(TlsListener { tcp, tls }, app).await?)
    })
}

/// axum itself has no TLS; a listener may.
struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            drop(stream.set_nodelay(true));
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
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
