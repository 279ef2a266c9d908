//! What `longwire connect` tells scripts: JSON, `--inspect`.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod program;

use connecting::{accepting, drain, run, scripted};
use program::Program;
use std::io::Write as _;

#[test]
fn messages_and_events_are_lines_of_json() {
    let server = accepting(
        b"\x81\x08\"\n\xe2\x82\xac\x1b[m\x82\x03\x00\x01\xff\x88\x05\x03\xe8bye",
        drain,
    );
    let run = run(&["--json", &format!("ws://{server}/x")], b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let events = run.json();
    let types: Vec<_> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["open", "text", "binary", "close"]);
    assert_eq!(events[0]["url"], format!("ws://{server}/x"));
    assert_eq!(events[1]["data"], "\"\n\u{20ac}\u{1b}[m");
    assert_eq!(events[2]["base64"], "AAH/");
    assert_eq!(events[3]["code"], 1000);
    assert_eq!(events[3]["reason"], "bye");
    assert_eq!(events[3]["initiator"], "server");
    assert!(
        events
            .iter()
            .all(|event| event["time"].as_str().unwrap().ends_with('Z'))
    );
}

#[test]
fn a_refusal_is_an_event_too() {
    let server = scripted(|mut stream| {
        connecting::request(&stream);
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            .unwrap();
    });
    let run = run(&["--json", &format!("ws://{server}/")], b"");
    assert_eq!(run.code, Some(4));
    let events = run.json();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "error");
    assert_eq!(events[0]["cause"], "refused");
    assert_eq!(events[0]["status"], 403);
}

/// The columns of a frame's line behind the time.
fn frames(stderr: &str) -> Vec<String> {
    let is_frame = |line: &&str| line.contains('→') || line.contains('←');
    stderr
        .lines()
        .filter(is_frame)
        .map(|line| {
            let (time, rest) = line.split_at(12);
            let digits = time.bytes().filter(u8::is_ascii_digit).count();
            assert_eq!((digits, time.matches(':').count()), (9, 2), "{line}");
            rest.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn inspecting_shows_the_handshake_and_every_frame() {
    // "He" + Ping + "llo" compressed-looking is for the unit tests; here the
    // fragments of RFC 6455 section 5.7 with a Ping between them.
    let server = accepting(b"\x01\x03Hel\x89\x01!\x80\x02lo\x88\x02\x03\xe8", drain);
    let url = format!("ws://{server}/path?query");
    let run = run(
        &["--inspect", "--header", "Authorization: Bearer abc", &url],
        b"",
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.text(), "Hello\n");
    let stderr = &run.stderr;
    assert!(stderr.starts_with(&format!("* TCP to {server}\n> GET /path?query HTTP/1.1\n")));
    assert!(stderr.contains("\n> Upgrade: websocket\n"), "{stderr}");
    assert!(
        stderr.contains("\n< HTTP/1.1 101 Switching Protocols\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains("\n> Authorization: Bearer *****\n"),
        "{stderr}"
    );
    assert!(stderr.contains("\n< Set-Cookie: id=*****\n"), "{stderr}");
    let mut frames = frames(stderr);
    frames.sort();
    assert_eq!(
        frames,
        [
            "← CLOSE fin 2 B 1000 (normal closure)",
            "← CONT fin 2 B \"lo\"",
            "← PING fin 1 B 21",
            "← TEXT 3 B \"Hel\"",
            "→ CLOSE fin masked 2 B 1000 (normal closure)",
            "→ PONG fin masked 1 B 21",
        ]
    );
}

#[test]
fn secrets_can_be_shown() {
    let server = accepting(b"\x88\x02\x03\xe8", drain);
    let url = format!("ws://me:pass@{server}/");
    let run = run(&["-i", "--show-secrets", &url], b"");
    assert!(
        run.stderr.contains("> Authorization: Basic bWU6cGFzcw==\n"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("< Set-Cookie: id=secret; Path=/\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn inspecting_in_json_has_all_in_one_stream() {
    let echo = Program::start(&["echo"]);
    let run = run(
        &["-i", "--json", "-n", "1", "-s", "chat", &echo.url("/")],
        b"hello\n",
    );
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let events = run.json();
    let types: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "dialed",
            "handshake",
            "handshake",
            "open",
            "frame",
            "frame",
            "text",
            "frame",
            "frame",
            "close"
        ]
    );
    assert_eq!(events[3]["subprotocol"], "chat");
    assert_eq!(events[4]["direction"], "sent");
    assert_eq!(events[4]["opcode"], "text");
    assert_eq!(events[4]["masked"], true);
    assert_eq!(events[5]["direction"], "received");
    assert_eq!(events[5]["length"], 5);
    assert_eq!(events[7]["code"], 1000);
}

#[test]
fn inspecting_tells_both_lengths_of_a_compressed_message() {
    let echo = Program::start(&["echo"]);
    let line = format!("{}\n", "compress this ".repeat(100));
    let arguments = ["-i", "--json", "--compress", "-n", "1", &echo.url("/")];
    let run = run(&arguments, line.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let events = run.json();
    let frames: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "frame" && event["opcode"] == "text")
        .collect();
    assert_eq!(frames.len(), 2, "{frames:?}");
    for frame in frames {
        assert_eq!(frame["rsv"], 4);
        assert_eq!(frame["plain_length"], line.len() - 1);
        assert!(frame["length"].as_u64() < Some(100), "{frame}");
    }
}

#[test]
fn a_refusals_body_is_shown_when_inspecting() {
    let server = scripted(|mut stream| {
        connecting::request(&stream);
        let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n<h1>Not\x1b[2J here</h1>";
        stream.write_all(page.as_bytes()).unwrap();
    });
    let run = run(&["-i", &format!("ws://{server}/")], b"");
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr.contains("< HTTP/1.1 404 Not Found\n"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("<h1>Not\\x1b[2J here"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains('\x1b'));
}
