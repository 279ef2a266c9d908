//! What is sent to a stranger's echo server.

use longwire::Message;

const MIB: usize = 1 << 20;

/// Characters of every length, combined ones, and the two ends of Unicode.
const UNICODE: &str = "aß水🍣 e\u{301} 👩\u{200d}👩\u{200d}👧 \0\u{fffd}\u{10ffff}";

/// Bytes whose value depends on their position, so that a shift or a swap shows.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i * 31 + (i >> 8) * 7 + (i >> 16)) as u8)
        .collect()
}

/// The messages that only have to come back, by the name of their check.
pub(crate) fn echoes() -> Vec<(String, Message)> {
    let mut echoes: Vec<(String, Message)> = vec![
        ("text".into(), "Hello, stranger".into()),
        ("binary".into(), pattern(256).into()),
        ("empty-text".into(), "".into()),
        ("empty-binary".into(), Vec::new().into()),
    ];
    for size in [125, 126, 127, 65535, 65536] {
        echoes.push((format!("size-{size}"), pattern(size).into()));
    }
    echoes.push(("16-mib".into(), pattern(MIB).repeat(16).into()));
    echoes.push(("unicode".into(), UNICODE.repeat(4000).into()));
    echoes
}

/// Messages of both kinds and many lengths, to be sent before the first is
/// read.
pub(crate) fn pipelined() -> Vec<Message> {
    (0..500)
        .map(|i| match i % 2 {
            0 => pattern(i * 11).into(),
            _ => format!("message {i} {}", "x".repeat(i * 7)).into(),
        })
        .collect()
}
