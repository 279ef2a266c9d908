//! `longwire connect`, run as a script would run it.
#![allow(dead_code, reason = "each test file uses its part")]

use longwire::proto::handshake::accept_key;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The lines of JSON on standard output.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap();
        self.text().lines().map(parse).collect()
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    command
        .arg("connect")
        .args(arguments)
        .env_remove("LONGWIRE_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it with this input, to its end.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Run {
    let mut child = command(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        // It may end before it has read everything.
        let _ = stdin.write_all(&input);
    });
    let run = finish(child);
    writer.join().unwrap();
    run
}

pub(crate) fn finish(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A server for one client: it does what `serve` says. Gives `host:port`.
pub(crate) fn scripted(serve: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    address
}

/// A server for one client that accepts it, and then sends these bytes.
pub(crate) fn accepting(frames: &'static [u8], then: fn(TcpStream)) -> String {
    scripted(move |mut stream| {
        let key = request(&stream)
            .into_iter()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ").map(str::to_owned))
            .unwrap();
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Set-Cookie: id=secret; Path=/\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            accept_key(&key).as_str()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(frames).unwrap();
        then(stream);
    })
}

/// Reads the head of a request: its lines.
pub(crate) fn request(stream: &TcpStream) -> Vec<String> {
    BufReader::new(stream)
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.is_empty())
        .collect()
}

/// Waits until the client has closed TCP.
pub(crate) fn drain(mut stream: TcpStream) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}
