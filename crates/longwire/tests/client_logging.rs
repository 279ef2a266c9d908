//! The client's events: useful, and without secrets. In a process of its own,
//! since whether an event is wanted is remembered for all threads.

// clippy.toml lets tests unwrap, but not what they share.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "made for the tests of the client as a whole")]
#[path = "client/support.rs"]
mod support;

use longwire::Connector;
use std::{
    io,
    sync::{Arc, Mutex},
};
use support::{serve_bytes, serve_heads};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn events_tell_the_way_and_no_secrets() {
    let target = serve_heads("").await;
    let first = serve_bytes(format!(
        "HTTP/1.1 307 Over There\r\nLocation: ws://{target}/?token=secret\r\n\r\n"
    ))
    .await;
    let refusing = serve_bytes("HTTP/1.1 403 secret\r\n\r\nsecret").await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The runtime of a test has one thread, this one.
    let guard = tracing::subscriber::set_default(subscriber);
    let connector = Connector::builder()
        .header("Cookie", "secret")
        .header("X-Api-Key", "secret")
        .redirects(1)
        .build()
        .unwrap();
    let url = format!("ws://secret:secret@{first}/secret?token=secret");
    drop(connector.connect(&url).await.unwrap());
    let url = format!("ws://secret:secret@{refusing}/secret?token=secret");
    connector.connect(&url).await.unwrap_err();
    drop(guard);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for event in [
        format!(
            "connect{{host=\"{first}\" tls=false}}: longwire::client::dial: connected peer={first}"
        ),
        format!("redirected status=307 to=\"{target}\""),
        format!("connected peer={target}"),
        format!("no WebSocket host=\"{refusing}\" cause=\"refused\""),
    ] {
        assert!(log.contains(&event), "{event:?} in:\n{log}");
    }
    assert!(!log.contains("secret"), "{log}");
}
