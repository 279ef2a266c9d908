//! The server and the client of the README, run against each other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

mod server {
    include!(concat!(env!("OUT_DIR"), "/server.rs"));
}

mod client {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

fn address() -> SocketAddr {
    static FREE: LazyLock<SocketAddr> = LazyLock::new(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    });
    *FREE
}

fn url() -> String {
    format!("ws://{}/", address())
}

#[test]
fn the_programs_of_the_readme_talk_to_each_other() {
    thread::spawn(|| server::main().unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address()).is_err() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    // It ends when its message has come back and the server has closed.
    client::main().unwrap();
}
