//! The protocol without I/O.

use std::hint::black_box;

use longwire::proto::extension::NoCodecs;
use longwire::proto::handshake::{Acceptance, HeadLimits, Request, RequestReader};
use longwire::proto::{
    Config, Connection, Env, Event, Input, Instant, NoMaskKeys, Opcode, Output, Role,
    Utf8Validator, frame,
};

use crate::Result;

pub(crate) fn echo(times: usize, len: usize) -> Result {
    echo_frame(times, &crate::frame(Opcode::Binary, &vec![b'x'; len]))
}

pub(crate) fn echo_text(times: usize, len: usize) -> Result {
    echo_frame(times, &crate::frame(Opcode::Text, &vec![b'x'; len]))
}

fn echo_frame(times: usize, frame: &[u8]) -> Result {
    let now = Instant::default();
    let mut connection = Connection::new(Role::Server, Config::server().into(), now);
    let mut output = Output::new();
    let mut read = frame.to_vec();
    for _ in 0..times {
        // Unmasking has changed it.
        read.copy_from_slice(frame);
        let mut env = Env {
            now,
            output: &mut output,
            mask_keys: &mut NoMaskKeys,
            codecs: &mut NoCodecs,
        };
        let mut input = Input::new(black_box(&mut read));
        while let Some(event) = connection.next_event(&mut env, &mut input) {
            match event {
                Event::Text(text) => connection.send_ref(&mut env, &*text)?,
                Event::Binary(bytes) => connection.send_ref(&mut env, &*bytes)?,
                _ => return Err("this is no echo".into()),
            }
        }
        let written = black_box(&output).len();
        output.advance(written);
    }
    Ok(())
}

pub(crate) fn mask(times: usize, len: usize) -> Result {
    let mut payload = vec![b'x'; len];
    for _ in 0..times {
        frame::mask(black_box([1, 2, 3, 4]), 0, black_box(&mut payload));
    }
    Ok(())
}

pub(crate) fn utf8(times: usize, pattern: &str) -> Result {
    let text = pattern.repeat(1 << 10);
    let end = text.floor_char_boundary(1 << 10);
    for _ in 0..times {
        Utf8Validator::new().push(black_box(&text.as_bytes()[..end]))?;
    }
    Ok(())
}

/// A request as browsers send it.
pub(crate) fn handshake(times: usize) -> Result {
    const REQUEST: &[u8] = b"GET /channels/lobby HTTP/1.1\r\n\
        Host: chat.example.com\r\n\
        Connection: Upgrade\r\n\
        Pragma: no-cache\r\n\
        Cache-Control: no-cache\r\n\
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36\r\n\
        Upgrade: websocket\r\n\
        Origin: https://chat.example.com\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Accept-Encoding: gzip, deflate, br, zstd\r\n\
        Accept-Language: en-US,en;q=0.9\r\n\
        Cookie: session=0123456789abcdef0123456789abcdef\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    for _ in 0..times {
        let mut input = black_box(REQUEST);
        let mut reader = RequestReader::new(HeadLimits::default());
        let head = reader.receive(&mut input)?.ok_or("the head is whole")?;
        let request = Request::from_head(head).map_err(|_| "it was refused")?;
        black_box(request.accept(&Acceptance::new())?);
    }
    Ok(())
}
