//! The servers that `cargo xtask bench` measures: `bench-servers NAME [ADDR:PORT]`.
//!
//! Each echoes, on one thread, with its library's default settings and
//! `TCP_NODELAY`, and prints the address that it listens on. A name that ends in
//! `-batching` is the same library as somebody writes it who has measured:
//! answers are collected while messages are at hand, and then flushed.

mod axum;
mod bare_tokio;
mod fastwebsockets;
mod listen;
mod longwire;
mod raw;
mod sink;
mod sockudo;
mod tokio_tungstenite;
mod tokio_websockets;
mod yawc;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One measured server.
struct Server {
    name: &'static str,
    serve: fn(SocketAddr) -> Result,
}

const SERVERS: &[Server] = &[
    // The limit: the same bytes without a protocol.
    server("raw", raw::echo),
    server("tokio", bare_tokio::echo),
    server("longwire", longwire::echo),
    server("longwire-handler", longwire::handler),
    server("axum", axum::echo),
    server("axum-batching", axum::echo_batching),
    server("fastwebsockets", fastwebsockets::echo),
    server("sockudo-ws", sockudo::echo),
    server("sockudo-ws-batching", sockudo::echo_batching),
    server("tokio-tungstenite", tokio_tungstenite::echo),
    server("tokio-tungstenite-4k", tokio_tungstenite::echo_small_buffer),
    server(
        "tokio-tungstenite-batching",
        tokio_tungstenite::echo_batching,
    ),
    server("tokio-websockets", tokio_websockets::echo),
    server("tokio-websockets-batching", tokio_websockets::echo_batching),
    server("yawc", yawc::echo),
    server("yawc-batching", yawc::echo_batching),
];

const fn server(name: &'static str, serve: fn(SocketAddr) -> Result) -> Server {
    Server { name, serve }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let Some(server) = SERVERS.iter().find(|server| server.name == name) else {
        eprintln!("usage: bench-servers NAME [ADDR:PORT]\nnames:");
        SERVERS.iter().for_each(|each| eprintln!("  {}", each.name));
        return ExitCode::from(2);
    };
    let served = address
        .parse()
        .map_err(Into::into)
        .and_then(|address| (server.serve)(address));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}
