use super::super::plain::Plain;
use super::*;
use longwire::proto::{CloseFrame, FrameHeader};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Both directions of a connection, fed by hand.
struct Wire {
    sent: Watch,
    received: Watch,
    pings: Pings,
    tell: UnboundedSender<Seen>,
    seen: UnboundedReceiver<Seen>,
}

impl Wire {
    fn new() -> Wire {
        let (tell, seen) = unbounded_channel();
        Wire {
            sent: Watch::new(Direction::Sent),
            received: Watch::new(Direction::Received),
            pings: Pings::default(),
            tell,
            seen,
        }
    }

    /// One whose opening handshake is over.
    fn open() -> Wire {
        let mut wire = Wire::new();
        wire.send(b"GET / HTTP/1.1\r\n\r\n");
        wire.receive(b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        wire.told();
        wire
    }

    fn send(&mut self, bytes: &[u8]) {
        self.sent.push(bytes, &mut self.pings, &self.tell);
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.received.push(bytes, &mut self.pings, &self.tell);
    }

    /// What was told since the last time, in short.
    fn told(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.seen.try_recv().ok())
            .map(|seen| match seen {
                Seen::Head(direction, head) => {
                    let head = String::from_utf8(head).unwrap();
                    format!("{direction:?} {}", head.lines().next().unwrap())
                }
                Seen::Frame(frame) => {
                    let FrameHeader {
                        opcode,
                        fin,
                        payload_len,
                        ..
                    } = frame.header;
                    let start = String::from_utf8_lossy(&frame.start);
                    let fin = if fin { " fin" } else { "" };
                    let start = match frame.coding {
                        Coding::None => start,
                        Coding::Compressed => "compressed".into(),
                        Coding::CompressedFrom(Plain { len, start }) => {
                            let start = String::from_utf8(start).unwrap();
                            format!("compressed from {len} {start}").into()
                        }
                        Coding::Unknown => "unknown".into(),
                    };
                    format!(
                        "{:?} {opcode:?}{fin} {payload_len} {start}",
                        frame.direction
                    )
                }
                Seen::Broken(direction, error) => format!("{direction:?} {error}"),
                Seen::Dialed { .. } => panic!("nobody dials here"),
            })
            .collect()
    }
}

#[test]
fn any_chunking_tells_the_same() {
    // RFC 6455 section 5.7: fragments with a Ping between them, as a server
    // sends them; then a compressed message, and a Close.
    let received = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 S\r\nA: b\r\n\r\n\
        \x01\x03Hel\x89\x05Hello\x80\x02lo\xc1\x07\xf2H\xcd\xc9\xc9\x07\0\x88\x02\x03\xe8";
    let expected = [
        "Received HTTP/1.1 103 Early Hints",
        "Received HTTP/1.1 101 S",
        "Received Text 3 Hel",
        "Received Ping fin 5 Hello",
        "Received Continuation fin 2 lo",
        "Received Text fin 7 compressed from 5 Hello",
        "Received Close fin 2 \u{3}\u{fffd}",
    ];
    for size in 1..=received.len() {
        let mut wire = Wire::new();
        for chunk in received.chunks(size) {
            wire.receive(chunk);
        }
        assert_eq!(wire.told(), expected, "in chunks of {size}");
    }
}

#[test]
fn compressed_messages_are_decompressed() {
    // RFC 7692 section 7.2.3: one in fragments (.1), with a Ping between them; one
    // that refers to it (.2); one with an empty block at its end (.4, .5); and
    // one that is empty (.6).
    let received = b"\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00\
        \xc1\x05\xf2\x00\x11\x00\x00\
        \xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00\
        \x81\x05plain\xc2\x01\x00";
    let expected = [
        "Received Text 3 compressed",
        "Received Ping fin 0 ",
        "Received Continuation fin 4 compressed from 5 Hello",
        "Received Text fin 5 compressed from 5 Hello",
        "Received Text fin 8 compressed from 5 Hello",
        "Received Text fin 5 plain",
        "Received Binary fin 1 compressed from 0 ",
    ];
    for size in 1..=received.len() {
        let mut wire = Wire::open();
        for chunk in received.chunks(size) {
            wire.receive(chunk);
        }
        assert_eq!(wire.told(), expected, "in chunks of {size}");
    }
}

#[test]
fn what_is_sent_compressed_is_unmasked_too() {
    let frame = b"\xc1\x87\x01\x02\x03\x04\xf3\x4a\xce\xcd\xc8\x05\x03";
    for size in 1..=frame.len() {
        let mut wire = Wire::open();
        for chunk in frame.chunks(size) {
            wire.send(chunk);
        }
        assert_eq!(wire.told(), ["Sent Text fin 7 compressed from 5 Hello"]);
    }
}

#[test]
fn a_long_compressed_message_is_told_at_its_end() {
    // Blocks without compression: 200 of 100 bytes, the last one in a frame of
    // its own.
    let block = [&[0, 100, 0, 155, 255][..], &[b'x'; 100]].concat();
    let mut wire = Wire::open();
    let most = block.repeat(199);
    wire.receive(&[&[0x41, 126][..], &(most.len() as u16).to_be_bytes(), &most].concat());
    assert_eq!(wire.told(), ["Received Text 20895 compressed"]);
    wire.receive(&[0x80, 106]);
    wire.receive(&block);
    assert_eq!(wire.told(), [""; 0]);
    wire.receive(b"\0");
    let start = "x".repeat(PREVIEW);
    assert_eq!(
        wire.told(),
        [format!(
            "Received Continuation fin 106 compressed from 20000 {start}"
        )]
    );
}

#[test]
fn what_cannot_be_decompressed_is_told_as_such() {
    // A block of the type that does not exist. What comes then may refer to it.
    let mut wire = Wire::open();
    wire.receive(b"\xc1\x7e\x01\x00\x06");
    wire.receive(&[b'x'; PREVIEW]);
    assert_eq!(wire.told(), ["Received Text fin 256 unknown"]);
    wire.receive(&[b'x'; 256 - 1 - PREVIEW]);
    wire.receive(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x81\x05plain");
    assert_eq!(
        wire.told(),
        ["Received Text fin 7 unknown", "Received Text fin 5 plain"]
    );
    // Not so what goes the other way.
    wire.send(b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_eq!(wire.told(), ["Sent Text fin 7 compressed from 5 Hello"]);
}

#[test]
fn what_is_sent_is_unmasked() {
    // RFC 6455 section 5.7: a masked "Hello".
    let frame = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    for size in 1..=frame.len() {
        let mut wire = Wire::open();
        for chunk in frame.chunks(size) {
            wire.send(chunk);
        }
        assert_eq!(wire.told(), ["Sent Text fin 5 Hello"]);
    }
}

#[test]
fn a_large_frame_is_told_once_and_at_its_beginning() {
    let mut wire = Wire::open();
    wire.receive(b"\x82\x7f\0\0\0\x01\0\0\0\0");
    wire.receive(&[b'x'; PREVIEW - 1]);
    assert_eq!(wire.told(), [""; 0]);
    wire.receive(b"xx");
    let told = wire.told();
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("Received Binary fin 4294967296 xxx"));
    wire.receive(&[0; 100_000]);
    assert_eq!(wire.told(), [""; 0]);
}

#[test]
fn the_round_trip_is_that_of_the_ping_answered() {
    let mut wire = Wire::open();
    wire.send(b"\x89\x81\0\0\0\0a");
    wire.send(b"\x89\x81\0\0\0\0b");
    // Unsolicited; then one answer for both.
    wire.receive(b"\x8a\x01x\x8a\x01b\x8a\x01a");
    let pongs: Vec<bool> = std::iter::from_fn(|| wire.seen.try_recv().ok())
        .filter_map(|seen| match seen {
            Seen::Frame(frame) if frame.direction == Direction::Received => {
                Some(frame.round_trip.is_some())
            }
            _ => None,
        })
        .collect();
    assert_eq!(pongs, [false, true, false]);
}

#[test]
fn after_a_broken_frame_nothing_is_guessed() {
    let mut wire = Wire::open();
    wire.receive(b"\x81\x02ok\x83\x00\x81\x02ok");
    assert_eq!(
        wire.told(),
        ["Received Text fin 2 ok", "Received opcode 0x3 is reserved"]
    );
    // A server does not mask.
    let mut wire = Wire::open();
    wire.receive(b"\x81\x80\0\0\0\0");
    assert_eq!(
        wire.told(),
        ["Received a masked frame from the server"]
            .map(|_| { format!("Received {}", ProtocolError::MaskedFrame) })
    );
}

#[test]
fn the_body_of_a_refusal_is_no_frame() {
    let mut wire = Wire::new();
    wire.receive(b"HTTP/1.1 404 Not Found\r\n\r\n\x81\x02ok");
    assert_eq!(wire.told(), ["Received HTTP/1.1 404 Not Found"]);
}

#[test]
fn an_endless_head_is_given_up() {
    let mut wire = Wire::new();
    for _ in 0..100 {
        wire.receive(&[b'x'; 1024]);
    }
    assert!(matches!(wire.received.state, State::Lost));
    assert_eq!(wire.told(), [""; 0]);
}

#[test]
fn a_close_frame_is_kept_whole() {
    let reason = "r".repeat(CloseFrame::MAX_REASON);
    let mut wire = Wire::open();
    wire.receive(&[&b"\x88\x7d\x03\xe8"[..], reason.as_bytes()].concat());
    match wire.seen.try_recv().unwrap() {
        Seen::Frame(frame) => {
            let close = CloseFrame::decode(&frame.start).unwrap();
            assert_eq!(close.reason(), reason);
        }
        other => panic!("{other:?}"),
    }
}
