//! Longwire's hot paths, each so many times: `bench-counts NAME TIMES`.
//!
//! `cargo xtask bench --counts` runs it under valgrind with two numbers of times.
//! The difference is what the path itself takes, without the start and the end
//! of the program. Every path is deterministic: fixed masking keys, no waiting,
//! one message at a time.

mod core;
mod drivers;
mod hub;

use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A path, gone so many times.
type Path = fn(usize) -> Result;

const PATHS: &[(&str, Path)] = &[
    // Decoded, unmasked, given as an event, sent back, encoded.
    ("echo-20", |times| core::echo(times, 20)),
    ("echo-1k", |times| core::echo(times, 1 << 10)),
    ("echo-16k", |times| core::echo(times, 16 << 10)),
    ("echo-text-1k", |times| core::echo_text(times, 1 << 10)),
    ("mask-16k", |times| core::mask(times, 16 << 10)),
    ("utf8-ascii-1k", |times| core::utf8(times, "ascii ")),
    ("utf8-wide-1k", |times| core::utf8(times, "Größe ☃ 𝄞 ")),
    ("handshake", core::handshake),
    ("handler-echo-20", |times| drivers::handler(times, 20, 1)),
    ("handler-echo-20-by-8", |times| {
        drivers::handler(times, 20, 8)
    }),
    ("handler-publish-to-10", |times| {
        drivers::publish(times, 10, 1)
    }),
    ("handler-publish-to-10-by-8", |times| {
        drivers::publish(times, 10, 8)
    }),
    ("async-echo-20", |times| drivers::async_echo(times, 20, 1)),
    ("async-echo-20-by-8", |times| {
        drivers::async_echo(times, 20, 8)
    }),
    ("async-echo-1k", |times| {
        drivers::async_echo(times, 1 << 10, 1)
    }),
    ("hub-publish", |times| hub::publish(times, 0)),
    ("hub-publish-and-10-read", |times| hub::publish(times, 10)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = &arguments[..] else {
        PATHS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let path = PATHS.iter().find(|(known, _)| known == name);
    let Some(((_, path), times)) = path.zip(times.parse().ok()) else {
        eprintln!("usage: bench-counts NAME TIMES");
        return ExitCode::from(2);
    };
    match path(times) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A masked message, as a client sends it.
fn frame(opcode: longwire::proto::Opcode, payload: &[u8]) -> Vec<u8> {
    use longwire::proto::{FrameHeader, Rsv, frame::mask};
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let header = FrameHeader {
        fin: true,
        rsv: Rsv::NONE,
        opcode,
        mask: Some(KEY),
        payload_len: payload.len() as u64,
    };
    let mut frame = header.encode().as_bytes().to_vec();
    let start = frame.len();
    frame.extend_from_slice(payload);
    mask(KEY, 0, &mut frame[start..]);
    frame
}

/// How long the answer to such a message is: the same without a masking key.
fn answer_len(frame: &[u8]) -> usize {
    frame.len() - 4
}
