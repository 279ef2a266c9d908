//! `longwire serve`, as clients and browsers see it.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod program;

use longwire::{CloseCode, ConnectError, Connector, Message, WebSocket};
use program::{Program, run};
use std::time::{Duration, Instant};

/// Each test twice: the two drivers are to behave the same.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $test:ident)*) => {
        mod on_workers {
            $($(#[$attribute])* #[tokio::test] async fn $test() { super::$test("worker").await; })*
        }
        mod on_tokio {
            $($(#[$attribute])* #[tokio::test] async fn $test() { super::$test("tokio").await; })*
        }
    };
}

on_both! {
    what_one_sends_everyone_gets_in_one_order
    binary_messages_pass_as_they_are
    echo_off_leaves_out_what_one_sent_oneself
    rooms_may_be_named_in_any_script
    what_is_no_channel_is_refused_with_a_reason
    a_message_over_the_limit_is_refused_with_1009
    a_subscriber_that_falls_behind_is_told
    pages_of_other_sites_are_kept_out_unless_allowed
    a_foreign_name_does_not_reach_a_server_on_loopback
    #[cfg(unix)]
    told_to_stop_it_closes_its_connections_with_1001
    #[cfg(unix)]
    told_to_stop_it_does_not_wait_for_ever
    a_client_is_not_pushed_behind_by_its_own_doing
    bursts_reach_many_whole_and_in_order
    who_was_slow_catches_up
    the_page_is_served_with_its_files
}

async fn join(program: &Program, path: &str) -> WebSocket {
    longwire::connect(program.url(path)).await.unwrap()
}

async fn text(ws: &mut WebSocket) -> String {
    let next = tokio::time::timeout(Duration::from_secs(10), ws.next());
    let message = next.await.expect("nothing came").unwrap().unwrap();
    message.as_text().expect("no text").to_owned()
}

async fn what_one_sends_everyone_gets_in_one_order(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(join(&program, "/channels/lobby").await);
    }
    let mut elsewhere = join(&program, "/channels/garden").await;
    for i in 0..100 {
        for member in &mut members {
            member.send(format!("{i}")).await.unwrap();
        }
    }
    let mut orders = Vec::new();
    for member in &mut members {
        let mut order = Vec::new();
        for _ in 0..300 {
            order.push(text(member).await);
        }
        orders.push(order);
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0], orders[2]);
    let mut sorted: Vec<u32> = orders[0].iter().map(|text| text.parse().unwrap()).collect();
    sorted.sort_unstable();
    assert!(
        sorted
            .chunks(3)
            .enumerate()
            .all(|(i, three)| three == [i as u32; 3])
    );

    elsewhere.send("alone").await.unwrap();
    assert_eq!(text(&mut elsewhere).await, "alone");
}

async fn binary_messages_pass_as_they_are(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    let mut sender = join(&program, "/channels/pictures").await;
    let mut receiver = join(&program, "/channels/pictures").await;
    let picture: Vec<u8> = (0..500_000u32).map(|i| (i * 7) as u8).collect();
    sender.send(picture.clone()).await.unwrap();
    assert_eq!(
        receiver.next().await.unwrap().unwrap(),
        Message::from(picture)
    );
}

async fn echo_off_leaves_out_what_one_sent_oneself(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    let mut quiet = join(&program, "/channels/lobby?echo=off").await;
    let mut other = join(&program, "/channels/lobby").await;
    quiet.send("from quiet").await.unwrap();
    assert_eq!(text(&mut other).await, "from quiet");
    other.send("from other").await.unwrap();
    assert_eq!(text(&mut quiet).await, "from other");
}

async fn rooms_may_be_named_in_any_script(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    let mut one = join(&program, "/channels/caf%C3%A9").await;
    let mut two = join(&program, "/channels/caf%c3%a9").await;
    one.send("un crème").await.unwrap();
    assert_eq!(text(&mut two).await, "un crème");
}

async fn what_is_no_channel_is_refused_with_a_reason(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    for (path, status, reason) in [
        ("/", 404, "/channels/NAME"),
        ("/channels/", 400, "empty"),
        ("/channels/a%2Fb", 400, "'/'"),
        ("/channels/lobby?echo=maybe", 400, "neither on nor off"),
    ] {
        let error = longwire::connect(program.url(path)).await.unwrap_err();
        let ConnectError::Refused { refused, .. } = &error else {
            panic!("{path}: {error}");
        };
        assert_eq!(refused.head.status(), status, "{path}");
        let body = String::from_utf8_lossy(refused.body.bytes()).into_owned();
        assert!(body.contains(reason), "{path}: {body}");
    }
}

async fn a_message_over_the_limit_is_refused_with_1009(io: &str) {
    let program = Program::start(&["serve", "--io", io, "--max-message-size", "1000"]);
    let mut ws = join(&program, "/channels/lobby").await;
    ws.send("x".repeat(1000)).await.unwrap();
    assert_eq!(text(&mut ws).await.len(), 1000);
    ws.send("x".repeat(1001)).await.unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.close_info().unwrap().code(), CloseCode::MESSAGE_TOO_BIG);
}

async fn a_subscriber_that_falls_behind_is_told(io: &str) {
    let program = Program::start(&["serve", "--io", io, "--log-count", "8"]);
    let mut slow = join(&program, "/channels/busy").await;
    let mut busy = join(&program, "/channels/busy?echo=off").await;
    // More than the sockets, the queue and the reader's inbox hold.
    for _ in 0..60 {
        busy.send(vec![0; 1 << 20]).await.unwrap();
    }
    busy.ping().await.unwrap();
    while let Some(Ok(_)) = slow.next().await {}
    let info = slow.close_info().unwrap();
    assert_eq!(info.code(), CloseCode::TRY_AGAIN_LATER, "{info:?}");
    assert!(info.reason().contains("messages were missed"), "{info:?}");
}

async fn pages_of_other_sites_are_kept_out_unless_allowed(io: &str) {
    let program = Program::start(&[
        "serve",
        "--io",
        io,
        "--allow-origin",
        "https://good.example",
    ]);
    let own = format!("http://{}", program.address);
    for (origin, allowed) in [
        (own.as_str(), true),
        ("https://good.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let connector = Connector::builder().origin(origin).build().unwrap();
        match connector.connect(program.url("/channels/lobby")).await {
            Ok(_) => assert!(allowed, "{origin}"),
            Err(error) => {
                assert!(!allowed, "{origin}: {error}");
                assert_eq!(error.status(), Some(403));
                assert!(error.to_string().contains("--allow-origin"), "{error}");
            }
        }
    }
}

async fn the_page_is_served_with_its_files(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    for path in ["/", "/rooms/garden"] {
        let page = program.get(path, "localhost");
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        assert!(page.contains("content-security-policy: "), "{page}");
        assert!(page.contains("<title>Longwire</title>"), "{page}");
        // Everything that the page names is there.
        for file in page.split('"').filter(|text| text.starts_with("/assets/")) {
            let file = program.get(file, "localhost");
            assert!(file.starts_with("HTTP/1.1 200 "), "{file}");
        }
    }
    let missing = program.get("/nothing", "localhost");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    let channel = program.get("/channels/lobby", "localhost");
    assert!(channel.starts_with("HTTP/1.1 426 "), "{channel}");
    let posted =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let posted = program.http(posted);
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    assert!(posted.contains("allow: GET, HEAD"), "{posted}");
}

async fn a_foreign_name_does_not_reach_a_server_on_loopback(io: &str) {
    let program = Program::start(&["serve", "--io", io, "--allow-host", "chat.example"]);
    let page = program.get("/", "rebound.example");
    assert!(page.starts_with("HTTP/1.1 403 "), "{page}");
    assert!(page.contains("--allow-host"), "{page}");
    assert!(
        program
            .get("/", "chat.example")
            .starts_with("HTTP/1.1 200 ")
    );
    let upgrade = |host: &str| {
        program.http(&format!(
            "GET /channels/lobby HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
             \u{8}\u{0}"
        ))
    };
    let refused = upgrade("rebound.example");
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    // What follows the request is a malformed frame, so the connection ends.
    let accepted = upgrade("chat.example");
    assert!(accepted.starts_with("HTTP/1.1 101 "), "{accepted}");
}

#[cfg(unix)]
async fn told_to_stop_it_closes_its_connections_with_1001(io: &str) {
    let program = Program::start(&["serve", "--io", io]);
    let mut ws = join(&program, "/channels/lobby").await;
    program.terminate();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.close_info().unwrap().code(), CloseCode::GOING_AWAY);
    let status = tokio::task::spawn_blocking(|| program.wait());
    assert!(status.await.unwrap().success());
}

#[cfg(unix)]
async fn told_to_stop_it_does_not_wait_for_ever(io: &str) {
    use std::io::{Read, Write};
    let program = Program::start(&["serve", "--io", io]);
    let mut deaf = std::net::TcpStream::connect(&program.address).unwrap();
    deaf.write_all(
        b"GET /channels/lobby HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .unwrap();
    assert!(deaf.read(&mut [0; 1000]).unwrap() > 0);
    let start = Instant::now();
    program.terminate();
    // Its Close frame is not answered.
    let status = tokio::task::spawn_blocking(|| program.wait());
    assert!(status.await.unwrap().success());
    assert!(start.elapsed() >= Duration::from_secs(4));
    drop(deaf);
}

/// More than one row of subscribers, and more than one client that publishes.
async fn bursts_reach_many_whole_and_in_order(io: &str) {
    const COUNT: usize = 200;
    let program = Program::start(&["serve", "--io", io]);
    let mut members = Vec::new();
    for i in 0..150 {
        let echo = ["on", "off"][i % 2];
        members.push(join(&program, &format!("/channels/many?echo={echo}")).await);
    }
    // Number 0 gets what it publishes itself, and number 1 does not.
    for i in 0..COUNT {
        members[i % 2].feed(format!("{} {i}", i % 2)).await.unwrap();
        if i % 20 > 17 {
            members[i % 2].flush().await.unwrap();
        }
    }
    for publisher in &mut members[..2] {
        publisher.flush().await.unwrap();
    }
    let mut orders = Vec::new();
    for (who, member) in members.iter_mut().enumerate() {
        let mut heard = Vec::new();
        while heard.len() < if who == 1 { COUNT / 2 } else { COUNT } {
            heard.push(text(member).await);
        }
        orders.push(heard);
    }
    // How the two publishers mix is open, and the same for all.
    let order = orders[0].clone();
    for (who, heard) in orders.iter().enumerate() {
        let mut expected = order.clone();
        expected.retain(|text| who != 1 || text.starts_with('0'));
        assert_eq!(*heard, expected, "{who}");
    }
    for publisher in 0..2 {
        let of = |text: &&String| text.starts_with(&publisher.to_string());
        let own: Vec<&String> = order.iter().filter(of).collect();
        let sent: Vec<String> = (publisher..COUNT)
            .step_by(2)
            .map(|i| format!("{publisher} {i}"))
            .collect();
        assert!(own.into_iter().eq(&sent));
    }
}

/// Far more than the sockets hold, and less than the log does.
async fn who_was_slow_catches_up(io: &str) {
    const COUNT: usize = 600;
    let program = Program::start(&["serve", "--io", io, "--log-bytes", "100000000"]);
    let mut slow = join(&program, "/channels/long").await;
    let mut busy = join(&program, "/channels/long?echo=off").await;
    let message = |i: usize| format!("{i:060000}");
    for i in 0..COUNT {
        busy.send(message(i)).await.unwrap();
    }
    busy.ping().await.unwrap();
    for i in 0..COUNT {
        assert_eq!(text(&mut slow).await, message(i));
    }
    // From now on as everybody else.
    busy.send("now").await.unwrap();
    assert_eq!(text(&mut slow).await, "now");
}

/// More than the log holds, in one go: it is read as fast as it is taken.
async fn a_client_is_not_pushed_behind_by_its_own_doing(io: &str) {
    const COUNT: usize = 20_000;
    let program = Program::start(&["serve", "--io", io, "--log-count", "8"]);
    let ws = join(&program, "/channels/flood").await;
    let (sender, mut receiver) = ws.split();
    let sending = tokio::spawn(async move {
        for i in 0..COUNT {
            sender.feed(i.to_string()).await.unwrap();
        }
        sender.flush().await.unwrap();
        sender
    });
    for i in 0..COUNT {
        let next = tokio::time::timeout(Duration::from_secs(20), receiver.next());
        let message = next.await.expect("nothing came").expect("it closed");
        assert_eq!(message.unwrap().as_text(), Some(&*i.to_string()));
    }
    sending.await.unwrap();
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let program = Program::start(&["serve"]);
    for io in ["worker", "tokio"] {
        let (status, _, error) = run(&["serve", "--io", io, "--listen", &program.address]);
        assert_eq!(status, Some(3), "{error}");
        assert!(error.contains(&program.address), "{error}");
        assert!(error.contains("in use"), "{error}");
        assert!(error.contains("--listen 127.0.0.1:"), "{error}");
    }
}

#[test]
fn a_wrong_flag_is_named() {
    let (status, _, error) = run(&["serve", "--listen", "nowhere"]);
    assert_eq!(status, Some(2), "{error}");
    assert!(error.contains("--listen"), "{error}");
}
