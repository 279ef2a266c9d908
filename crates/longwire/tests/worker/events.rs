//! When the methods of a handler are called, and what happens if they panic.

use crate::commands::Running;
use longwire::{CloseCode, Config};
use std::time::Duration;

#[tokio::test]
async fn an_end_without_a_closing_handshake_is_an_error_first() {
    let mut config = Config::server();
    config.limits.max_message_size = 1000;
    config.ping_interval = Some(Duration::from_millis(300));
    config.pong_timeout = Duration::from_millis(300);
    let running = Running::with(|options| options.config = config.into());

    let mut clean = running.connect("/clean").await;
    clean.0.close(3000, "").await.unwrap();
    let mut violating = running.connect("/violating").await;
    violating.send(vec![0; 1001]).await;
    assert_eq!(violating.closed().await, CloseCode::MESSAGE_TOO_BIG);
    drop(running.connect("/dropped").await);
    let silent = crate::open(running.address, "/silent");
    running.noted("/silent closed 1006").await;
    drop(silent);

    for (path, error, code) in [
        ("/clean", None, 3000),
        (
            "/violating",
            Some("failed because a message is longer than 1000 bytes"),
            1006,
        ),
        (
            "/silent",
            Some("the peer did not answer our Ping in time"),
            1006,
        ),
    ] {
        let mut expected: Vec<String> = error
            .map(|error| format!("error: the connection ended: {error}"))
            .into_iter()
            .collect();
        expected.push(format!("closed {code}"));
        assert_eq!(running.diary.of(path), expected, "{path}");
    }
}

#[tokio::test]
async fn a_panic_in_any_method_ends_its_own_connection_alone() {
    let running = Running::with(|options| {
        options.workers = 1;
        let mut config = Config::server();
        config.limits.max_queued_output = 50_000;
        options.config = config.into();
    });
    let mut bystander = running.connect("/").await;
    let url = format!("ws://{}/panic/on_request", running.address);
    let refused = longwire::connect(url).await.unwrap_err();
    assert_eq!(refused.status(), Some(500));

    for method in ["on_open", "on_message", "on_notified", "on_drained"] {
        let mut client = running.connect(&format!("/panic/{method}")).await;
        match method {
            "on_message" => client.send("anything").await,
            "on_notified" => {
                client.join("news").await;
                running.engine.notify("news");
            }
            "on_drained" => client.send("flood").await,
            _ => {}
        }
        assert_eq!(client.closed().await, CloseCode::INTERNAL_ERROR, "{method}");
        let closed = format!("/panic/{method} closed 1011");
        running.noted(&closed).await;
    }
    for method in ["on_error", "on_close"] {
        drop(running.connect(&format!("/panic/{method}")).await);
        let closed = format!("/panic/{method} closed");
        while !running
            .diary
            .events
            .lock()
            .unwrap()
            .iter()
            .any(|event| event.starts_with(&closed))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(bystander.ask("still here?").await, "still here?");
    assert_eq!(bystander.ask("topics").await, "");
}

#[tokio::test]
async fn it_may_be_closed_as_soon_as_it_opens() {
    let running = Running::start();
    let mut client = running.connect("/close/on_open").await;
    assert_eq!(client.closed().await, CloseCode::new(4000));
    running.noted("/close/on_open closed 4000").await;
}

#[tokio::test]
async fn a_full_queue_is_told_to_be_empty_again() {
    let mut config = Config::server();
    // More than the socket takes at once, so that it is written in steps.
    config.limits.max_queued_output = 20 << 20;
    let running = Running::with(|options| {
        options.workers = 1;
        options.config = config.into();
    });
    let mut bystander = running.connect("/").await;
    let mut client = running.connect("/").await;
    for _ in 0..3 {
        client.send("flood").await;
        let mut flood = 0;
        let said = loop {
            let message = client.0.next().await.unwrap().unwrap();
            match message.as_text() {
                Some(text) => break text.to_owned(),
                None => flood += message.len(),
            }
        };
        assert_eq!(said, "drained");
        // With a header of 4 bytes for 4,000.
        assert!(flood / 4000 * 4004 >= 20 << 20, "{flood}");
    }
    assert_eq!(bystander.ask("for me?").await, "for me?");
}
