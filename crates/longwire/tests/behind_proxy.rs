//! Where clients are, as proxies tell it: on tasks and on event loops alike.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server_peer;
mod tls_peer;

use longwire::{
    Connector, MessageRef,
    server::{Accepted, HttpConnection, Listener, Options, Refusal, Server, TrustedProxies},
    tls::{ClientTls, Roots, ServerTls},
    worker::{
        Acceptance, Engine, EngineHandle, EngineOptions, Handler, HttpFallback, Opening, Peer,
    },
};
use server_peer::{Peer as Bare, request, soon};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tls_peer::Certificate;
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// What a client at 192.0.2.43 is announced with.
const V1: &[u8] = b"PROXY TCP4 192.0.2.43 10.0.0.1 4711 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x2b\x0a\0\0\x01\x12\x67\x01\xbb";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// How a server is to be.
#[derive(Default)]
struct Setting {
    proxies: TrustedProxies,
    tls: Option<ServerTls>,
    handshake_timeout: Option<Duration>,
}

impl Setting {
    fn of(proxies: TrustedProxies) -> Setting {
        Setting {
            proxies,
            ..Setting::default()
        }
    }

    /// Peers on loopback announce their clients.
    fn announced() -> Setting {
        Setting::of(loopback().proxy_protocol())
    }
}

fn loopback() -> TrustedProxies {
    TrustedProxies::new(["127.0.0.0/8"]).unwrap()
}

/// A server that tells each client where it comes from: the peer's IP address,
/// and the client's. It ends with the test.
enum Running {
    Tasks(SocketAddr),
    Loops(SocketAddr, EngineHandle),
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Running::Loops(_, engine) = self {
            engine.shutdown();
        }
    }
}

impl Running {
    async fn tasks(setting: &Setting) -> Running {
        let mut options = Options::default();
        options.proxies = setting.proxies.clone();
        options.tls = setting.tls.clone();
        if let Some(timeout) = setting.handshake_timeout {
            options.handshake_timeout = timeout;
        }
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Server::listen(listener, options);
        let address = server.local_addr().tcp().unwrap();
        tokio::spawn(async move {
            while let Some(accepted) = server.accept_any().await {
                match accepted {
                    Accepted::Http(http) => refuse(http),
                    Accepted::WebSocket(pending) => {
                        let peer = pending.peer_addr().unwrap().tcp().unwrap().ip();
                        let told = format!("{peer} {:?}", pending.client_addr());
                        let mut ws = pending.accept().await.unwrap();
                        let _ = ws.send(told).await;
                        tokio::spawn(async move { while ws.next().await.is_some() {} });
                    }
                }
            }
        });
        Running::Tasks(address)
    }

    fn loops(setting: &Setting) -> Running {
        let mut options = EngineOptions::default();
        options.workers = 1;
        options.proxies = setting.proxies.clone();
        options.tls = setting.tls.clone();
        if let Some(timeout) = setting.handshake_timeout {
            options.handshake_timeout = timeout;
        }
        let runtime = tokio::runtime::Handle::current();
        options.http = Some(HttpFallback::new(runtime, async |http| refuse(http)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Engine::start(&listener, Tell, options).unwrap();
        Running::Loops(engine.local_addr(), engine.handle())
    }

    async fn both(setting: Setting) -> [Running; 2] {
        [Running::tasks(&setting).await, Running::loops(&setting)]
    }

    fn address(&self) -> SocketAddr {
        match self {
            Running::Tasks(address) | Running::Loops(address, _) => *address,
        }
    }
}

/// Tells in a refusal where a request comes from that is for no WebSocket.
fn refuse(http: HttpConnection) {
    let told = format!("{:?}\n", http.client_addr());
    http.refuse(Refusal::not_found(told));
}

struct Tell;

impl Handler for Tell {
    type Data = String;

    fn on_request(&self, opening: &Opening<'_>) -> Result<(Acceptance, String), Refusal> {
        let peer = opening.peer_addr().unwrap().ip();
        let told = format!("{peer} {:?}", opening.client_addr());
        Ok((Acceptance::new(), told))
    }

    fn on_open(&self, peer: &mut Peer<'_, String>) {
        let told = peer.data.clone();
        let _ = peer.send(told.as_str());
    }

    fn on_message<'m>(
        &self,
        _: &mut Peer<'_, String>,
        _: MessageRef<'m>,
    ) -> Option<MessageRef<'m>> {
        None
    }
}

/// What the server says of who sends `begin` and a request with these headers.
async fn told(running: &Running, begin: &[u8], headers: &str) -> String {
    let mut peer = Bare::connect(running.address()).await;
    let bytes = [begin, request("/", headers).as_bytes()].concat();
    peer.send(bytes).await;
    told_to(&mut peer).await
}

async fn told_to(peer: &mut Bare) -> String {
    let head = peer.read_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    String::from_utf8(peer.read_frame().await.1).unwrap()
}

#[tokio::test]
async fn a_header_is_believed_of_trusted_peers_alone() {
    let claim = "X-Forwarded-For: 1.1.1.1, 192.0.2.43\r\n";
    let trusted = Setting::of(loopback());
    for running in Running::both(trusted).await {
        assert_eq!(
            told(&running, b"", claim).await,
            "127.0.0.1 Some(192.0.2.43)"
        );
        assert_eq!(told(&running, b"", "").await, "127.0.0.1 Some(127.0.0.1)");
        let unknown = "X-Forwarded-For: unknown\r\n";
        assert_eq!(told(&running, b"", unknown).await, "127.0.0.1 None");
    }
    let others = TrustedProxies::new(["10.0.0.0/8", "::/0"]).unwrap();
    for proxies in [TrustedProxies::default(), others] {
        for running in Running::both(Setting::of(proxies)).await {
            assert_eq!(
                told(&running, b"", claim).await,
                "127.0.0.1 Some(127.0.0.1)"
            );
        }
    }
}

#[tokio::test]
async fn proxy_headers_come_before_the_request_in_any_pieces() {
    for running in Running::both(Setting::announced()).await {
        for header in [V1, V2] {
            // With a claim of the client's own, which passed the proxy unseen.
            let claim = "X-Forwarded-For: 1.1.1.1\r\n";
            assert_eq!(
                told(&running, header, claim).await,
                "127.0.0.1 Some(192.0.2.43)"
            );
            let mut slow = Bare::connect(running.address()).await;
            slow.0.set_nodelay(true).unwrap();
            for byte in header {
                slow.send([*byte]).await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            slow.send(request("/", "")).await;
            assert_eq!(told_to(&mut slow).await, "127.0.0.1 Some(192.0.2.43)");
        }
        assert_eq!(told(&running, LOCAL, "").await, "127.0.0.1 Some(127.0.0.1)");
    }
}

#[tokio::test]
async fn requests_for_no_websocket_tell_it_too() {
    for running in Running::both(Setting::announced()).await {
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let answer = Bare::exchange(running.address(), [V2, request].concat()).await;
        assert!(answer.ends_with("\r\n\r\nSome(192.0.2.43)\n"), "{answer}");
    }
}

#[tokio::test]
async fn of_others_a_proxy_header_is_not_expected_and_not_believed() {
    let elsewhere = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    for running in Running::both(Setting::of(elsewhere.proxy_protocol())).await {
        assert_eq!(told(&running, b"", "").await, "127.0.0.1 Some(127.0.0.1)");
        for header in [V1, V2] {
            let bytes = [header, request("/", "").as_bytes()].concat();
            let answer = Bare::exchange(running.address(), bytes).await;
            // No HTTP, or none of this version.
            let refused = ["HTTP/1.1 400 ", "HTTP/1.1 505 "];
            assert!(
                refused.iter().any(|head| answer.starts_with(head)),
                "{answer}"
            );
        }
    }
}

/// All that is logged in this process.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Waits for a line with all of this.
    async fn says(&self, parts: &[&str]) {
        soon(async {
            loop {
                let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
                let mut lines = text.lines();
                if lines.any(|line| parts.iter().all(|part| line.contains(part))) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends it, and waits until the server has closed without a word.
async fn is_closed(running: &Running, bytes: &[u8]) -> String {
    let mut peer = Bare::connect(running.address()).await;
    peer.send(bytes).await;
    let from = peer.0.local_addr().unwrap().to_string();
    let mut answer = Vec::new();
    // A reset, if the server has not read all.
    let _ = soon(tokio::io::AsyncReadExt::read_to_end(
        &mut peer.0,
        &mut answer,
    ))
    .await;
    assert_eq!(answer, b"");
    from
}

#[tokio::test]
async fn what_is_no_proxy_header_ends_the_connection_and_the_log_says_why() {
    let log = log();
    for running in Running::both(Setting::announced()).await {
        let request = request("/", "");
        for (bytes, why) in [
            (request.as_bytes(), "does not begin with a PROXY header"),
            (b"PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n", "not of the form"),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "too long"),
            (b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0", "0x31 for its version"),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x99\0\0",
                "0x99 for its address family",
            ),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x01\x7f",
                "1 bytes for its addresses",
            ),
        ] {
            let from = is_closed(&running, bytes).await;
            log.says(&["WARN", &from, why]).await;
        }
        // A health check that only connects is worth no warning.
        drop(Bare::connect(running.address()).await);
        assert_eq!(told(&running, V2, "").await, "127.0.0.1 Some(192.0.2.43)");
    }
}

#[tokio::test]
async fn a_proxy_header_has_to_come_in_time() {
    let log = log();
    let setting = Setting {
        handshake_timeout: Some(Duration::from_millis(200)),
        ..Setting::announced()
    };
    for running in Running::both(setting).await {
        for part in [&b""[..], &V1[..20], &V2[..20]] {
            let from = is_closed(&running, part).await;
            log.says(&["WARN", &from, "no whole PROXY header in time"])
                .await;
        }
    }
}

/// A proxy that announces its client, as [`V2`] says.
async fn announcing(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move {
                server.write_all(V2).await.unwrap();
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    address
}

#[tokio::test]
async fn a_proxy_header_comes_before_tls() {
    let certificate = Certificate::new();
    let setting = Setting {
        tls: Some(certificate.server()),
        ..Setting::announced()
    };
    let tls = ClientTls::new().roots(Roots::None);
    let connector = Connector::builder()
        .resolve("localhost", [Ipv4Addr::LOCALHOST.into()])
        .tls(tls.root_pem(&certificate.pem).unwrap())
        .build()
        .unwrap();
    for running in Running::both(setting).await {
        let proxy = announcing(running.address()).await;
        let url = format!("wss://localhost:{}/", proxy.port());
        let mut ws = soon(connector.connect(&*url)).await.unwrap();
        let told = soon(ws.next()).await.unwrap().unwrap();
        assert_eq!(told.as_text(), Some("127.0.0.1 Some(192.0.2.43)"));
    }
}
