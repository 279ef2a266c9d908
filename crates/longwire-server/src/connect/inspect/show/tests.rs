use super::super::plain::Plain;
use super::*;
use longwire::proto::FrameHeader;

fn frame(direction: Direction, opcode: Opcode, payload: &[u8]) -> Frame {
    Frame {
        at: "2026-11-21T12:34:56.789Z".parse().unwrap(),
        direction,
        header: FrameHeader {
            fin: true,
            rsv: Rsv::NONE,
            opcode,
            mask: (direction == Direction::Sent).then_some([0; 4]),
            payload_len: payload.len() as u64,
        },
        start: payload.to_vec(),
        kind: match opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            _ => None,
        },
        coding: Coding::None,
        round_trip: None,
    }
}

fn line(frame: &Frame) -> String {
    frame_line(frame, Palette::PLAIN, &TimeZone::UTC)
}

#[test]
fn columns_are_aligned() {
    assert_eq!(
        line(&frame(Direction::Sent, Opcode::Text, b"hello")),
        "12:34:56.789  →  TEXT    fin masked        5 B  \"hello\"\n"
    );
    assert_eq!(
        line(&frame(Direction::Received, Opcode::Binary, &[0, 255])),
        "12:34:56.789  ←  BINARY  fin               2 B  00 ff\n"
    );
    assert_eq!(
        line(&frame(Direction::Received, Opcode::Close, b"\x03\xf3oops")),
        "12:34:56.789  ←  CLOSE   fin               6 B  1011 (internal error) \"oops\"\n"
    );
    assert_eq!(
        line(&frame(Direction::Received, Opcode::Close, b"")),
        "12:34:56.789  ←  CLOSE   fin               0 B  no code (1005 (no status received))\n"
    );
}

#[test]
fn a_pong_has_its_round_trip() {
    let mut pong = frame(Direction::Received, Opcode::Pong, b"1234");
    assert!(line(&pong).ends_with("4 B  31 32 33 34\n"));
    pong.round_trip = Some(Duration::from_micros(212));
    assert!(line(&pong).ends_with("4 B  rtt 0.21 ms\n"));
}

#[test]
fn fragments_and_compression_show() {
    let mut part = frame(Direction::Received, Opcode::Text, b"\xf2H");
    part.header.fin = false;
    part.header.rsv = Rsv::RSV1;
    part.coding = Coding::Compressed;
    assert_eq!(
        line(&part),
        "12:34:56.789  ←  TEXT    rsv1              2 B  compressed\n"
    );
}

#[test]
fn a_compressed_message_shows_what_it_was_compressed_from() {
    let mut frame = frame(
        Direction::Received,
        Opcode::Text,
        b"\xf2H\xcd\xc9\xc9\x07\0",
    );
    frame.header.rsv = Rsv::RSV1;
    frame.coding = Coding::CompressedFrom(Plain {
        len: 12_000,
        start: b"Hello\x1b".to_vec(),
    });
    assert_eq!(
        line(&frame),
        "12:34:56.789  ←  TEXT    fin rsv1          7 B  compressed from 11.7 KiB  \"Hello\\x1b\"…\n"
    );
    let json: serde_json::Value =
        serde_json::from_slice(&frame_json(&frame, "received").end()).unwrap();
    assert_eq!(
        (&json["length"], &json["plain_length"]),
        (&7.into(), &12_000.into())
    );
    frame.kind = Some(MessageKind::Binary);
    assert!(line(&frame).ends_with("compressed from 11.7 KiB  48 65 6c 6c 6f 1b …\n"));
    frame.coding = Coding::Unknown;
    assert!(line(&frame).ends_with("7 B  compressed, cannot be decompressed\n"));
    let json: serde_json::Value =
        serde_json::from_slice(&frame_json(&frame, "received").end()).unwrap();
    assert_eq!(json["message"], "compressed, cannot be decompressed");
    assert!(json.get("plain_length").is_none());
}

#[test]
fn a_long_text_is_cut_between_characters_and_escaped() {
    let text = format!("\x1b\u{202e}{}", "\u{20ac}".repeat(100));
    let mut long = frame(Direction::Received, Opcode::Text, text.as_bytes());
    long.start.truncate(PREVIEW);
    let line = line(&long);
    assert!(line.contains("\"\\x1b\\u{202e}\u{20ac}"), "{line}");
    assert!(line.ends_with("\u{20ac}\"…\n"), "{line}");
    assert!(!line.contains(char::REPLACEMENT_CHARACTER), "{line}");
}

#[test]
fn a_message_is_shown_whole_up_to_a_limit() {
    assert!(is_shown_whole(&"x".repeat(SHOWN_TEXT).into()));
    assert!(!is_shown_whole(&"x".repeat(SHOWN_TEXT + 1).into()));
    assert!(is_shown_whole(&vec![0; SHOWN_BYTES].into()));
    assert!(!is_shown_whole(&vec![0; SHOWN_BYTES + 1].into()));
}

#[test]
fn secrets_are_masked() {
    assert_eq!(masked("Authorization", "Bearer abc"), "Bearer *****");
    assert_eq!(masked("Authorization", "abc"), "*****");
    assert_eq!(masked("set-cookie", "id=abc; Path=/"), "id=*****");
    let head =
        b"GET / HTTP/1.1\r\nHost: x\r\nCOOKIE: a=1; b=2\r\nProxy-Authorization: Basic x\r\n\r\n";
    let shown = head_lines(Direction::Sent, head, Secrets::Mask, Palette::PLAIN);
    assert_eq!(
        shown,
        "> GET / HTTP/1.1\n> Host: x\n> COOKIE: a=*****\n> Proxy-Authorization: Basic *****\n\n"
    );
    let shown = head_lines(Direction::Sent, head, Secrets::Show, Palette::PLAIN);
    assert!(shown.contains("a=1; b=2"));
}

#[test]
fn a_head_cannot_move_the_cursor() {
    let head = b"HTTP/1.1 404 \x1b[2J\r\nX-\x1b[2J: \x1b[2J\r\n\r\n";
    let shown = head_lines(Direction::Received, head, Secrets::Mask, Palette::PLAIN);
    assert!(!shown.contains('\x1b'));
}

#[test]
fn round_trips_have_fitting_units() {
    for (micros, shown) in [
        (212, "0.21 ms"),
        (9_994, "9.99 ms"),
        (42_400, "42 ms"),
        (12_345_678, "12.3 s"),
    ] {
        assert_eq!(round_trip(Duration::from_micros(micros)), shown);
    }
}
