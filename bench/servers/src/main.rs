//! The servers and clients that `cargo xtask bench` measures.
//!
//! `bench-servers echo NAME`, `deflate NAME`, `fan-out NAME` and `tls NAME` serve
//! on one thread, with the library's default settings and `TCP_NODELAY`, and
//! print the address that they listen on. A name that ends in `-batching` is the
//! same library as somebody writes it who has measured: answers are collected
//! while messages are at hand, and then flushed.
//!
//! `bench-servers client NAME ADDR:PORT ...` is a client: see [`clients`].

mod axum;
mod bare_tokio;
mod clients;
mod fan_out;
mod fastwebsockets;
mod listen;
mod longwire;
mod raw;
mod sink;
mod sockudo;
mod tls;
mod tokio_tungstenite;
mod tokio_websockets;
mod yawc;

use std::error::Error;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One measured server.
struct Server {
    name: &'static str,
    serve: fn() -> Result,
}

/// Sends back what comes.
const ECHO: &[Server] = &[
    // The limit: the same bytes without a protocol.
    server("raw", raw::echo),
    server("tokio", bare_tokio::echo),
    server("longwire", longwire::echo),
    server("longwire-handler", longwire::handler),
    server("longwire-streaming", longwire::echo_streaming),
    server("axum", axum::echo),
    server("axum-batching", axum::echo_batching),
    server("fastwebsockets", fastwebsockets::echo),
    server("sockudo-ws", sockudo::echo),
    server("sockudo-ws-batching", sockudo::echo_batching),
    server("socketioxide", fan_out::socketioxide::echo),
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

/// Sends back what comes, and compresses every message without context takeover
/// at level 1.
const DEFLATE: &[Server] = &[
    server("raw", raw::echo),
    server("longwire", longwire::echo_deflate),
    server("longwire-handler", longwire::handler_deflate),
    server("sockudo-ws", sockudo::echo_deflate),
    server("yawc", yawc::echo_deflate),
];

/// Sends what comes on one connection to all of them.
const FAN_OUT: &[Server] = &[
    server("raw", raw::fan_out),
    server("longwire", fan_out::longwire::fan_out),
    server("longwire-batching", fan_out::longwire::fan_out_batching),
    server("socketioxide", fan_out::socketioxide::fan_out),
    server("tokio-tungstenite", fan_out::tokio_tungstenite::over_sinks),
    server(
        "tokio-tungstenite-channels",
        fan_out::tokio_tungstenite::over_channels,
    ),
];

/// Sends back what comes, behind TLS.
const TLS: &[Server] = &[
    // The limit: rustls alone.
    server("rustls", tls::echo),
    server("longwire", longwire::echo_tls),
    server("longwire-handler", longwire::handler_tls),
    server("axum", axum::echo_tls),
    server("fastwebsockets", fastwebsockets::echo_tls),
    server("sockudo-ws", sockudo::echo_tls),
    server("tokio-tungstenite", tokio_tungstenite::echo_tls),
    server("tokio-websockets", tokio_websockets::echo_tls),
    server("yawc", yawc::echo_tls),
];

const fn server(name: &'static str, serve: fn() -> Result) -> Server {
    Server { name, serve }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["echo", name] => find(ECHO, name),
        ["deflate", name] => find(DEFLATE, name),
        ["fan-out", name] => find(FAN_OUT, name),
        ["tls", name] => find(TLS, name),
        ["client", name, address, ref load @ ..] => Some(clients::run(name, address, load)),
        _ => None,
    };
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{}: {error}", arguments.join(" "));
            ExitCode::FAILURE
        }
        None => usage(),
    }
}

fn find(servers: &[Server], name: &str) -> Option<Result> {
    let server = servers.iter().find(|server| server.name == name)?;
    Some((server.serve)())
}

fn usage() -> ExitCode {
    for (task, servers) in [
        ("echo", ECHO),
        ("deflate", DEFLATE),
        ("fan-out", FAN_OUT),
        ("tls", TLS),
    ] {
        for server in servers {
            eprintln!("bench-servers {task} {}", server.name);
        }
    }
    eprintln!("bench-servers client NAME ADDR:PORT -c N -i N -s BYTES -d SECONDS");
    ExitCode::from(2)
}
