//! Connections that come back, over real sockets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use longwire::{
    Connector, Message, Server, WebSocket,
    reconnecting::{Backoff, Event, Lost, Reconnecting, SendError, State, WhenFull, reconnecting},
    server::Refusal,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it takes too long")
}

fn quick() -> Backoff {
    let mut backoff = Backoff::default();
    backoff.min = Duration::from_millis(1);
    backoff.max = Duration::from_millis(20);
    backoff
}

async fn bind() -> (Server, String) {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", server.local_addr());
    (server, url)
}

async fn accept(server: &mut Server) -> WebSocket {
    let pending = soon(server.accept()).await.expect("the server runs");
    pending.accept().await.unwrap()
}

async fn text(ws: &mut WebSocket) -> String {
    let message = soon(ws.next()).await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}

async fn received(ws: &mut Reconnecting) -> String {
    let message = soon(ws.next()).await.unwrap().unwrap();
    message.as_text().unwrap().to_owned()
}

/// A port that nobody listens on.
async fn unused_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn messages_go_on_over_connections_that_are_lost() {
    let (mut server, url) = bind().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut client = reconnecting(url)
        .backoff(quick())
        .on_event(move |event| {
            if let Event::Lost { .. } = event {
                tell.send(()).unwrap();
            }
        })
        .build()
        .unwrap();
    for round in 0..5 {
        client.send(format!("to {round}")).await.unwrap();
        let mut peer = accept(&mut server).await;
        assert_eq!(text(&mut peer).await, format!("to {round}"));
        peer.send(format!("from {round}")).await.unwrap();
        assert_eq!(received(&mut client).await, format!("from {round}"));
        match round {
            0 => drop(peer),
            1 => drop(peer.close(1012, "").await),
            2 => drop(peer.close(1012, "back soon; reconnect in 0-0.1 s").await),
            _ => drop(peer.close(1011, "").await),
        }
        // What is handed to a connection that is lost may be lost with it.
        soon(told.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_sent_while_away_waits_and_comes_in_order() {
    let port = unused_port().await;
    let url = format!("ws://127.0.0.1:{port}/");
    let client = reconnecting(url).backoff(quick()).build().unwrap();
    for number in 0..100 {
        client.send(number.to_string()).await.unwrap();
    }
    assert_eq!(client.queued(), 100);
    let mut server = Server::bind(("127.0.0.1", port)).await.unwrap();
    let mut peer = accept(&mut server).await;
    for number in 0..100 {
        assert_eq!(text(&mut peer).await, number.to_string());
    }
    assert_eq!(soon(client.opened()).await, State::Open);
    let unsent = soon(client.close(1000, "done")).await.unwrap();
    assert_eq!(unsent, []);
    assert!(soon(peer.next()).await.is_none());
    let info = peer.close_info().unwrap();
    assert_eq!((info.code().get(), info.reason()), (1000, "done"));
}

#[tokio::test]
async fn it_is_given_up_when_it_would_end_in_the_same_way_again() {
    for code in [1000, 1008, 3000] {
        let (mut server, url) = bind().await;
        let mut client = reconnecting(url).backoff(quick()).build().unwrap();
        let mut peer = accept(&mut server).await;
        peer.close(code, "no").await.unwrap();
        let lost = soon(client.next()).await.unwrap().unwrap_err();
        assert!(
            matches!(&lost, Lost::Closed(info) if info.code().get() == code),
            "{lost}"
        );
        assert!(client.next().await.is_none());
        assert_eq!(client.state(), State::Closed);
        let refused = client.send("late").await;
        assert_eq!(refused, Err(SendError::Closed(Message::from("late"))));
    }
}

#[tokio::test]
async fn a_refusal_is_the_end_unless_it_is_for_now() {
    let (mut server, url) = bind().await;
    let mut client = reconnecting(url).backoff(quick()).build().unwrap();
    for status in [503, 429, 401] {
        let pending = soon(server.accept()).await.unwrap();
        pending.refuse(Refusal::new(status, "no\n").unwrap());
    }
    let lost = soon(client.next()).await.unwrap().unwrap_err();
    assert!(
        matches!(&lost, Lost::Failed(error) if error.status() == Some(401)),
        "{lost}"
    );
}

#[tokio::test]
async fn each_try_asks_for_a_connector_and_goes_on_to_the_next_endpoint() {
    let nobody = format!("ws://127.0.0.1:{}/", unused_port().await);
    let (mut server, url) = bind().await;
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let client = reconnecting(nobody)
        .endpoint(url)
        .backoff(quick())
        .connector_with(move || {
            let count = Arc::clone(&count);
            async move {
                let mut count = count.lock().unwrap();
                *count += 1;
                if *count == 2 {
                    return Err("no token today".into());
                }
                let connector = Connector::builder();
                Ok(connector
                    .header("Authorization", format!("Bearer {count}"))
                    .build()?)
            }
        })
        .build()
        .unwrap();
    let pending = soon(server.accept()).await.unwrap();
    let sent = pending.request().headers().get("Authorization").unwrap();
    assert_eq!(sent, "Bearer 3");
    assert_eq!(*asked.lock().unwrap(), 3);
    drop(client);
}

#[tokio::test]
async fn everything_that_happens_can_be_watched() {
    let (mut server, url) = bind().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let see = Arc::clone(&seen);
    let mut client = reconnecting(url)
        .backoff(quick())
        .on_event(move |event| {
            let line = match event {
                Event::Connecting { attempt, .. } => format!("try {attempt}"),
                Event::Open { .. } => "open".to_owned(),
                Event::Lost { cause, next_try_in } => {
                    assert!(*next_try_in <= Duration::from_millis(20));
                    format!("lost: {cause}")
                }
                Event::GaveUp(cause) => format!("gave up: {cause}"),
                other => format!("{other:?}"),
            };
            see.lock().unwrap().push(line);
        })
        .build()
        .unwrap();
    soon(server.accept())
        .await
        .unwrap()
        .refuse(Refusal::unavailable("later\n"));
    let mut peer = accept(&mut server).await;
    peer.close(1012, "restarting").await.unwrap();
    let mut peer = accept(&mut server).await;
    peer.close(1008, "enough").await.unwrap();
    soon(client.next()).await.unwrap().unwrap_err();
    let seen = seen.lock().unwrap();
    let refused = &seen[1];
    assert!(
        refused.starts_with("lost: no WebSocket at 127.0.0.1"),
        "{refused}"
    );
    assert_eq!(
        [&seen[..1], &seen[2..]].concat(),
        [
            "try 1",
            "try 2",
            "open",
            "lost: the connection was closed: 1012 (service restart): restarting",
            "try 1",
            "open",
            "gave up: the connection was closed: 1008 (policy violation): enough",
        ]
    );
}

#[tokio::test]
async fn a_full_queue_drops_the_oldest_and_says_so() {
    let url = format!("ws://127.0.0.1:{}/", unused_port().await);
    let dropped = Arc::new(Mutex::new(0));
    let count = Arc::clone(&dropped);
    let client = reconnecting(url)
        .queue(1000, WhenFull::DropOldest)
        .on_event(move |event| {
            if let Event::Dropped(messages) = event {
                *count.lock().unwrap() += messages;
            }
        })
        .build()
        .unwrap();
    for number in 0..100 {
        client.send(number.to_string()).await.unwrap();
    }
    let unsent = soon(client.close(1000, "")).await.unwrap();
    assert_eq!(unsent.last().unwrap().as_text(), Some("99"));
    assert_eq!(unsent.len() + *dropped.lock().unwrap(), 100);
    assert!(unsent.len() < 50);
}

#[tokio::test]
async fn a_wait_can_be_cut_short() {
    let port = unused_port().await;
    let mut backoff = Backoff::default();
    backoff.min = PATIENCE * 1000;
    backoff.max = backoff.min;
    let client = reconnecting(format!("ws://127.0.0.1:{port}/"));
    let client = client.backoff(backoff).build().unwrap();
    while client.state() != State::Waiting {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut server = Server::bind(("127.0.0.1", port)).await.unwrap();
    client.retry_now();
    let _peer = accept(&mut server).await;
    assert_eq!(soon(client.opened()).await, State::Open);
}

#[tokio::test]
async fn a_dropped_one_goes_away() {
    let (mut server, url) = bind().await;
    let client = reconnecting(url).build().unwrap();
    let mut peer = accept(&mut server).await;
    assert_eq!(soon(client.opened()).await, State::Open);
    drop(client);
    assert!(soon(peer.next()).await.is_none());
    assert_eq!(peer.close_info().unwrap().code().get(), 1001);
}

#[tokio::test]
async fn a_url_that_is_none_is_told_at_once() {
    let error = reconnecting("ftp://example.com/").build().unwrap_err();
    assert!(error.to_string().contains("ws://"), "{error}");
}

#[tokio::test]
async fn a_change_of_the_network_cuts_a_wait_short() {
    let url = format!("ws://127.0.0.1:{}/", unused_port().await);
    let (change, mut changes) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut backoff = Backoff::default();
    (backoff.min, backoff.max) = (PATIENCE * 100, PATIENCE * 100);
    let client = reconnecting(url)
        .backoff(backoff)
        .network_changes(futures_util::stream::poll_fn(move |cx| {
            changes.poll_recv(cx)
        }))
        .on_event(move |event| {
            if let Event::Connecting { attempt, .. } = event {
                let _ = tell.send(*attempt);
            }
        })
        .build()
        .unwrap();
    for attempt in 1..4 {
        assert_eq!(soon(told.recv()).await, Some(attempt));
        change.send(()).unwrap();
    }
    drop(client);
}

#[tokio::test]
async fn a_connection_whose_address_is_still_there_outlives_a_change() {
    let (mut server, url) = bind().await;
    let (change, mut changes) = mpsc::unbounded_channel();
    let mut client = reconnecting(url)
        .network_changes(futures_util::stream::poll_fn(move |cx| {
            changes.poll_recv(cx)
        }))
        .build()
        .unwrap();
    let mut peer = accept(&mut server).await;
    assert_eq!(soon(client.opened()).await, State::Open);
    change.send(()).unwrap();
    for round in 0..3 {
        client.send(format!("to {round}")).await.unwrap();
        assert_eq!(text(&mut peer).await, format!("to {round}"));
        peer.send(format!("from {round}")).await.unwrap();
        assert_eq!(received(&mut client).await, format!("from {round}"));
    }
}
