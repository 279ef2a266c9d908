//! Connections that end at the wrong moment.

use crate::{
    REQUEST,
    commands::{Client, Running},
    frame, open,
};
use longwire::Config;
use socket2::SockRef;
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// Ends a connection with a RST.
pub(crate) fn reset(socket: TcpStream) {
    let at_once = Some(Duration::ZERO);
    SockRef::from(&socket).set_linger(at_once).unwrap();
    drop(socket);
}

/// Waits until the connections of `path` have ended, and expects that each was
/// told to the handler once.
async fn ended(running: &Running, path: &str, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let events = running.diary.of(path);
        let ends = events.iter().filter(|event| is_end(event)).count();
        if ends >= count {
            assert_eq!(ends, count, "{events:?}");
            return told_as_errors_first(&events);
        }
        assert!(Instant::now() < deadline, "{path} stays open: {events:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_end(event: &str) -> bool {
    event.starts_with("closed")
}

/// Each error has its end directly behind it, and each abnormal end its error
/// before it.
fn told_as_errors_first(events: &[String]) {
    let is_error = |event: &str| event.starts_with("error: ");
    assert!(!events.last().is_some_and(|last| is_error(last)));
    let pairs = events.windows(2);
    let errors = events.iter().filter(|event| is_error(event)).count();
    let told = pairs.filter(|pair| is_error(&pair[0]) && pair[1] == "closed 1006");
    assert_eq!(told.count(), errors, "{events:?}");
    let abnormal = events.iter().filter(|event| *event == "closed 1006");
    assert_eq!(abnormal.count(), errors, "{events:?}");
}

/// Waits until no others are open than these, which are served as ever.
async fn serves_alone(running: &Running, bystanders: &mut [Client]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while running.engine.connections() > bystanders.len() {
        assert!(Instant::now() < deadline, "{:?}", running.engine);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(running.engine.connections(), bystanders.len());
    for bystander in bystanders {
        assert_eq!(bystander.ask("still here?").await, "still here?");
    }
}

#[tokio::test]
async fn a_reset_ends_its_own_connection_once() {
    let mut config = Config::server();
    config.limits.max_queued_output = 8 << 20;
    // On one worker, so that none has its events written between another's.
    let running = Running::with(|options| {
        options.workers = 1;
        options.config = config.into();
    });
    let mut bystanders = vec![running.connect("/").await, running.connect("/").await];
    const TURNS: usize = 20;
    for _ in 0..TURNS {
        let mut cut = open(running.address, "/in/message");
        cut.write_all(b"\x82\xfe\x03\xe8\0\0\0\0the first of a thousand bytes")
            .unwrap();
        reset(cut);

        // More than the sockets take, so it ends in the middle of our write.
        let mut flooded = open(running.address, "/in/answer");
        flooded.write_all(&frame(0x81, b"flood")).unwrap();
        flooded.read_exact(&mut [0; 10]).unwrap();
        reset(flooded);

        let mut asking = open(running.address, "/behind/message");
        asking.write_all(&frame(0x81, b"for nobody")).unwrap();
        reset(asking);

        let mut closing = open(running.address, "/behind/close");
        closing.write_all(&frame(0x88, b"\x03\xe8")).unwrap();
        reset(closing);
    }
    for path in [
        "/in/message",
        "/in/answer",
        "/behind/message",
        "/behind/close",
    ] {
        ended(&running, path, TURNS).await;
    }
    serves_alone(&running, &mut bystanders).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_reset_under_tls_ends_its_own_connection_once() {
    use crate::tls_peer::{BOTH, Certificate, Wire};

    let certificate = Certificate::new();
    let client = std::sync::Arc::new(certificate.client(BOTH));
    let mut config = Config::server();
    config.limits.max_queued_output = 8 << 20;
    let running = Running::with(|options| {
        options.workers = 1;
        options.config = config.into();
        options.tls = Some(certificate.server());
    });
    let secured = |path| {
        let mut wire = Wire::connect(running.address, &client);
        wire.open(&crate::request(path));
        wire
    };
    let mut bystander = secured("/");
    const TURNS: usize = 5;
    for _ in 0..TURNS {
        let mut greeting = Wire::connect(running.address, &client);
        let hello = greeting.ciphertext();
        greeting.tcp.write_all(&hello[..hello.len() / 2]).unwrap();
        reset(greeting.tcp);

        let mut cut = secured("/in/record");
        cut.tls.writer().write_all(&frame(0x81, b"cut")).unwrap();
        let record = cut.ciphertext();
        cut.tcp.write_all(&record[..record.len() / 2]).unwrap();
        reset(cut.tcp);

        let mut flooded = secured("/in/answer");
        flooded.send(&frame(0x81, b"flood"));
        flooded.receive(&mut [0; 10]).unwrap();
        reset(flooded.tcp);
    }
    for path in ["/in/record", "/in/answer"] {
        ended(&running, path, TURNS).await;
    }
    assert_eq!(running.engine.connections(), 1);
    bystander.echoes(&frame(0x81, b"still here?"), "still here?");
}

#[tokio::test]
async fn a_reset_right_behind_the_request_leaves_nothing() {
    let running = Running::with(|options| options.workers = 1);
    let mut bystanders = vec![running.connect("/").await];
    for turn in 0..200 {
        let mut socket = TcpStream::connect(running.address).unwrap();
        socket.write_all(REQUEST).unwrap();
        if turn % 2 == 0 {
            socket.write_all(&frame(0x81, b"for nobody")).unwrap();
        }
        reset(socket);
    }
    // Those who came before it were accepted before it.
    bystanders.push(running.connect("/").await);
    serves_alone(&running, &mut bystanders).await;
    // The handler saw each one that was open, to its end.
    let remotes = running.diary.remotes.lock().unwrap().len();
    ended(&running, "/bare", remotes - bystanders.len()).await;
}

/// Sends `bytes` and the end of all, where the kernel lets one choose in one
/// packet.
fn send_with_fin(socket: &mut TcpStream, bytes: &[u8]) {
    #[cfg(target_os = "linux")]
    SockRef::from(&*socket).set_tcp_cork(true).unwrap();
    socket.write_all(bytes).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
}

#[tokio::test]
async fn a_message_and_the_end_in_one_packet_are_both_seen() {
    let running = Running::with(|options| options.workers = 1);
    let mut bystanders = vec![running.connect("/").await];
    let message = frame(0x81, b"last words");
    const TURNS: usize = 50;
    for turn in 0..TURNS {
        let mut socket = if turn % 2 == 0 {
            let mut socket = open(running.address, "/bare");
            send_with_fin(&mut socket, &message);
            socket
        } else {
            let mut socket = TcpStream::connect(running.address).unwrap();
            let patience = Some(Duration::from_secs(20));
            socket.set_read_timeout(patience).unwrap();
            send_with_fin(&mut socket, &[REQUEST, &message].concat());
            crate::read_head(&mut socket);
            socket
        };
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"\x81\x0alast words");
    }
    ended(&running, "/bare", TURNS).await;
    serves_alone(&running, &mut bystanders).await;
}

#[tokio::test]
async fn what_befalls_a_worker_that_is_blocked_waits_for_it() {
    let running = Running::with(|options| options.workers = 1);
    let mut bystanders = vec![running.connect("/").await, running.connect("/").await];
    const TURNS: usize = 10;
    for turn in 0..TURNS {
        let mut resetting = open(running.address, "/reset");
        let mut ending = open(running.address, "/end");
        let mut talking = open(running.address, "/talk");
        let said = format!("turn {turn}");
        bystanders[0].send("block").await;
        let blocks = |events: Vec<String>| events.iter().filter(|event| *event == "blocks").count();
        while blocks(running.diary.of("/")) <= turn {
            tokio::task::yield_now().await;
        }
        resetting.write_all(&frame(0x81, b"for nobody")).unwrap();
        reset(resetting);
        send_with_fin(&mut ending, &frame(0x81, said.as_bytes()));
        talking.write_all(&frame(0x81, said.as_bytes())).unwrap();
        // To be accepted when it goes on, and gone by then.
        reset(TcpStream::connect(running.address).unwrap());
        let mut late = TcpStream::connect(running.address).unwrap();
        late.write_all(&[REQUEST, &frame(0x81, b"late")].concat())
            .unwrap();

        assert_eq!(bystanders[0].next().await, "block");
        let echo = [&[0x81, said.len() as u8][..], said.as_bytes()].concat();
        let mut rest = Vec::new();
        ending.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, echo);
        talking.read_exact(&mut rest).unwrap();
        assert_eq!(rest, echo);
        crate::read_head(&mut late);
        late.read_exact(&mut rest[..6]).unwrap();
        assert_eq!(&rest[..6], b"\x81\x04late");
    }
    for path in ["/reset", "/end", "/talk", "/bare"] {
        ended(&running, path, TURNS).await;
    }
    serves_alone(&running, &mut bystanders).await;
}
