//! The worker engine, with the async client and with bare sockets as peers.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod commands;
#[cfg(unix)]
mod descriptors;
mod drain;
mod events;
mod faults;
mod narrow;
mod remote;
mod routes;
#[cfg(feature = "tls")]
#[path = "../tls_peer/mod.rs"]
mod tls_peer;
mod topics;

use longwire::{
    CloseCode, CloseFrame, CloseInfo, Config, Connector, MessageRef,
    server::Refusal,
    worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer, Remote},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Answers by what the message says, and keeps a diary.
#[derive(Clone, Default)]
struct Scripted(Arc<Diary>);

#[derive(Default)]
struct Diary {
    closed: Mutex<Vec<(String, CloseInfo)>>,
    remotes: Mutex<Vec<Remote>>,
    drained: Mutex<u32>,
}

impl Handler for Scripted {
    type Data = String;

    fn on_request(&self, request: &Opening<'_>) -> Result<(Acceptance, String), Refusal> {
        if request.path() == "/secret" {
            return Err(Refusal::forbidden("Not for you.\n"));
        }
        let mut acceptance = Acceptance::new();
        if let Some(offer) = request.subprotocols().first() {
            acceptance = acceptance.subprotocol(offer.as_str());
        }
        Ok((acceptance, request.path().to_owned()))
    }

    fn on_open(&self, peer: &mut Peer<'_, String>) {
        self.0.remotes.lock().unwrap().push(peer.remote());
        if peer.data == "/greeting" {
            let greeting = format!("welcome to {}", peer.data);
            let _ = peer.send(greeting.as_str());
        }
    }

    fn on_message<'m>(
        &self,
        peer: &mut Peer<'_, String>,
        message: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        match message {
            MessageRef::Text("panic") => panic!("the handler panics"),
            MessageRef::Text("close") => {
                peer.close(CloseFrame::new(4001, "as you asked").unwrap());
                None
            }
            MessageRef::Text("quiet") => None,
            echo => Some(echo),
        }
    }

    fn on_drained(&self, _: &mut Peer<'_, String>) {
        *self.0.drained.lock().unwrap() += 1;
    }

    fn on_close(&self, peer: &mut Peer<'_, String>, info: &CloseInfo) {
        self.0
            .closed
            .lock()
            .unwrap()
            .push((peer.data.clone(), info.clone()));
    }
}

/// An engine that is shut down when dropped.
struct Running {
    engine: Option<Engine>,
    diary: Arc<Diary>,
}

impl Running {
    fn start() -> Running {
        Running::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut EngineOptions)) -> Running {
        let mut options = EngineOptions::default();
        options.workers = 2;
        change(&mut options);
        let handler = Scripted::default();
        let diary = Arc::clone(&handler.0);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Some(Engine::start(&listener, handler, options).unwrap());
        Running { engine, diary }
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.engine().local_addr())
    }

    fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.engine().local_addr()).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        socket
    }

    fn open_socket(&self) -> TcpStream {
        open(self.engine().local_addr(), "/bare")
    }

    /// Waits until so many connections have ended, and tells how.
    fn ends(&self, count: usize) -> Vec<(String, CloseInfo)> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let closed = self.diary.closed.lock().unwrap().clone();
            if closed.len() >= count {
                return closed;
            }
            assert!(Instant::now() < deadline, "{closed:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.handle().shutdown();
        }
    }
}

const REQUEST: &[u8] = b"GET /bare HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn request(path: &str) -> String {
    String::from_utf8_lossy(REQUEST).replace("/bare", path)
}

/// A bare socket after the opening handshake.
fn open(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    socket.write_all(request(path).as_bytes()).unwrap();
    read_head(&mut socket);
    socket
}

fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A masked frame, with the key 0.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn what_is_returned_is_sent_back() {
    let running = Running::start();
    let mut ws = longwire::connect(running.url("/")).await.unwrap();
    for message in [
        longwire::Message::from("text"),
        "".into(),
        vec![1; 125].into(),
        vec![2; 70_000].into(),
        vec![3; 5_000_000].into(),
    ] {
        ws.send(message.clone()).await.unwrap();
        assert!(ws.next().await.unwrap().unwrap() == message);
    }
    let mut writer = ws.stream_text();
    for part in ["in ", "", "fragments, ", "größer"] {
        writer.write(part).await.unwrap();
    }
    writer.finish().await.unwrap();
    let whole = ws.next().await.unwrap().unwrap();
    assert_eq!(whole.as_text(), Some("in fragments, größer"));
    ws.ping().await.unwrap();
    let info = ws.close(3333, "enough").await.unwrap();
    assert_eq!((info.code().get(), info.reason()), (3333, "enough"));
    let ends = running.ends(1);
    assert_eq!(ends[0].0, "/");
    assert_eq!(ends[0].1.code().get(), 3333);
}

#[tokio::test]
async fn messages_in_flight_come_back_in_order() {
    let running = Running::start();
    let ws = longwire::connect(running.url("/")).await.unwrap();
    let (sender, mut receiver) = ws.split();
    let sending = tokio::spawn(async move {
        for i in 0..20_000u32 {
            sender.feed(i.to_string()).await.unwrap();
        }
        sender.flush().await.unwrap();
        sender
    });
    for i in 0..20_000u32 {
        let message = receiver.next().await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(&*i.to_string()));
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn the_handler_decides_who_comes_in() {
    let running = Running::start();
    let refused = longwire::connect(running.url("/secret")).await.unwrap_err();
    assert_eq!(refused.status(), Some(403));
    assert!(refused.to_string().contains("Not for you"), "{refused}");

    let offering = Connector::builder().subprotocol("v7").build().unwrap();
    let ws = offering.connect(running.url("/")).await.unwrap();
    assert_eq!(ws.subprotocol(), Some("v7"));

    let foreign = Connector::builder().origin("https://evil.example");
    let refused = foreign.build().unwrap().connect(running.url("/")).await;
    assert_eq!(refused.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn a_server_may_speak_and_close_first() {
    let running = Running::start();
    let mut ws = longwire::connect(running.url("/greeting")).await.unwrap();
    let greeting = ws.next().await.unwrap().unwrap();
    assert_eq!(greeting.as_text(), Some("welcome to /greeting"));
    ws.send("close").await.unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.close_info().unwrap().code().get(), 4001);
}

#[tokio::test]
async fn a_panic_closes_its_own_connection_alone() {
    let running = Running::with(|options| options.workers = 1);
    let mut bystander = longwire::connect(running.url("/")).await.unwrap();
    let mut ws = longwire::connect(running.url("/")).await.unwrap();
    ws.send("panic").await.unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.close_info().unwrap().code(), CloseCode::INTERNAL_ERROR);
    bystander.send("still here").await.unwrap();
    assert!(bystander.next().await.unwrap().is_ok());
}

#[test]
fn a_frame_and_the_end_in_one_packet_are_both_seen() {
    let running = Running::start();
    for _ in 0..50 {
        let mut socket = running.socket();
        let mut all = REQUEST.to_vec();
        all.extend(frame(0x81, b"last words"));
        all.extend(frame(0x88, b"\x03\xe8"));
        socket.write_all(&all).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let head = read_head(&mut socket);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"\x81\x0alast words\x88\x02\x03\xe8");
    }
    let ends = running.ends(50);
    assert!(ends.iter().all(|(_, info)| info.was_clean()));
}

#[test]
fn bytes_may_come_one_by_one() {
    let running = Running::start();
    let mut socket = running.socket();
    socket.set_nodelay(true).unwrap();
    let mut all = REQUEST.to_vec();
    all.extend(frame(0x81, b"slowly"));
    for byte in all {
        socket.write_all(&[byte]).unwrap();
    }
    read_head(&mut socket);
    let mut echo = [0; 8];
    socket.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x06slowly");
}

#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let mut config = Config::server();
    config.limits.max_queued_output = 100_000;
    let running = Running::with(|options| options.config = config.into());
    let mut socket = running.open_socket();
    // Echoes that nobody reads: once the sockets are full the server stops.
    let message = [&b"\x82\xfe\xff\xff\0\0\0\0"[..], &[7; 65_535]].concat();
    let mut writer = socket.try_clone().unwrap();
    writer
        .set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let count = 600;
    let writing = std::thread::spawn(move || {
        for _ in 0..count {
            // Blocks while the server does not read; the main thread begins to
            // read after a while.
            let mut rest = &message[..];
            while !rest.is_empty() {
                match writer.write(rest) {
                    Ok(len) => rest = &rest[len..],
                    Err(error) => assert!(
                        matches!(
                            error.kind(),
                            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                        ),
                        "{error}"
                    ),
                }
            }
        }
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(!writing.is_finished(), "the server took all of it");
    let mut frame = vec![0; 4 + 65_535];
    for _ in 0..count {
        socket.read_exact(&mut frame).unwrap();
        assert_eq!(&frame[..5], b"\x82\x7e\xff\xff\x07");
    }
    writing.join().unwrap();
    assert!(*running.diary.drained.lock().unwrap() > 0);
}

#[test]
fn requests_that_are_none_get_their_status() {
    let running = Running::with(|options| options.handshake_timeout = Duration::from_millis(300));
    for (request, status) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], "426"),
        (b"nonsense\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", "408"),
    ] {
        let mut socket = running.socket();
        socket.write_all(request).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    // Who says nothing is told nothing.
    let mut answer = Vec::new();
    running.socket().read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty());
}

#[test]
fn violations_get_their_code_and_are_reported() {
    let running = Running::start();
    let mut socket = running.open_socket();
    socket.write_all(b"\x83\x80\0\0\0\0").unwrap();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).unwrap();
    assert_eq!(rest[0], 0x88);
    assert_eq!(&rest[2..4], b"\x03\xea");
    let (path, info) = &running.ends(1)[0];
    assert_eq!(path, "/bare");
    assert!(!info.was_clean());
}

#[test]
fn a_dead_peer_is_pinged_and_given_up() {
    let mut config = Config::server();
    config.ping_interval = Some(Duration::from_millis(300));
    config.pong_timeout = Duration::from_millis(300);
    let running = Running::with(|options| options.config = config.into());
    let mut socket = running.open_socket();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\x89\x00\x89\x01\x02\x89\x01\x03");
    let info = &running.ends(1)[0].1;
    assert_eq!(info.cause, longwire::CloseCause::KeepaliveTimeout);
}

#[test]
fn a_shutdown_closes_all_and_ends_the_workers() {
    let mut running = Running::start();
    let sockets: Vec<TcpStream> = (0..20).map(|_| running.open_socket()).collect();
    let engine = running.engine.take().unwrap();
    let address = engine.local_addr();
    engine.handle().shutdown();
    for mut socket in sockets {
        let mut close = [0; 4];
        socket.read_exact(&mut close).unwrap();
        assert_eq!((close[0], &close[2..]), (0x88, &b"\x03\xe9"[..]));
        socket.write_all(&frame(0x88, b"\x03\xe9")).unwrap();
    }
    engine.wait();
    assert_eq!(running.ends(20).len(), 20);
    assert!(TcpStream::connect(address).is_err());
}
