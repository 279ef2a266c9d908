//! Messages and control frames as they should be.

use crate::{ROLES, binary, from_peer, text};
use longwire_proto::{Event, Role};
use std::borrow::Cow;
use testkit::{Chunker, Endpoint, RawFrame};

#[test]
fn the_rfcs_examples_are_received() {
    // RFC 6455 section 5.7.
    let mut client = Endpoint::new(Role::Client);
    assert_eq!(client.receive(b"\x81\x05Hello"), [text("Hello")]);
    assert_eq!(client.receive(b"\x01\x03Hel\x80\x02lo"), [text("Hello")]);
    assert_eq!(
        client.receive(b"\x89\x05Hello"),
        [Event::Ping(b"Hello".into())]
    );
    let mut server = Endpoint::new(Role::Server);
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(server.receive(masked), [text("Hello")]);
    let masked_pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(server.receive(masked_pong), [Event::Pong(b"Hello".into())]);
}

#[test]
fn messages_of_every_length_form_are_received_in_any_cuts() {
    for role in ROLES {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
            let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let letters = "a€".repeat(len / 4);
            for chunker in [
                Chunker::whole(),
                Chunker::every(7),
                Chunker::every(16 * 1024),
            ] {
                let mut end = Endpoint::new(role);
                let frames = [RawFrame::binary(&payload), RawFrame::text(&letters)];
                let bytes = from_peer(&end, frames);
                let events = end.receive_in_pieces(&bytes, &chunker);
                assert!(
                    events == [binary(&payload), text(&letters)],
                    "{len} bytes, {chunker:?}"
                );
                assert!(end.output.is_empty());
            }
        }
    }
}

#[test]
fn a_message_that_is_whole_in_the_input_is_lent_and_not_copied() {
    use longwire_proto::Input;
    let mut client = Endpoint::new(Role::Client);
    let mut read = *b"\x82\x03abc\x81\x02de";
    let place = read.as_ptr().wrapping_add(2);
    let mut input = Input::new(&mut read);
    client.call(|connection, env| {
        let event = connection.next_event(env, &mut input);
        let Some(Event::Binary(Cow::Borrowed(payload))) = event else {
            panic!("{event:?}");
        };
        assert_eq!((payload, payload.as_ptr()), (&b"abc"[..], place));
        // The first event is still there when the second comes.
        assert_eq!(connection.next_event(env, &mut input), Some(text("de")));
        assert_eq!(payload, b"abc");
        assert_eq!(connection.next_event(env, &mut input), None);
    });
}

#[test]
fn a_driver_may_stop_in_the_middle_and_go_on_later() {
    use longwire_proto::Input;
    let mut client = Endpoint::new(Role::Client);
    let mut read = *b"\x81\x01a\x81\x01b\x81\x01c";
    let mut input = Input::new(&mut read);
    client.call(|connection, env| {
        assert_eq!(connection.next_event(env, &mut input), Some(text("a")));
    });
    assert_eq!(input.as_slice(), b"\x81\x01b\x81\x01c");
    client.call(|connection, env| {
        assert_eq!(connection.next_event(env, &mut input), Some(text("b")));
        assert_eq!(connection.next_event(env, &mut input), Some(text("c")));
        assert_eq!(connection.next_event(env, &mut input), None);
    });
    assert_eq!(input.len(), 0);
}

#[test]
fn control_frames_pass_between_fragments_and_are_answered_at_once() {
    for role in ROLES {
        for chunker in [Chunker::whole(), Chunker::every(1), Chunker::every(5)] {
            let mut end = Endpoint::new(role);
            let bytes = from_peer(
                &end,
                [
                    RawFrame::text("one ").fragment(),
                    RawFrame::ping("1"),
                    RawFrame::continuation("").fragment(),
                    RawFrame::pong("2"),
                    RawFrame::ping([3; 125]),
                    RawFrame::continuation("two ").fragment(),
                    RawFrame::continuation("three"),
                    RawFrame::binary("next"),
                ],
            );
            let events = end.receive_in_pieces(&bytes, &chunker);
            assert_eq!(
                events,
                [
                    Event::Ping(b"1".into()),
                    Event::Pong(b"2".into()),
                    Event::Ping([3; 125].to_vec().into()),
                    text("one two three"),
                    binary(b"next"),
                ]
            );
            let pongs = [RawFrame::pong("1"), RawFrame::pong([3; 125])];
            assert_eq!(end.take_frames(), pongs);
        }
    }
}

#[test]
fn a_message_of_only_empty_fragments_is_empty() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("").fragment(),
                RawFrame::continuation("").fragment(),
                RawFrame::continuation(""),
                RawFrame::binary(""),
            ],
        );
        assert_eq!(end.receive(bytes), [text(""), binary(b"")]);
    }
}

#[test]
fn a_character_may_be_cut_by_fragments_and_reads_at_any_byte() {
    let letters = "κόσμε 😀 ﷽";
    for role in ROLES {
        for cut in 0..=letters.len() {
            for chunker in [Chunker::whole(), Chunker::every(1)] {
                let mut end = Endpoint::new(role);
                let (first, second) = letters.as_bytes().split_at(cut);
                let bytes = from_peer(
                    &end,
                    [
                        RawFrame::text(first).fragment(),
                        RawFrame::continuation(second),
                    ],
                );
                assert_eq!(end.receive_in_pieces(&bytes, &chunker), [text(letters)]);
            }
        }
    }
}

#[test]
fn the_driver_may_read_into_the_messages_own_buffer() {
    for role in ROLES {
        for size in [1_000, 16 * 1024, 100_000, usize::MAX] {
            let chunker = Chunker::every(size);
            let payload = vec![7; 300_000];
            let letters = "aß€😀".repeat(30_000);
            let mut end = Endpoint::new(role);
            let bytes = from_peer(
                &end,
                [
                    RawFrame::binary(&payload),
                    RawFrame::text(&letters[..100_000]).fragment(),
                    RawFrame::ping("between"),
                    RawFrame::continuation(&letters[100_000..]),
                ],
            );
            let events = end.receive_directly(&bytes, &chunker);
            let ping = Event::Ping(b"between".into());
            assert!(events == [binary(&payload), ping, text(&letters)]);
        }
    }
}

#[test]
fn a_bad_byte_read_into_the_messages_own_buffer_fails_the_connection() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let mut payload = vec![b'a'; 100_000];
        payload[60_000] = 0xFF;
        let bytes = from_peer(&end, [RawFrame::text(&payload)]);
        // What follows the bad byte is still to come.
        let events = end.receive_directly(&bytes[..70_000], &Chunker::every(1_000));
        assert_eq!(events, [Event::Closed]);
        crate::assert_failed(&mut end, longwire_proto::ProtocolError::InvalidUtf8, 1007);
    }
}

#[test]
fn the_messages_own_buffer_is_lent_only_for_much_payload() {
    let mut server = Endpoint::new(Role::Server);
    assert!(server.connection.read_target().is_none());
    let bytes = from_peer(&server, [RawFrame::binary([0; 20_000])]);
    assert_eq!(server.receive(&bytes[..5]), []);
    assert!(
        server.connection.read_target().is_none(),
        "the header is not whole"
    );
    assert_eq!(server.receive(&bytes[5..1_000]), []);
    assert!(server.connection.read_target().is_some());
    assert_eq!(server.receive(&bytes[1_000..4_000]), []);
    assert!(
        server.connection.read_target().is_none(),
        "too little is missing"
    );
    assert_eq!(server.receive(&bytes[4_000..]), [binary(&[0; 20_000])]);
    assert!(server.connection.read_target().is_none());
}

/// As a driver does that knows of more bytes: what is missing of a cut frame is
/// read to behind it, in steps of `step`.
fn receive_in_place(end: &mut Endpoint, bytes: &mut [u8], step: usize) -> Vec<Event<'static>> {
    use longwire_proto::Input;
    let (mut start, mut read) = (0, 0);
    let mut events = Vec::new();
    while start < bytes.len() {
        read = bytes.len().min(read + step);
        let mut input = Input::new(&mut bytes[start..read]);
        let left = end.call(|connection, env| {
            while connection.missing(&input).is_none() {
                match connection.next_event(env, &mut input) {
                    Some(event) => events.push(testkit::owned(event)),
                    None => break,
                }
            }
            input.len()
        });
        start = read - left;
    }
    events
}

#[test]
fn a_cut_frame_may_be_completed_in_the_drivers_buffer() {
    for role in ROLES {
        for step in [1, 3, 14, 1_000, 70_000] {
            let mut end = Endpoint::new(role);
            let frames = [
                RawFrame::binary([7; 2_000]),
                RawFrame::text("in three ").fragment(),
                RawFrame::ping("between"),
                RawFrame::continuation("frag").fragment(),
                RawFrame::continuation("ments"),
                RawFrame::text("aß€😀".repeat(100)),
                RawFrame::binary(""),
                RawFrame::close(1000, "done"),
            ];
            let mut bytes = from_peer(&end, frames.clone());
            let events = receive_in_place(&mut end, &mut bytes.clone(), step);
            let expected = Endpoint::new(role).receive(&mut bytes);
            assert_eq!(events, expected, "in steps of {step}");
        }
    }
}

#[test]
fn what_is_missing_of_a_frame_is_told_only_while_it_could_be_lent() {
    use longwire_proto::{Input, ReceiveMode};
    let mut client = Endpoint::with_config(Role::Client, |config| {
        config.limits.max_message_size = 1_000;
    });
    let missing = |client: &Endpoint, bytes: &[u8]| {
        client.connection.missing(&Input::new(&mut bytes.to_vec()))
    };
    assert_eq!(missing(&client, b""), None);
    assert_eq!(missing(&client, b"\x82"), Some(1));
    assert_eq!(missing(&client, b"\x82\x7e\x03"), Some(1));
    assert_eq!(missing(&client, b"\x82\x7e\x03\xe8"), Some(1_000));
    assert_eq!(missing(&client, b"\x82\x7e\x03\xe8 five"), Some(995));
    assert_eq!(missing(&client, b"\x82\x02ab"), None, "it is whole");
    assert_eq!(missing(&client, b"\x02\x02a"), None, "a fragment");
    assert_eq!(missing(&client, b"\x82\x7e\x03\xe9"), None, "too large");
    assert_eq!(missing(&client, b"\x83\x02a"), None, "a reserved opcode");
    client.connection.set_receive_mode(ReceiveMode::Stream);
    assert_eq!(missing(&client, b"\x82\x02a"), None, "chunks do not wait");
    client.connection.set_receive_mode(ReceiveMode::Message);
    assert_eq!(client.receive(b"\x82\x02a"), []);
    assert_eq!(missing(&client, b"b\x82"), None, "a frame is taken in");
    assert_eq!(client.receive(b"b"), [binary(b"ab")]);
    client.receive(b"\x88\x00");
    assert_eq!(missing(&client, b"\x82\x02a"), None, "it has ended");
}
