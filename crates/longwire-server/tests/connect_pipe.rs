//! `longwire connect` between pipes.
#![allow(clippy::unwrap_used, reason = "a test")]

mod connecting;
mod program;

use connecting::{accepting, command, drain, finish, run};
use program::Program;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    time::{Duration, Instant},
};

#[test]
fn each_line_is_a_message_each_way() {
    let echo = Program::start(&["echo"]);
    let run = run(&[&echo.url("/")], "one\n\nzw\u{f6}lf\r\nlast".as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.text(), "one\n\nzw\u{f6}lf\nlast\n");
    // Nobody watches, so nothing is told.
    assert_eq!(run.stderr, "");
}

#[test]
fn input_that_is_larger_than_all_buffers_comes_back() {
    let echo = Program::start(&["echo"]);
    let lines: String = (0..200_000).map(|number| format!("{number}\n")).collect();
    let run = run(&[&echo.url("/")], lines.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.text() == lines);
}

#[test]
fn binary_input_is_one_message_and_comes_back_as_it_is() {
    let echo = Program::start(&["echo"]);
    let url = echo.url("/");
    for length in [1, 65_535, 65_536, 65_537, 3_000_000] {
        let bytes: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        let run = run(&["--binary", "--count", "1", &url], &bytes);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stdout == bytes, "{length} bytes");
    }
}

#[test]
fn no_binary_input_is_no_message() {
    let echo = Program::start(&["echo"]);
    let run = run(&["--binary", "--wait", "0.2", &echo.url("/")], b"");
    assert_eq!((run.code, run.text()), (Some(0), ""));
}

#[test]
fn a_pipe_gets_control_characters_as_they_are() {
    // A text with ESC, and a binary message.
    let server = accepting(b"\x81\x04\x1b[2J\x82\x02\x00\xff\x88\x02\x03\xe8", drain);
    let run = run(&[&format!("ws://{server}/")], b"");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, b"\x1b[2J\n\x00\xff");
}

#[test]
fn it_leaves_after_as_many_messages_as_are_wanted() {
    let echo = Program::start(&["echo"]);
    let mut child = command(&["--count", "2", &echo.url("/")]).spawn().unwrap();
    // The input does not end.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"1\n2\n3\n").unwrap();
    let run = finish(child);
    drop(stdin);
    assert_eq!((run.code, run.text()), (Some(0), "1\n2\n"));
}

#[test]
fn after_the_input_it_waits_for_silence() {
    let echo = Program::start(&["echo"]);
    let begin = Instant::now();
    let run = run(&["--wait", "1.5", &echo.url("/")], b"x\n");
    assert_eq!((run.code, run.text()), (Some(0), "x\n"));
    assert!(begin.elapsed() >= Duration::from_millis(1500));
}

#[test]
fn waiting_forever_is_ended_by_the_server() {
    // After a while it sends a message and closes.
    let server = accepting(b"", |mut stream| {
        std::thread::sleep(Duration::from_millis(1500));
        stream.write_all(b"\x81\x04late\x88\x02\x03\xe8").unwrap();
        drain(stream);
    });
    let run = run(&["--wait", "forever", &format!("ws://{server}/")], b"");
    assert_eq!((run.code, run.text()), (Some(0), "late\n"));
}

#[test]
fn that_nobody_reads_on_is_no_failure() {
    let echo = Program::start(&["echo"]);
    let mut child = command(&[&echo.url("/")]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdin.write_all(b"first\n").unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "first\n");
    drop(stdout);
    stdin.write_all(b"second\n").unwrap();
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn input_that_is_not_utf8_is_told() {
    let echo = Program::start(&["echo"]);
    let run = run(&[&echo.url("/")], b"fine\n\xff\n");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("line 2"), "{}", run.stderr);
    assert!(run.stderr.contains("--binary"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_signal_closes_politely() {
    let server = accepting(b"\x81\x02hi", |mut stream| {
        // A masked Close frame with a code; it is answered with the same.
        let mut frame = [0; 8];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(frame[..2], [0x88, 0x82]);
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        drain(stream);
    });
    let mut child = command(&["--wait", "forever", &format!("ws://{server}/")])
        .spawn()
        .unwrap();
    let mut stdout = [0; 3];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut stdout)
        .unwrap();
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .unwrap();
    assert_eq!(finish(child).code, Some(0));
}
