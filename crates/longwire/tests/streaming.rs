//! Messages in parts, over a transport that takes and gives what it likes.

use longwire::{BinaryWriter, Config, MessageKind, MessageReader, Role, WebSocket};
use tokio::net::{TcpListener, TcpStream};

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

/// The loop that everybody writes.
async fn echo(server: WebSocket) {
    let (sender, mut receiver) = server.split();
    while let Some(reader) = receiver.next_reader().await {
        let mut reader = reader.expect("no message");
        let mut writer = sender.stream_binary();
        copy(&mut reader, &mut writer).await;
        writer.finish().await.expect("not finished");
    }
}

async fn copy(reader: &mut MessageReader<'_>, writer: &mut BinaryWriter<'_>) {
    while let Some(chunk) = reader.chunk().await {
        let chunk = chunk.expect("no chunk");
        writer.write(&chunk).await.expect("not written");
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
    const PARTS: [usize; 8] = [1, 20_000, 300_000, 125, 16_384, 70_000, 3_000_000, 65_536];
    const MESSAGES: usize = 6;
    let (client, server) = tcp_pair().await;
    let echo = tokio::spawn(echo(server));
    let (sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move {
        for first in 0..MESSAGES {
            let mut writer = sender.stream_binary();
            for part in PARTS.iter().cycle().skip(first).take(PARTS.len()) {
                writer.write(&pattern(*part)).await.unwrap();
            }
            writer.finish().await.unwrap();
        }
        sender
    });
    for first in 0..MESSAGES {
        let mut reader = receiver.next_reader().await.unwrap().unwrap();
        // Kept while others are read: their memory must not be read to.
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.chunk().await {
            chunks.push(chunk.unwrap());
        }
        let parts = PARTS.iter().cycle().skip(first).take(PARTS.len());
        let sent: Vec<u8> = parts.flat_map(|part| pattern(*part)).collect();
        assert!(chunks.concat() == sent, "message {first}");
    }
    let sender = sending.await.unwrap();
    sender.close(1000, "").await.unwrap();
    echo.await.unwrap();
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
