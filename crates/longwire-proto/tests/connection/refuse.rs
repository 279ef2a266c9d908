//! Every malformed frame, and the close code it gets.

use crate::{ROLES, assert_failed, from_peer};
use longwire_proto::{CloseCode, Event, ProtocolError, Role};
use testkit::{Chunker, Endpoint, LengthForm, RawFrame};

/// Frames after which the connection must have failed with this error.
fn malformed() -> Vec<(&'static str, Vec<RawFrame>, ProtocolError)> {
    use ProtocolError::*;
    let mut cases = vec![
        ("RSV1", vec![RawFrame::text("x").rsv(0x40)], ReservedBits),
        ("RSV2", vec![RawFrame::binary("x").rsv(0x20)], ReservedBits),
        ("RSV3", vec![RawFrame::ping("x").rsv(0x10)], ReservedBits),
        (
            "RSV1 on Close",
            vec![RawFrame::close(1000, "").rsv(0x40)],
            ReservedBits,
        ),
        (
            "RSV1 on a continuation",
            vec![
                RawFrame::text("a").fragment(),
                RawFrame::continuation("b").rsv(0x40),
            ],
            ReservedBits,
        ),
        (
            "a 16-bit length that fits 7 bits",
            vec![RawFrame::binary([0; 125]).length_form(LengthForm::Bits16)],
            NonMinimalLength,
        ),
        (
            "a 64-bit length that fits 7 bits",
            vec![RawFrame::text("x").length_form(LengthForm::Bits64)],
            NonMinimalLength,
        ),
        (
            "a 64-bit length that fits 16 bits",
            vec![RawFrame::binary([0; 65_535]).length_form(LengthForm::Bits64)],
            NonMinimalLength,
        ),
        (
            "a length of 2^63",
            vec![RawFrame::binary("").announcing(1 << 63)],
            LengthOutOfRange,
        ),
        (
            "a length of 2^64 - 1",
            vec![RawFrame::text("").announcing(u64::MAX)],
            LengthOutOfRange,
        ),
        (
            "a fragmented Ping",
            vec![RawFrame::ping("").fragment()],
            FragmentedControl,
        ),
        (
            "a fragmented Pong",
            vec![RawFrame::pong("").fragment()],
            FragmentedControl,
        ),
        (
            "a fragmented Close",
            vec![RawFrame::empty_close().fragment()],
            FragmentedControl,
        ),
        (
            "a Ping of 126 bytes",
            vec![RawFrame::ping([0; 126])],
            OversizedControl,
        ),
        (
            "a Pong of 65,536 bytes",
            vec![RawFrame::pong([0; 65_536])],
            OversizedControl,
        ),
        (
            "a Close of 126 bytes",
            vec![RawFrame::new(0x8, [0x03; 126])],
            OversizedControl,
        ),
        (
            "a short Ping with a 16-bit length",
            vec![RawFrame::ping("x").length_form(LengthForm::Bits16)],
            OversizedControl,
        ),
        (
            "a continuation of nothing",
            vec![RawFrame::continuation("x")],
            UnexpectedContinuation,
        ),
        (
            "a fragment of nothing",
            vec![RawFrame::continuation("x").fragment()],
            UnexpectedContinuation,
        ),
        (
            "a continuation after a message's end",
            vec![
                RawFrame::text("a").fragment(),
                RawFrame::continuation("b"),
                RawFrame::continuation("c"),
            ],
            UnexpectedContinuation,
        ),
        (
            "a text message inside another",
            vec![RawFrame::text("a").fragment(), RawFrame::text("b")],
            ExpectedContinuation,
        ),
        (
            "a binary message inside a text message",
            vec![
                RawFrame::text("").fragment(),
                RawFrame::binary("").fragment(),
            ],
            ExpectedContinuation,
        ),
        (
            "a Close of one byte",
            vec![RawFrame::new(0x8, [3])],
            TruncatedCloseCode,
        ),
        (
            "text that is not UTF-8",
            vec![RawFrame::text(b"ab\xffcd")],
            InvalidUtf8,
        ),
        (
            "a surrogate",
            vec![RawFrame::text(b"\xed\xa0\x80")],
            InvalidUtf8,
        ),
        (
            "an overlong form",
            vec![RawFrame::text(b"\xc0\xaf")],
            InvalidUtf8,
        ),
        (
            "a character past U+10FFFF",
            vec![RawFrame::text(b"\xf4\x90\x80\x80")],
            InvalidUtf8,
        ),
        (
            "a character cut by the message's end",
            vec![RawFrame::text(b"\xe2\x82")],
            InvalidUtf8,
        ),
        (
            "a character cut by the last fragment's end",
            vec![
                RawFrame::text("a").fragment(),
                RawFrame::continuation(b"\xe2\x82"),
            ],
            InvalidUtf8,
        ),
        (
            "a character that an empty last fragment leaves cut",
            vec![
                RawFrame::text(b"\xf0\x9f\x98").fragment(),
                RawFrame::continuation(""),
            ],
            InvalidUtf8,
        ),
        (
            "a reason that is not UTF-8",
            vec![RawFrame::new(0x8, b"\x03\xe8\xff")],
            InvalidUtf8,
        ),
        (
            "a reason cut in a character",
            vec![RawFrame::new(0x8, b"\x03\xe8\xc3")],
            InvalidUtf8,
        ),
    ];
    for opcode in [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        cases.push((
            "a reserved opcode",
            vec![RawFrame::new(opcode, "")],
            ReservedOpcode(opcode),
        ));
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let error = InvalidCloseCode(CloseCode::new(code));
        cases.push((
            "a code that is not sent",
            vec![RawFrame::close(code, "")],
            error,
        ));
    }
    cases
}

#[test]
fn every_malformed_frame_gets_its_close_code_however_it_is_cut() {
    for role in ROLES {
        for (name, frames, error) in malformed() {
            let code = if error == ProtocolError::InvalidUtf8 {
                1007
            } else {
                1002
            };
            assert_eq!(error.close_code().get(), code);
            for chunker in [Chunker::whole(), Chunker::every(1), Chunker::every(3)] {
                println!("{name}, received by a {role:?}, in {chunker:?}");
                let mut end = Endpoint::new(role);
                // What came before is still received and answered.
                let mut bytes = from_peer(&end, [RawFrame::ping("before")]);
                bytes.extend(from_peer(&end, frames.clone()));
                // Bytes after the violation are not looked at.
                bytes.extend(from_peer(&end, [RawFrame::text("after")]));
                let events = end.receive_in_pieces(&bytes, &chunker);
                assert_eq!(events.first(), Some(&Event::Ping(b"before".into())));
                assert!(!events.contains(&crate::text("after")));
                assert_eq!(events.last(), Some(&Event::Closed));
                assert_failed(&mut end, error, code);
            }
        }
    }
}

#[test]
fn a_client_that_does_not_mask_gets_1002_at_the_second_byte() {
    for first in [0x81, 0x82, 0x88, 0x89, 0x8A] {
        let mut server = Endpoint::new(Role::Server);
        assert_eq!(server.receive([first]), []);
        assert_eq!(server.receive([0x00]), [Event::Closed]);
        assert_failed(&mut server, ProtocolError::UnmaskedFrame, 1002);
    }
}

#[test]
fn a_server_that_masks_gets_1002_at_the_second_byte() {
    for first in [0x81, 0x82, 0x88, 0x89, 0x8A] {
        let mut client = Endpoint::new(Role::Client);
        assert_eq!(client.receive([first]), []);
        assert_eq!(client.receive([0x80]), [Event::Closed]);
        assert_failed(&mut client, ProtocolError::MaskedFrame, 1002);
    }
}

#[test]
fn a_later_fragment_with_the_wrong_masking_gets_1002() {
    for (role, error) in [
        (Role::Client, ProtocolError::MaskedFrame),
        (Role::Server, ProtocolError::UnmaskedFrame),
    ] {
        let mut end = Endpoint::new(role);
        assert_eq!(end.receive_frame(RawFrame::text("a").fragment()), []);
        let wrong = RawFrame::continuation("b").sent_by(role);
        assert_eq!(end.receive(wrong.to_bytes()), [Event::Closed]);
        assert_failed(&mut end, error, 1002);
    }
}

#[test]
fn what_is_wrong_in_the_first_bytes_is_not_waited_out() {
    // The rest of each frame, up to 16 MiB, never comes.
    let bit = |role: Role| if role.masks() { 0x80 } else { 0 };
    for role in ROLES {
        let mask = bit(role.peer());
        let cases: [(&[u8], ProtocolError); 6] = [
            (&[0xC1, mask | 127], ProtocolError::ReservedBits),
            (&[0x83, mask | 127], ProtocolError::ReservedOpcode(3)),
            (&[0x80, mask | 127], ProtocolError::UnexpectedContinuation),
            (&[0x89, mask | 126], ProtocolError::OversizedControl),
            (&[0x82, mask | 126, 0, 125], ProtocolError::NonMinimalLength),
            (
                &[0x82, mask | 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
                ProtocolError::LengthOutOfRange,
            ),
        ];
        for (bytes, error) in cases {
            let mut end = Endpoint::new(role);
            assert_eq!(end.receive(bytes), [Event::Closed], "{error}");
            assert_failed(&mut end, error, 1002);
        }
    }
}

#[test]
fn a_bad_byte_of_text_fails_the_connection_before_the_frame_ends() {
    for role in ROLES {
        for (good, bad) in [
            (&b"good"[..], &b"\xff"[..]),
            (b"caf\xc3", b"("),
            (b"\xf4", b"\x90"),
        ] {
            // 1,000 bytes are announced, and never come.
            let mut end = Endpoint::new(role);
            let frame = RawFrame::text([good, bad].concat()).announcing(1000);
            let bytes = from_peer(&end, [frame]);
            let (good, bad) = bytes.split_at(bytes.len() - bad.len());
            assert_eq!(end.receive(good), []);
            assert!(end.connection.is_open());
            assert_eq!(end.receive(bad), [Event::Closed]);
            assert_failed(&mut end, ProtocolError::InvalidUtf8, 1007);
        }
    }
}

#[test]
fn a_bad_byte_in_a_later_fragment_fails_the_connection_there() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        // The two halves of a character, with a Ping in between.
        let first = [RawFrame::text(b"a\xe2\x82").fragment(), RawFrame::ping("")];
        let first = from_peer(&end, first);
        assert_eq!(end.receive(first), [Event::Ping((&[]).into())]);
        let second = RawFrame::continuation(b"\xacb\xc3").fragment();
        assert_eq!(end.receive_frame(second), []);
        assert_eq!(
            end.receive_frame(RawFrame::continuation("x").fragment()),
            [Event::Closed]
        );
        assert_failed(&mut end, ProtocolError::InvalidUtf8, 1007);
    }
}
