//! `longwire probe`, run as a script would run it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use longwire::proto::handshake::accept_key;
use serde_json::Value;
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::connecting::request;

/// How a run ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The object on standard output, which has nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longwire"));
    command
        .arg("probe")
        .args(arguments)
        .env_remove("LONGWIRE_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(crate) fn probe(arguments: &[&str]) -> Run {
    let output = command(arguments).output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What a [`stranger`] does with a client that was silent.
#[derive(Clone, Copy)]
pub(crate) enum AfterSilence {
    /// It sends these bytes, each time.
    Says(&'static [u8]),
    /// It sends these bytes, and closes TCP.
    Leaves(&'static [u8]),
}

/// A server that knows nothing of canaries, and that answers Pings. Gives its
/// URL.
pub(crate) fn stranger(silence: Duration, then: AfterSilence) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A client may leave in the middle of anything.
            thread::spawn(move || talk(stream, silence, then).ok());
        }
    });
    url
}

fn talk(mut stream: TcpStream, silence: Duration, then: AfterSilence) -> std::io::Result<()> {
    accept(&mut stream, "")?;
    stream.set_read_timeout(Some(silence))?;
    loop {
        let mut head = [0; 6];
        match stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                match then {
                    AfterSilence::Says(bytes) => stream.write_all(bytes)?,
                    AfterSilence::Leaves(bytes) => return stream.write_all(bytes),
                }
                continue;
            }
            Err(error) => return Err(error),
        }
        // Two bytes of header and the mask: only control frames come here.
        let [opcode, length, mask @ ..] = head;
        let mut payload = vec![0; usize::from(length & 0x7F)];
        stream.read_exact(&mut payload)?;
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
        match opcode & 0x0F {
            0x9 => stream.write_all(&[&[0x8A, length & 0x7F][..], &payload].concat())?,
            0x8 => return Ok(()),
            _ => {}
        }
    }
}

/// Opens a WebSocket, with these headers in the response.
pub(crate) fn accept(stream: &mut TcpStream, headers: &str) -> std::io::Result<()> {
    let key = request(stream)
        .into_iter()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ").map(str::to_owned))
        .unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         {headers}Sec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(&key).as_str()
    );
    stream.write_all(head.as_bytes())
}
