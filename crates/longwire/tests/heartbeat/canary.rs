//! What becomes of a canary.

use crate::support::{PATIENCE, header, millis, serve, soon};
use longwire::{
    Config, ConnectError, Connector, Role, Server, WebSocket,
    heartbeat::{Canary, Fate, Outcome, Segment},
    proto::heartbeat::CanaryBudget,
    server,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::sleep,
};

/// A Ping, a text message "hi" and a Close frame with 1001, as a server sends
/// them.
const PING: &[u8] = &[0x89, 0];
const TEXT: &[u8] = b"\x81\x02hi";
const CLOSE: &[u8] = &[0x88, 2, 0x03, 0xe9];

async fn fate(url: &str, span: Duration, patience: Duration) -> Fate {
    let canary = soon(Canary::open(&Connector::new(), url)).await.unwrap();
    soon(canary.stay_silent(span, patience)).await
}

/// Reads to the end of the connection, which is the client's.
async fn drain(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_ping_that_is_answered_after_the_silence_proves_the_span() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let url = serve(move |stream, _| {
        let tell = tell.clone();
        async move {
            let mut ws = WebSocket::from_stream(stream, Role::Server, Config::server(), b"");
            tell.send(ws.next().await).unwrap();
        }
    })
    .await;
    let begun = Instant::now();
    let fate = fate(&url, millis(300), PATIENCE).await;
    assert!(matches!(fate, Fate::Answered { .. }), "{fate:?}");
    assert_eq!(fate.outcome(), Outcome::Answered);
    assert!(begun.elapsed() >= millis(300));
    // It says nothing, and leaves with a Close frame.
    assert!(soon(told.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn it_says_what_it_is_and_offers_nothing() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let url = serve(move |stream, head| {
        tell.send(head).unwrap();
        drain(stream)
    })
    .await;
    let connector = Connector::builder()
        .header("Authorization", "Bearer secret")
        .header("longwire-heartbeat", "something else")
        .subprotocol("longwire.v1")
        .build()
        .unwrap();
    drop(soon(Canary::open(&connector, url)).await.unwrap());
    let head = told.recv().await.unwrap();
    assert_eq!(header(&head, "Longwire-Heartbeat"), Some("canary"));
    assert_eq!(header(&head, "Authorization"), Some("Bearer secret"));
    assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
    assert!(!head.contains("something else"), "{head}");
}

#[tokio::test]
async fn a_ping_that_is_not_answered_is_silence() {
    let url = serve(|stream, _| drain(stream)).await;
    let fate = fate(&url, millis(50), millis(200)).await;
    assert!(matches!(fate, Fate::Silent), "{fate:?}");
}

#[tokio::test]
async fn the_end_of_tcp_is_told_with_its_segment_and_when() {
    for by in [Segment::Fin, Segment::Rst] {
        let url = serve(move |stream, _| async move {
            sleep(millis(200)).await;
            if by == Segment::Rst {
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            }
            drop(stream);
        })
        .await;
        let fate = fate(&url, PATIENCE * 2, millis(50)).await;
        let Fate::Dropped { after, by: seen } = fate else {
            panic!("{fate:?}");
        };
        assert_eq!(seen, by);
        // Their clocks begin when each of them sees the handshake done.
        assert!((millis(100)..PATIENCE).contains(&after), "{after:?}");
    }
}

#[tokio::test]
async fn a_reset_may_be_the_answer_to_the_ping() {
    let url = serve(|mut stream, _| async move {
        let _ = stream.read_u8().await;
        let socket = socket2::SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    let fate = fate(&url, millis(100), PATIENCE).await;
    let Fate::Dropped { after, by } = fate else {
        panic!("{fate:?}");
    };
    assert_eq!(by, Segment::Rst);
    assert!(after >= millis(100), "{after:?}");
}

#[tokio::test]
async fn a_close_frame_is_told_with_its_code() {
    let url = serve(|mut stream, _| async move {
        stream.write_all(CLOSE).await.unwrap();
        drain(stream).await;
    })
    .await;
    let fate = fate(&url, PATIENCE * 2, millis(50)).await;
    assert!(
        matches!(&fate, Fate::Closed { info, .. } if info.code().get() == 1001),
        "{fate:?}"
    );
}

#[tokio::test]
async fn whatever_is_heard_in_the_span_voids_it() {
    for frame in [PING, TEXT] {
        let url = serve(move |mut stream, _| async move {
            sleep(millis(1_500)).await;
            stream.write_all(frame).await.unwrap();
            drain(stream).await;
        })
        .await;
        let fate = fate(&url, PATIENCE * 2, millis(50)).await;
        let Fate::Heard { after } = fate else {
            panic!("{fate:?}");
        };
        assert!((millis(1_000)..PATIENCE).contains(&after), "{after:?}");
    }
}

#[tokio::test]
async fn a_greeting_only_begins_the_silence_anew() {
    let url = serve(|mut stream, _| async move {
        for frame in [TEXT, PING, TEXT] {
            stream.write_all(frame).await.unwrap();
            sleep(millis(20)).await;
        }
        drain(stream).await;
    })
    .await;
    // The server answers no Ping, so that the span was waited for.
    let fate = fate(&url, millis(4_000), millis(50)).await;
    assert!(matches!(fate, Fate::Silent), "{fate:?}");
}

#[tokio::test]
async fn a_server_of_ours_keeps_canaries_or_refuses_them() {
    for (places, expected) in [(1, None), (0, Some(403))] {
        let mut options = server::Options::default();
        Arc::make_mut(&mut options.config).canaries = Arc::new(CanaryBudget::new(places));
        let listener = server::Listener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr());
        let mut server = Server::listen(listener, options);
        let serving = tokio::spawn(async move { server.accept().await.is_some() });
        let opened = soon(Canary::open(&Connector::new(), &url)).await;
        let refused = opened.as_ref().err().and_then(ConnectError::status);
        assert_eq!(refused, expected);
        if let Ok(canary) = opened {
            // There is one place, for now.
            let second = soon(Canary::open(&Connector::new(), &url)).await;
            assert_eq!(second.unwrap_err().status(), Some(503));
            let fate = soon(canary.stay_silent(millis(50), PATIENCE)).await;
            assert!(matches!(fate, Fate::Answered { .. }), "{fate:?}");
        }
        assert!(
            !serving.is_finished(),
            "the program has nothing to do with it"
        );
        serving.abort();
    }
}
