//! Sockets other than a TCP port of one's own.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;

use longwire::server::{Address, Listener, Options};
use server_peer::*;
use std::{
    net::TcpListener as StdTcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener as StdUnixListener},
    path::PathBuf,
    process::{Command, Stdio},
};
use tokio::net::{TcpStream, UnixStream};

/// A path for a socket, in a directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let name = format!("longwire-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Place(directory)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[tokio::test]
async fn a_unix_socket_serves_and_goes_with_the_server() {
    let place = Place::new("serves");
    let path = place.socket();
    let listener = Listener::unix(&path).await.unwrap();
    assert_eq!(listener.local_addr(), &Address::Unix(Some(path.clone())));
    let server = Echo::on(listener, Options::default());
    let mut peer = Peer(UnixStream::connect(&path).await.unwrap());
    peer.send(request("/", "")).await;
    assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
    peer.echoes("hello").await;
    let handle = server.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown(std::time::Duration::MAX / 4).await });
    assert_eq!(peer.read_frame().await.0, 0x88);
    peer.send(close_frame(1001)).await;
    assert_eq!(peer.read_to_end().await, "");
    assert_eq!(soon(shutdown).await.unwrap(), 0);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_nothing_else() {
    let place = Place::new("left-behind");
    let path = place.socket();
    drop(StdUnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::unix(&path).await.unwrap();
    let error = Listener::unix(&path).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "it is in use");
    drop(listener);
    std::fs::write(&path, "precious").unwrap();
    assert!(Listener::unix(&path).await.is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

/// Starts this test binary again with sockets that it inherits, by the
/// protocol of systemd's socket activation (sd_listen_fds(3)).
fn run_with_inherited(test: &str, socket: OwnedFd) {
    let script = "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .stdin(Stdio::from(socket));
    run_in_child(&mut shell, test);
}

#[test]
fn an_inherited_tcp_socket_serves() {
    if !is_child() {
        let socket = StdTcpListener::bind("127.0.0.1:0").unwrap();
        return run_with_inherited("an_inherited_tcp_socket_serves", socket.into());
    }
    block_on(async {
        let mut listeners = Listener::inherited().unwrap();
        assert_eq!(listeners.len(), 1);
        assert!(std::env::var_os("LISTEN_FDS").is_none());
        let server = Echo::on(listeners.remove(0), Options::default());
        let mut peer = Peer(TcpStream::connect(server.address).await.unwrap());
        peer.send(request("/", "")).await;
        assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
        peer.echoes("hello").await;
        assert!(Listener::inherited().unwrap().is_empty(), "they are taken");
    });
}

#[test]
fn an_inherited_unix_socket_serves() {
    if !is_child() {
        let place = Place::new("inherited");
        let socket = StdUnixListener::bind(place.socket()).unwrap();
        return run_with_inherited("an_inherited_unix_socket_serves", socket.into());
    }
    block_on(async {
        let listener = Listener::inherited().unwrap().remove(0);
        let Address::Unix(Some(path)) = listener.local_addr().clone() else {
            panic!("{listener:?} is no Unix socket with a path");
        };
        let _server = Echo::on(listener, Options::default());
        let mut peer = Peer(UnixStream::connect(&path).await.unwrap());
        peer.send(request("/", "")).await;
        assert!(peer.read_head().await.starts_with("HTTP/1.1 101 "));
        peer.echoes("hello").await;
    });
}

#[test]
fn an_inherited_descriptor_that_is_no_socket_is_an_error() {
    if !is_child() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let test = "an_inherited_descriptor_that_is_no_socket_is_an_error";
        return run_with_inherited(test, file.into());
    }
    block_on(async {
        let error = Listener::inherited().unwrap_err();
        assert!(error.to_string().contains("LISTEN_FDS"), "{error}");
    });
}

#[test]
fn sockets_meant_for_another_process_are_not_taken() {
    if !is_child() {
        let socket = StdTcpListener::bind("127.0.0.1:0").unwrap();
        let mut other = Command::new(std::env::current_exe().unwrap());
        other
            .env("LISTEN_FDS", "1")
            .env("LISTEN_PID", "1")
            .stdin(Stdio::from(OwnedFd::from(socket)));
        let test = "sockets_meant_for_another_process_are_not_taken";
        return run_in_child(&mut other, test);
    }
    block_on(async { assert!(Listener::inherited().unwrap().is_empty()) });
}
