//! What passed, as lines for people or for scripts.

#[cfg(test)]
use super::PREVIEW;
use super::{Coding, Direction, Frame, Seen};
use crate::connect::{
    escape, hex,
    json::{self, Line},
    output::Item,
    style::Palette,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;
use longwire::{
    CloseFrame, Message, MessageKind,
    proto::{Opcode, Rsv},
};
use std::{fmt::Write as _, time::Duration};

/// How many bytes of a text stand on its frame's line.
const SHOWN_TEXT: usize = 64;
/// How many bytes of a binary payload do.
const SHOWN_BYTES: usize = 16;

/// Whether all of a message stands on the lines of its frames.
pub(in super::super) fn is_shown_whole(message: &Message) -> bool {
    match message {
        Message::Text(text) => text.len() <= SHOWN_TEXT,
        Message::Binary(bytes) => bytes.len() <= SHOWN_BYTES,
    }
}

/// What is done with credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Secrets {
    Mask,
    Show,
}

/// How what passed is shown.
#[derive(Debug, Clone)]
pub(in super::super) enum Show {
    /// Lines for people, on standard error.
    Lines {
        palette: Palette,
        secrets: Secrets,
        zone: TimeZone,
    },
    /// Lines of JSON, on standard output.
    Json { secrets: Secrets },
}

impl Show {
    /// Lines for people, with the time of the place where they are.
    pub(in super::super) fn lines(palette: Palette, secrets: Secrets) -> Show {
        Show::Lines {
            palette,
            secrets,
            zone: TimeZone::system(),
        }
    }

    pub(in super::super) fn item(&self, seen: &Seen) -> Item {
        match self {
            Show::Json { secrets } => Item::Data(to_json(seen, *secrets).end()),
            Show::Lines {
                palette,
                secrets,
                zone,
            } => Item::Note(match seen {
                Seen::Dialed { peer, tls } => {
                    let tls = tls.as_ref().map(|tls| format!(", {tls}"));
                    let text = format!("* TCP to {peer}{}", tls.unwrap_or_default());
                    format!("{}\n", palette.faint(&text))
                }
                Seen::Head(direction, head) => head_lines(*direction, head, *secrets, *palette),
                Seen::Frame(frame) => frame_line(frame, *palette, zone),
                Seen::Broken(direction, error) => {
                    let text = format!("{} broken frame: {error}", arrow(*direction));
                    format!("{}\n", palette.wrong(&text))
                }
            }),
        }
    }
}

const fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Sent => "→",
        Direction::Received => "←",
    }
}

fn paint(palette: Palette, direction: Direction, text: &str) -> String {
    match direction {
        Direction::Sent => palette.ours(text),
        Direction::Received => palette.theirs(text),
    }
}

/// A head, taken apart.
struct Head {
    start: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn of(head: &[u8], secrets: Secrets) -> Head {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.trim();
                let value = match secrets {
                    Secrets::Mask if is_secret(name) => masked(name, value),
                    _ => value.to_owned(),
                };
                (name.to_owned(), value)
            })
            .collect();
        Head { start, headers }
    }
}

fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 4] = [
        "Authorization",
        "Cookie",
        "Proxy-Authorization",
        "Set-Cookie",
    ];
    SECRET
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

/// The value without what is secret: of `Basic dXNlcg==` the scheme stays, of
/// `session=abc; Path=/` the cookie's name.
fn masked(name: &str, value: &str) -> String {
    const MASK: &str = "*****";
    let separator = if name.to_ascii_lowercase().ends_with("cookie") {
        '='
    } else {
        ' '
    };
    match value.split_once(separator) {
        Some((known, _)) => format!("{known}{separator}{MASK}"),
        None => MASK.to_owned(),
    }
}

fn head_lines(direction: Direction, head: &[u8], secrets: Secrets, palette: Palette) -> String {
    let sign = match direction {
        Direction::Sent => ">",
        Direction::Received => "<",
    };
    let sign = paint(palette, direction, sign);
    let head = Head::of(head, secrets);
    let mut lines = format!("{sign} {}\n", escape::line(&head.start));
    for (name, value) in &head.headers {
        let name = palette.faint(&format!("{}:", escape::line(name)));
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{sign} {name} {}", escape::line(value));
    }
    lines.push('\n');
    lines
}

/// `12:34:56.789  →  TEXT    fin masked     5 B  "hello"`
fn frame_line(frame: &Frame, palette: Palette, zone: &TimeZone) -> String {
    let time = frame
        .at
        .to_zoned(zone.clone())
        .strftime("%H:%M:%S%.3f")
        .to_string();
    let direction = paint(palette, frame.direction, arrow(frame.direction));
    let name = opcode(frame.header.opcode).to_uppercase();
    let name = paint(palette, frame.direction, &format!("{name:<6}"));
    let size = hex::size(frame.header.payload_len);
    let line = format!(
        "{}  {direction}  {name}  {:<10}  {size:>9}  {}",
        palette.faint(&time),
        flags(frame),
        payload(frame, palette),
    );
    format!("{}\n", line.trim_end())
}

const fn opcode(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Continuation => "cont",
        Opcode::Text => "text",
        Opcode::Binary => "binary",
        Opcode::Close => "close",
        Opcode::Ping => "ping",
        Opcode::Pong => "pong",
    }
}

fn flags(frame: &Frame) -> String {
    let has = |bit: Rsv| bit.is_within(frame.header.rsv);
    let flags = [
        (frame.header.fin, "fin"),
        (has(Rsv::RSV1), "rsv1"),
        (has(Rsv::RSV2), "rsv2"),
        (has(Rsv::RSV3), "rsv3"),
        (frame.header.mask.is_some(), "masked"),
    ];
    let set = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join(" ")
}

/// What the payload is, as far as a line can tell.
fn payload(frame: &Frame, palette: Palette) -> String {
    match frame.header.opcode {
        Opcode::Close => close(&frame.start),
        Opcode::Ping | Opcode::Pong => match frame.round_trip {
            Some(time) => format!("rtt {}", round_trip(time)),
            None => bytes(&frame.start, frame.header.payload_len),
        },
        _ => match &frame.coding {
            Coding::None => data(frame, &frame.start, frame.header.payload_len),
            Coding::Compressed => palette.faint("compressed"),
            Coding::CompressedFrom(plain) => {
                let from = format!("compressed from {}", hex::size(plain.len));
                let data = data(frame, &plain.start, plain.len);
                format!("{}  {data}", palette.faint(&from))
            }
            Coding::Unknown => palette.wrong(UNKNOWN),
        },
    }
}

/// What a message that cannot be looked into is called.
const UNKNOWN: &str = "compressed, cannot be decompressed";

/// What a message, or a part of it, of `len` bytes begins with.
fn data(frame: &Frame, start: &[u8], len: u64) -> String {
    match frame.kind {
        Some(MessageKind::Text) => text(start, len),
        _ => bytes(start, len),
    }
}

fn close(payload: &[u8]) -> String {
    match CloseFrame::decode(payload) {
        Err(error) => error.to_string(),
        Ok(frame) if payload.is_empty() => format!("no code ({})", frame.code()),
        Ok(frame) if frame.reason().is_empty() => frame.code().to_string(),
        Ok(frame) => format!("{} \"{}\"", frame.code(), escape::line(frame.reason())),
    }
}

/// A round trip in a unit that fits.
pub(in super::super) fn round_trip(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    match milliseconds {
        ..10.0 => format!("{milliseconds:.2} ms"),
        ..10_000.0 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.1} s", milliseconds / 1e3),
    }
}

/// A fragment may begin and end within a character.
fn text(start: &[u8], len: u64) -> String {
    let start = &start[..start.len().min(SHOWN_TEXT)];
    let is_cut = len > start.len() as u64;
    let text = String::from_utf8_lossy(start);
    let text = if is_cut {
        text.trim_end_matches(char::REPLACEMENT_CHARACTER)
    } else {
        &text
    };
    let more = if is_cut { "…" } else { "" };
    format!("\"{}\"{more}", escape::line(text))
}

fn bytes(start: &[u8], len: u64) -> String {
    let mut text = String::new();
    for byte in start.iter().take(SHOWN_BYTES) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x} ");
    }
    if len > SHOWN_BYTES as u64 {
        text.push('…');
    }
    text
}

fn to_json(seen: &Seen, secrets: Secrets) -> Line {
    let word = |direction| match direction {
        Direction::Sent => "sent",
        Direction::Received => "received",
    };
    match seen {
        Seen::Dialed { peer, tls } => Line::new("dialed")
            .field("peer", peer.to_string())
            .optional("tls", tls.clone()),
        Seen::Head(direction, head) => {
            let head = Head::of(head, secrets);
            let headers: Vec<_> = head
                .headers
                .into_iter()
                .map(|(name, value)| serde_json::Value::from(vec![name, value]))
                .collect();
            Line::new("handshake")
                .field("direction", word(*direction))
                .field("start", head.start)
                .field("headers", headers)
        }
        Seen::Frame(frame) => frame_json(frame, word(frame.direction)),
        Seen::Broken(direction, error) => Line::new("broken")
            .field("direction", word(*direction))
            .field("message", error.to_string()),
    }
}

fn frame_json(frame: &Frame, direction: &str) -> Line {
    let line = Line::at(frame.at, "frame")
        .field("direction", direction)
        .field("opcode", opcode(frame.header.opcode))
        .field("fin", frame.header.fin)
        .field("rsv", frame.header.rsv.bits() >> 4)
        .field("masked", frame.header.mask.is_some())
        .field("length", frame.header.payload_len);
    match frame.header.opcode {
        Opcode::Close => match CloseFrame::decode(&frame.start) {
            Ok(close) => line
                .field("code", close.code().get())
                .field("reason", close.reason()),
            Err(error) => line.field("message", error.to_string()),
        },
        Opcode::Ping | Opcode::Pong => line
            .field("base64", STANDARD.encode(&frame.start))
            .optional("rtt_ms", frame.round_trip.map(json::milliseconds)),
        _ => match &frame.coding {
            Coding::None | Coding::Compressed => line,
            Coding::CompressedFrom(plain) => line.field("plain_length", plain.len),
            Coding::Unknown => line.field("message", UNKNOWN),
        },
    }
}

#[cfg(test)]
mod tests;
