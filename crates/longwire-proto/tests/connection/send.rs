//! What goes out.

use crate::ROLES;
use bytes::Bytes;
use longwire_proto::{Message, PreparedBatch, PreparedMessage, Role, SendError};
use testkit::{Endpoint, RawFrame};

#[test]
fn messages_of_every_length_form_go_out_in_the_shortest_form() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        for len in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let letters = "x".repeat(len);
            end.call(|c, env| {
                c.send_ref(env, &*payload).unwrap();
                c.send_ref(env, &*letters).unwrap();
                c.send(env, payload.clone()).unwrap();
                c.send(env, letters.clone()).unwrap();
                c.send_prepared(env, &PreparedMessage::new(payload.clone()))
                    .unwrap();
                c.send_prepared(env, &PreparedMessage::new(letters.clone()))
                    .unwrap();
            });
            let (binary, text) = (RawFrame::binary(&payload), RawFrame::text(&payload));
            let frames = end.take_frames();
            assert!(frames == [&binary, &text, &binary, &text, &binary, &text].map(Clone::clone));
        }
    }
}

#[test]
fn a_server_masks_nothing_and_asks_for_no_key() {
    let mut server = Endpoint::new(Role::Server);
    server.call(|c, env| c.send_ref(env, "Hello")).unwrap();
    assert_eq!(server.take_output(), b"\x81\x05Hello");
    assert_eq!(server.mask_keys(), [[0; 4]; 0]);
}

#[test]
fn a_client_masks_every_frame_with_a_key_of_its_own() {
    let mut client = Endpoint::new(Role::Client);
    let shared = Bytes::from(vec![7; 10_000]);
    client.call(|c, env| {
        c.send_ref(env, "whole").unwrap();
        c.send_fragment(env, "frag", false).unwrap();
        c.ping(env, &Default::default()).unwrap();
        c.send_fragment(env, "ments", true).unwrap();
        c.send(env, shared.clone()).unwrap();
        c.send(env, "owned".to_owned()).unwrap();
        c.send_prepared(env, &PreparedMessage::new("prepared"))
            .unwrap();
    });
    client.receive_frame(RawFrame::ping("answered"));
    client.close(1000, "").unwrap();
    let written = client.take_output();
    let on_the_wire: Vec<_> = testkit::frames(&written)
        .into_iter()
        .map(|frame| frame.mask)
        .collect();
    let given: Vec<_> = client.mask_keys().iter().copied().map(Some).collect();
    assert_eq!(on_the_wire, given);
    assert_eq!(given.len(), 9);
    let distinct: std::collections::BTreeSet<_> = given.iter().collect();
    assert_eq!(distinct.len(), given.len());
}

/// Where the large payload lies that is next to be written.
fn payload_in(end: &Endpoint) -> *const u8 {
    let mut slices = [&[][..]; 2];
    assert_eq!(end.output.slices(&mut slices), 2, "a header and a payload");
    slices[1].as_ptr()
}

#[test]
fn a_server_sends_a_large_payload_from_where_it_is() {
    let mut server = Endpoint::new(Role::Server);
    let payload = Bytes::from(vec![7; 100_000]);
    server.call(|c, env| c.send(env, payload.clone())).unwrap();
    assert_eq!(payload_in(&server), payload.as_ptr());
}

#[test]
fn a_client_masks_a_large_payload_that_no_one_shares_where_it_is() {
    let mut client = Endpoint::new(Role::Client);
    let payload = Bytes::from(vec![7; 100_000]);
    let place = payload.as_ptr();
    client.call(|c, env| c.send(env, payload)).unwrap();
    assert_eq!(payload_in(&client), place);
    assert!(client.take_frames() == [RawFrame::binary([7; 100_000])]);
}

#[test]
fn a_client_leaves_a_payload_alone_that_is_shared() {
    let mut client = Endpoint::new(Role::Client);
    let payload = Bytes::from(vec![7; 100_000]);
    client.call(|c, env| c.send(env, payload.clone())).unwrap();
    assert!(client.take_frames() == [RawFrame::binary([7; 100_000])]);
    assert!(payload.iter().all(|&byte| byte == 7));
}

#[test]
fn a_prepared_message_is_shared_by_all_servers_that_send_it() {
    let prepared = PreparedMessage::new(vec![7; 100_000]);
    for _ in 0..2 {
        let mut server = Endpoint::new(Role::Server);
        server
            .call(|c, env| c.send_prepared(env, &prepared))
            .unwrap();
        let mut slices = [&[][..]; 2];
        assert_eq!(server.output.slices(&mut slices), 1);
        assert_eq!(slices[0].as_ptr(), prepared.frame().as_ptr());
    }
}

#[test]
fn a_batch_is_what_its_messages_are_one_by_one() {
    let messages = ["a", "", "bc"].map(PreparedMessage::new);
    let batch = PreparedBatch::from_iter(messages.clone());
    assert_eq!(batch.messages(), messages);
    assert_eq!(batch.frames_len(), batch.frames().len());
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.call(|c, env| c.send_batch(env, &batch)).unwrap();
        let frames = ["a", "", "bc"].map(RawFrame::text);
        assert_eq!(end.take_frames(), frames);
        end.call(|c, env| c.send_batch(env, &PreparedBatch::default()))
            .unwrap();
        assert!(end.output.is_empty());
    }
}

#[test]
fn a_large_batch_is_shared_by_all_servers_that_send_it() {
    let messages = (0..100).map(|_| PreparedMessage::new("x".repeat(100)));
    let batch: PreparedBatch = messages.collect();
    for _ in 0..2 {
        let mut server = Endpoint::new(Role::Server);
        server.call(|c, env| c.send_batch(env, &batch)).unwrap();
        let mut slices = [&[][..]; 2];
        assert_eq!(server.output.slices(&mut slices), 1);
        assert_eq!(slices[0].as_ptr(), batch.frames().as_ptr());
    }
}

#[test]
fn a_fragmented_message_goes_out_as_one_and_lets_no_other_in() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.call(|c, env| {
            assert!(!c.in_fragmented_message());
            c.send_fragment(env, "a", false).unwrap();
            assert!(c.in_fragmented_message());
            assert_eq!(c.send_ref(env, "b"), Err(SendError::InMessage));
            assert_eq!(c.send(env, Message::from("b")), Err(SendError::InMessage));
            let prepared = PreparedMessage::new("b");
            assert_eq!(c.send_prepared(env, &prepared), Err(SendError::InMessage));
            let batch = PreparedBatch::from_iter([prepared]);
            assert_eq!(c.send_batch(env, &batch), Err(SendError::InMessage));
            assert_eq!(
                c.send_fragment(env, &b"b"[..], true),
                Err(SendError::InMessage)
            );
            c.send_fragment(env, "", false).unwrap();
            c.send_fragment(env, "c", true).unwrap();
            assert!(!c.in_fragmented_message());
            c.send_fragment(env, &b"whole"[..], true).unwrap();
            assert!(!c.in_fragmented_message());
        });
        assert_eq!(
            end.take_frames(),
            [
                RawFrame::text("a").fragment(),
                RawFrame::continuation("").fragment(),
                RawFrame::continuation("c"),
                RawFrame::binary("whole"),
            ]
        );
    }
}

#[test]
fn shared_fragments_go_out_as_copied_ones_do() {
    let parts = [0, 100, 4_095, 4_096, 70_000].map(|len| vec![7; len]);
    for role in ROLES {
        let mut end = Endpoint::new(role);
        for part in &parts {
            let shared = Bytes::from(part.clone());
            end.call(|c, env| {
                c.send_fragment_shared(env, shared.clone(), false).unwrap();
                // Nobody else's, so that a client masks it where it is.
                c.send_fragment_shared(env, part.clone(), false).unwrap();
                c.send_fragment(env, &**part, false).unwrap();
                assert_eq!(
                    c.send_fragment_shared(env, "text", false),
                    Err(SendError::InMessage)
                );
            });
            assert!(shared == part[..], "what is shared is left alone");
        }
        end.call(|c, env| c.send_fragment_shared(env, Bytes::new(), true))
            .unwrap();
        let frames = end.take_frames();
        let payloads: Vec<_> = parts.iter().flat_map(|part| [part; 3]).collect();
        assert_eq!(frames.len(), payloads.len() + 1);
        assert!(frames[0] == RawFrame::binary(payloads[0]).fragment());
        for (frame, payload) in frames[1..].iter().zip(&payloads[1..]) {
            assert!(*frame == RawFrame::continuation(payload).fragment());
        }
        assert!(*frames.last().unwrap() == RawFrame::continuation(""));
    }
}

#[test]
fn a_server_sends_a_large_shared_fragment_from_where_it_is() {
    let mut server = Endpoint::new(Role::Server);
    let part = Bytes::from(vec![7; 100_000]);
    server
        .call(|c, env| c.send_fragment_shared(env, part.clone(), false))
        .unwrap();
    assert_eq!(payload_in(&server), part.as_ptr());
}

#[test]
fn nothing_is_sent_after_the_connection_has_ended() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.receive_frame(RawFrame::close(1000, ""));
        end.take_output();
        end.call(|c, env| {
            let prepared = PreparedMessage::new("x");
            assert_eq!(c.send_ref(env, "x"), Err(SendError::Closing));
            assert_eq!(c.send(env, "x".to_owned()), Err(SendError::Closing));
            assert_eq!(c.send_prepared(env, &prepared), Err(SendError::Closing));
            let batch = PreparedBatch::from_iter([prepared]);
            assert_eq!(c.send_batch(env, &batch), Err(SendError::Closing));
            assert_eq!(c.send_fragment(env, "x", true), Err(SendError::Closing));
        });
        assert!(end.output.is_empty());
        assert!(
            end.mask_keys().len() <= 1,
            "a send that is refused takes no key"
        );
    }
}

#[test]
fn a_servers_lent_payload_is_left_to_the_driver() {
    let payload = vec![7; 70_000];
    let mut server = Endpoint::new(Role::Server);
    let rest = server
        .call(|c, env| c.send_lent(env, &payload[..]))
        .unwrap();
    assert_eq!((rest.as_ptr(), rest.len()), (payload.as_ptr(), 70_000));
    assert_eq!(server.take_output(), b"\x82\x7f\0\0\0\0\0\x01\x11\x70");

    // A client's is masked: nothing is left.
    let mut client = Endpoint::new(Role::Client);
    let rest = client
        .call(|c, env| c.send_lent(env, &payload[..]))
        .unwrap();
    assert_eq!(rest, b"");
    assert!(client.take_frames() == [RawFrame::binary(&payload)]);

    server.close(1000, "").unwrap();
    let refused = server.call(|c, env| c.send_lent(env, "late").map(<[u8]>::len));
    assert_eq!(refused, Err(SendError::Closing));
}
