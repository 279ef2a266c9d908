//! What holds for any input, however it is cut, and for any order of work.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use longwire_proto::{CloseCode, CloseInfo, Event, ReceiveMode, Role};
use proptest::prelude::*;
use testkit::{
    Chunker, Endpoint, RawFrame, TestCodecs, any_chunker, any_deflate_config, any_schedule,
    assembled, joined,
};

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

/// Some frames of a valid stream, and the events that they are.
type Part = (Vec<RawFrame>, Vec<Event<'static>>);

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![8 => 0usize..20, 4 => 120usize..130, 1 => 60_000usize..70_000];
    (len, any::<u8>())
        .prop_map(|(len, start)| (0..len).map(|i| start.wrapping_add(i as u8)).collect())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        ".{0,20}",
        ("\\PC{1,4}", 0usize..20_000).prop_map(|(s, n)| s.repeat(n))
    ]
}

fn any_control() -> impl Strategy<Value = Part> {
    let payload = proptest::collection::vec(any::<u8>(), 0..=125);
    (payload, any::<bool>()).prop_map(|(payload, ping)| {
        if ping {
            (
                vec![RawFrame::ping(&payload)],
                vec![Event::Ping(payload.into())],
            )
        } else {
            (
                vec![RawFrame::pong(&payload)],
                vec![Event::Pong(payload.into())],
            )
        }
    })
}

/// A message in any fragments, with control frames between them.
fn any_message() -> impl Strategy<Value = Part> {
    let message = prop_oneof![
        any_bytes().prop_map(|bytes| (0x2, Event::Binary(bytes.into()))),
        any_text().prop_map(|text| (0x1, Event::Text(text.into()))),
    ];
    let fragments = proptest::collection::vec(
        (
            any::<prop::sample::Index>(),
            proptest::option::of(any_control()),
        ),
        0..4,
    );
    (message, fragments).prop_map(|((opcode, message), cuts)| {
        let payload = match &message {
            Event::Text(text) => text.as_bytes(),
            Event::Binary(payload) => payload,
            _ => unreachable!("only messages are made above"),
        };
        let (mut frames, mut events) = (Vec::new(), Vec::new());
        let mut at = 0;
        let mut opcodes = [opcode].into_iter().chain(std::iter::repeat(0x0));
        let mut next_opcode = || opcodes.next().unwrap();
        for (cut, control) in cuts {
            let cut = at + cut.index(payload.len() - at + 1);
            frames.push(RawFrame::new(next_opcode(), &payload[at..cut]).fragment());
            at = cut;
            if let Some((control_frames, control_events)) = control {
                frames.extend(control_frames);
                events.extend(control_events);
            }
        }
        frames.push(RawFrame::new(next_opcode(), &payload[at..]));
        events.push(message);
        (frames, events)
    })
}

/// A valid stream, which may end with a Close frame, and its events.
fn any_valid_stream(sender: Role) -> impl Strategy<Value = (Vec<u8>, Vec<Event<'static>>)> {
    let parts = proptest::collection::vec(
        prop_oneof![3 => any_message().boxed(), 1 => any_control().boxed()],
        0..6,
    );
    (parts, any::<bool>(), any::<[u8; 4]>()).prop_map(move |(parts, close, key)| {
        let (mut bytes, mut events) = (Vec::new(), Vec::new());
        for (frames, part) in parts {
            for frame in frames {
                let frame = if sender.masks() {
                    frame.masked(key)
                } else {
                    frame
                };
                bytes.extend(frame.to_bytes());
            }
            events.extend(part);
        }
        if close {
            bytes.extend(RawFrame::close(1000, "bye").sent_by(sender).to_bytes());
            events.push(Event::Closed);
        }
        (bytes, events)
    })
}

/// Bytes that are at first right, and then perhaps not.
fn any_stream(sender: Role) -> impl Strategy<Value = Vec<u8>> {
    let valid = any_valid_stream(sender).prop_map(|(bytes, _)| bytes);
    let damage = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let rest = proptest::collection::vec(any::<u8>(), 0..30);
    (valid, damage, rest).prop_map(|(mut bytes, damage, rest)| {
        for (at, byte) in damage {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
            }
        }
        bytes.extend(rest);
        bytes
    })
}

fn with_role<T: std::fmt::Debug>(
    strategy: impl Fn(Role) -> BoxedStrategy<T>,
) -> impl Strategy<Value = (Role, T)> {
    any_role().prop_flat_map(move |role| (Just(role), strategy(role.peer())))
}

#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event<'static>>,
    info: Option<CloseInfo>,
    code_sent: Option<CloseCode>,
}

fn outcome(
    role: Role,
    mode: ReceiveMode,
    receive: impl FnOnce(&mut Endpoint) -> Vec<Event<'static>>,
) -> Outcome {
    let mut end = Endpoint::new(role);
    end.connection.set_receive_mode(mode);
    let events = receive(&mut end);
    let info = end.connection.close_info().cloned();
    let code_sent = info
        .as_ref()
        .and_then(|info| Some(info.sent.as_ref()?.code()));
    Outcome {
        events,
        info,
        code_sent,
    }
}

proptest! {
    #[test]
    fn any_cuts_of_a_valid_stream_give_its_events(
        (role, (bytes, events)) in with_role(|sender| any_valid_stream(sender).boxed()),
        chunker in any_chunker(),
    ) {
        let single = if bytes.len() < 5_000 { 1 } else { 997 };
        for mode in [ReceiveMode::Message, ReceiveMode::Stream] {
            let ways = [
                outcome(role, mode, |end| end.receive(&bytes)),
                outcome(role, mode, |end| end.receive_in_pieces(&bytes, &chunker)),
                outcome(role, mode, |end| end.receive_in_pieces(&bytes, &Chunker::every(single))),
                outcome(role, mode, |end| end.receive_directly(&bytes, &chunker)),
                outcome(role, mode, |end| end.receive_messages_first(&bytes, &chunker)),
            ];
            for way in ways {
                if mode == ReceiveMode::Message {
                    prop_assert_eq!(&way.events, &events);
                } else {
                    prop_assert_eq!(&assembled(way.events), &events);
                }
            }
        }
    }

    #[test]
    fn any_cuts_of_any_bytes_give_the_same_outcome(
        (role, bytes) in with_role(|sender| any_stream(sender).boxed()),
        chunker in any_chunker(),
    ) {
        let whole = outcome(role, ReceiveMode::Message, |end| end.receive(&bytes));
        let cut = outcome(role, ReceiveMode::Message, |end| end.receive_in_pieces(&bytes, &chunker));
        let direct = outcome(role, ReceiveMode::Message, |end| end.receive_directly(&bytes, &chunker));
        let singly =
            outcome(role, ReceiveMode::Message, |end| end.receive_messages_first(&bytes, &chunker));
        prop_assert_eq!(&cut, &whole);
        prop_assert_eq!(&direct, &whole);
        prop_assert_eq!(&singly, &whole);
    }

    #[test]
    fn streaming_ends_the_same_however_any_bytes_are_cut(
        (role, bytes) in with_role(|sender| any_stream(sender).boxed()),
        chunker in any_chunker(),
    ) {
        let whole = outcome(role, ReceiveMode::Stream, |end| end.receive(&bytes));
        let cut = outcome(role, ReceiveMode::Stream, |end| end.receive_in_pieces(&bytes, &chunker));
        prop_assert_eq!(&cut.info, &whole.info);
        // Of a message that turns out bad, more or less was given out before.
        prop_assert_eq!(assembled(joined(cut.events)), assembled(whole.events));
    }

    #[test]
    fn arbitrary_bytes_are_taken_without_panic(
        role in any_role(),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        chunker in any_chunker(),
    ) {
        let whole = outcome(role, ReceiveMode::Message, |end| end.receive(&bytes));
        let cut = outcome(role, ReceiveMode::Message, |end| end.receive_in_pieces(&bytes, &chunker));
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn switching_modes_at_any_time_loses_nothing(
        (role, (bytes, events)) in with_role(|sender| any_valid_stream(sender).boxed()),
        chunker in any_chunker(),
        modes in proptest::collection::vec(any::<bool>(), 1..9),
        direct: bool,
    ) {
        let mut end = Endpoint::new(role);
        let mut received = Vec::new();
        for (piece, &stream) in chunker.split(&bytes).zip(modes.iter().cycle()) {
            let mode = if stream { ReceiveMode::Stream } else { ReceiveMode::Message };
            end.connection.set_receive_mode(mode);
            received.extend(if direct {
                end.receive_directly(piece, &Chunker::whole())
            } else {
                end.receive(piece)
            });
        }
        prop_assert_eq!(assembled(received), events);
    }

    #[test]
    fn two_of_ours_understand_each_other_under_any_schedule(schedule in any_schedule()) {
        schedule.run();
    }

    #[test]
    fn two_of_ours_understand_each_other_compressed(
        schedule in any_schedule(),
        deflate in any_deflate_config(),
    ) {
        schedule.run_compressed(&deflate, || Box::<TestCodecs>::default());
    }
}
