//! permessage-deflate on a connection (RFC 7692).

use crate::{ROLES, assert_failed, binary, from_peer, text};
use longwire_proto::{
    Compress, Config, DeflateConfig, Event, Input, LimitError, PreparedBatch, PreparedMessage,
    ProtocolError, ReceiveMode, Role, extension::PermessageDeflate,
};
use std::time::Duration;
use testkit::{Chunker, Endpoint, RawFrame, TestCodecs, assembled, decompress};

/// An end with permessage-deflate agreed on as both ends of this configuration
/// agree on it.
fn with_deflate(role: Role, change: impl Fn(&mut Config, &mut DeflateConfig)) -> Endpoint {
    let mut end = Endpoint::with_config(role, |config| {
        let mut deflate = DeflateConfig::server();
        deflate.threshold = 0;
        change(config, &mut deflate);
        config.deflate = Some(deflate);
    });
    let config = end.connection.config().deflate.clone().unwrap();
    let offers = PermessageDeflate::offers(&config);
    let (response, of_server) = PermessageDeflate::accept(&config, &offers).unwrap();
    let agreed = match role {
        Role::Server => of_server,
        Role::Client => PermessageDeflate::accepted(&config, &[response])
            .unwrap()
            .unwrap(),
    };
    end.use_extension(agreed);
    end
}

fn without_takeover(role: Role) -> Endpoint {
    with_deflate(role, |_, _| {})
}

fn with_takeover(role: Role) -> Endpoint {
    with_deflate(role, |_, deflate| {
        deflate.own_takeover = true;
        deflate.peer_takeover = true;
    })
}

fn compressed(opcode: u8, payload: impl AsRef<[u8]>) -> RawFrame {
    RawFrame::new(opcode, payload).rsv(0x40)
}

/// `message` in one stored block, as a message without its tail.
fn stored(message: &[u8]) -> Vec<u8> {
    let len = message.len() as u16;
    let header = [[0].as_slice(), &len.to_le_bytes(), &(!len).to_le_bytes()];
    [header.concat(), message.to_vec(), vec![0]].concat()
}

/// `times` zeros, next to nothing long. Made of matches at distance 1, as long
/// as they come.
fn bomb(times: usize) -> Vec<u8> {
    // A block with the fixed code: the literal 0, then 258 bytes at distance 1
    // in 13 bits each, which is a whole number of bytes for eight.
    let mut bits = vec![false, true, false];
    let mut put = |code: u32, count: u32| bits.extend((0..count).rev().map(|i| code >> i & 1 == 1));
    put(0x30, 8);
    for _ in 0..times / 258 {
        put(0xC5, 8);
        put(0, 5);
    }
    put(0, 7);
    bits.extend([false; 3]);
    let bytes = bits.chunks(8).map(|byte| {
        let set = byte.iter().enumerate().filter(|(_, set)| **set);
        set.fold(0, |byte, (i, _)| byte | 1 << i)
    });
    bytes.collect()
}

#[test]
fn the_examples_of_rfc_7692_section_7_2_3() {
    for role in ROLES {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let mut end = without_takeover(role);
        // 7.2.3.1: one block, in one frame and in two.
        assert_eq!(end.receive_frame(compressed(1, hello)), [text("Hello")]);
        let fragments = [
            compressed(1, &hello[..3]).fragment(),
            RawFrame::new(0, &hello[3..]),
        ];
        let bytes = from_peer(&end, fragments);
        assert_eq!(end.receive(bytes), [text("Hello")]);
        // 7.2.3.3: a block without compression.
        let stored = [
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ];
        assert_eq!(end.receive_frame(compressed(1, stored)), [text("Hello")]);
        // 7.2.3.4: a block with BFINAL set.
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(end.receive_frame(compressed(1, last)), [text("Hello")]);
        // 7.2.3.5: two blocks in one message.
        let two = [
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ];
        assert_eq!(end.receive_frame(compressed(1, two)), [text("Hello")]);
        // 7.2.3.6: an empty message.
        assert_eq!(end.receive_frame(compressed(1, [0x00])), [text("")]);
        // 7.2.3.2: two messages that share a window.
        let mut end = with_takeover(role);
        let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(end.receive_frame(compressed(1, hello)), [text("Hello")]);
        assert_eq!(end.receive_frame(compressed(1, again)), [text("Hello")]);
        let mut end = without_takeover(role);
        assert_eq!(end.receive_frame(compressed(1, hello)), [text("Hello")]);
        end.receive_frame(compressed(1, again));
        assert_failed(&mut end, ProtocolError::InvalidDeflate, 1007);
    }
}

#[test]
fn a_final_block_may_end_without_padding_and_keeps_the_window() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut end = with_takeover(Role::Server);
    assert_eq!(end.receive_frame(compressed(1, last)), [text("Hello")]);
    assert_eq!(end.receive_frame(compressed(1, again)), [text("Hello")]);
    // Another stream after a final block, within one message.
    let both = [&last[..], &again].concat();
    assert_eq!(end.receive_frame(compressed(1, both)), [text("HelloHello")]);
    let mut end = without_takeover(Role::Server);
    let both = [&last[..], &again].concat();
    assert_eq!(end.receive_frame(compressed(1, both)), [text("HelloHello")]);
}

#[test]
fn a_compressed_empty_payload_is_an_empty_message() {
    // Not what 7.2.3.6 recommends, but the tail alone is DEFLATE too.
    let mut end = without_takeover(Role::Server);
    assert_eq!(end.receive_frame(compressed(2, [])), [binary(b"")]);
}

#[test]
fn rsv1_is_for_the_first_frame_of_a_data_message_only() {
    for role in ROLES {
        for opcode in [8, 9, 10] {
            let mut end = without_takeover(role);
            end.receive_frame(compressed(opcode, []));
            assert_failed(&mut end, ProtocolError::ReservedBits, 1002);
        }
        let mut end = without_takeover(role);
        let begun = end.receive_frame(compressed(1, [0xf2]).fragment());
        assert_eq!(begun, []);
        end.receive_frame(compressed(0, [0x48]));
        assert_failed(&mut end, ProtocolError::ReservedBits, 1002);
        for bit in [0x20, 0x10, 0x60] {
            let mut end = without_takeover(role);
            end.receive_frame(RawFrame::new(1, []).rsv(bit));
            assert_failed(&mut end, ProtocolError::ReservedBits, 1002);
        }
        let mut end = Endpoint::new(role);
        end.receive_frame(compressed(1, [0]));
        assert_failed(&mut end, ProtocolError::ReservedBits, 1002);
    }
}

#[test]
fn plain_messages_and_control_frames_pass_in_between() {
    let mut end = with_takeover(Role::Server);
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let bytes = from_peer(
        &end,
        [
            compressed(1, &hello[..4]).fragment(),
            RawFrame::new(9, "ping"),
            RawFrame::new(0, &hello[4..]).fragment(),
            RawFrame::new(0, []),
            RawFrame::new(1, "plain"),
            compressed(1, again),
        ],
    );
    for chunker in [Chunker::whole(), Chunker::every(1), Chunker::every(3)] {
        let mut end = with_takeover(Role::Server);
        assert_eq!(
            end.receive_in_pieces(&bytes, &chunker),
            [
                Event::Ping(b"ping".into()),
                text("Hello"),
                text("plain"),
                text("Hello")
            ]
        );
    }
    assert_eq!(end.receive(&bytes).len(), 4);
}

#[test]
fn text_is_checked_when_it_is_decompressed() {
    for mode in [ReceiveMode::Message, ReceiveMode::Stream] {
        let mut end = without_takeover(Role::Server);
        end.connection.set_receive_mode(mode);
        end.receive_frame(compressed(1, stored(b"\xe2\x82")));
        assert_failed(&mut end, ProtocolError::InvalidUtf8, 1007);
        // Inside the frame, before the rest of it has come.
        let mut end = without_takeover(Role::Server);
        end.connection.set_receive_mode(mode);
        let bytes = from_peer(&end, [compressed(1, stored(b"abc\xff and more"))]);
        end.receive(&bytes[..6 + 5 + 4]);
        assert_failed(&mut end, ProtocolError::InvalidUtf8, 1007);
    }
    let mut end = without_takeover(Role::Server);
    let cut = from_peer(
        &end,
        [
            compressed(1, &stored(b"\xe2\x82\xac")[..6]).fragment(),
            RawFrame::new(0, &stored(b"\xe2\x82\xac")[6..]),
        ],
    );
    assert_eq!(end.receive(cut), [text("€")]);
}

#[test]
fn what_is_not_deflate_fails_with_1007() {
    for payload in [&[0x07][..], &[0xff; 9], &[0x00, 1, 0, 0, 0]] {
        for mode in [ReceiveMode::Message, ReceiveMode::Stream] {
            let mut end = without_takeover(Role::Server);
            end.connection.set_receive_mode(mode);
            end.receive_frame(compressed(2, payload));
            assert_failed(&mut end, ProtocolError::InvalidDeflate, 1007);
        }
    }
}

#[test]
fn a_message_may_decompress_to_the_limit_and_no_further() {
    let limit = 258 * 100 + 1;
    for role in ROLES {
        for scratch in [0, 1000, 100_000] {
            let end_with = |max: u64| {
                let mut end = with_deflate(role, |config, _| {
                    config.limits.max_message_size = max;
                });
                end.scratch = vec![0; scratch];
                end
            };
            let mut end = end_with(limit);
            let received = end.receive_frame(compressed(2, bomb(limit as usize)));
            assert_eq!(received, [binary(&vec![0; limit as usize])]);
            let mut end = end_with(limit - 1);
            end.receive_frame(compressed(2, bomb(limit as usize)));
            let limit = limit - 1;
            assert_failed(&mut end, LimitError::MessageSize { limit }, 1009);
        }
    }
}

#[test]
fn a_bomb_costs_no_more_than_the_limits() {
    let mut end = with_deflate(Role::Server, |config, _| {
        config.limits.max_message_size = 100_000;
        config.limits.max_inflation = u32::MAX;
    });
    let budget = end.connection.config().assembly_budget.clone();
    let bytes = from_peer(&end, [compressed(2, bomb(10_000_000))]);
    let mut most = 0;
    for piece in Chunker::every(100).split(&bytes) {
        end.receive(piece);
        most = most.max(budget.used());
    }
    assert!((50_000..=100_001).contains(&most), "{most}");
    let limit = 100_000;
    assert_failed(&mut end, LimitError::MessageSize { limit }, 1009);
    assert_eq!(budget.used(), 0);
}

#[test]
fn what_was_assembled_counts_against_the_budget() {
    let mut end = with_deflate(Role::Server, |config, _| {
        config.assembly_budget = std::sync::Arc::new(longwire_proto::AssemblyBudget::new(50_000));
    });
    end.receive_frame(compressed(2, bomb(100_000)));
    assert_failed(&mut end, LimitError::AssemblyBudget, 1013);
}

#[test]
fn the_ratio_counts_from_the_floor_on() {
    for mode in [ReceiveMode::Message, ReceiveMode::Stream] {
        let end_with = |floor| {
            let mut end = with_deflate(Role::Server, |config, _| {
                config.limits.max_inflation = 20;
                config.limits.inflation_floor = floor;
            });
            end.connection.set_receive_mode(mode);
            end
        };
        let mut end = end_with(258 * 400 + 1);
        let events = end.receive_frame(compressed(2, bomb(258 * 400 + 1)));
        assert_eq!(assembled(events), [binary(&[0; 258 * 400 + 1])]);
        let mut end = end_with(258 * 400);
        end.receive_frame(compressed(2, bomb(258 * 400 + 1)));
        assert_failed(&mut end, LimitError::Inflation { limit: 20 }, 1009);
    }
}

#[test]
fn streaming_gives_chunks_of_bounded_size_and_holds_nothing() {
    for scratch in [0, 5000] {
        let mut end = with_deflate(Role::Server, |config, _| {
            config.limits.max_message_size = 1000;
            config.limits.max_inflation = u32::MAX;
        });
        end.scratch = vec![0; scratch];
        end.connection.set_receive_mode(ReceiveMode::Stream);
        let budget = end.connection.config().assembly_budget.clone();
        let events = end.receive_frame(compressed(2, bomb(258 * 1000 + 1)));
        assert_eq!(budget.used(), 0);
        for event in &events {
            let Event::Chunk(chunk) = event else {
                panic!("{event:?}")
            };
            assert!(chunk.payload.len() <= 16 * 1024);
        }
        assert_eq!(assembled(events), [binary(&[0; 258 * 1000 + 1])]);
    }
}

#[test]
fn a_chunk_at_a_time_is_taken_from_the_same_input() {
    let mut end = without_takeover(Role::Server);
    end.connection.set_receive_mode(ReceiveMode::Stream);
    let mut bytes = from_peer(&end, [compressed(2, bomb(258 * 500 + 1))]);
    let mut received = Vec::new();
    // A driver under back-pressure: one event, and on with the rest later.
    let mut rest = &mut bytes[..];
    loop {
        let mut input = Input::new(rest);
        let event = end.call(|c, env| c.next_event(env, &mut input).map(testkit::owned));
        let left = input.len();
        let all = rest.len();
        rest = &mut rest[all - left..];
        match event {
            Some(event) => received.push(event),
            None => break,
        }
    }
    assert!(received.len() > 5);
    assert_eq!(assembled(received), [binary(&[0; 258 * 500 + 1])]);
}

#[test]
fn a_message_goes_over_to_streaming_while_it_is_assembled() {
    let mut end = without_takeover(Role::Server);
    let message = [&stored(b"first ")[..11], &stored(b"second")].concat();
    let bytes = from_peer(&end, [compressed(1, message)]);
    assert_eq!(end.receive(&bytes[..14]), []);
    end.connection.set_receive_mode(ReceiveMode::Stream);
    let events = end.receive(&bytes[14..]);
    assert!(matches!(events[0], Event::Chunk(_)));
    assert_eq!(assembled(events), [text("first second")]);
}

#[test]
fn events_are_lent_from_the_drivers_room() {
    let mut end = without_takeover(Role::Server);
    let mut bytes = from_peer(
        &end,
        [compressed(1, stored(b"one")), compressed(1, stored(b"two"))],
    );
    let mut room = [0; 100];
    let mut input = Input::new(&mut bytes).with_scratch(&mut room);
    let (one, two) = end.call(|c, env| {
        let one = c.next_event(env, &mut input);
        (one, c.next_event(env, &mut input))
    });
    use std::borrow::Cow::Borrowed;
    assert!(matches!(one, Some(Event::Text(Borrowed("one")))));
    assert!(matches!(two, Some(Event::Text(Borrowed("two")))));
}

#[test]
fn decompressors_are_borrowed_for_as_long_as_a_message_comes() {
    let mut end = with_takeover(Role::Server);
    let codecs = TestCodecs::default();
    end.codecs = Box::new(codecs.clone());
    let bytes = from_peer(&end, [compressed(1, stored(b"message"))]);
    end.receive(&bytes[..10]);
    assert_eq!(codecs.inflaters(), 1);
    end.receive(&bytes[10..]);
    assert_eq!(codecs.inflaters(), 0);

    codecs.exhaust(true);
    end.receive(&bytes);
    assert_failed(&mut end, LimitError::Inflaters, 1013);
}

#[test]
fn of_the_peers_window_no_more_is_kept_than_was_agreed() {
    // Two messages of 300 bytes; the third refers back 512 bytes, which a window
    // of 9 bits allows, and then 513, which it does not have any more.
    let end_with = |bits| {
        with_deflate(Role::Server, |_, deflate| {
            deflate.own_takeover = true;
            deflate.peer_takeover = true;
            deflate.peer_window_bits = bits;
        })
    };
    let one: Vec<u8> = (0..300).map(|i| (i % 251) as u8).collect();
    let mut end = end_with(9);
    for _ in 0..2 {
        end.receive_frame(compressed(2, stored(&one)));
    }
    // Length 3 at distance 512: fixed code 257, then distance code 17 (385 to
    // 512) with seven extra bits.
    let back = |extra: u32, code: u32, count: u32| {
        let mut bits = vec![false, true, false];
        bits.extend((0..7).rev().map(|i| 1 >> i & 1 == 1));
        bits.extend((0..5).rev().map(|i| code >> i & 1 == 1));
        bits.extend((0..count).map(|i| extra >> i & 1 == 1));
        bits.extend([false; 7 + 3]);
        let bytes = bits.chunks(8).map(|byte| {
            let set = byte.iter().enumerate().filter(|(_, set)| **set);
            set.fold(0_u8, |byte, (i, _)| byte | 1 << i)
        });
        bytes.collect::<Vec<u8>>()
    };
    let received = end.receive_frame(compressed(2, back(127, 17, 7)));
    assert_eq!(received, [binary(&one[88..91])]);
    end.receive_frame(compressed(2, back(0, 18, 8)));
    assert_failed(&mut end, ProtocolError::InvalidDeflate, 1007);
}

/// The messages in `frames`, each as whether it is compressed and its payload.
fn messages(frames: &[RawFrame]) -> Vec<(bool, Vec<u8>)> {
    let mut messages = Vec::new();
    for frame in frames {
        if frame.opcode() != 0 {
            messages.push((frame.first & 0x40 != 0, Vec::new()));
        }
        assert!(frame.opcode() != 0 || frame.first & 0x70 == 0);
        messages.last_mut().unwrap().1.extend(&frame.payload);
    }
    messages
}

fn inflate(history: &[u8], payload: &[u8]) -> Vec<u8> {
    let stream = [payload, &[0, 0, 0xff, 0xff]].concat();
    decompress(history, &stream).expect("it is DEFLATE").output
}

#[test]
fn every_way_to_send_is_compressed() {
    for role in ROLES {
        let mut end = without_takeover(role);
        let message = "abcabcabcabcabcabcabcabcabcabcabcabcabcabc".repeat(3);
        end.call(|c, env| {
            c.send_ref(env, &*message).unwrap();
            c.send(env, message.clone()).unwrap();
            c.send_prepared(env, &PreparedMessage::new(message.clone()))
                .unwrap();
            let (begin, rest) = message.split_at(50);
            c.send_fragment(env, begin, false).unwrap();
            c.send_fragment(env, "", false).unwrap();
            c.send_fragment(env, rest, false).unwrap();
            c.send_fragment(env, "", true).unwrap();
        });
        for (compressed, payload) in messages(&end.take_frames()) {
            assert!(compressed);
            assert_eq!(inflate(&[], &payload), message.as_bytes());
        }
    }
}

#[test]
fn an_empty_message_is_compressed_as_in_7_2_3_6() {
    let mut end = without_takeover(Role::Server);
    end.call(|c, env| c.send_ref_with(env, "", Compress::Always).unwrap());
    assert_eq!(end.take_frames(), [compressed(1, [0x00])]);
}

#[test]
fn each_fragment_can_be_read_at_once() {
    let mut end = without_takeover(Role::Server);
    for (fragment, last) in [("one, ", false), ("two", true)] {
        end.call(|c, env| c.send_fragment(env, fragment, last).unwrap());
    }
    let frames = end.take_frames();
    assert_eq!(
        decompress(&[], &frames[0].payload).unwrap().output,
        b"one, "
    );
    assert_eq!(messages(&frames).len(), 1);
}

#[test]
fn short_and_incompressible_messages_go_out_plain() {
    let mut end = with_deflate(Role::Server, |_, deflate| deflate.threshold = 10);
    let long = "a".repeat(1000);
    let sent = [
        ("short", Compress::Auto, false),
        ("no matches here", Compress::Auto, false),
        ("0123456789", Compress::Always, true),
        (&long, Compress::Auto, true),
        (&long, Compress::Never, false),
    ];
    for (message, compress, _) in sent {
        end.call(|c, env| c.send_ref_with(env, message, compress).unwrap());
    }
    let expected = sent.map(|(.., compressed)| compressed);
    let messages = messages(&end.take_frames());
    let compressed: Vec<bool> = messages.iter().map(|message| message.0).collect();
    assert_eq!(compressed, expected);
}

#[test]
fn what_the_first_fragment_says_counts_for_the_message() {
    let mut end = without_takeover(Role::Server);
    end.call(|c, env| {
        let long = "b".repeat(100);
        c.send_fragment_with(env, &*long, false, Compress::Never)
            .unwrap();
        c.send_fragment_with(env, &*long, true, Compress::Always)
            .unwrap();
    });
    assert_eq!(messages(&end.take_frames()), [(false, vec![b'b'; 200])]);
}

#[test]
fn without_a_compressor_messages_go_out_plain() {
    let mut end = without_takeover(Role::Server);
    let codecs = TestCodecs::default();
    codecs.exhaust(true);
    end.codecs = Box::new(codecs.clone());
    let prepared = PreparedMessage::new("c".repeat(100));
    let send = |end: &mut Endpoint| {
        end.call(|c, env| {
            c.send(env, "c".repeat(100)).unwrap();
            c.send_prepared(env, &prepared).unwrap();
        });
        messages(&end.take_frames())
    };
    assert!(send(&mut end).iter().all(|message| !message.0));
    codecs.exhaust(false);
    assert!(send(&mut end).iter().all(|message| message.0));
}

#[test]
fn a_compressor_is_kept_with_takeover_until_the_connection_is_idle() {
    let mut end = with_deflate(Role::Server, |config, deflate| {
        config.ping_interval = None;
        deflate.own_takeover = true;
        deflate.peer_takeover = true;
        deflate.idle_timeout = Duration::from_secs(3);
    });
    let codecs = TestCodecs::default();
    end.codecs = Box::new(codecs.clone());
    let message = "a message that is like the one before it".repeat(2);
    let send = |end: &mut Endpoint| {
        end.call(|c, env| c.send_ref(env, &*message).unwrap());
        messages(&end.take_frames()).remove(0).1
    };
    let first = send(&mut end);
    assert_eq!(codecs.deflaters(), 1);
    assert_eq!(inflate(&[], &first), message.as_bytes());
    let more: Vec<Vec<u8>> = (0..10).map(|_| send(&mut end)).collect();
    assert!(
        more.iter().any(|message| message.len() < 20),
        "some refer back"
    );
    for (before, payload) in more.iter().enumerate() {
        let history = message.repeat(before + 1).into_bytes();
        assert_eq!(inflate(&history, payload), message.as_bytes());
    }
    let timeout = end.connection.next_timeout().unwrap();
    assert_eq!(timeout, end.now + Duration::from_secs(3));
    assert_eq!(end.run_timeout(), []);
    assert_eq!(codecs.deflaters(), 0);
    assert_eq!(end.connection.next_timeout(), None);
    let third = send(&mut end);
    assert_eq!(inflate(&[], &third), message.as_bytes());
}

#[test]
fn without_takeover_nothing_is_kept() {
    let mut end = with_deflate(Role::Server, |config, _| config.ping_interval = None);
    let codecs = TestCodecs::default();
    end.codecs = Box::new(codecs.clone());
    end.call(|c, env| c.send(env, "d".repeat(100)).unwrap());
    end.receive_frame(compressed(1, stored(b"e")));
    assert_eq!((codecs.deflaters(), codecs.inflaters()), (0, 0));
    assert_eq!(end.connection.next_timeout(), None);
}

#[test]
fn of_a_batch_each_message_is_compressed_by_itself() {
    let plain = PreparedMessage::new_with("g".repeat(100), Compress::Never);
    let batch = PreparedBatch::from_iter([plain, PreparedMessage::new("h".repeat(100))]);
    let mut end = without_takeover(Role::Server);
    end.call(|c, env| c.send_batch(env, &batch)).unwrap();
    let sent = messages(&end.take_frames());
    assert_eq!(sent[0], (false, vec![b'g'; 100]));
    assert!(sent[1].0 && inflate(&[], &sent[1].1) == [b'h'; 100]);
}

#[test]
fn prepared_messages_are_compressed_once_for_all() {
    let prepared = PreparedMessage::new("f".repeat(10_000));
    let codecs = TestCodecs::default();
    let frame_of = |end: &mut Endpoint| {
        end.codecs = Box::new(codecs.clone());
        end.call(|c, env| c.send_prepared(env, &prepared).unwrap());
        end.take_frames().remove(0)
    };
    let first = frame_of(&mut without_takeover(Role::Server));
    assert_eq!(inflate(&[], &first.payload), prepared.payload());
    // Nobody can compress any more, and nobody needs to.
    codecs.exhaust(true);
    assert_eq!(frame_of(&mut without_takeover(Role::Server)), first);
    assert_eq!(frame_of(&mut without_takeover(Role::Client)), first);
    assert_eq!(frame_of(&mut with_takeover(Role::Server)), first);
    // Other windows, other bytes.
    let mut end = with_deflate(Role::Server, |_, deflate| deflate.own_window_bits = 9);
    assert_eq!(frame_of(&mut end).first & 0x40, 0);
    codecs.exhaust(false);
    assert_eq!(frame_of(&mut end).first & 0x40, 0x40);
}

#[test]
fn a_prepared_message_may_say_whether_to_compress_it() {
    let long = "g".repeat(10_000);
    for (text, compress, compressed) in [
        ("short", Compress::Auto, false),
        ("short", Compress::Always, true),
        ("", Compress::Always, true),
        (&long, Compress::Auto, true),
        (&long, Compress::Never, false),
    ] {
        let prepared = PreparedMessage::new_with(text, compress);
        for mut end in [with_takeover(Role::Server), without_takeover(Role::Client)] {
            end.call(|c, env| c.send_prepared(env, &prepared).unwrap());
            let frame = end.take_frames().remove(0);
            assert_eq!(frame.first & 0x40 != 0, compressed, "{compress:?}");
            if compressed {
                assert_eq!(inflate(&[], &frame.payload), text.as_bytes());
            }
        }
    }
}

#[test]
fn after_a_prepared_message_the_window_is_empty() {
    let message = "a message that is like the one before it".repeat(2);
    let mut end = with_takeover(Role::Server);
    end.call(|c, env| {
        c.send_ref(env, &*message).unwrap();
        c.send_prepared(env, &PreparedMessage::new(message.clone()))
            .unwrap();
        c.send_ref(env, &*message).unwrap();
    });
    for (_, payload) in messages(&end.take_frames()) {
        assert_eq!(inflate(&[], &payload), message.as_bytes());
    }
}
