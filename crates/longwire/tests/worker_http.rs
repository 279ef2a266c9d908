//! HTTP on the port of a worker engine, by hyper.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod server_peer;
#[cfg(feature = "tls")]
mod tls_peer;
mod worker_echo;

use hyper::{Method, Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use longwire::{
    server::HttpConnection,
    worker::{EngineOptions, HttpFallback},
};
use server_peer::*;
use std::{convert::Infallible, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    runtime::Handle,
};
use worker_echo::Running;

/// Answers with the path, and with what was posted.
async fn page(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    use http_body_util::BodyExt as _;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(match method {
        Method::POST => format!("{} bytes", body.len()),
        _ => format!("page {path}"),
    }))
}

async fn serve(http: HttpConnection) {
    assert!(http.peer_addr().is_some());
    let io = TokioIo::new(http.into_stream());
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(io, service_fn(page))
        .await;
    if let Err(error) = served {
        println!("{error}");
    }
}

fn with_pages(options: &mut EngineOptions) {
    options.http = Some(HttpFallback::new(Handle::current(), serve));
}

/// The head and the body of the next response, which tells its length.
async fn response<S: AsyncRead + AsyncWrite + Unpin>(peer: &mut Peer<S>) -> (String, String) {
    let head = peer.read_head().await;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    soon(peer.0.read_exact(&mut body)).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn pages_come<S: AsyncRead + AsyncWrite + Unpin>(mut peer: Peer<S>) {
    // Two at once, and one more later on.
    peer.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    for path in ["/1", "/2"] {
        let (head, body) = response(&mut peer).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body, format!("page {path}"));
    }
    peer.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(response(&mut peer).await.1, "page /3");
    assert_eq!(peer.read_to_end().await, "");
}

#[tokio::test]
async fn pages_and_websockets_share_a_port() {
    let running = Running::start(with_pages);
    pages_come(running.connect().await).await;
    let mut peer = Peer::open(running.address).await;
    peer.echoes("as ever").await;
}

async fn a_long_body_goes_through<S: AsyncRead + AsyncWrite + Unpin>(mut peer: Peer<S>) {
    // It is longer than any buffer on the way.
    let body = vec![7; 3_000_000];
    let length = body.len();
    peer.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    ))
    .await;
    peer.send(&body).await;
    assert_eq!(response(&mut peer).await.1, "3000000 bytes");
}

#[tokio::test]
async fn a_body_goes_on_where_the_worker_stopped() {
    let running = Running::start(with_pages);
    a_long_body_goes_through(running.connect().await).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn pages_and_bodies_go_through_tls() {
    let certificate = tls_peer::Certificate::new();
    let running = Running::start(|options| {
        options.tls = Some(certificate.server());
        with_pages(options);
    });
    let connect = async || {
        let tcp = running.connect().await.0;
        let name = "localhost".try_into().unwrap();
        Peer(
            soon(certificate.connector().connect(name, tcp))
                .await
                .unwrap(),
        )
    };
    // The end is authenticated: reading to the end fails otherwise.
    pages_come(connect().await).await;
    a_long_body_goes_through(connect().await).await;
    let mut ws = connect().await;
    ws.send(request("/", "")).await;
    assert!(ws.read_head().await.starts_with("HTTP/1.1 101 "));
    ws.echoes("as ever").await;
}

#[tokio::test]
async fn a_request_may_come_in_pieces() {
    let running = Running::start(with_pages);
    let mut peer = running.connect().await;
    for piece in ["GET /sl", "ow HTTP/1.1\r\nHo", "st: a\r\n\r\n"] {
        peer.send(piece).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(response(&mut peer).await.1, "page /slow");
}

#[tokio::test]
async fn a_broken_websocket_request_is_refused_by_the_engine() {
    let running = Running::start(with_pages);
    let mut peer = running.connect().await;
    peer.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        .await;
    let head = peer.read_head().await;
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
}

#[tokio::test]
async fn places_are_bounded_and_come_free() {
    let running = Running::start(|options| {
        let http = HttpFallback::new(Handle::current(), serve);
        options.http = Some(http.max_connections(1));
    });
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = running.connect().await;
    first.send(request).await;
    response(&mut first).await;
    // It has the place for as long as it is kept alive.
    let mut second = running.connect().await;
    second.send(request).await;
    let head = second.read_head().await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    drop(first);
    soon(async {
        loop {
            let mut next = running.connect().await;
            next.send(request).await;
            if next.read_head().await.starts_with("HTTP/1.1 200 ") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_fallback_there_are_no_pages() {
    let running = Running::start(|_| {});
    let answer = Peer::exchange(running.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}
