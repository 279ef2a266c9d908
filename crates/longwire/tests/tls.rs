//! `wss://` on the worker engine, and what holds there on the async server too.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod server_peer;
mod tls_peer;
mod worker_echo;

use longwire::{
    CloseCause, CloseInfo, Config, Connector, Message,
    server::Options,
    tls::{ClientTls, Roots},
    worker::EngineOptions,
};
use server_peer::{EchoThread, close_frame, frame, request, soon};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};
use tls_peer::{BOTH, Certificate, Wire};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, SupportedProtocolVersion, version,
};
use worker_echo::Running;

/// An echo, and what its clients need.
struct Secure {
    certificate: Certificate,
    address: SocketAddr,
    running: Either,
}

enum Either {
    Worker(Running),
    Tokio(EchoThread),
}

impl Secure {
    /// The worker engine.
    fn start() -> Secure {
        Secure::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut EngineOptions)) -> Secure {
        let certificate = Certificate::new();
        let running = Running::start(|options| {
            options.tls = Some(certificate.server());
            change(options);
        });
        Secure {
            certificate,
            address: running.address,
            running: Either::Worker(running),
        }
    }

    /// The async server.
    fn on_tokio(change: impl FnOnce(&mut Options)) -> Secure {
        let certificate = Certificate::new();
        let mut options = Options::default();
        options.tls = Some(certificate.server());
        change(&mut options);
        let running = EchoThread::start(options);
        Secure {
            certificate,
            address: running.address,
            running: Either::Tokio(running),
        }
    }

    fn both() -> [Secure; 2] {
        [Secure::start(), Secure::on_tokio(|_| {})]
    }

    /// Whether close_notify is sent to those too who were never served, or who
    /// have closed without a Close frame.
    fn has_last_words(&self) -> bool {
        matches!(self.running, Either::Worker(_))
    }

    /// Waits until so many connections have ended, and tells how.
    async fn ends(&self, count: usize) -> Vec<CloseInfo> {
        match &self.running {
            Either::Worker(running) => running.ends(count).await,
            Either::Tokio(running) => running.ends(count).await,
        }
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        Arc::new(self.certificate.client(versions))
    }

    fn connect(&self) -> Wire {
        Wire::connect(self.address, &self.client(BOTH))
    }

    fn open(&self) -> Wire {
        let mut wire = self.connect();
        wire.open(&request("/", ""));
        wire
    }

    /// The async client of this library, and a URL for it.
    fn connector(&self) -> (Connector, String) {
        let tls = ClientTls::new().roots(Roots::None);
        let connector = Connector::builder()
            .resolve("localhost", [Ipv4Addr::LOCALHOST.into()])
            .tls(tls.root_pem(&self.certificate.pem).unwrap());
        let url = format!("wss://localhost:{}/", self.address.port());
        (connector.build().unwrap(), url)
    }

    fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        let limit = Some(Duration::from_secs(20));
        socket.set_read_timeout(limit).unwrap();
        socket
    }

    /// Everybody else is served as ever.
    fn serves(&self) {
        echoes(&mut self.open(), "still here");
    }
}

fn echoes(wire: &mut Wire, text: &str) {
    wire.echoes(&frame(0x81, text.as_bytes()), text);
}

#[tokio::test]
async fn messages_of_every_length_come_back() {
    for secure in Secure::both() {
        let (connector, url) = secure.connector();
        let mut ws = connector.connect(&*url).await.unwrap();
        for message in [
            Message::from("text"),
            "".into(),
            vec![1; 125].into(),
            vec![2; 16_384].into(),
            vec![3; 70_000].into(),
            vec![4; 1 << 20].into(),
            vec![5; 9_000_000].into(),
        ] {
            ws.send(message.clone()).await.unwrap();
            assert!(soon(ws.next()).await.unwrap().unwrap() == message);
        }
        let info = ws.close(3333, "enough").await.unwrap();
        assert_eq!((info.code().get(), info.reason()), (3333, "enough"));
        assert_eq!(secure.ends(1).await[0].code().get(), 3333);
    }
}

#[tokio::test]
async fn messages_in_flight_come_back_in_order() {
    for secure in Secure::both() {
        let (connector, url) = secure.connector();
        let (sender, mut receiver) = connector.connect(&*url).await.unwrap().split();
        let sending = tokio::spawn(async move {
            for i in 0..20_000u32 {
                sender.feed(i.to_string()).await.unwrap();
            }
            sender.flush().await.unwrap();
            sender
        });
        for i in 0..20_000u32 {
            let message = soon(receiver.next()).await.unwrap().unwrap();
            assert_eq!(message.as_text(), Some(&*i.to_string()));
        }
        sending.await.unwrap();
    }
}

#[test]
fn ciphertext_may_be_cut_anywhere() {
    for secure in Secure::both() {
        for versions in [&[&version::TLS13][..], &[&version::TLS12]] {
            let mut config = secure.certificate.client(versions);
            // Many small records, some of which a read brings whole.
            config.max_fragment_size = Some(64);
            let config = Arc::new(config);
            for step in [1, 2, 7, 100, 1_000, usize::MAX] {
                let mut wire = Wire::connect(secure.address, &config);
                while wire.tls.is_handshaking() {
                    for piece in wire.ciphertext().chunks(step) {
                        wire.tcp.write_all(piece).unwrap();
                    }
                    if wire.tls.is_handshaking() {
                        wire.tls.read_tls(&mut wire.tcp).unwrap();
                        wire.tls.process_new_packets().unwrap();
                    }
                }
                let mut all = request("/", "").into_bytes();
                all.extend(frame(0x81, &[b'x'; 120]));
                all.extend(frame(0x81, b"last"));
                wire.send_in(&all, step);
                assert!(wire.head().starts_with("HTTP/1.1 101 "));
                let mut echo = [0; 122 + 6];
                wire.receive(&mut echo).unwrap();
                assert_eq!(&echo[2..122], &[b'x'; 120]);
                assert_eq!(&echo[124..], b"last");
            }
        }
    }
}

#[test]
fn a_session_is_resumed() {
    for secure in Secure::both() {
        for (protocol, versions) in [
            (ProtocolVersion::TLSv1_3, &[&version::TLS13][..]),
            (ProtocolVersion::TLSv1_2, &[&version::TLS12]),
        ] {
            let config = secure.client(versions);
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut wire = Wire::connect(secure.address, &config);
                wire.open(&request("/", ""));
                // The tickets of TLS 1.3 came before this.
                echoes(&mut wire, "hello");
                assert_eq!(wire.tls.protocol_version(), Some(protocol));
                assert_eq!(wire.tls.handshake_kind(), Some(kind));
            }
        }
    }
}

#[test]
fn the_application_protocol_is_http() {
    for secure in Secure::both() {
        let mut config = secure.certificate.client(BOTH);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut wire = Wire::connect(secure.address, &Arc::new(config.clone()));
        wire.open(&request("/", ""));
        assert_eq!(wire.tls.alpn_protocol(), Some(&b"http/1.1"[..]));

        config.alpn_protocols = vec![b"h2".to_vec()];
        let mut wire = Wire::connect(secure.address, &Arc::new(config));
        let refused = wire.receive_all().unwrap_err();
        assert!(
            refused.to_string().contains("NoApplicationProtocol"),
            "{refused}"
        );
    }
}

#[test]
fn keys_may_be_updated_at_any_time() {
    for secure in Secure::both() {
        let mut wire = secure.open();
        for i in 0..100 {
            if i % 3 == 0 {
                wire.tls.refresh_traffic_keys().unwrap();
            }
            echoes(&mut wire, &format!("message {i}"));
        }
        // Not without end, if nothing else comes.
        for _ in 0..100 {
            wire.tls.refresh_traffic_keys().unwrap();
        }
        let updates = wire.ciphertext();
        // The server may have closed before it was all written.
        let _ = wire.tcp.write_all(&updates);
        assert!(wire.receive_all().is_err());
        secure.serves();
    }
}

#[test]
fn a_connection_ends_with_close_notify() {
    for secure in Secure::both() {
        let mut wire = secure.open();
        wire.send(&close_frame(1000));
        assert_eq!(wire.receive_all().unwrap(), b"\x88\x02\x03\xe8");
    }
}

#[tokio::test]
async fn a_shutdown_says_goodbye_in_both_protocols() {
    let secure = Secure::start();
    let mut wires: Vec<Wire> = (0..10).map(|_| secure.open()).collect();
    let Either::Worker(running) = secure.running else {
        unreachable!("it was started as a worker");
    };
    let stopped = tokio::spawn(running.stop());
    tokio::task::spawn_blocking(move || {
        for wire in &mut wires {
            let mut close = [0; 4];
            wire.receive(&mut close).unwrap();
            assert_eq!((close[0], &close[2..]), (0x88, &b"\x03\xe9"[..]));
            wire.send(&close_frame(1001));
            wire.receive_all().unwrap();
        }
    })
    .await
    .unwrap();
    soon(stopped).await.unwrap();
}

#[tokio::test]
async fn an_end_that_nobody_vouches_for_is_a_failure() {
    for secure in Secure::both() {
        // Somebody on the way closes TCP.
        let wire = secure.open();
        wire.tcp.shutdown(Shutdown::Write).unwrap();
        let ends = secure.ends(1).await;
        assert_eq!(ends[0].cause, CloseCause::TransportError);
        // The peer itself says that nothing more will come.
        let mut wire = secure.open();
        wire.tls.send_close_notify();
        let notice = wire.ciphertext();
        wire.tcp.write_all(&notice).unwrap();
        let ends = secure.ends(2).await;
        assert_eq!(ends[1].cause, CloseCause::Eof);
        assert_eq!(wire.receive_all().is_ok(), secure.has_last_words());
    }
}

#[tokio::test]
async fn a_forged_record_ends_its_own_connection() {
    for secure in Secure::both() {
        let mut wire = secure.open();
        wire.tls
            .writer()
            .write_all(&frame(0x81, b"genuine"))
            .unwrap();
        let mut record = wire.ciphertext();
        let last = record.len() - 1;
        record[last] ^= 1;
        wire.tcp.write_all(&record).unwrap();
        let error = wire.receive_all().unwrap_err();
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
        let ends = secure.ends(1).await;
        assert_eq!(ends[0].cause, CloseCause::TransportError);
        secure.serves();
    }
}

#[test]
fn rubbish_in_the_handshake_gets_an_alert() {
    let secure = Secure::start();
    // A record that is none, one that is too long, a handshake message that is
    // too long, and one that is as long as they may be, and has nothing in it.
    let mut long = [&[0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff][..], &[0; 0x3ffc]].concat();
    for _ in 0..4 {
        long.extend([0x16, 3, 1, 0x40, 0]);
        long.extend([0; 0x4000]);
    }
    for rubbish in [
        &[0x16, 9, 9, 0, 4, 9, 9, 9, 9][..],
        &[0x16, 3, 1, 0xff, 0xff],
        &[0x16, 3, 1, 0, 4, 9, 9, 9, 9],
        &long,
    ] {
        let mut socket = secure.socket();
        socket.write_all(rubbish).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        // RFC 8446, section 6: an alert, of level fatal. rustls has none for
        // messages that are too long.
        let is_alert = answer.len() == 7 && answer[0] == 0x15 && answer[5] == 2;
        assert!(is_alert || answer.is_empty(), "{answer:?}");
    }
    secure.serves();
}

#[test]
fn plain_text_is_told_so_in_plain_text() {
    for secure in Secure::both() {
        let mut socket = secure.socket();
        socket.write_all(request("/", "").as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("wss://"), "{answer}");
        secure.serves();
    }
}

#[test]
fn tls_and_the_request_have_one_deadline() {
    const TIMEOUT: Duration = Duration::from_millis(700);
    for secure in [
        Secure::with(|options| options.handshake_timeout = TIMEOUT),
        Secure::on_tokio(|options| options.handshake_timeout = TIMEOUT),
    ] {
        let begun = Instant::now();
        // Silent, within the ClientHello, within the handshake, and behind it.
        let silent = secure.socket();
        let mut hello = secure.connect();
        let bytes = hello.ciphertext();
        hello.tcp.write_all(&bytes[..bytes.len() / 2]).unwrap();
        let mut finished = secure.connect();
        let bytes = finished.ciphertext();
        finished.tcp.write_all(&bytes).unwrap();
        let mut request = secure.connect();
        request.shake_hands();
        for mut socket in [silent, hello.tcp, finished.tcp] {
            socket.read_to_end(&mut Vec::new()).unwrap();
        }
        assert_eq!(request.receive_all().is_ok(), secure.has_last_words());
        let mut begun_request = secure.connect();
        begun_request.shake_hands();
        begun_request.send(b"GET / HTTP/1.1\r\n");
        let answer = String::from_utf8(begun_request.receive_all().unwrap()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn a_few_handshakes_at_a_time_are_enough_for_many() {
    let secure = Secure::with(|options| {
        options.max_handshakes = 2;
        options.tls_threads = 1;
        options.handshake_timeout = Duration::from_secs(1);
    });
    // These have all the places until their time is over.
    let idle: Vec<TcpStream> = (0..2).map(|_| secure.socket()).collect();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| secure.serves());
        }
    });
    drop(idle);
}

#[test]
fn a_client_may_be_gone_when_its_step_is_done() {
    let secure = Secure::with(|options| options.tls_threads = 1);
    for i in 0..200 {
        let mut wire = secure.connect();
        let hello = wire.ciphertext();
        wire.tcp.write_all(&hello).unwrap();
        if i % 2 == 0 {
            wire.tcp.shutdown(Shutdown::Both).unwrap();
        }
        drop(wire);
        if i % 50 == 0 {
            secure.serves();
        }
    }
    secure.serves();
}

#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let mut config = Config::server();
    config.limits.max_queued_output = 100_000;
    let config = Arc::new(config);
    for secure in [
        Secure::with(|options| options.config = Arc::clone(&config)),
        Secure::on_tokio(|options| options.config = Arc::clone(&config)),
    ] {
        let mut wire = secure.open();
        let message = [&b"\x82\xfe\xff\xff\0\0\0\0"[..], &[7; 65_535]].concat();
        let limit = Some(Duration::from_millis(500));
        wire.tcp.set_write_timeout(limit).unwrap();
        // Until the server takes no more.
        let (mut sent, mut stuck) = (0, Vec::new());
        while stuck.is_empty() {
            assert!(sent < 2_000, "the server took all of it");
            wire.tls.writer().write_all(&message[..30_000]).unwrap();
            stuck = wire.ciphertext();
            wire.tls.writer().write_all(&message[30_000..]).unwrap();
            stuck.extend(wire.ciphertext());
            sent += 1;
            while !stuck.is_empty() {
                match wire.tcp.write(&stuck) {
                    Ok(written) => drop(stuck.drain(..written)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        // All of it comes when it is read, and in order.
        let mut writer = wire.tcp.try_clone().unwrap();
        writer.set_write_timeout(None).unwrap();
        let writing = std::thread::spawn(move || writer.write_all(&stuck).unwrap());
        let mut echo = vec![0; 4 + 65_535];
        for _ in 0..sent {
            wire.receive(&mut echo).unwrap();
            assert_eq!(&echo[..5], b"\x82\x7e\xff\xff\x07");
        }
        writing.join().unwrap();
        echoes(&mut wire, "and on it goes");
    }
}
