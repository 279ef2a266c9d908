//! socketioxide, behind axum.

use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};

use crate::Result;
use crate::axum::serve_app;

/// An event goes back to who sent it.
pub(crate) fn echo() -> Result {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on("bench", async |socket: SocketRef, Data::<Value>(text)| {
            drop(socket.emit("bench", &text));
        });
    });
    serve_app(axum::Router::new().layer(layer))
}

/// An event goes to everybody.
pub(crate) fn fan_out() -> Result {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on("bench", async |io: SocketIo, Data::<Value>(text)| {
            drop(io.emit("bench", &text).await);
        });
    });
    serve_app(axum::Router::new().layer(layer))
}
