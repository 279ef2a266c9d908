//! What came in one read with the message that the user took, and is not looked
//! at until somebody does.

use longwire::{Accepts, CloseCause, Config, Error, Message, Role, WebSocket};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Long enough for a machine that is busy.
const SOON: Duration = Duration::from_secs(10);

/// A server whose peer has written `frames` in one piece.
async fn server_with(config: Config, frames: &[Vec<u8>]) -> Result<(WebSocket, DuplexStream)> {
    let (left, mut peer) = duplex(64 * 1024);
    let server = WebSocket::from_stream(left, Role::Server, config, b"");
    // The keeper has found nothing yet when it has had its turn.
    tokio::task::yield_now().await;
    peer.write_all(&frames.concat()).await?;
    Ok((server, peer))
}

/// A masked frame (with the key 0, so that the payload is readable).
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

async fn next(ws: &mut WebSocket) -> Result<Message> {
    Ok(timeout(SOON, ws.next()).await?.ok_or("closed")??)
}

#[tokio::test]
async fn a_ping_behind_a_message_is_answered_though_the_user_is_gone() -> Result {
    let frames = [text("one"), frame(0x89, b"there?"), text("two")];
    let (mut server, mut peer) = server_with(Config::server(), &frames).await?;
    assert_eq!(next(&mut server).await?, "one".into());
    let mut pong = [0; 8];
    timeout(SOON, peer.read_exact(&mut pong)).await??;
    assert_eq!(&pong, b"\x8a\x06there?");
    assert_eq!(next(&mut server).await?, "two".into());
    Ok(())
}

#[tokio::test]
async fn answers_keep_the_order_of_what_they_answer() -> Result {
    let frames = [
        text("one"),
        frame(0x89, b"ping"),
        text("two"),
        text("three"),
    ];
    let (mut server, mut peer) = server_with(Config::server(), &frames).await?;
    for _ in 0..3 {
        let message = next(&mut server).await?;
        server.send(message).await?;
    }
    let mut answers = [0; 23];
    timeout(SOON, peer.read_exact(&mut answers)).await??;
    assert_eq!(&answers, b"\x81\x03one\x8a\x04ping\x81\x03two\x81\x05three");
    Ok(())
}

#[tokio::test]
async fn what_came_before_a_break_is_received_before_it_is_told() -> Result {
    let frames = [text("one"), text("two"), text("three"), frame(0x01, b"cut")];
    let (mut server, peer) = server_with(Config::server(), &frames).await?;
    assert_eq!(next(&mut server).await?, "one".into());
    drop(peer);
    // Whoever finds the break first: a sender, or the keeper.
    let _ = server.send("an answer").await;
    let _ = server.flush().await;
    assert_eq!(next(&mut server).await?, "two".into());
    assert_eq!(next(&mut server).await?, "three".into());
    let end = timeout(SOON, server.next()).await?.ok_or("no error came")?;
    assert!(matches!(end, Err(Error::Ended { .. })), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn messages_before_a_violation_are_received_and_answered() -> Result {
    let frames = [text("one"), text("two"), frame(0x81, b"\xff"), text("no")];
    let (mut server, mut peer) = server_with(Config::server(), &frames).await?;
    for expected in ["one", "two"] {
        let message = next(&mut server).await?;
        assert_eq!(message, expected.into());
        server.send(message).await?;
    }
    let end = timeout(SOON, server.next()).await?.ok_or("no error came")?;
    let Err(Error::Ended { cause, .. }) = end else {
        return Err(format!("{end:?}").into());
    };
    assert!(matches!(cause, CloseCause::Failed(_)), "{cause:?}");
    let mut answers = [0; 14];
    timeout(SOON, peer.read_exact(&mut answers)).await??;
    assert_eq!(answers[..10], *b"\x81\x03one\x81\x03two");
    assert_eq!(answers[12..], 1007_u16.to_be_bytes());
    Ok(())
}

#[tokio::test]
async fn a_kind_that_is_not_taken_is_refused_behind_one_that_is() -> Result {
    let mut config = Config::server();
    config.accepts = Accepts::Text;
    let frames = [text("one"), frame(0x82, b"two"), text("no")];
    let (mut server, mut peer) = server_with(config, &frames).await?;
    assert_eq!(next(&mut server).await?, "one".into());
    assert!(matches!(
        timeout(SOON, server.next()).await?,
        Some(Err(Error::Ended { .. }))
    ));
    let mut close = [0; 4];
    timeout(SOON, peer.read_exact(&mut close)).await??;
    assert_eq!(close[2..], 1003_u16.to_be_bytes());
    Ok(())
}

#[tokio::test]
async fn the_message_behind_one_may_be_streamed() -> Result {
    let frames = [
        text("one"),
        frame(0x02, b"be"),
        frame(0x80, b"gun"),
        text("last"),
    ];
    let (mut server, _peer) = server_with(Config::server(), &frames).await?;
    assert_eq!(next(&mut server).await?, "one".into());
    let mut reader = timeout(SOON, server.next_reader())
        .await?
        .ok_or("closed")??;
    let mut streamed = Vec::new();
    while let Some(chunk) = timeout(SOON, reader.chunk()).await? {
        streamed.extend_from_slice(&chunk?);
    }
    assert_eq!(streamed, b"begun");
    drop(reader);
    assert_eq!(next(&mut server).await?, "last".into());
    Ok(())
}

#[tokio::test]
async fn pings_are_answered_behind_messages_that_nobody_wants_any_more() -> Result {
    let frames = [text("one"), text("two"), frame(0x89, b"there?")];
    let (mut server, mut peer) = server_with(Config::server(), &frames).await?;
    assert_eq!(next(&mut server).await?, "one".into());
    let (sender, receiver) = server.split();
    drop(receiver);
    let mut pong = [0; 8];
    timeout(SOON, peer.read_exact(&mut pong)).await??;
    assert_eq!(&pong, b"\x8a\x06there?");
    drop(sender);
    Ok(())
}

#[tokio::test]
async fn many_connections_are_each_in_the_middle_of_what_they_read() -> Result {
    let mut all = Vec::new();
    for _ in 0..20 {
        let frames = [text("one"), text("two"), text("three")];
        all.push(server_with(Config::server(), &frames).await?);
    }
    for expected in ["one", "two", "three"] {
        for (server, _) in &mut all {
            assert_eq!(next(server).await?, expected.into());
        }
    }
    Ok(())
}
