#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::tls::{
    ServerTls, provider,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
        client::UnbufferedClientConnection,
        version::{TLS12, TLS13},
    },
};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

type Client = SessionStream<UnbufferedClientConnection, DuplexStream>;
type Server = SessionStream<UnbufferedServerConnection, DuplexStream>;

/// Both ends, on a pipe that holds so many bytes.
async fn connect(
    version: &'static SupportedProtocolVersion,
    capacity: usize,
) -> (Box<Client>, Box<Server>) {
    connect_in_records(version, capacity, None).await
}

/// The same, with records of at most `len` bytes, which are shorter than the
/// server's certificate.
async fn connect_in_records(
    version: &'static SupportedProtocolVersion,
    capacity: usize,
    len: Option<usize>,
) -> (Box<Client>, Box<Server>) {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let tls = ServerTls::from_pem(made.cert.pem(), made.signing_key.serialize_pem()).unwrap();
    let mut config = ServerConfig::clone(&tls.0);
    // Nothing comes behind the handshake, where a small pipe would be full.
    config.send_tls13_tickets = 0;
    config.max_fragment_size = len;
    let tls = ServerTls::from(Arc::new(config));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.max_fragment_size = len;
    let session = Session::client(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let (near, far) = duplex(capacity);
    let client = Box::new(SessionStream::new(session, near)).shake_hands();
    let server = tls.stream(far).unwrap().shake_hands();
    tokio::try_join!(client, server).unwrap()
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * i) >> 8) as u8).collect()
}

/// Writes all of `sent` and the end, and reads as much at a time as `read` has
/// room for, until the other's end.
async fn exchange<S: Duplex>(stream: S, sent: &[u8], mut read: Vec<u8>) -> Vec<u8> {
    let (mut from, mut to) = split(stream);
    let writing = async {
        to.write_all(sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let reading = async {
        let mut all = Vec::new();
        loop {
            match from.read(&mut read).await.unwrap() {
                0 => return all,
                len => all.extend_from_slice(&read[..len]),
            }
        }
    };
    tokio::join!(reading, writing).0
}

#[tokio::test]
async fn large_messages_pass_in_both_directions_at_once() {
    for version in [&TLS13, &TLS12] {
        for (capacity, read) in [(7, 1_000), (1_000, 7), (1_000, 100_000), (1 << 20, 100_000)] {
            let len = if capacity < 10 { 30_000 } else { 300_000 };
            let (client, server) = connect(version, capacity).await;
            let (up, down) = (bytes(len), bytes(len + 77_777));
            let (got, served) = tokio::join!(
                exchange(client, &up, vec![0; read]),
                exchange(server, &down, vec![0; read])
            );
            assert!(got == down && served == up, "{capacity} {read}");
        }
    }
}

#[tokio::test]
async fn handshakes_and_messages_may_be_in_many_records() {
    for version in [&TLS13, &TLS12] {
        for capacity in [7, 100, 1_000, 1 << 20] {
            let (client, server) = connect_in_records(version, capacity, Some(64)).await;
            let (up, down) = (bytes(10_000), bytes(20_000));
            let (got, served) = tokio::join!(
                exchange(client, &up, vec![0; 100_000]),
                exchange(server, &down, vec![0; 100_000])
            );
            assert!(got == down && served == up, "{capacity}");
        }
    }
}

#[tokio::test]
async fn pieces_follow_each_other() {
    let (mut client, mut server) = connect(&TLS13, 1 << 20).await;
    let sent = bytes(100_000);
    let pieces = [&sent[..3], &[], &sent[3..70_000], &sent[70_000..]].map(IoSlice::new);
    let written = client.write_vectored(&pieces).await.unwrap();
    assert!((64 * 1024..100_000).contains(&written));
    assert_eq!(
        client.write_vectored(&[IoSlice::new(&[])]).await.unwrap(),
        0
    );
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.unwrap();
    assert!(read == sent[..written]);
}

#[tokio::test]
async fn an_idle_stream_keeps_no_bytes() {
    let (mut client, mut server) = connect(&TLS13, 1_000).await;
    let sent = bytes(200_000);
    let mut read = vec![0; sent.len()];
    let writing = async {
        client.write_all(&sent).await.unwrap();
        client.flush().await.unwrap();
    };
    let (got, ()) = tokio::join!(server.read_exact(&mut read), writing);
    got.unwrap();
    assert!(read == sent);
    assert!(client.session.unsent().is_empty() && server.received.is_empty());
}

#[tokio::test]
async fn an_end_without_close_notify_is_an_error() {
    let (client, mut server) = connect(&TLS13, 1_000).await;
    drop(client.io);
    let error = server.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(error.to_string().contains("close_notify"), "{error}");
}

#[tokio::test]
async fn an_end_in_the_handshake_is_an_error() {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let tls = ServerTls::from_pem(made.cert.pem(), made.signing_key.serialize_pem()).unwrap();
    for hello in [&[][..], &[0x16, 3, 1]] {
        let (mut near, far) = duplex(1_000);
        near.write_all(hello).await.unwrap();
        drop(near);
        let error = tls.stream(far).unwrap().shake_hands().await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn a_reader_and_a_writer_wait_for_themselves() {
    // The writer is stuck until the other end reads, and the reader meanwhile
    // gets what comes.
    let (client, mut server) = connect(&TLS13, 1_000).await;
    let (mut from, mut to) = split(client);
    let sent = bytes(500_000);
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        to.write_all(&sent).await?;
        to.flush().await
    });
    for i in 0..100u8 {
        server.write_all(&[i]).await.unwrap();
        server.flush().await.unwrap();
        assert_eq!(from.read_u8().await.unwrap(), i);
    }
    let mut read = vec![0; expected.len()];
    server.read_exact(&mut read).await.unwrap();
    assert!(read == expected);
    writing.await.unwrap().unwrap();
}
