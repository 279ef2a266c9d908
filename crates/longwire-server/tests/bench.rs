//! `longwire bench`.

mod program;

use longwire::{
    Message, Server, WebSocket,
    server::{Listener, Options},
    tls::ServerTls,
};
use program::Program;
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Output, Stdio},
    time::Duration,
};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_longwire"))
        .arg("bench")
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn json(arguments: &[&str]) -> Value {
    let output = bench(&[&["--json"], arguments].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_str(&text).expect("it is JSON")
}

const SHORT: [&str; 4] = ["--duration", "0.3", "--warm-up", "0.1"];

#[test]
fn every_message_in_flight_comes_back() {
    let program = Program::start(&["echo"]);
    let url = program.url("/");
    for load in ["-c 3", "-c 3 -i 16 -s 1K", "-c 2 -s 1M --text", "-s 0"] {
        let load: Vec<&str> = load
            .split_whitespace()
            .chain(SHORT)
            .chain([&*url])
            .collect();
        let result = json(&load);
        assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["unanswered"], 0, "{result}");
        assert!(result["latency_us"]["p50"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn compressed_messages_come_back() {
    let program = Program::start(&["echo"]);
    let url = program.url("/");
    for size in ["0", "128", "1K", "64K"] {
        let load = ["--compress", "-t", "-c", "3", "-i", "2", "-s", size];
        let result = json(&[&load, &SHORT[..], &[&*url]].concat());
        assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["unanswered"], 0, "{result}");
    }
}

#[test]
fn a_server_that_does_not_compress_is_told() {
    let program = Program::start(&["echo", "--no-compress"]);
    let output = bench(&["--compress", &program.url("/")]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(told.contains("permessage-deflate"), "{told}");
}

#[test]
fn a_rate_is_kept_and_no_more() {
    let program = Program::start(&["echo"]);
    let result = json(&["--rate", "200", "-d", "1", "-c", "4", &program.url("/")]);
    let messages = result["messages"].as_u64().unwrap();
    assert!((150..=205).contains(&messages), "{result}");
    assert_eq!(result["unanswered"], 0, "{result}");
}

#[test]
fn a_storm_ends_at_its_limit() {
    let program = Program::start(&["echo"]);
    let result = json(&["--storm", "--limit", "200", "-c", "20", &program.url("/")]);
    assert_eq!(result["handshakes"], 200, "{result}");
}

#[test]
fn a_publication_comes_to_every_subscriber() {
    let program = Program::start(&["serve"]);
    let url = program.url("/channels/bench");
    let load = ["--fan-out", "-c", "10", "-i", "2"];
    let result = json(&[&load, &SHORT[..], &[&*url]].concat());
    assert!(result["deliveries"].as_u64().unwrap() >= 10, "{result}");
}

#[test]
fn each_line_has_it_measure_once() {
    let program = Program::start(&["echo"]);
    let mut load = Command::new(env!("CARGO_BIN_EXE_longwire"))
        .args(["bench", "--json", "--by-line", "-c", "3", "-d", "0.05"])
        .arg(program.url("/"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = load.stdin.take().unwrap();
    let mut lines = BufReader::new(load.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        input.write_all(b"\n").unwrap();
        let line = lines.next().expect("it answers").unwrap();
        let result: Value = serde_json::from_str(&line).expect("it is JSON");
        assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["unanswered"], 0, "{result}");
    }
    drop(input);
    assert!(load.wait().unwrap().success());
    assert!(lines.next().is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_looked_at_step_by_step() {
    let program = Program::start(&["echo"]);
    let id = program.id().to_string();
    let url = program.url("/");
    let result = json(&["--idle", "0,50,100", "-s", "100", "--pid", &id, &url]);
    assert_eq!(result["steps"].as_array().unwrap().len(), 3);
    assert!(result["steps"][2]["resident_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn people_get_a_page() {
    let program = Program::start(&["echo"]);
    let url = program.url("/");
    let output = bench(&[&SHORT[..], &[&*url]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    for part in ["50 connections", "a second", "p99.9", "µs"] {
        assert!(text.contains(part), "{text}");
    }
    // No terminal, no progress.
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn what_cannot_be_measured_has_an_exit_code() {
    let program = Program::start(&["serve"]);
    let url = program.url("/nothing/here");
    let output = bench(&[&url]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");

    let output = bench(&["ws://127.0.0.1:1/"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");

    let output = bench(&["ftp://127.0.0.1/"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_who_is_trusted() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let key = made.signing_key.serialize_pem();
    let tls = ServerTls::from_pem(&certificate, key).unwrap();
    let port = serve(Some(tls), echo).await;
    tokio::task::spawn_blocking(move || {
        let url = format!("wss://localhost:{port}/");
        for load in ["-c 3 -i 8", "-c 2 -s 1M", "-c 2 -s 70K -i 3"] {
            let load = load.split_whitespace().chain(SHORT);
            let load: Vec<&str> = load.chain(["--insecure", &*url]).collect();
            let result = json(&load);
            assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
            assert_eq!(result["unanswered"], 0, "{result}");
        }
        let file = std::env::temp_dir().join(format!("longwire-bench-{}.pem", std::process::id()));
        std::fs::write(&file, certificate).unwrap();
        let trusted = [&SHORT[..], &["--cacert", file.to_str().unwrap(), &url]].concat();
        assert!(json(&trusted)["messages"].as_u64().unwrap() > 0);
        std::fs::remove_file(file).unwrap();

        let output = bench(&[&url]);
        assert!(!output.status.success(), "{output:?}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_is_spoken() {
    let port = serve(None, socket_io).await;
    tokio::task::spawn_blocking(move || {
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let result = json(&[&SHORT[..], &["--socket-io", "-c", "3", &url]].concat());
        assert!(result["messages"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["unanswered"], 0, "{result}");
    })
    .await
    .unwrap();
}

/// However short the time is, what was sent in it is measured.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_take_longer_than_is_measured() {
    let port = serve(None, slow_echo).await;
    tokio::task::spawn_blocking(move || {
        let url = format!("ws://127.0.0.1:{port}/");
        let result = json(&["-d", "0.05", "--warm-up", "0", "-c", "2", &url]);
        assert_eq!(result["messages"], 2, "{result}");
        assert!(result["seconds"].as_f64().unwrap() >= 0.3, "{result}");
        assert!(result["latency_us"]["p50"].as_f64().unwrap() >= 300_000.0);
    })
    .await
    .unwrap();
}

async fn slow_echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ws.send(message).await.expect("it is open");
    }
}

async fn echo(mut ws: WebSocket) {
    while let Some(Ok(message)) = ws.next().await {
        ws.send(message).await.expect("it is open");
    }
}

/// As Socket.IO begins, a heartbeat, and then an echo of events.
async fn socket_io(mut ws: WebSocket) {
    async fn next(ws: &mut WebSocket) -> Option<Message> {
        ws.next().await?.ok()
    }
    ws.send("0{\"sid\":\"x\"}").await.expect("it is open");
    assert_eq!(next(&mut ws).await, Some("40".into()));
    ws.send("40{\"sid\":\"y\"}").await.expect("it is open");
    ws.send("2").await.expect("it is open");
    // The first event may come before the answer to the heartbeat.
    let mut beats = 0;
    while let Some(message) = next(&mut ws).await {
        if message == "3".into() {
            beats += 1;
            continue;
        }
        assert_eq!(message, r#"42["bench","abcdefghijklmnopqrst"]"#.into());
        ws.send(message).await.expect("it is open");
    }
    assert_eq!(beats, 1);
}

/// Serves each connection as told, and says on which port.
async fn serve<F>(tls: Option<ServerTls>, serve: fn(WebSocket) -> F) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut options = Options::default();
    options.tls = tls;
    let listener = Listener::bind("127.0.0.1:0").await.expect("it is open");
    let port = listener.local_addr().tcp().expect("it is TCP").port();
    let mut server = Server::listen(listener, options);
    tokio::spawn(async move {
        while let Some(pending) = server.accept().await {
            tokio::spawn(async move {
                if let Ok(ws) = pending.accept().await {
                    serve(ws).await;
                }
            });
        }
    });
    port
}
