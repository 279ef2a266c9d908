//! That the transport is found inside of what hyper wraps around it: nothing
//! else would tell, since a wrapped one works too, at the cost of its wrapping.

use super::*;
use ::hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioExecutor;
use std::convert::Infallible;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, duplex},
    net::TcpListener,
    sync::mpsc,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nbehind";

/// What is found in a connection that hyper has served and upgraded, and the
/// bytes behind the request.
async fn found<T>(transport: T, auto: bool) -> (Io, Bytes)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        let sender = sender.clone();
        async move {
            let (response, upgrading) = upgrade(&mut request).unwrap();
            tokio::spawn(async move {
                let upgraded = upgrading.on_upgrade.await.unwrap();
                sender.send(take_apart(upgraded)).unwrap_or_default();
            });
            Ok::<_, Infallible>(response.map(http_body_util::Full::new))
        }
    });
    let io = TokioIo::new(transport);
    if auto {
        let builder = auto::Builder::new(TokioExecutor::new());
        let served = builder.serve_connection_with_upgrades(io, service).await;
        served.unwrap();
    } else {
        let builder = http1::Builder::new();
        let served = builder.serve_connection(io, service).with_upgrades().await;
        served.unwrap();
    }
    receiver.recv().await.unwrap()
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (near, far) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let mut far = far.unwrap();
    far.write_all(REQUEST).await.unwrap();
    (near.unwrap().0, far)
}

#[tokio::test]
async fn a_tcp_stream_is_found() {
    for auto in [false, true] {
        let (near, _far) = tcp().await;
        let (io, read) = found(near, auto).await;
        assert!(matches!(io, Io::Tcp(_)), "auto: {auto}");
        assert_eq!(read, "behind");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_stream_is_found() {
    for auto in [false, true] {
        let (near, mut far) = tokio::net::UnixStream::pair().unwrap();
        far.write_all(REQUEST).await.unwrap();
        let (io, read) = found(near, auto).await;
        assert!(matches!(io, Io::Unix(_)), "auto: {auto}");
        assert_eq!(read, "behind");
    }
}

#[tokio::test]
async fn a_rewound_stream_is_found_and_what_is_in_it() {
    for auto in [false, true] {
        let (near, _far) = tcp().await;
        let rewound = Rewound::new(Io::Tcp(near), Vec::new());
        let (io, read) = found(rewound, auto).await;
        assert!(matches!(io, Io::Tcp(_)), "auto: {auto}");
        assert_eq!(read, "behind");
    }
}

#[tokio::test]
async fn any_other_stream_stays_wrapped_and_loses_nothing() {
    for auto in [false, true] {
        let (near, mut far) = duplex(1024);
        far.write_all(REQUEST).await.unwrap();
        let (mut io, read) = found(near, auto).await;
        assert!(matches!(io, Io::Other(_)), "auto: {auto}");
        let mut all = read.to_vec();
        drop(far);
        tokio::io::AsyncReadExt::read_to_end(&mut io, &mut all)
            .await
            .unwrap();
        assert_eq!(all, b"behind");
    }
}
