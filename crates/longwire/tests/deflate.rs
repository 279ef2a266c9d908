//! Compression between our client and our servers, on both drivers.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use longwire::{
    Compress, Config, Connector, DeflateConfig, Message, Server, WebSocket,
    proto::handshake::Response,
    server::{Listener, Options},
};

fn compressed(mut config: Config, takeover: bool) -> Config {
    let mut deflate = DeflateConfig::server();
    deflate.own_takeover = takeover;
    deflate.peer_takeover = takeover;
    config.deflate = Some(deflate);
    config
}

/// Messages of every length class, that compress well, badly and not at all.
fn messages() -> Vec<Message> {
    let noise = |len: usize| -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    };
    let text = |len| "ein Stück Text, das sich wiederholt; ".repeat(len);
    let mut messages: Vec<Message> = vec!["".into(), "short".into(), vec![0; 200].into()];
    for len in [10, 30, 2_000, 10_000] {
        messages.push(text(len).into());
        messages.push(noise(len * 30).into());
    }
    messages.push(vec![0; 900_000].into());
    messages
}

async fn connect(url: &str, takeover: bool) -> (WebSocket, Response) {
    let config = compressed(Config::client(), takeover);
    let connector = Connector::builder().config(config).build().unwrap();
    connector.connect_with_response(url).await.unwrap()
}

/// An echo server on tokio.
async fn serve(config: Config) -> String {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::default();
    options.config = config.into();
    let mut server = Server::listen(listener, options);
    let url = format!("ws://{}/", server.local_addr());
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            let mut ws = pending.accept().await.unwrap();
            tokio::spawn(async move {
                while let Some(Ok(message)) = ws.next().await {
                    ws.send(message).await.unwrap();
                }
            });
        }
    });
    url
}

/// Sends everything in every way, and wants it back.
async fn check_echo(ws: &mut WebSocket) {
    for _ in 0..2 {
        for message in messages() {
            ws.send(message.clone()).await.unwrap();
            assert_eq!(ws.next().await.unwrap().unwrap(), message);
        }
    }
    for compress in [Compress::Always, Compress::Never] {
        ws.send_with("short", compress).await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap(), "short".into());
    }
    let mut writer = ws.stream_text();
    for part in ["one ", "and ", "one ", "and ", "two"] {
        writer.write(part).await.unwrap();
    }
    writer.finish().await.unwrap();
    let whole = ws.next().await.unwrap().unwrap();
    assert_eq!(whole.as_text(), Some("one and one and two"));
}

#[tokio::test]
async fn two_of_ours_compress() {
    for takeover in [false, true] {
        let url = serve(compressed(Config::server(), takeover)).await;
        let (mut ws, response) = connect(&url, takeover).await;
        assert_eq!(response.extensions.len(), 1);
        let accepted = response.extensions[0].to_string();
        assert_eq!(accepted == "permessage-deflate", takeover, "{accepted}");
        check_echo(&mut ws).await;
        ws.close(1000, "").await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_compressed_unless_both_want_it() {
    let url = serve(Config::server()).await;
    let (mut ws, response) = connect(&url, true).await;
    assert_eq!(response.extensions, []);
    check_echo(&mut ws).await;

    let url = serve(compressed(Config::server(), true)).await;
    let connector = Connector::builder().build().unwrap();
    let (mut ws, response) = connector.connect_with_response(url).await.unwrap();
    assert_eq!(response.extensions, []);
    check_echo(&mut ws).await;
}

#[tokio::test]
async fn compressed_messages_can_be_streamed() {
    let url = serve(compressed(Config::server(), false)).await;
    let (mut ws, _) = connect(&url, false).await;
    let message = "chunk after chunk ".repeat(50_000);
    ws.send(message.clone()).await.unwrap();
    let mut reader = ws.next_reader().await.unwrap().unwrap();
    let mut received = Vec::new();
    while let Some(chunk) = reader.chunk().await {
        received.extend_from_slice(&chunk.unwrap());
    }
    assert!(received == message.as_bytes());
}

#[tokio::test]
async fn a_bomb_ends_the_connection_with_1009() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut config = compressed(Config::server(), false);
    config.limits.max_message_size = 10_000;
    let url = serve(config).await;
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    );
    // A megabyte of zeros: a literal, and matches of 258 bytes at distance 1,
    // eight of which are 13 bytes (104 bits) of the fixed code.
    let mut bits = vec![false, true, false];
    let mut code = |code: u32, count: u32| {
        bits.extend((0..count).rev().map(|i| code >> i & 1 == 1));
    };
    code(0x30, 8);
    for _ in 0..4000 {
        code(0xC5, 8);
        code(0, 5);
    }
    let payload: Vec<u8> = bits
        .chunks(8)
        .map(|byte| (0..byte.len()).fold(0, |all, i| all | u8::from(byte[i]) << i))
        .collect();
    peer.write_all(request.as_bytes()).await.unwrap();
    let len = payload.len() as u16;
    let mut frame = vec![0xC2, 0xFE];
    frame.extend_from_slice(&len.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&payload);
    peer.write_all(&frame).await.unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    let head = answer.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let frame = &answer[head + 4..];
    assert_eq!(frame[0], 0x88);
    assert_eq!(u16::from_be_bytes([frame[2], frame[3]]), 1009);
}

#[cfg(feature = "worker")]
mod worker {
    use super::*;
    use longwire::{
        MessageRef,
        server::Refusal,
        worker::{Acceptance, Engine, EngineOptions, Handler, Opening, Peer},
    };

    struct Echo;

    impl Handler for Echo {
        type Data = ();

        fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
            Ok((Acceptance::new(), ()))
        }

        fn on_message<'m>(
            &self,
            _: &mut Peer<'_, ()>,
            message: MessageRef<'m>,
        ) -> Option<MessageRef<'m>> {
            Some(message)
        }
    }

    #[tokio::test]
    async fn workers_compress() {
        for takeover in [false, true] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let mut options = EngineOptions::default();
            options.config = compressed(Config::server(), takeover).into();
            let engine = Engine::start(&listener, Echo, options).unwrap();
            let url = format!("ws://{}/", engine.local_addr());
            let (mut ws, response) = connect(&url, takeover).await;
            assert_eq!(response.extensions.len(), 1);
            check_echo(&mut ws).await;
            ws.close(1000, "").await.unwrap();
            engine.handle().shutdown();
        }
    }
}
