//! The connection over in-memory and TCP transports.

use futures_util::{SinkExt, StreamExt};
use longwire::{
    CloseCause, CloseCode, CloseFrame, Config, Error, Initiator, Message, MessageKind,
    PreparedBatch, PreparedMessage, ReadyState, Role, WebSocket,
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fn pair_with(client: Config, server: Config) -> (WebSocket, WebSocket) {
    let (left, right) = duplex(64 * 1024);
    (
        WebSocket::from_stream(left, Role::Client, client, b""),
        WebSocket::from_stream(right, Role::Server, server, b""),
    )
}

fn pair() -> (WebSocket, WebSocket) {
    pair_with(Config::client(), Config::server())
}

/// A server whose peer is scripted by hand.
fn scripted(config: Config) -> (WebSocket, DuplexStream) {
    let (left, right) = duplex(64 * 1024);
    (
        WebSocket::from_stream(left, Role::Server, config, b""),
        right,
    )
}

/// A masked frame (with the key 0, so that the payload is readable).
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn messages_go_both_ways_and_the_connection_closes() {
    let (mut client, mut server) = pair();
    client.send("hello").await.unwrap();
    client.send(vec![1, 2, 3]).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "hello".into());
    assert_eq!(server.next().await.unwrap().unwrap(), vec![1, 2, 3].into());
    let big = vec![7; 3_000_000];
    let sent = server.send(big.clone());
    let (sent, received) = tokio::join!(sent, client.next());
    sent.unwrap();
    assert_eq!(received.unwrap().unwrap(), big.into());

    let closing = tokio::spawn(async move { (client.close(4000, "done").await, client) });
    assert!(server.next().await.is_none());
    assert!(server.next().await.is_none());
    let (info, client) = closing.await.unwrap();
    let info = info.unwrap();
    assert_eq!(info.code(), CloseCode::new(4000));
    assert_eq!(info.initiator, Some(Initiator::Local));
    assert_eq!(client.state(), ReadyState::Closed);
    let info = server.close_info().unwrap();
    assert_eq!((info.code().get(), info.reason()), (4000, "done"));
    assert_eq!(info.initiator, Some(Initiator::Peer));
    assert!(matches!(server.send("late").await, Err(Error::Closing)));
}

#[tokio::test]
async fn a_ping_is_answered_while_the_user_does_something_else() {
    let (_server, mut peer) = scripted(Config::server());
    peer.write_all(&frame(0x89, b"are you there?"))
        .await
        .unwrap();
    let mut pong = [0; 16];
    let read = tokio::time::timeout(Duration::from_secs(1), peer.read_exact(&mut pong)).await;
    read.expect("no pong came").unwrap();
    assert_eq!(&pong, b"\x8a\x0eare you there?");
}

#[tokio::test]
async fn a_ping_is_answered_after_the_user_took_a_message_and_went_away() {
    let (mut server, mut peer) = scripted(Config::server());
    peer.write_all(&frame(0x81, b"work to do")).await.unwrap();
    server.next().await.unwrap().unwrap();
    peer.write_all(&frame(0x89, b"still there?")).await.unwrap();
    let mut pong = [0; 14];
    let read = tokio::time::timeout(Duration::from_millis(500), peer.read_exact(&mut pong)).await;
    read.expect("no pong came").unwrap();
    assert_eq!(&pong, b"\x8a\x0cstill there?");
}

#[tokio::test]
async fn an_answer_is_not_stranded_by_messages_that_wait() {
    let (mut server, mut peer) = scripted(Config::server());
    let two = [frame(0x81, b"one"), frame(0x81, b"two")].concat();
    peer.write_all(&two).await.unwrap();
    let first = server.next().await.unwrap().unwrap();
    server.send(first).await.unwrap();
    // The user sleeps with the second message untaken.
    let mut answer = [0; 5];
    let read = tokio::time::timeout(Duration::from_millis(500), peer.read_exact(&mut answer));
    read.await.expect("the answer was stranded").unwrap();
    assert_eq!(&answer, b"\x81\x03one");
    assert_eq!(server.next().await.unwrap().unwrap(), "two".into());
}

/// A program that answers the first message and is busy for a second with
/// something else, while a peer has sent more and asks whether it is there.
async fn a_busy_program_is_heard_of() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let connecting = tokio::net::TcpStream::connect(listener.local_addr()?);
    let (peer, accepted) = tokio::join!(connecting, listener.accept());
    let (mut peer, transport) = (peer?, accepted?.0);
    let program = tokio::spawn(async move {
        let mut ws = WebSocket::from_stream(transport, Role::Server, Config::server(), b"");
        let first = ws.next().await.expect("closed")?;
        ws.send(first).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let second = ws.next().await.expect("closed")?;
        ws.send(second).await
    });

    let start = std::time::Instant::now();
    let two = [frame(0x81, b"one"), frame(0x81, b"two")].concat();
    peer.write_all(&two).await?;
    let mut answer = [0; 5];
    peer.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"\x81\x03one");
    peer.write_all(&frame(0x89, b"there?")).await?;
    let mut pong = [0; 8];
    peer.read_exact(&mut pong).await?;
    assert_eq!(&pong, b"\x8a\x06there?");
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_millis(600), "{elapsed:?}");

    peer.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"\x81\x03two");
    let served = program.await.expect("the program panicked");
    served.map_err(std::io::Error::other)
}

#[tokio::test]
async fn a_busy_program_is_heard_of_on_one_thread() {
    a_busy_program_is_heard_of().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_program_is_heard_of_on_many_threads() {
    a_busy_program_is_heard_of().await.unwrap();
}

#[tokio::test]
async fn a_lost_connection_is_one_error_and_then_none() {
    let (mut server, peer) = scripted(Config::server());
    drop(peer);
    let error = server.next().await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ended {
                cause: CloseCause::Eof,
                ..
            }
        ),
        "{error}"
    );
    assert!(server.next().await.is_none());
    assert_eq!(
        server.close_info().unwrap().code(),
        CloseCode::ABNORMAL_CLOSURE
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_the_close_frame_is_left_after_the_timeout() {
    let (mut server, peer) = scripted(Config::server());
    let info = server.close(1000, "").await.unwrap();
    assert_eq!(info.cause, CloseCause::CloseTimeout);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn an_idle_peer_is_pinged_and_a_dead_one_noticed() {
    let (mut server, mut peer) = scripted(Config::server());
    let start = tokio::time::Instant::now();
    let error = server.next().await.unwrap().unwrap_err();
    assert!(matches!(
        error,
        Error::Ended {
            cause: CloseCause::KeepaliveTimeout,
            ..
        }
    ));
    let elapsed = start.elapsed();
    assert!(
        (Duration::from_secs(45)..Duration::from_secs(46)).contains(&elapsed),
        "{elapsed:?}"
    );
    let mut sent = Vec::new();
    drop(server);
    peer.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"\x89\x00\x89\x01\x02\x89\x01\x03");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_ends_the_connection_in_time() {
    let (mut server, peer) = scripted(Config::server());
    server.send(vec![0; 200_000]).await.unwrap();
    let error = server.flush().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ended {
                cause: CloseCause::WriteTimeout,
                ..
            }
        ),
        "{error}"
    );
    drop(peer);
}

#[tokio::test]
async fn dropping_an_open_connection_closes_it_with_1001() {
    let (client, mut server) = pair();
    drop(client);
    assert!(server.next().await.is_none());
    assert_eq!(server.close_info().unwrap().code(), CloseCode::GOING_AWAY);
}

#[tokio::test]
async fn halves_work_from_different_tasks() {
    let (client, server) = pair();
    let (to_server, mut from_server) = client.split();
    let (to_client, mut from_client) = server.split();
    let echo = tokio::spawn(async move {
        while let Some(message) = from_client.next().await {
            to_client.send(message.unwrap()).await.unwrap();
        }
    });
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let to_server = to_server.clone();
            tokio::spawn(async move {
                for i in 0..500 {
                    to_server.send(format!("{sender} {i}")).await.unwrap();
                }
            })
        })
        .collect();
    let mut next = [0; 4];
    for _ in 0..2_000 {
        let message = from_server.next().await.unwrap().unwrap();
        let (sender, i) = message.as_text().unwrap().split_once(' ').unwrap();
        let next = &mut next[sender.parse::<usize>().unwrap()];
        assert_eq!(i.parse::<u32>().unwrap(), *next);
        *next += 1;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    to_server.close(1000, "").await.unwrap();
    echo.await.unwrap();
    assert!(from_server.next().await.is_none());
}

#[tokio::test]
async fn a_message_is_streamed_both_ways() {
    let (mut client, mut server) = pair();
    let sending = tokio::spawn(async move {
        let mut writer = client.stream_binary();
        for i in 0..200u8 {
            writer.write(&[i; 1000]).await.unwrap();
        }
        writer.finish().await.unwrap();
        client.send("after").await.unwrap();
        client
    });
    let mut reader = server.next_reader().await.unwrap().unwrap();
    assert_eq!(reader.kind(), MessageKind::Binary);
    let mut all = Vec::new();
    while let Some(chunk) = reader.chunk().await {
        all.extend_from_slice(&chunk.unwrap());
    }
    let expected: Vec<u8> = (0..200u8).flat_map(|i| [i; 1000]).collect();
    assert!(all == expected);
    drop(reader);
    assert_eq!(server.next().await.unwrap().unwrap(), "after".into());
    sending.await.unwrap();
}

#[tokio::test]
async fn a_dropped_reader_skips_the_rest_of_its_message() {
    let (mut client, mut server) = pair();
    let sending = tokio::spawn(async move {
        let mut writer = client.stream_text();
        for _ in 0..100 {
            writer.write("some text, ").await.unwrap();
            tokio::task::yield_now().await;
        }
        writer.finish().await.unwrap();
        client.send("after").await.unwrap();
        client
    });
    let mut reader = server.next_reader().await.unwrap().unwrap();
    reader.chunk().await.unwrap().unwrap();
    drop(reader);
    assert_eq!(server.next().await.unwrap().unwrap(), "after".into());
    sending.await.unwrap();
}

#[tokio::test]
async fn a_writer_that_breaks_off_fails_the_connection() {
    let (mut client, mut server) = pair();
    let mut writer = client.stream_text();
    writer.write("a beginning without").await.unwrap();
    drop(writer);
    assert!(server.next().await.is_none());
    assert_eq!(
        server.close_info().unwrap().code(),
        CloseCode::INTERNAL_ERROR
    );
}

#[tokio::test]
async fn a_round_trip_is_measured() {
    let (mut client, _server) = pair();
    let round_trip = client.ping().await.unwrap();
    assert!(round_trip < Duration::from_secs(1));
}

#[tokio::test]
async fn the_bound_of_the_queue_is_kept_and_nothing_is_lost_by_cancelling() {
    let mut config = Config::client();
    config.limits.max_queued_output = 10_000;
    let (mut client, mut server) = pair_with(config, Config::server());
    let mut sent = 0u32;
    // Nobody receives, so the queue fills; the last send is given up.
    while let Ok(done) = tokio::time::timeout(
        Duration::from_millis(50),
        client.send(Message::from(vec![sent as u8; 5_000])),
    )
    .await
    {
        done.unwrap();
        sent += 1;
    }
    assert!(client.try_send("full").is_err());
    assert!(client.try_reserve().is_none());
    for i in 0..sent {
        let message = server.next().await.unwrap().unwrap();
        assert_eq!(message.as_bytes(), &vec![i as u8; 5_000]);
    }
    client.send("end").await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "end".into());
}

#[tokio::test]
async fn with_room_a_batch_is_sent_without_waiting() {
    let (mut client, mut server) = pair();
    let texts = ["one", "two", "three"];
    let batch = PreparedBatch::from_iter(texts.map(PreparedMessage::new));
    client.try_reserve().unwrap().send_batch(&batch).unwrap();
    server.try_reserve().unwrap().send_batch(&batch).unwrap();
    for text in texts {
        assert_eq!(server.next().await.unwrap().unwrap(), text.into());
        assert_eq!(client.next().await.unwrap().unwrap(), text.into());
    }
    server.closer().close(CloseFrame::new(1000, "").unwrap());
    assert!(server.try_reserve().is_none(), "it is closing");
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() {
    let (client, server) = pair();
    let (to_client, from_client) = StreamExt::split(server);
    let echo = tokio::spawn(from_client.forward(to_client));
    let (mut to_server, mut from_server) = StreamExt::split(client);
    for i in 0..100 {
        SinkExt::send(&mut to_server, Message::from(format!("{i}")))
            .await
            .unwrap();
        let message = StreamExt::next(&mut from_server).await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(&*i.to_string()));
    }
    to_server.close().await.unwrap();
    echo.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_violation_is_answered_with_its_code_and_reported() {
    let (mut server, mut peer) = scripted(Config::server());
    peer.write_all(b"\x83\x80").await.unwrap();
    let error = server.next().await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ended {
                cause: CloseCause::Failed(_),
                ..
            }
        ),
        "{error}"
    );
    drop(server);
    let mut sent = Vec::new();
    peer.read_to_end(&mut sent).await.unwrap();
    assert_eq!(&sent[..4], [0x88, sent[1], 0x03, 0xea]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_owner_is_given_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connecting = tokio::net::TcpStream::connect(address);
    let (client, accepted) = tokio::join!(connecting, listener.accept());
    let client = WebSocket::from_stream(client.unwrap(), Role::Client, Config::client(), b"");
    let server = accepted.unwrap().0;
    let mut server = WebSocket::from_stream(server, Role::Server, Config::server(), b"");
    let closer = client.closer();
    drop(client);
    assert!(server.next().await.is_none());
    drop(server);
    tokio::time::timeout(Duration::from_secs(5), async {
        while !closer.is_closed() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the transport was not closed");
}

#[tokio::test(start_paused = true)]
async fn a_user_who_does_not_receive_does_not_make_the_peer_look_dead() {
    let mut patient = Config::client();
    patient.ping_interval = None;
    patient.write_timeout = Duration::from_secs(3_600);
    let (mut client, mut server) = pair_with(patient, Config::server());
    let sending = tokio::spawn(async move {
        for i in 0..1_000u32 {
            client.send(vec![i as u8; 1_000]).await.unwrap();
        }
        client
    });
    // Longer than a heartbeat and its timeout, with more to read than is read
    // ahead.
    tokio::time::sleep(Duration::from_secs(120)).await;
    for i in 0..1_000u32 {
        let message = server.next().await.unwrap().unwrap();
        assert_eq!(message.as_bytes(), &vec![i as u8; 1_000]);
    }
    sending.await.unwrap();
}

/// A transport that panics when it is read a second time.
struct Panicking(DuplexStream, bool);

impl tokio::io::AsyncRead for Panicking {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        assert!(!self.1, "this transport panics");
        let polled = std::pin::Pin::new(&mut self.0).poll_read(cx, buf);
        self.1 = polled.is_ready();
        polled
    }
}

impl tokio::io::AsyncWrite for Panicking {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_transport_that_panics_ends_its_own_connection_alone() {
    let (near, mut far) = duplex(1024);
    let near = Panicking(near, false);
    let mut broken = WebSocket::from_stream(near, Role::Server, Config::server(), b"");
    let (_other, mut peer) = scripted(Config::server());
    far.write_all(&frame(0x81, b"hello")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(broken.next().await.unwrap().unwrap(), "hello".into());
    let error = broken.next().await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Ended {
                cause: CloseCause::TransportError,
                ..
            }
        ),
        "{error}"
    );

    // The keeper still answers for the others.
    peer.write_all(&frame(0x89, b"!")).await.unwrap();
    let mut pong = [0; 3];
    let read = tokio::time::timeout(Duration::from_secs(1), peer.read_exact(&mut pong)).await;
    read.expect("no pong came").unwrap();
}

#[tokio::test]
async fn what_came_before_the_end_is_answered_before_it() {
    // The end in the same packet as the message: a violation, or a Close frame.
    for (end, answer) in [
        (&b"\x83\x80"[..], &b"\x03\xea"[..]),
        (&frame(0x88, b"\x0f\xa0bye"), b"\x0f\xa0bye"),
    ] {
        let (mut server, mut peer) = scripted(Config::server());
        peer.write_all(&[&frame(0x81, b"question"), end].concat())
            .await
            .unwrap();
        let question = server.next().await.unwrap().unwrap();
        // Long enough for the keeper to have seen the end.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(server.state(), ReadyState::Open);
        server.send(question).await.unwrap();
        let _ = server.next().await;
        assert_eq!(server.state(), ReadyState::Closed);
        drop(server);
        let mut sent = Vec::new();
        peer.read_to_end(&mut sent).await.unwrap();
        assert_eq!(&sent[..10], b"\x81\x08question");
        assert_eq!(sent[10], 0x88);
        assert_eq!(&sent[12..12 + answer.len()], answer);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_long() {
    let (server, mut peer) = scripted(Config::server());
    peer.write_all(&frame(0x88, b"\x03\xe8")).await.unwrap();
    let start = tokio::time::Instant::now();
    let mut answer = [0; 4];
    peer.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x88\x02\x03\xe8");
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_millis(1_200), "{elapsed:?}");
    assert_eq!(server.state(), ReadyState::Closed);
}
