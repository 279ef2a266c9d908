//! Streaming: messages in chunks as they come.

use crate::{ROLES, binary, from_peer, text};
use longwire_proto::{Chunk, Event, MessageKind, ReceiveMode};
use std::borrow::Cow;
use testkit::{Chunker, Endpoint, RawFrame, assembled};

fn chunk(kind: MessageKind, payload: &[u8], first: bool, last: bool) -> Event<'static> {
    Event::Chunk(Chunk {
        kind,
        payload: Cow::Owned(payload.to_vec()),
        first,
        last,
    })
}

fn streaming(role: longwire_proto::Role) -> Endpoint {
    let mut end = Endpoint::new(role);
    end.connection.set_receive_mode(ReceiveMode::Stream);
    end
}

use MessageKind::{Binary, Text};

#[test]
fn a_message_that_is_whole_in_the_input_is_one_chunk() {
    for role in ROLES {
        let mut end = streaming(role);
        assert_eq!(
            end.receive_frame(RawFrame::text("hello")),
            [chunk(Text, b"hello", true, true)]
        );
        assert_eq!(
            end.receive_frame(RawFrame::binary("")),
            [chunk(Binary, b"", true, true)]
        );
    }
}

#[test]
fn whether_chunks_come_next_is_known_before_and_within_a_message() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert!(!end.connection.is_streaming());
        end.connection.set_receive_mode(ReceiveMode::Stream);
        assert!(end.connection.is_streaming());
        let bytes = from_peer(&end, [RawFrame::binary("abcdef")]);
        end.receive(&bytes[..bytes.len() - 1]);
        // For the message after this one.
        end.connection.set_receive_mode(ReceiveMode::Message);
        assert!(end.connection.is_streaming());
        end.receive(&bytes[bytes.len() - 1..]);
        assert!(!end.connection.is_streaming());
    }
}

#[test]
fn a_frame_comes_in_the_pieces_it_was_read_in() {
    for role in ROLES {
        let mut end = streaming(role);
        let bytes = from_peer(&end, [RawFrame::binary("abcdef")]);
        let header = bytes.len() - 6;
        assert_eq!(end.receive(&bytes[..header]), []);
        assert_eq!(
            end.receive(&bytes[header..header + 2]),
            [chunk(Binary, b"ab", true, false)]
        );
        assert_eq!(
            end.receive(&bytes[header + 2..header + 5]),
            [chunk(Binary, b"cde", false, false)]
        );
        assert_eq!(
            end.receive(&bytes[header + 5..]),
            [chunk(Binary, b"f", false, true)]
        );
        assert_eq!(end.connection.config().assembly_budget.used(), 0);
    }
}

#[test]
fn fragments_and_control_frames_come_in_their_order() {
    for role in ROLES {
        let mut end = streaming(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("").fragment(),
                RawFrame::ping("1"),
                RawFrame::continuation("a").fragment(),
                RawFrame::ping("2"),
                RawFrame::continuation("b").fragment(),
                RawFrame::continuation(""),
            ],
        );
        assert_eq!(
            end.receive(bytes),
            [
                Event::Ping(b"1".into()),
                chunk(Text, b"a", true, false),
                Event::Ping(b"2".into()),
                chunk(Text, b"b", false, false),
                chunk(Text, b"", false, true),
            ]
        );
        assert_eq!(
            end.take_frames(),
            [RawFrame::pong("1"), RawFrame::pong("2")]
        );
    }
}

#[test]
fn a_text_chunk_may_end_inside_a_character_and_the_message_may_not() {
    for role in ROLES {
        let mut end = streaming(role);
        assert_eq!(
            end.receive_frame(RawFrame::text(b"\xe2\x82").fragment()),
            [chunk(Text, b"\xe2\x82", true, false)]
        );
        assert_eq!(
            end.receive_frame(RawFrame::continuation(b"\xac").fragment()),
            [chunk(Text, b"\xac", false, false)]
        );
        assert_eq!(
            end.receive_frame(RawFrame::continuation(b"\xe2")),
            [Event::Closed]
        );
        crate::assert_failed(&mut end, longwire_proto::ProtocolError::InvalidUtf8, 1007);
    }
}

#[test]
fn a_chunk_with_a_bad_byte_is_not_given_out() {
    for role in ROLES {
        let mut end = streaming(role);
        assert_eq!(end.receive_frame(RawFrame::text("ok").fragment()).len(), 1);
        let bad = RawFrame::continuation(b"ab\xff").announcing(100);
        assert_eq!(end.receive_frame(bad), [Event::Closed]);
        crate::assert_failed(&mut end, longwire_proto::ProtocolError::InvalidUtf8, 1007);
    }
}

#[test]
fn chunks_are_lent_from_the_input() {
    use longwire_proto::{Input, Role};
    let mut client = streaming(Role::Client);
    let mut read = *b"\x02\x02ab\x80\x05cd";
    let mut input = Input::new(&mut read);
    client.call(|connection, env| {
        for (payload, first) in [(b"ab", true), (b"cd", false)] {
            let event = connection.next_event(env, &mut input);
            let Some(Event::Chunk(chunk)) = event else {
                panic!("{event:?}")
            };
            assert!(matches!(chunk.payload, Cow::Borrowed(lent) if lent == payload));
            assert_eq!((chunk.first, chunk.last), (first, false));
        }
        assert_eq!(connection.next_event(env, &mut input), None);
    });
}

#[test]
fn switching_on_in_mid_message_gives_first_what_was_assembled() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("abc").fragment(),
                RawFrame::continuation("defghi"),
                RawFrame::text("next"),
            ],
        );
        // The cut is inside the second fragment.
        let cut = bytes.len() - from_peer(&end, [RawFrame::text("next")]).len() - 2;
        assert_eq!(end.receive(&bytes[..cut]), []);
        end.connection.set_receive_mode(ReceiveMode::Stream);
        assert_eq!(end.poll(), [chunk(Text, b"abcdefg", true, false)]);
        assert_eq!(
            end.receive(&bytes[cut..]),
            [
                chunk(Text, b"hi", false, true),
                chunk(Text, b"next", true, true),
            ]
        );
    }
}

#[test]
fn switching_on_between_fragments_gives_what_was_assembled() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(end.receive_frame(RawFrame::binary("ab").fragment()), []);
        end.connection.set_receive_mode(ReceiveMode::Stream);
        assert_eq!(
            end.receive_frame(RawFrame::continuation("")),
            [
                chunk(Binary, b"ab", true, false),
                chunk(Binary, b"", false, true),
            ]
        );
    }
}

#[test]
fn switching_off_in_mid_message_takes_effect_at_the_next() {
    for role in ROLES {
        let mut end = streaming(role);
        assert_eq!(
            end.receive_frame(RawFrame::text("a").fragment()),
            [chunk(Text, b"a", true, false)]
        );
        end.connection.set_receive_mode(ReceiveMode::Message);
        assert_eq!(
            end.receive_frame(RawFrame::continuation("b")),
            [chunk(Text, b"b", false, true)]
        );
        assert_eq!(end.receive_frame(RawFrame::text("c")), [text("c")]);
    }
}

#[test]
fn switching_on_after_the_driver_read_to_the_messages_buffer_loses_nothing() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let payload: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
        let bytes = from_peer(&end, [RawFrame::binary(&payload)]);
        assert_eq!(end.receive(&bytes[..5_000]), []);
        // Read, but not told yet.
        assert!(end.read_to_target(&mut &bytes[5_000..6_000]));
        end.connection.set_receive_mode(ReceiveMode::Stream);
        let mut events = end.receive(&bytes[6_000..7_000]);
        assert!(
            end.connection.read_target().is_none(),
            "chunks are read to the driver's buffer"
        );
        events.extend(end.receive_directly(&bytes[7_000..], &Chunker::every(9_000)));
        assert!(assembled(events) == [binary(&payload)]);
    }
}

#[test]
fn a_message_sent_in_fragments_is_received_as_they_are_sent() {
    let mut pair = testkit::Pair::new(6);
    pair.server.connection.set_receive_mode(ReceiveMode::Stream);
    for (fragment, last) in [("one ", false), ("two ", false), ("three", true)] {
        let sent = pair
            .client
            .call(|c, env| c.send_fragment(env, fragment, last));
        assert_eq!(sent, Ok(()));
        pair.settle();
        let events = std::mem::take(&mut pair.server.events);
        assert!(!events.is_empty());
        let end = matches!(events.last(), Some(Event::Chunk(chunk)) if chunk.last);
        assert_eq!(end, last);
    }
}
