//! A client that says what it is told to, byte by byte.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use longwire::{
    CloseInfo,
    server::{Listener, Options, Server},
};
use std::{
    future::Future,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinHandle,
    time::timeout,
};

/// The key of RFC 6455, section 1.3, and the accept value that belongs to it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request in order, with further header lines.
pub(crate) fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

/// A masked frame; its mask key is 0, so that the payload stands as it is.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn close_frame(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// Nothing here takes long; what does has hung.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("this takes too long")
}

pub(crate) struct Peer<S = TcpStream>(pub(crate) S);

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Peer {
        Peer(soon(TcpStream::connect(address)).await.unwrap())
    }

    /// Sends `bytes` and gives all that comes until the server closes.
    pub(crate) async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
        let mut peer = Peer::connect(address).await;
        peer.send(bytes).await;
        peer.read_to_end().await
    }

    /// An open WebSocket.
    pub(crate) async fn open(address: SocketAddr) -> Peer {
        let mut peer = Peer::connect(address).await;
        peer.send(request("/", "")).await;
        let head = peer.read_head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.0.write_all(bytes.as_ref())).await.unwrap();
        soon(self.0.flush()).await.unwrap();
    }

    /// All that comes until the server closes; then closes too.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        soon(self.0.read_to_end(&mut bytes)).await.unwrap();
        // The server may be gone altogether.
        let _ = soon(self.0.shutdown()).await;
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) async fn read_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// The next frame: its first byte, and its payload.
    pub(crate) async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 2];
        soon(self.0.read_exact(&mut header)).await.unwrap();
        assert!(
            header[1] < 126,
            "servers do not mask, and nothing is long here"
        );
        let mut payload = vec![0; header[1].into()];
        soon(self.0.read_exact(&mut payload)).await.unwrap();
        (header[0], payload)
    }

    pub(crate) async fn echoes(&mut self, text: &str) {
        self.send(frame(0x81, text.as_bytes())).await;
        assert_eq!(self.read_frame().await, (0x81, text.as_bytes().to_vec()));
    }
}

/// An echo server on a free port. It ends when the handle is dropped.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    pub(crate) handle: longwire::server::ServerHandle,
    pub(crate) serving: JoinHandle<()>,
}

impl Echo {
    pub(crate) async fn start(options: Options) -> Echo {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        Echo::on(listener, options)
    }

    pub(crate) fn on(listener: Listener, options: Options) -> Echo {
        let server = Server::listen(listener, options);
        let unix = SocketAddr::from(([127, 0, 0, 1], 0));
        Echo {
            address: server.local_addr().tcp().unwrap_or(unix),
            handle: server.handle(),
            serving: tokio::spawn(echo(server)),
        }
    }
}

async fn echo(mut server: Server) {
    while let Some(pending) = server.accept().await {
        tokio::spawn(async move {
            let mut ws = pending.accept().await?;
            while let Some(message) = ws.next().await {
                ws.send(message?).await?;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
}

/// An echo server on threads of its own, for tests that block. It ends when it is
/// dropped.
pub(crate) struct EchoThread {
    pub(crate) address: SocketAddr,
    ends: Ends,
    runtime: Option<Runtime>,
}

/// How connections have ended.
pub(crate) type Ends = Arc<Mutex<Vec<CloseInfo>>>;

impl EchoThread {
    pub(crate) fn start(options: Options) -> EchoThread {
        let runtime = Runtime::new().unwrap();
        let listener = std::thread::scope(|scope| {
            let bind = || runtime.block_on(Listener::bind("127.0.0.1:0")).unwrap();
            // The test may be in a runtime itself.
            scope.spawn(bind).join().unwrap()
        });
        let _inside = runtime.enter();
        let mut server = Server::listen(listener, options);
        let address = server.local_addr().tcp().unwrap();
        let ends = Ends::default();
        let told = Arc::clone(&ends);
        runtime.spawn(async move {
            while let Some(pending) = server.accept().await {
                let told = Arc::clone(&told);
                tokio::spawn(async move {
                    let mut ws = pending.accept().await.unwrap();
                    while let Some(Ok(message)) = ws.next().await {
                        if ws.send(message).await.is_err() {
                            break;
                        }
                    }
                    told.lock().unwrap().extend(ws.close_info());
                });
            }
        });
        EchoThread {
            address,
            ends,
            runtime: Some(runtime),
        }
    }

    pub(crate) async fn ends(&self, count: usize) -> Vec<CloseInfo> {
        ends(&self.ends, count).await
    }
}

impl Drop for EchoThread {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until so many connections have ended, and tells how.
pub(crate) async fn ends(ends: &Ends, count: usize) -> Vec<CloseInfo> {
    soon(async {
        loop {
            let ends = ends.lock().unwrap().clone();
            if ends.len() >= count {
                return ends;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Runs `test` of this test binary in a process of its own, as `command` sets
/// it up.
pub(crate) fn run_in_child(command: &mut Command, test: &str) {
    let output = command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:#?}");
    // A name that matches no test would succeed as well.
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

/// Whether this is such a process.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

const CHILD: &str = "LONGWIRE_TEST_CHILD";

pub(crate) fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future);
}
