//! Servers that say nothing, and callers that lose patience.

use crate::support::{read_head, serve, serve_on, tell_head};
use longwire::{ConnectError, Connector, client::Stage};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

const SHORT: Duration = Duration::from_millis(100);

fn impatient() -> Connector {
    Connector::builder()
        .handshake_timeout(SHORT)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let address = serve(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let begun = Instant::now();
    let error = impatient()
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert!(begun.elapsed() >= SHORT);
    assert!(
        matches!(&error, ConnectError::Timeout { stage: Stage::Handshake, after, .. } if *after == SHORT)
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{address} did not answer the opening handshake within 100ms; is it a WebSocket \
             server, and is ws or wss right?"
        )
    );
}

#[tokio::test]
async fn a_server_that_dribbles_is_given_up() {
    let address = serve(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
            .await;
        // Each byte is a sign of life, and none leads to an end.
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    let error = impatient()
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Timeout {
                stage: Stage::Handshake,
                ..
            }
        ),
        "{error:?}"
    );
}

/// An address at which nothing ever comes back: a listener whose queue is full
/// drops what asks for a connection. The connections fill the queue.
#[cfg(target_os = "linux")]
async fn black_hole() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut filling = Vec::new();
    while let Ok(stream) = timeout(SHORT, TcpStream::connect(address)).await {
        filling.push(stream.unwrap());
        assert!(filling.len() < 100, "the queue has no end");
    }
    (listener, filling)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_swallows_everything_is_given_up() {
    let (hole, _filling) = black_hole().await;
    let connector = Connector::builder().connect_timeout(SHORT).build().unwrap();
    let address = hole.local_addr().unwrap();
    let error = connector
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no connection to {address} within 100ms; is the address right, and does a firewall \
             let it through?"
        )
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_swallows_everything_is_passed_by() {
    let (hole, _filling) = black_hole().await;
    let port = hole.local_addr().unwrap().port();
    let live = serve_on(&format!("127.0.0.2:{port}"), |stream| tell_head(stream, "")).await;
    let connector = Connector::builder()
        .resolve("two.example", [Ipv4Addr::LOCALHOST.into(), live.ip()])
        .build()
        .unwrap();
    let begun = Instant::now();
    let stream = connector
        .dial(format!("ws://two.example:{port}"))
        .await
        .unwrap();
    assert_eq!(stream.peer_addr(), live);
    // RFC 8305 section 5. The kernel asks the silent one again after a second.
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(250), "{waited:?}");
    assert!(waited < Duration::from_millis(900), "{waited:?}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_server_that_is_silent_in_tls_is_given_up() {
    let address = serve(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let connector = Connector::builder()
        .tls(longwire::tls::ClientTls::new().roots(longwire::tls::Roots::WebPki))
        .handshake_timeout(SHORT)
        .build()
        .unwrap();
    let error = connector
        .connect(format!("wss://{address}"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Timeout {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_hide_the_refusal() {
    let address = serve(|mut stream| async move {
        read_head(&mut stream).await;
        let begun = b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nno such room";
        stream.write_all(begun).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = impatient()
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert!(
        error.to_string().ends_with("(it says: no such room)"),
        "{error}"
    );
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let address = serve(move |mut stream| {
        let ended = ended.clone();
        async move {
            read_head(&mut stream).await;
            ended.send("asked").unwrap();
            let rest = stream.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(rest, 0);
            ended.send("closed").unwrap();
        }
    })
    .await;
    let connector = Connector::new();
    let url = format!("ws://{address}");
    let mut connecting = Box::pin(connector.connect(&url));
    let asked = async {
        tokio::select! {
            _ = &mut connecting => panic!("the server answers nothing"),
            asked = ends.recv() => asked,
        }
    };
    assert_eq!(asked.await, Some("asked"));
    drop(connecting);
    let closed = timeout(Duration::from_secs(5), ends.recv()).await.unwrap();
    assert_eq!(closed, Some("closed"));
}

#[tokio::test]
async fn a_future_dropped_at_any_point_leaves_the_connector_usable() {
    let address = crate::support::serve_heads("").await;
    let connector = Connector::new();
    let url = format!("ws://{address}");
    for micros in (0..2000).step_by(100) {
        // Whether it is done by then does not matter.
        let _ = timeout(Duration::from_micros(micros), connector.connect(&url)).await;
    }
    connector.connect(&url).await.unwrap();
}
