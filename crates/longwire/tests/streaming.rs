//! Messages in parts, over a transport that takes and gives what it likes.

use longwire::{BinaryWriter, CloseCode, Config, MessageKind, MessageReader, Role, WebSocket};
use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
};

async fn tcp_pair() -> (WebSocket, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("no port");
    let connecting = TcpStream::connect(listener.local_addr().expect("no address"));
    let (client, accepted) = tokio::join!(connecting, listener.accept());
    let (server, _) = accepted.expect("not accepted");
    (
        WebSocket::from_stream(
            client.expect("not connected"),
            Role::Client,
            Config::client(),
            b"",
        ),
        WebSocket::from_stream(server, Role::Server, Config::server(), b""),
    )
}

/// How an echo sends on what it gets.
#[derive(Debug, Clone, Copy)]
enum Echo {
    Feeds,
    Writes,
    /// One after the other.
    Both,
}

/// The loop that everybody writes.
async fn echo(server: WebSocket, how: Echo) {
    let (sender, mut receiver) = server.split();
    while let Some(reader) = receiver.next_reader().await {
        let mut reader = reader.expect("no message");
        let mut writer = sender.stream_binary();
        copy(&mut reader, &mut writer, how).await;
        writer.finish().await.expect("not finished");
    }
}

async fn copy(reader: &mut MessageReader<'_>, writer: &mut BinaryWriter<'_>, how: Echo) {
    let mut feeds = !matches!(how, Echo::Writes);
    while let Some(chunk) = reader.chunk().await {
        let chunk = chunk.expect("no chunk");
        let sent = match feeds {
            true => writer.feed(chunk).await,
            false => writer.write(&chunk).await,
        };
        sent.expect("not sent");
        feeds ^= matches!(how, Echo::Both);
    }
}

/// Bytes of which each place can be told from its neighbours.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

/// Large and small parts, so that some are lent and written from where they are
/// and some are copied; and more of them than the sockets hold, so that writes
/// are cut anywhere.
#[tokio::test]
async fn parts_of_all_sizes_come_back_in_order() {
    for how in [Echo::Feeds, Echo::Writes, Echo::Both] {
        parts_come_back(how).await;
    }
}

async fn parts_come_back(how: Echo) {
    const PARTS: [usize; 8] = [1, 20_000, 300_000, 125, 16_384, 70_000, 3_000_000, 65_536];
    const MESSAGES: usize = 4;
    let (client, server) = tcp_pair().await;
    let echo = tokio::spawn(echo(server, how));
    let (sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move {
        for first in 0..MESSAGES {
            let mut writer = sender.stream_binary();
            for part in PARTS.iter().cycle().skip(first).take(PARTS.len()) {
                match part % 2 {
                    0 => writer.feed(pattern(*part)).await.expect("not fed"),
                    _ => writer.write(&pattern(*part)).await.expect("not written"),
                }
            }
            writer.finish().await.expect("not finished");
        }
        sender
    });
    for first in 0..MESSAGES {
        let reader = receiver.next_reader().await.expect("closed");
        let mut reader = reader.expect("no message");
        // Kept while others are read: their memory must not be read to.
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.chunk().await {
            chunks.push(chunk.expect("no chunk"));
        }
        let parts = PARTS.iter().cycle().skip(first).take(PARTS.len());
        let sent: Vec<u8> = parts.flat_map(|part| pattern(*part)).collect();
        assert!(chunks.concat() == sent, "message {first}");
    }
    let sender = sending.await.expect("a panic");
    sender.close(1000, "").await.expect("not closed");
    echo.await.expect("a panic");
}

#[tokio::test]
async fn large_messages_are_kept_beside_each_other() {
    const LEN: [usize; 5] = [65_536, 65_535, 131_000, 70_000, 400_000];
    let (client, mut server) = tcp_pair().await;
    let (sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move {
        for len in LEN.iter().cycle().take(20) {
            sender.send(pattern(*len)).await.unwrap();
            sender.send("between").await.unwrap();
        }
        sender
    });
    let mut kept = Vec::new();
    for _ in 0..20 {
        kept.push(server.next().await.unwrap().unwrap());
        assert_eq!(server.next().await.unwrap().unwrap(), "between".into());
    }
    for (message, len) in kept.iter().zip(LEN.iter().cycle()) {
        assert!(message.as_bytes()[..] == pattern(*len), "{len} bytes");
    }
    // What was received is sent on as it is.
    let sending_back = tokio::spawn(async move {
        for message in kept {
            server.send(message).await.unwrap();
        }
        server
    });
    for len in LEN.iter().cycle().take(20) {
        let message = receiver.next().await.unwrap().unwrap();
        assert_eq!(message.kind(), MessageKind::Binary);
        assert!(message.as_bytes()[..] == pattern(*len), "{len} bytes back");
    }
    sending.await.unwrap();
    sending_back.await.unwrap();
}

/// A transport that counts how often it is written to.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A client, and a server whose writes are counted.
fn counted_pair() -> (WebSocket, WebSocket, Arc<AtomicUsize>) {
    let (left, stream) = duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted {
        stream,
        writes: Arc::clone(&writes),
    };
    (
        WebSocket::from_stream(left, Role::Client, Config::client(), b""),
        WebSocket::from_stream(counted, Role::Server, Config::server(), b""),
        writes,
    )
}

#[tokio::test]
async fn what_is_fed_leaves_with_the_end_of_its_message() {
    let (mut client, mut server, writes) = counted_pair();
    for parts in [
        vec![20],
        vec![20, 300],
        vec![70_000],
        vec![20, 70_000, 5_000],
    ] {
        let before = writes.load(Ordering::Relaxed);
        let mut writer = server.stream_binary();
        for &part in &parts {
            writer.feed(pattern(part)).await.unwrap();
        }
        writer.finish().await.unwrap();
        assert_eq!(writes.load(Ordering::Relaxed), before + 1, "{parts:?}");
        let message = client.next().await.unwrap().unwrap();
        let sent: Vec<u8> = parts.iter().flat_map(|&part| pattern(part)).collect();
        assert!(message.as_bytes()[..] == sent, "{parts:?}");
    }
}

#[tokio::test]
async fn what_is_fed_leaves_when_its_task_waits_for_something_else() {
    let (mut client, mut server, _) = counted_pair();
    let mut writer = server.stream_text();
    writer.feed("a beginning").await.unwrap();
    let mut reader = client.next_reader().await.unwrap().unwrap();
    assert_eq!(reader.chunk().await.unwrap().unwrap(), "a beginning");
    writer.feed(" and more").await.unwrap();
    assert_eq!(reader.chunk().await.unwrap().unwrap(), " and more");
    writer.finish().await.unwrap();
    assert!(reader.chunk().await.is_none());
}

#[tokio::test]
async fn a_writer_that_breaks_off_what_it_fed_fails_the_connection() {
    let (mut client, mut server, _) = counted_pair();
    let mut writer = server.stream_binary();
    writer.feed(pattern(70_000)).await.unwrap();
    drop(writer);
    assert!(client.next().await.is_none());
    let info = client.close_info().unwrap();
    assert_eq!(info.code(), CloseCode::INTERNAL_ERROR);
}

#[tokio::test]
async fn who_feeds_waits_for_room() {
    const PART: usize = 300_000;
    let (stream, peer) = duplex(64 * 1024);
    let mut server = WebSocket::from_stream(stream, Role::Server, Config::server(), b"");
    let mut writer = server.stream_binary();
    let mut fed = 0;
    // The peer reads nothing yet, and 1 MiB may wait to be written.
    while fed < 100 {
        let feeding = writer.feed(pattern(PART));
        if !is_ready(feeding, 5).await {
            break;
        }
        fed += 1;
    }
    assert!((4..=5).contains(&fed), "{fed} parts");
    let mut client = WebSocket::from_stream(peer, Role::Client, Config::client(), b"");
    let receiving = tokio::spawn(async move { client.next().await });
    writer.feed(pattern(PART)).await.unwrap();
    writer.finish().await.unwrap();
    let message = receiving.await.unwrap().unwrap().unwrap();
    assert!(message.as_bytes()[..] == pattern(PART).repeat(fed + 1));
}

/// Whether it is ready after so many polls; if not it is given up.
async fn is_ready(future: impl Future<Output = Result<(), longwire::Error>>, polls: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = polled {
            done.expect("an error");
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
