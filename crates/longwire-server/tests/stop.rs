//! How `serve` and `echo` stop, and what they take for it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use longwire::{CloseCode, WebSocket, reconnecting::ReconnectWindow};
use program::{Program, run};
use std::{
    io::{BufRead, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStderr, Command, Stdio},
    time::{Duration, Instant},
};

async fn ends(program: Program) {
    let status = tokio::task::spawn_blocking(|| program.wait()).await;
    assert!(status.unwrap().success());
}

/// The code that a server closes with, and the window that it gives.
async fn closed(ws: &mut WebSocket) -> (CloseCode, ReconnectWindow) {
    assert!(ws.next().await.is_none());
    let info = ws.close_info().unwrap();
    let window = ReconnectWindow::in_reason(info.reason());
    (info.code(), window.expect("it says when to come back"))
}

#[tokio::test]
async fn a_drain_closes_one_after_the_other_and_says_when_to_come_back() {
    for io in ["worker", "tokio"] {
        for (more, code) in [
            (&[][..], CloseCode::GOING_AWAY),
            (&["--restarting"], CloseCode::SERVICE_RESTART),
        ] {
            let drain = ["serve", "--io", io, "--drain", "1", "--reconnect", "30-60"];
            let program = Program::start(&[&drain[..], more].concat());
            let mut clients = Vec::new();
            for _ in 0..4 {
                let url = program.url("/channels/lobby");
                clients.push(longwire::connect(url).await.unwrap());
            }
            let began = Instant::now();
            program.terminate();
            for client in &mut clients {
                let (told, window) = closed(client).await;
                assert_eq!(told, code, "{io}");
                let (from, to) = (window.from.as_secs(), began.elapsed() + window.to);
                assert!(
                    from <= 60 && to >= Duration::from_secs(30),
                    "{io}: {window}"
                );
            }
            // Of many workers the few with a connection may be the first ones.
            let paced = began.elapsed() >= Duration::from_millis(500);
            assert!(paced || io == "worker", "all at once");
            ends(program).await;
        }
    }
}

#[tokio::test]
async fn told_twice_it_stops_at_once() {
    for io in ["worker", "tokio"] {
        let program = Program::start(&["echo", "--io", io, "--drain", "3600"]);
        let _first = longwire::connect(program.url("/")).await.unwrap();
        let _second = longwire::connect(program.url("/")).await.unwrap();
        program.terminate();
        // When it no longer listens it has begun.
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&program.address).is_ok() {
            assert!(Instant::now() < deadline, "{io}: it listens still");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        program.terminate();
        ends(program).await;
    }
}

/// A program whose standard error is read here.
struct Spoken {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Spoken {
    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Spoken {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_says_what_it_does() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_longwire"))
        .args(["echo", "--listen", "127.0.0.1:0", "--drain", "30"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = told.next().unwrap().unwrap();
    let (_, url) = line.split_once("Echo: ").unwrap();
    let _ws = longwire::connect(url).await.unwrap();
    let _other = longwire::connect(url).await.unwrap();
    let id = child.id().to_string();
    let mut program = Spoken { child, lines };
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let stopping = "Stopping: closing 2 connections over 30 s. Press Ctrl-C again to stop at once.";
    assert_eq!(program.line(), stopping);
    let left = program.line();
    assert!(left.ends_with(" connections are left."), "{left}");
}

#[test]
fn what_cannot_be_is_told() {
    for (arguments, why) in [
        (&["--drain", "soon"][..], "it takes a number of seconds"),
        (
            &["--drain", "5", "--reconnect", "9-3"],
            "the first moment comes before the last",
        ),
        (
            &["--drain", "5", "--reconnect", "9"],
            "two numbers of seconds, such as 12-42",
        ),
        (&["--reconnect", "3-9"], "--drain"),
        (&["--restarting"], "--drain"),
        (&["--proxy-protocol"], "--trust-proxy"),
        (&["--forwarded-header", "forwarded"], "--trust-proxy"),
        (
            &["--trust-proxy", "proxy.example"],
            "\"proxy.example\" is no network",
        ),
        (
            &["--trust-proxy", "10.0.0.1", "--forwarded-header", "Via"],
            "x-forwarded-for",
        ),
    ] {
        for command in ["echo", "serve"] {
            let (status, _, told) = run(&[&[command], arguments].concat());
            assert_eq!(status, Some(2), "{arguments:?}: {told}");
            assert!(told.contains(why), "{arguments:?}: {told}");
        }
    }
}
