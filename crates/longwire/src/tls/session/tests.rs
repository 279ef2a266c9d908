#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::tls::{
    ServerTls, provider,
    rustls::{
        ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedProtocolVersion,
        version::{TLS12, TLS13},
    },
};
use proptest::prelude::*;
use std::{collections::VecDeque, io::Cursor};

/// A pipe that gives and takes as much at a time as it is told to, and would
/// block before each of these.
struct Pipe {
    client: ClientConnection,
    /// To the server, and from it.
    arriving: VecDeque<u8>,
    leaving: Vec<u8>,
    /// What the client has decrypted.
    received: Vec<u8>,
    steps: Vec<usize>,
    at: usize,
    reads: bool,
    writes: bool,
}

impl Pipe {
    fn step(&mut self) -> usize {
        self.at += 1;
        self.steps[self.at % self.steps.len()]
    }

    /// Gives the client what the server has written, and takes what it says.
    fn turn_client(&mut self) {
        let mut leaving = &std::mem::take(&mut self.leaving)[..];
        while !leaving.is_empty() {
            self.client.read_tls(&mut leaving).unwrap();
            self.client.process_new_packets().unwrap();
            // It would block at the end, unless the server has said goodbye.
            let _ = self.client.reader().read_to_end(&mut self.received);
        }
        while self.client.wants_write() {
            self.client.write_tls(&mut self.arriving).unwrap();
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads = !self.reads;
        if !self.reads || self.arriving.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let step = self.step().min(buffer.len());
        self.arriving.read(&mut buffer[..step])
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes = !self.writes;
        if !self.writes {
            return Err(ErrorKind::WouldBlock.into());
        }
        let step = self.step().min(bytes.len());
        self.leaving.write(&bytes[..step])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session whose handshake is done, and its peer.
fn connect(version: &'static SupportedProtocolVersion, steps: Vec<usize>) -> (Session, Pipe) {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let tls = ServerTls::from_pem(made.cert.pem(), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let mut pipe = Pipe {
        client: ClientConnection::new(Arc::new(config), name).unwrap(),
        arriving: VecDeque::new(),
        leaving: Vec::new(),
        received: Vec::new(),
        steps,
        at: 0,
        reads: false,
        writes: false,
    };
    let mut session = tls.session().unwrap();
    while session.is_handshaking() || pipe.client.is_handshaking() {
        pipe.turn_client();
        let mut buffer = [0; 1024];
        if let Ok(read) = pipe.read(&mut buffer)
            && session.receive(&buffer[..read])
        {
            session.shake_hands().unwrap();
        }
        session.write_unsent(&mut pipe).unwrap();
    }
    (session, pipe)
}

/// All that the session has to give now.
fn drain(session: &mut Session, pipe: &mut Pipe) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match session.read(pipe, &mut buffer).unwrap() {
            Received::Plaintext { len, .. } => all.extend_from_slice(&buffer[..len]),
            Received::Nothing if !pipe.arriving.is_empty() => {}
            Received::Nothing | Received::End => return all,
        }
    }
}

fn version() -> impl Strategy<Value = &'static SupportedProtocolVersion> {
    prop_oneof![Just(&TLS13), Just(&TLS12)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bytes_come_through_however_the_transport_cuts_them(
        version in version(),
        steps in proptest::collection::vec(20usize..40_000, 1..6),
        lengths in proptest::collection::vec(1usize..50_000, 1..4),
        updates in any::<bool>(),
    ) {
        let (mut session, mut pipe) = connect(version, steps);
        pipe.client.set_buffer_limit(None);
        for (i, &len) in lengths.iter().enumerate() {
            let sent: Vec<u8> = (0..len).map(|j| (i * 31 + j) as u8).collect();
            if updates && version == &TLS13 {
                pipe.client.refresh_traffic_keys().unwrap();
            }
            pipe.client.writer().write_all(&sent).unwrap();
            pipe.turn_client();
            prop_assert!(drain(&mut session, &mut pipe) == sent);

            let mut rest = &sent[..];
            pipe.received.clear();
            while !rest.is_empty() || !session.unsent().is_empty() {
                let written = session.write(&mut pipe, &[rest]).unwrap();
                rest = &rest[written..];
                prop_assert!(session.unsent().len() <= CHUNK + 1024);
                pipe.turn_client();
            }
            prop_assert!(pipe.received == sent);
        }
        session.close();
        while !session.write_unsent(&mut pipe).unwrap() {}
        pipe.turn_client();
        let mut end = Vec::new();
        prop_assert_eq!(pipe.client.reader().read_to_end(&mut end).unwrap(), 0);
        // And the other way round.
        pipe.client.send_close_notify();
        pipe.turn_client();
        let mut buffer = vec![0; 128 * 1024];
        while session.read(&mut pipe, &mut buffer).unwrap() == Received::Nothing {}
        prop_assert_eq!(
            session.read(&mut pipe, &mut buffer).unwrap(),
            Received::End
        );
    }
}

#[test]
fn an_idle_session_keeps_no_bytes() {
    for version in [&TLS13, &TLS12] {
        let (mut session, mut pipe) = connect(version, vec![usize::MAX]);
        pipe.client.writer().write_all(&[7; 50_000]).unwrap();
        pipe.turn_client();
        // All but the last byte.
        let last = pipe.arriving.pop_back().unwrap();
        let len = drain(&mut session, &mut pipe).len();
        assert!(len > 0 && !session.rest.is_empty());
        pipe.arriving.push_back(last);
        assert_eq!(len + drain(&mut session, &mut pipe).len(), 50_000);
        while session.write(&mut pipe, &[&[7; 50_000][..]]).unwrap() == 0 {}
        while !session.write_unsent(&mut pipe).unwrap() {}
        let kept = [&session.rest, &session.unsent, &session.first];
        assert_eq!(kept.map(Vec::capacity), [0; 3]);
    }
}

#[test]
fn a_record_without_end_is_not_kept() {
    let (mut session, mut pipe) = connect(&TLS13, vec![usize::MAX]);
    pipe.arriving.extend([0x17, 3, 3, 0xff, 0xff]);
    pipe.arriving.extend([0; 70_000]);
    let mut buffer = vec![0; 128 * 1024];
    let error = loop {
        if let Err(error) = session.read(&mut pipe, &mut buffer) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    // It stays that way, and nothing is said any more.
    assert_eq!(session.read(&mut pipe, &mut buffer).unwrap(), Received::End);
    while !session.write_unsent(&mut pipe).unwrap() {}
    session.close();
    assert!(session.unsent().is_empty());
}

/// A server may say something before the client's first words, in the same
/// packet as the end of the handshake (RFC 8446, section 4.6 and appendix B).
#[test]
fn what_came_with_the_handshake_is_kept_while_something_is_written() {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let tls = ServerTls::from_pem(made.cert.pem(), made.signing_key.serialize_pem()).unwrap();
    let mut config = ServerConfig::clone(&tls.0);
    config.send_half_rtt_data = true;
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client = Session::client(Arc::new(config), "localhost".try_into().unwrap()).unwrap();

    server.read_tls(&mut client.unsent()).unwrap();
    client.unsent = Vec::new();
    server.process_new_packets().unwrap();
    server.writer().write_all(b"welcome").unwrap();
    server.send_close_notify();
    let mut flight = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut flight).unwrap();
    }
    assert!(client.receive(&flight));
    client.shake_hands().unwrap();
    assert!(!client.is_handshaking());

    let mut transport = Cursor::new(Vec::new());
    assert_eq!(client.write(&mut transport, &[&b"hello"[..]]).unwrap(), 5);
    let mut buffer = vec![0; 128 * 1024];
    let received = client.read(&mut transport, &mut buffer).unwrap();
    assert!(matches!(received, Received::Plaintext { len: 7, .. }));
    assert_eq!(&buffer[..7], b"welcome");
    let end = client.read(&mut transport, &mut buffer).unwrap();
    assert_eq!(end, Received::End);

    server.read_tls(&mut &transport.get_ref()[..]).unwrap();
    server.process_new_packets().unwrap();
    let mut read = [0; 5];
    server.reader().read_exact(&mut read).unwrap();
    assert_eq!(&read, b"hello");
}
