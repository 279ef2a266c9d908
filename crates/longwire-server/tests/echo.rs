//! `longwire echo`.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod program;

use longwire::{
    CloseCode, Connector, Message,
    tls::{ClientTls, Roots},
};
use program::Program;
use std::net::Ipv4Addr;

#[tokio::test]
async fn what_is_sent_comes_back_on_any_path() {
    for how in ["tokio", "worker"] {
        echoes(&Program::start(&["echo", "--io", how])).await;
    }
}

async fn echoes(program: &Program) {
    for path in ["", "/", "/any/path?with=query"] {
        let mut ws = longwire::connect(program.url(path)).await.unwrap();
        for message in [Message::from("text"), vec![0; 100_000].into(), "".into()] {
            ws.send(message.clone()).await.unwrap();
            assert_eq!(ws.next().await.unwrap().unwrap(), message);
        }
        let info = ws.close(3999, "enough").await.unwrap();
        assert_eq!(info.code(), CloseCode::new(3999));
        assert_eq!(info.reason(), "enough");
    }
}

#[tokio::test]
async fn it_speaks_the_first_offer_or_what_it_was_told_to() {
    for how in ["tokio", "worker"] {
        let any = Program::start(&["echo", "--io", how]);
        let told = [
            "echo",
            "--io",
            how,
            "--subprotocol",
            "v1",
            "--subprotocol",
            "v2",
        ];
        select(&any, &Program::start(&told)).await;
    }
}

async fn select(any: &Program, told: &Program) {
    let offer = |names: &[&str]| {
        let builder = Connector::builder();
        let builder = names
            .iter()
            .fold(builder, |builder, name| builder.subprotocol(*name));
        builder.build().unwrap()
    };
    for (program, offered, spoken) in [
        (any, &["v3", "v2"][..], Some("v3")),
        (any, &[], None),
        (told, &["v3", "v2"], Some("v2")),
        (told, &["v3"], None),
    ] {
        let ws = offer(offered).connect(program.url("/")).await.unwrap();
        assert_eq!(ws.subprotocol(), spoken, "{offered:?}");
    }
}

#[test]
fn other_requests_are_told_to_upgrade() {
    let program = Program::start(&["echo"]);
    let answer = program.get("/", "localhost");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

/// The answer to a request that says `said` of its heartbeats.
fn handshake(program: &Program, said: &str) -> String {
    program.http(&format!(
        "GET /channels/a HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nLongwire-Heartbeat: {said}\r\n\r\n\
         \u{8}\0"
    ))
}

#[test]
fn who_beats_is_agreed_as_the_flags_say() {
    // The frame behind the request breaks RFC 6455, so that the server closes.
    for command in ["echo", "serve"] {
        for how in ["tokio", "worker"] {
            let program = Program::start(&[command, "--io", how]);
            let answer = handshake(&program, "client");
            assert!(answer.contains("watch=3600, canaries\r\n"), "{answer}");
            assert!(handshake(&program, "canary").starts_with("HTTP/1.1 101 "));

            let flags = ["--max-silence", "90", "--max-canaries", "0"];
            let program = Program::start(&[&[command, "--io", how][..], &flags].concat());
            let answer = handshake(&program, "client");
            assert!(answer.contains("watch=90, canaries=?0\r\n"), "{answer}");
            assert!(handshake(&program, "canary").starts_with("HTTP/1.1 403 "));
        }
    }
    let (status, _, error) = program::run(&["echo", "--max-silence", "0"]);
    assert_eq!(status, Some(2));
    assert!(
        error.contains("--max-silence") && error.contains("at least 1 second"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn told_to_stop_either_closes_with_1001() {
    for how in ["tokio", "worker"] {
        let program = Program::start(&["echo", "--io", how]);
        let mut ws = longwire::connect(program.url("/")).await.unwrap();
        program.terminate();
        assert!(ws.next().await.is_none());
        assert_eq!(ws.close_info().unwrap().code(), CloseCode::GOING_AWAY);
        let status = tokio::task::spawn_blocking(|| program.wait());
        assert!(status.await.unwrap().success(), "{how}");
    }
}

#[tokio::test]
async fn either_speaks_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let folder = std::env::temp_dir();
    let file = |name: &str| folder.join(format!("longwire-echo-{}-{name}", std::process::id()));
    let (chain, key) = (file("chain.pem"), file("key.pem"));
    std::fs::write(&chain, &certificate).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ClientTls::new().roots(Roots::None).root_pem(&certificate);
    let connector = Connector::builder()
        .resolve("localhost", [Ipv4Addr::LOCALHOST.into()])
        .tls(tls.unwrap())
        .build()
        .unwrap();
    for io in ["tokio", "worker"] {
        let program = Program::start(&[
            "echo",
            "--io",
            io,
            "--tls-cert",
            chain.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ]);
        let (_, port) = program.address.split_once(':').unwrap();
        let url = format!("wss://localhost:{port}/");
        let mut ws = connector.connect(&*url).await.unwrap();
        ws.send("secret").await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some("secret"));
        let refused = program.get("/", "localhost");
        assert!(refused.contains("https://"), "{refused}");
    }
    for file in [chain, key] {
        std::fs::remove_file(file).unwrap();
    }
}
