//! Sockets that take and give little at a time, so that nearly every read and
//! write is a short one.

use crate::commands::Running;
use longwire::{Config, worker::EngineOptions};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// What the kernel keeps for each direction of a socket: it doubles this, and
/// rounds up.
const BUFFER: u32 = 4 * 1024;

const MAX_QUEUED_OUTPUT: usize = 64 * 1024;

/// What a server may have taken of a client that reads nothing: the queue, the
/// message that went past it, a batch that was read meanwhile, the sockets, and
/// TLS.
const MOST_TAKEN: usize = 640 * 1024;

const LENGTHS: [usize; 10] = [
    20,
    125,
    126,
    4_000,
    65_535,
    65_536,
    70_000,
    300_000,
    1,
    1 << 20,
];

fn narrow() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(BUFFER).unwrap();
    socket.set_recv_buffer_size(BUFFER).unwrap();
    socket
}

fn start(change: impl FnOnce(&mut EngineOptions)) -> Running {
    let socket = narrow();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // What it accepts has its buffers.
    let listener = socket.listen(64).unwrap().into_std().unwrap();
    let mut config = Config::server();
    config.limits.max_queued_output = MAX_QUEUED_OUTPUT;
    Running::on(&listener, |options| {
        options.config = config.into();
        change(options);
    })
}

async fn connect(address: SocketAddr) -> TcpStream {
    narrow().connect(address).await.unwrap()
}

/// No connection's payload has a part of another's at the same place, nor what
/// came before or after.
fn payload(id: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at % 251) as u8 ^ (at >> 8) as u8 ^ id)
        .collect()
}

/// A frame's length, as in RFC 6455, section 5.2.
fn length(len: usize, mask: u8) -> Vec<u8> {
    match len {
        0..126 => vec![mask | len as u8],
        126..0x1_0000 => [&[mask | 126][..], &(len as u16).to_be_bytes()].concat(),
        _ => [&[mask | 127][..], &(len as u64).to_be_bytes()].concat(),
    }
}

/// Binary messages, and what comes back for them.
fn messages(id: u8) -> (Vec<u8>, Vec<u8>) {
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for len in LENGTHS {
        let payload = payload(id, len);
        sent.extend([&[0x82][..], &length(len, 0x80), &[0; 4], &payload].concat());
        expected.extend([&[0x82][..], &length(len, 0), &payload].concat());
    }
    (sent, expected)
}

/// Sends messages of every length and reads nothing until the server takes no
/// more, then in dribs.
async fn echoes_in_dribs(mut stream: impl AsyncRead + AsyncWrite + Unpin, id: u8) {
    // Whose echo is all that is said there.
    let request = crate::request("/echo");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let (mut reading, mut writing) = tokio::io::split(stream);
    let (sent, expected) = messages(id);
    let mut rest = &sent[..];
    // A machine that is slow only ends this early.
    while let Ok(written) = timeout(Duration::from_millis(400), writing.write(rest)).await {
        rest = &rest[written.unwrap()..];
        let taken = sent.len() - rest.len();
        assert!(taken < MOST_TAKEN, "the server took {taken} bytes");
    }
    let write = async {
        writing.write_all(rest).await.unwrap();
        writing.flush().await.unwrap();
    };
    let read = async {
        let mut at = 0;
        let mut drib = [0; 4_000];
        for most in [1, 7, 1_000, 2, 4_000, 300, 1_500].into_iter().cycle() {
            if at == expected.len() {
                break;
            }
            let len = reading.read(&mut drib[..most]).await.unwrap();
            assert!(len > 0, "it ended after {at} bytes");
            let came = &expected[at..][..len.min(expected.len() - at)];
            assert!(drib[..len] == *came, "connection {id} is wrong at {at}");
            at += len;
        }
    };
    tokio::join!(write, read);
}

async fn all(running: &Running, mut connections: JoinSet<()>) {
    let done = async {
        while let Some(ended) = connections.join_next().await {
            ended.unwrap();
        }
    };
    let patience = Duration::from_secs(120);
    timeout(patience, done).await.expect("an echo hangs");
    assert!(running.diary.has("/echo drained"));
}

#[tokio::test]
async fn every_byte_passes_through_narrow_sockets() {
    let running = start(|_| {});
    let mut connections = JoinSet::new();
    for id in 0..6 {
        let address = running.address;
        connections.spawn(async move { echoes_in_dribs(connect(address).await, id).await });
    }
    all(&running, connections).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn every_byte_passes_through_narrow_sockets_encrypted() {
    let certificate = crate::tls_peer::Certificate::new();
    let running = start(|options| options.tls = Some(certificate.server()));
    let mut connections = JoinSet::new();
    for id in 0..6 {
        let (address, connector) = (running.address, certificate.connector());
        connections.spawn(async move {
            let name = "localhost".try_into().unwrap();
            let tls = connector.connect(name, connect(address).await);
            echoes_in_dribs(tls.await.unwrap(), id).await;
        });
    }
    all(&running, connections).await;
}
