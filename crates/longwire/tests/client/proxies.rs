//! Through proxies that a test plays.

use crate::support::{next_text, read_head, serve, serve_heads};
use longwire::{
    ConnectError, Connector,
    client::{Proxy, ProxyError},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

fn through(proxy: impl AsRef<str>) -> Connector {
    let proxy = Proxy::parse(proxy.as_ref()).unwrap();
    Connector::builder().proxy(proxy).build().unwrap()
}

/// What a proxy was asked for.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// An HTTP proxy that connects to `server`, whatever it is asked for.
pub(crate) async fn http_proxy(server: SocketAddr) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let heads = Arc::clone(&asked);
    let address = serve(move |mut client| {
        let heads = Arc::clone(&heads);
        async move {
            let head = read_head(&mut client).await;
            heads.lock().unwrap().push(head);
            let mut server = TcpStream::connect(server).await.unwrap();
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
                .await
                .unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (address.await, asked)
}

/// A SOCKS5 proxy that connects to `server`, whatever it is asked for, and wants
/// these credentials.
pub(crate) async fn socks5_proxy(
    server: SocketAddr,
    credentials: Option<&'static str>,
) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let names = Arc::clone(&asked);
    let address = serve(move |mut client| {
        let names = Arc::clone(&names);
        async move {
            let (version, methods) = (
                client.read_u8().await.unwrap(),
                read_string(&mut client).await,
            );
            assert_eq!(version, 5);
            let method = if credentials.is_some() { 2 } else { 0 };
            assert!(methods.as_bytes().contains(&method));
            client.write_all(&[5, method]).await.unwrap();
            if let Some(credentials) = credentials {
                assert_eq!(client.read_u8().await.unwrap(), 1);
                let user = read_string(&mut client).await;
                let password = read_string(&mut client).await;
                let right = format!("{user}:{password}") == credentials;
                client.write_all(&[1, u8::from(!right)]).await.unwrap();
                if !right {
                    return;
                }
            }
            let mut head = [0; 4];
            client.read_exact(&mut head).await.unwrap();
            assert_eq!(head, [5, 1, 0, 3], "a name, not an address");
            let name = read_string(&mut client).await;
            let port = client.read_u16().await.unwrap();
            names.lock().unwrap().push(format!("{name}:{port}"));
            client
                .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .await
                .unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    (address.await, asked)
}

/// A length in one byte, and so many bytes.
async fn read_string(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; usize::from(stream.read_u8().await.unwrap())];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_http_proxy_is_asked_for_the_server_by_name() {
    let server = serve_heads("").await;
    let (proxy, asked) = http_proxy(server).await;
    let connector = through(format!("http://user:p%40ss@{proxy}"));
    let mut ws = connector
        .connect("ws://no-such-host.test/room")
        .await
        .unwrap();
    let request = next_text(&mut ws).await;
    assert!(request.starts_with("GET /room HTTP/1.1\r\n"), "{request}");
    assert!(!request.contains("Proxy-Authorization"), "{request}");
    let asked = asked.lock().unwrap().remove(0).to_lowercase();
    assert!(
        asked.starts_with("connect no-such-host.test:80 http/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("\r\nhost: no-such-host.test:80\r\n"),
        "{asked}"
    );
    // "user:p@ss" in base64.
    assert!(
        asked.contains("proxy-authorization: basic dxnlcjpwqhnz"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_socks5_proxy_is_asked_for_the_server_by_name() {
    for credentials in [None, Some("user:p@ss")] {
        let server = serve_heads("").await;
        let (proxy, asked) = socks5_proxy(server, credentials).await;
        let login = credentials.map_or("", |_| "user:p%40ss@");
        let connector = through(format!("socks5://{login}{proxy}"));
        let mut ws = connector
            .connect("ws://no-such-host.test:8080/")
            .await
            .unwrap();
        next_text(&mut ws).await;
        assert_eq!(*asked.lock().unwrap(), ["no-such-host.test:8080"]);
    }
}

async fn proxy_error(connector: &Connector) -> (ProxyError, String) {
    let error = connector
        .connect("ws://u:secret@server.test/")
        .await
        .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.cause(), "proxy");
    assert!(
        text.starts_with("cannot connect to server.test through "),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    match error {
        ConnectError::Proxy { source, .. } => (source, text),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told() {
    for (answer, expected) in [
        (
            "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno",
            "user name and password",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "403; it does not let this client",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "502; it cannot reach the server",
        ),
        ("SSH-2.0-OpenSSH\r\n", "as an HTTP proxy"),
        ("", "as an HTTP proxy"),
        (
            "HTTP/1.1 200 OK\r\n\r\nsurprise",
            "before the server was asked",
        ),
    ] {
        let proxy = crate::support::serve_bytes(answer).await;
        let (_, text) = proxy_error(&through(format!("http://u:secret@{proxy}"))).await;
        assert!(text.contains(expected), "{answer:?}: {text}");
    }
    let (proxy, _) = socks5_proxy(([127, 0, 0, 1], 9).into(), Some("other:password")).await;
    let (error, _) = proxy_error(&through(format!("socks5://u:secret@{proxy}"))).await;
    assert!(matches!(error, ProxyError::Unauthorized));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_apart_from_the_server() {
    let unused = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let (error, text) = proxy_error(&through(format!("http://{unused}"))).await;
    assert!(matches!(error, ProxyError::Unreachable(_)));
    assert!(text.contains("it cannot be reached: 127.0.0.1"), "{text}");
}
