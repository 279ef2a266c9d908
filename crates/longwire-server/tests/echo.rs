//! `longwire echo`.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod program;

use longwire::{CloseCode, Connector, Message};
use program::Program;

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

#[test]
fn workers_say_that_they_serve_no_tls() {
    let arguments = [
        "echo",
        "--io",
        "worker",
        "--tls-cert",
        "a",
        "--tls-key",
        "b",
    ];
    let (status, _, error) = program::run(&arguments);
    assert_eq!(status, Some(2), "{error}");
    assert!(error.contains("--io tokio"), "{error}");
}
