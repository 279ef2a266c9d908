//! Topics, broadcasts and notifications, over two workers.

use crate::{commands::Running, frame};
use longwire::{
    CloseCode, CloseFrame, Config,
    worker::{Peer, RemoteError},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[tokio::test]
async fn a_publication_reaches_the_subscribers_of_all_workers() {
    let running = Running::start();
    let mut outside = running.connect("/").await;
    let mut members = running.connect_many(6).await;
    for member in &mut members {
        member.join("news").await;
    }
    members[0].send("say news to the others").await;
    members[0].send("tell news to all").await;
    outside.send("tell news from outside").await;
    for (i, member) in members.iter_mut().enumerate() {
        // What one of them says keeps its order; what comes from outside may
        // come before it, between or after it.
        let told = ["to the others", "to all"];
        let told = if i > 0 { &told[..] } else { &told[1..] };
        let mut heard = Vec::new();
        for _ in 0..=told.len() {
            heard.push(member.next().await);
        }
        let before = heard.len();
        heard.retain(|text| text != "from outside");
        assert_eq!(before - heard.len(), 1, "{heard:?}");
        assert_eq!(heard, told);
    }
    assert_eq!(outside.ask("nothing else?").await, "nothing else?");
}

#[tokio::test]
async fn there_is_one_order_for_all() {
    let running = Running::start();
    let mut members = running.connect_many(4).await;
    for member in &mut members {
        member.join("a").await;
        member.join("b").await;
    }
    const EACH: usize = 300;
    let count = members.len();
    for i in 0..EACH {
        for (who, member) in members.iter_mut().enumerate() {
            let topic = ["a", "b"][i % 2];
            member.send(format!("tell {topic} {who} {i}")).await;
        }
    }
    let mut orders = Vec::new();
    for member in &mut members {
        let mut order = Vec::new();
        for _ in 0..EACH * count {
            order.push(member.next().await);
        }
        orders.push(order);
    }
    assert!(orders.iter().all(|order| *order == orders[0]));
    for who in 0..count {
        let own: Vec<&str> = orders[0]
            .iter()
            .filter_map(|text| text.strip_prefix(&format!("{who} ")))
            .collect();
        let expected: Vec<String> = (0..EACH).map(|i| i.to_string()).collect();
        assert_eq!(own, expected);
    }
}

#[tokio::test]
async fn who_leaves_a_topic_hears_no_more_of_it() {
    let running = Running::with(|options| options.max_topics = 2);
    let mut speaker = running.connect("/").await;
    let mut member = running.connect("/").await;
    member.join("a").await;
    member.join("b").await;
    member.join("b").await;
    let refused = member.ask("join c").await;
    assert!(refused.contains("2 topics"), "{refused}");
    assert_eq!(member.ask("topics").await, "a b");
    assert_eq!(member.ask("leave a").await, "left true");
    assert_eq!(member.ask("leave a").await, "left false");
    assert_eq!(member.ask("in a").await, "false");
    assert_eq!(member.ask("in b").await, "true");
    speaker.send("tell a one").await;
    speaker.send("tell b two").await;
    assert_eq!(member.next().await, "two");
}

#[tokio::test]
async fn the_last_thing_that_one_does_may_be_to_publish() {
    let running = Running::start();
    let mut members = running.connect_many(3).await;
    for member in &mut members {
        member.join("farewells").await;
    }
    let mut leaving = running.connect("/alice").await;
    leaving.join("farewells").await;
    leaving.0.close(1000, "").await.unwrap();
    for member in &mut members {
        assert_eq!(member.next().await, "/alice left");
    }
    // Her place is another's now, who is in no topic.
    let mut next = running.connect("/").await;
    assert_eq!(next.ask("topics").await, "");
    running
        .engine
        .publish("farewells", "to those who stay")
        .unwrap();
    assert_eq!(next.ask("still nothing?").await, "still nothing?");
}

#[tokio::test]
async fn the_engine_reaches_all_from_any_thread() {
    let running = Running::start();
    let mut clients = running.connect_many(5).await;
    assert_eq!(running.engine.connections(), clients.len());
    let engine = running.engine.clone();
    std::thread::spawn(move || engine.broadcast("for all").unwrap());
    for client in &mut clients {
        assert_eq!(client.next().await, "for all");
    }
    let visited = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&visited);
    running
        .engine
        .for_each(move |peer: &mut Peer<'_, String>| {
            count.fetch_add(1, Ordering::Relaxed);
            peer.close(CloseFrame::new(4001, "").unwrap());
        })
        .unwrap();
    // Nobody's data is of this type.
    let nobody = |_: &mut Peer<'_, u8>| panic!("called for another type");
    running.engine.for_each(nobody).unwrap();
    for client in &mut clients {
        assert_eq!(client.closed().await, CloseCode::new(4001));
    }
    assert_eq!(visited.load(Ordering::Relaxed), clients.len());
    for _ in 0..clients.len() {
        running.noted("/ closed 4001").await;
    }
    while running.engine.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_still_shakes_hands_hears_no_broadcast() {
    let running = Running::with(|options| options.workers = 1);
    let mut socket = TcpStream::connect(running.address).unwrap();
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    let (first, second) = crate::REQUEST.split_at(40);
    socket.write_all(first).unwrap();
    let mut open = running.connect("/").await;
    running.engine.broadcast("for all").unwrap();
    assert_eq!(open.next().await, "for all");
    socket.write_all(second).unwrap();
    let head = crate::read_head(&mut socket);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    socket.write_all(&frame(0x81, b"nothing else?")).unwrap();
    assert_eq!(read_frame(&mut socket), (0x81, b"nothing else?".to_vec()));
}

#[tokio::test]
async fn a_notification_comes_after_the_last_call_for_it() {
    let running = Running::start();
    let mut members = running.connect_many(3).await;
    for member in &mut members {
        member.join("news").await;
    }
    for _ in 0..1000 {
        running.engine.notify("news");
    }
    members[0].send("notify news").await;
    for (i, member) in members.iter_mut().enumerate() {
        assert_eq!(member.next().await, "notified news");
        // Not for every call; but for the last, which came after this member's.
        member.send("end").await;
        let mut notified = 1;
        while member.next().await != "end" {
            notified += 1;
        }
        assert!(notified < 1000, "{i}: {notified}");
    }
}

#[tokio::test]
async fn what_is_published_in_a_callback_is_delivered_too() {
    let running = Running::start();
    let mut client = running.connect("/again").await;
    client.join("news").await;
    running.engine.notify("news");
    assert_eq!(client.next().await, "notified news");
    assert_eq!(client.next().await, "from inside");
}

/// A subscriber of "news" that reads when it is told to.
fn subscribe(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = crate::open(address, path);
    socket.write_all(&frame(0x81, b"join news")).unwrap();
    assert_eq!(read_frame(&mut socket), (0x81, b"joined news".to_vec()));
    socket
}

/// First byte and payload.
fn read_frame(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let mut len = usize::from(head[1]);
    if len == 126 {
        let mut bytes = [0; 2];
        socket.read_exact(&mut bytes).unwrap();
        len = u16::from_be_bytes(bytes).into();
    }
    let mut payload = vec![0; len];
    socket.read_exact(&mut payload).unwrap();
    (head[0], payload)
}

/// A publication of 60,000 bytes that begins with its number.
fn numbered(number: u32) -> Vec<u8> {
    let mut payload = vec![0; 60_000];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    payload
}

fn with_small_queue() -> Running {
    let mut config = Config::server();
    config.limits.max_queued_output = 100_000;
    Running::with(|options| options.config = config.into())
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_closed_and_told() {
    let running = with_small_queue();
    let mut slow = subscribe(running.address, "/slow");
    let mut number = 0;
    while !running.diary.has("/slow overflow Some(\"news\")") {
        running.engine.publish("news", numbered(number)).unwrap();
        number += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(number < 10_000, "nothing overflows");
    }
    // What came before is all there.
    let mut expected = 0u32;
    loop {
        match read_frame(&mut slow) {
            (0x88, payload) => {
                assert_eq!(payload, b"\x03\xf5too slow");
                break;
            }
            // The kernel's buffers grow: a queue that was full may be taken.
            (0x81, payload) => assert_eq!(payload, b"drained"),
            (_, payload) => {
                assert_eq!(payload[..4], expected.to_be_bytes());
                expected += 1;
            }
        }
    }
    assert!(expected > 2 && expected < number, "{expected} of {number}");
}

#[tokio::test]
async fn a_handler_may_skip_instead() {
    let running = with_small_queue();
    let mut slow = subscribe(running.address, "/skip");
    let mut number = 0;
    while !running.diary.has("/skip overflow Some(\"news\")") {
        running.engine.publish("news", numbered(number)).unwrap();
        number += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(number < 10_000, "nothing overflows");
    }
    // It takes what waits, and what is published when there is room again.
    let mut heard = Vec::new();
    loop {
        let (first, payload) = read_frame(&mut slow);
        if first == 0x81 {
            assert_eq!(payload, b"drained");
            running.engine.publish("news", numbered(u32::MAX)).unwrap();
            continue;
        }
        heard.push(u32::from_be_bytes(payload[..4].try_into().unwrap()));
        if heard.ends_with(&[u32::MAX]) {
            break;
        }
    }
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
    assert!(heard.len() < number as usize + 1, "nothing was skipped");
}

#[tokio::test]
async fn publishing_goes_on_while_the_engine_shuts_down() {
    let running = Running::start();
    let mut members = running.connect_many(3).await;
    for member in &mut members {
        member.join("farewells").await;
    }
    let engine = running.engine.clone();
    let publishing = std::thread::spawn(move || {
        loop {
            match engine.publish("farewells", "again") {
                Ok(()) => {}
                Err(RemoteError::Full) => std::thread::yield_now(),
                Err(RemoteError::Gone) => return,
            }
        }
    });
    running.engine.shutdown();
    for member in &mut members {
        assert_eq!(member.closed().await, CloseCode::GOING_AWAY);
    }
    let ended = tokio::task::spawn_blocking(|| publishing.join());
    let ended = tokio::time::timeout(Duration::from_secs(20), ended);
    ended
        .await
        .expect("the engine does not end")
        .unwrap()
        .unwrap();
    assert_eq!(running.engine.broadcast("x"), Err(RemoteError::Gone));
    assert_eq!(running.engine.connections(), 0);
}
