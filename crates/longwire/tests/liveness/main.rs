//! Who counts as dead and who does not, over real sockets and on both drivers.
//!
//! What a path does that is cut below TCP is tested in network namespaces:
//! `cargo xtask test network`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod cut;
mod servers;
mod slow;
mod stopped;

use longwire::Config;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// After so much silence a Ping is sent, and its answer awaited three times as
/// long.
const BEAT: Duration = Duration::from_millis(400);

/// A server that beats fast.
fn quick() -> Config {
    let mut config = Config::server();
    config.ping_interval = Some(BEAT);
    config.min_pong_timeout = BEAT * 3;
    config.pong_timeout = BEAT * 3;
    config
}

/// A bare peer, with its opening handshake done.
fn open(address: SocketAddr, path: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // So that the kernel takes little for a peer that does not read.
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
    socket
}

/// A frame of a few bytes, masked with zeros, which change nothing.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// Sends a text, and reads on until it comes back.
fn echo(socket: &mut TcpStream, text: &str) {
    socket.write_all(&frame(0x1, text.as_bytes())).unwrap();
    let mut echoed = vec![0x81, text.len() as u8];
    echoed.extend_from_slice(text.as_bytes());
    let mut read = Vec::new();
    while !read.ends_with(&echoed) {
        let mut bytes = [0; 4096];
        let len = socket.read(&mut bytes).unwrap();
        assert!(len > 0, "the connection has ended: {read:?}");
        read.extend_from_slice(&bytes[..len]);
    }
}
