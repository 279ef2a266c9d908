//! Both ends of TLS.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use longwire::tls::ServerTls;
use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, crypto::ring,
        pki_types::CertificateDer, version,
    },
};

pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
    der: CertificateDer<'static>,
}

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

impl Certificate {
    pub(crate) fn new() -> Certificate {
        let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        Certificate {
            pem: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
            der: made.cert.der().clone(),
        }
    }

    pub(crate) fn server(&self) -> ServerTls {
        ServerTls::from_pem(&self.pem, &self.key).unwrap()
    }

    /// A client that trusts this certificate alone.
    pub(crate) fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        Arc::new(self.client(BOTH)).into()
    }
}

/// A client whose ciphertext the test has in its hands.
pub(crate) struct Wire {
    pub(crate) tls: ClientConnection,
    pub(crate) tcp: TcpStream,
}

impl Wire {
    pub(crate) fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> Wire {
        let tcp = TcpStream::connect(address).unwrap();
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(Arc::clone(config), name).unwrap();
        Wire { tls, tcp }
    }

    /// What the client has to write now.
    pub(crate) fn ciphertext(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// Encrypts, and writes so many bytes of ciphertext at a time.
    pub(crate) fn send_in(&mut self, plaintext: &[u8], step: usize) {
        let mut at = 0;
        self.shake_hands();
        while at < plaintext.len() {
            at += self.tls.writer().write(&plaintext[at..]).unwrap();
            let bytes = self.ciphertext();
            for piece in bytes.chunks(step) {
                self.tcp.write_all(piece).unwrap();
            }
        }
    }

    pub(crate) fn send(&mut self, plaintext: &[u8]) {
        self.send_in(plaintext, usize::MAX);
    }

    fn push(&mut self) -> io::Result<()> {
        let bytes = self.ciphertext();
        self.tcp.write_all(&bytes)
    }

    pub(crate) fn shake_hands(&mut self) {
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut self.tcp).unwrap();
        }
    }

    /// Fills `bytes`.
    pub(crate) fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut at = 0;
        while at < bytes.len() {
            match self.tls.reader().read(&mut bytes[at..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => at += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pull()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// All that comes until the server says goodbye; an error if it does not.
    pub(crate) fn receive_all(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            match self.tls.reader().read_to_end(&mut all) {
                Ok(_) => return Ok(all),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.pull()?,
                Err(error) => return Err(error),
            }
        }
    }

    fn pull(&mut self) -> io::Result<()> {
        self.push()?;
        self.tls.read_tls(&mut self.tcp)?;
        self.tls.process_new_packets().map_err(io::Error::other)?;
        Ok(())
    }

    /// Opens a WebSocket.
    pub(crate) fn open(&mut self, request: &str) {
        self.send(request.as_bytes());
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.receive(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// Sends a masked frame with a short text, and expects that back.
    pub(crate) fn echoes(&mut self, frame: &[u8], text: &str) {
        self.send(frame);
        let mut echo = vec![0; 2 + text.len()];
        self.receive(&mut echo).unwrap();
        assert_eq!((echo[0], &echo[2..]), (0x81, text.as_bytes()));
    }
}
