//! Redirects: not followed unless that is allowed, and then with care.

use crate::support::{header, next_text, read_head, serve, serve_bytes, serve_heads};
use longwire::{ConnectError, Connector, connect};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::io::AsyncWriteExt;

/// Redirects everything to `location`.
async fn redirect_to(location: &str) -> SocketAddr {
    serve_bytes(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))
    .await
}

fn following(max: u32) -> Connector {
    Connector::builder()
        .header("Authorization", "Bearer secret")
        .header("Cookie", "id=secret")
        .header("X-Kept", "yes")
        .redirects(max)
        .build()
        .unwrap()
}

#[tokio::test]
async fn by_default_the_error_says_where_it_leads() {
    let address = redirect_to("/elsewhere?x=1").await;
    let error = connect(format!("ws://{address}/here")).await.unwrap_err();
    assert_eq!(error.status(), Some(307));
    assert_eq!(
        error.location().unwrap().as_str(),
        format!("ws://{address}/elsewhere?x=1")
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{address} redirects to ws://{address}/elsewhere?x=1 (status 307); connect there, or \
             allow redirects"
        )
    );
}

#[tokio::test]
async fn a_redirect_is_followed_without_the_credentials() {
    let target = serve_heads("").await;
    let first = redirect_to(&format!("http://{target}/new")).await;
    let url = format!("ws://user:password@{first}/");
    let mut websocket = following(1).connect(url).await.unwrap();
    let head = next_text(&mut websocket).await;
    assert!(head.starts_with("GET /new HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "Host"), Some(&*target.to_string()));
    assert_eq!(header(&head, "X-Kept"), Some("yes"));
    assert_eq!(header(&head, "Authorization"), None);
    assert_eq!(header(&head, "Cookie"), None);
}

#[tokio::test]
async fn on_the_same_server_the_credentials_go_along() {
    let address = serve(|mut stream| async move {
        let head = read_head(&mut stream).await;
        if head.starts_with("GET /new ") {
            let mut answer = crate::support::switching(&head, "");
            answer.extend(crate::support::text_frame(&head));
            stream.write_all(&answer).await.unwrap();
        } else {
            stream
                .write_all(b"HTTP/1.1 301 Moved\r\nLocation: new\r\n\r\n")
                .await
                .unwrap();
        }
    })
    .await;
    let mut websocket = following(1)
        .connect(format!("ws://{address}/old"))
        .await
        .unwrap();
    let head = next_text(&mut websocket).await;
    assert_eq!(header(&head, "Authorization"), Some("Bearer secret"));
    assert_eq!(header(&head, "Cookie"), Some("id=secret"));
}

#[tokio::test]
async fn credentials_do_not_come_back_after_a_detour() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heads = Arc::clone(&seen);
    // Both names lead here: /0 on one redirects to /1 on the other, and that to
    // /2 on the first again.
    let address = serve(move |mut stream| {
        let heads = Arc::clone(&heads);
        async move {
            let head = read_head(&mut stream).await;
            let port = stream.local_addr().unwrap().port();
            let location = if head.starts_with("GET /0 ") {
                format!("ws://b.example:{port}/1")
            } else {
                format!("ws://a.example:{port}/2")
            };
            heads.lock().unwrap().push(head);
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let connector = Connector::builder()
        .header("Cookie", "id=secret")
        .resolve("a.example", [Ipv4Addr::LOCALHOST.into()])
        .resolve("b.example", [Ipv4Addr::LOCALHOST.into()])
        .redirects(2)
        .build()
        .unwrap();
    connector
        .connect(format!("ws://a.example:{}/0", address.port()))
        .await
        .unwrap_err();
    let seen = seen.lock().unwrap();
    let cookies: Vec<_> = seen.iter().map(|head| header(head, "Cookie")).collect();
    assert_eq!(cookies, [Some("id=secret"), None, None]);
}

#[tokio::test]
async fn a_loop_ends_at_the_limit() {
    let requests = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&requests);
    let address = serve(move |mut stream| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /\r\n\r\n")
                .await
                .unwrap();
        }
    })
    .await;
    let error = following(3)
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert_eq!(requests.load(Ordering::Relaxed), 4);
    assert!(matches!(&error, ConnectError::Redirect(redirect) if redirect.followed == 3));
    let text = error.to_string();
    assert!(
        text.ends_with("(status 308), after 3 redirects already"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_websocket_url_is_not_followed() {
    let address = redirect_to("ftp://example.com/").await;
    let error = following(5)
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{address} redirects to \"ftp://example.com/\", which is no WebSocket URL: ftp:// is \
             not for WebSockets; use ws://, or wss:// for TLS"
        )
    );
}

#[tokio::test]
async fn a_redirect_without_location_is_a_refusal() {
    let address = serve_bytes("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
    let error = following(5)
        .connect(format!("ws://{address}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    assert_eq!(error.status(), Some(302));
}
