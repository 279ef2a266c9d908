//! The closing handshake, and the other ways to end.

use crate::{ROLES, assert_failed, binary, from_peer, text};
use longwire_proto::{
    CloseCause, CloseFrame, CloseInfo, Connection, Event, Initiator, ProtocolError, Role,
    SendError, Transport,
};
use std::time::Duration;
use testkit::{Endpoint, Pair, RawFrame};

fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame::new(code, reason).unwrap()
}

fn info(end: &Endpoint) -> CloseInfo {
    end.connection.close_info().expect("it has ended").clone()
}

/// What the role does with TCP after the closing handshake.
fn transport_after_handshake(role: Role) -> Transport {
    match role {
        Role::Server => Transport::ShutdownWrite,
        Role::Client => Transport::AwaitEof,
    }
}

#[test]
fn the_peers_close_frame_is_echoed_with_its_reason() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(
            end.receive_frame(RawFrame::close(1001, "bye")),
            [Event::Closed]
        );
        assert_eq!(end.take_frames(), [RawFrame::close(1001, "bye")]);
        let info = info(&end);
        assert_eq!(info.sent, Some(close_frame(1001, "bye")));
        assert_eq!(info.received, Some(close_frame(1001, "bye")));
        assert_eq!(info.initiator, Some(Initiator::Peer));
        assert_eq!(info.cause, CloseCause::Handshake);
        assert_eq!((info.code().get(), info.reason()), (1001, "bye"));
        assert!(info.was_clean());
        assert_eq!(end.connection.close_code(), Some(info.code()));
        assert_eq!(end.connection.transport(), transport_after_handshake(role));
        assert!(!end.connection.is_open());
    }
}

#[test]
fn an_empty_close_frame_is_reported_as_1005_and_answered_empty() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(end.receive_frame(RawFrame::empty_close()), [Event::Closed]);
        assert_eq!(end.take_frames(), [RawFrame::empty_close()]);
        let info = info(&end);
        assert_eq!(info.received, Some(CloseFrame::EMPTY));
        assert_eq!((info.code().get(), info.reason()), (1005, ""));
        assert!(info.was_clean());
    }
}

#[test]
fn every_code_that_may_be_sent_is_received_and_sent() {
    for role in ROLES {
        for code in [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ] {
            let mut end = Endpoint::new(role);
            assert_eq!(
                end.receive_frame(RawFrame::close(code, "")),
                [Event::Closed]
            );
            assert_eq!(info(&end).code().get(), code);
            let mut end = Endpoint::new(role);
            end.close(code, &"r".repeat(123)).unwrap();
            assert_eq!(end.take_frames(), [RawFrame::close(code, &"r".repeat(123))]);
        }
    }
}

#[test]
fn our_close_frame_is_answered_and_the_peers_code_reported() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "mine").unwrap();
        assert_eq!(end.take_frames(), [RawFrame::close(1000, "mine")]);
        assert!(!end.connection.is_open());
        assert_eq!(end.connection.transport(), Transport::Open);
        assert_eq!(end.connection.close_info(), None);
        assert_eq!(end.connection.close_code(), None);

        // What the peer had sent before is still received.
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("on its way"),
                RawFrame::binary("fragments").fragment(),
                RawFrame::continuation(" too"),
                RawFrame::close(4000, "theirs"),
            ],
        );
        let events = end.receive(bytes);
        assert_eq!(
            events,
            [text("on its way"), binary(b"fragments too"), Event::Closed]
        );
        assert!(end.output.is_empty());
        let info = info(&end);
        assert_eq!(info.sent, Some(close_frame(1000, "mine")));
        assert_eq!(info.received, Some(close_frame(4000, "theirs")));
        assert_eq!(info.initiator, Some(Initiator::Local));
        assert_eq!(info.cause, CloseCause::Handshake);
        assert_eq!((info.code().get(), info.reason()), (4000, "theirs"));
        assert_eq!(end.connection.transport(), transport_after_handshake(role));
    }
}

#[test]
fn close_frame_without_payload_can_be_sent() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.call(|c, env| c.close(env, CloseFrame::EMPTY)).unwrap();
        assert_eq!(end.take_frames(), [RawFrame::empty_close()]);
    }
}

#[test]
fn when_both_close_at_once_each_saw_itself_first_and_the_others_code() {
    let mut pair = Pair::new(1);
    pair.client.close(4001, "client").unwrap();
    pair.server.close(4002, "server").unwrap();
    pair.run_for(Duration::from_secs(1));
    for (end, sent, received) in [
        (
            &pair.client,
            close_frame(4001, "client"),
            close_frame(4002, "server"),
        ),
        (
            &pair.server,
            close_frame(4002, "server"),
            close_frame(4001, "client"),
        ),
    ] {
        assert_eq!(end.events, [Event::Closed]);
        assert_eq!(info(end), {
            let mut expected = info(end);
            expected.sent = Some(sent);
            expected.received = Some(received.clone());
            expected.initiator = Some(Initiator::Local);
            expected.cause = CloseCause::Handshake;
            expected
        });
        assert_eq!(info(end).code(), received.code());
        assert_eq!(end.connection.transport(), Transport::Close);
    }
}

#[test]
fn the_server_closes_tcp_first_and_the_client_waits_for_it() {
    for by in ROLES {
        let mut pair = Pair::new(2);
        pair.end(by).close(1000, "").unwrap();
        // There: the Close frame. Back: the answer, and if the server gives it
        // the end of its half.
        pair.run_for(pair.latency * 2);
        let (client, server) = (&pair.client.connection, &pair.server.connection);
        let after_answer = match by {
            Role::Client => (Transport::Close, Transport::ShutdownWrite),
            Role::Server => (Transport::AwaitEof, Transport::ShutdownWrite),
        };
        assert_eq!((client.transport(), server.transport()), after_answer);
        pair.run_for(pair.latency * 2);
        for end in [&pair.client, &pair.server] {
            assert_eq!(end.connection.transport(), Transport::Close);
            assert_eq!(end.connection.next_timeout(), None);
            assert!(info(end).was_clean());
        }
    }
}

#[test]
fn a_peer_that_never_answers_our_close_frame_is_given_up() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let begun = end.now;
        end.close(1000, "hello?").unwrap();
        end.take_output();
        // Data is not an answer, and does not prolong the wait.
        end.advance(Duration::from_secs(9));
        assert_eq!(
            end.receive_frame(RawFrame::text("still talking")),
            [text("still talking")]
        );
        assert_eq!(
            end.connection.next_timeout(),
            Some(begun + Duration::from_secs(10))
        );
        end.call(Connection::handle_timeout);
        assert_eq!(end.poll(), [], "it is not due yet");
        assert_eq!(end.run_timeout(), [Event::Closed]);

        assert!(end.output.is_empty());
        let info = info(&end);
        assert_eq!(info.sent, Some(close_frame(1000, "hello?")));
        assert_eq!(info.received, None);
        assert_eq!(info.initiator, Some(Initiator::Local));
        assert_eq!(info.cause, CloseCause::CloseTimeout);
        assert_eq!((info.code().get(), info.reason()), (1006, ""));
        assert!(!info.was_clean());
        assert_eq!(end.connection.transport(), Transport::Close);
        assert_eq!(end.connection.next_timeout(), None);
    }
}

#[test]
fn a_peer_that_does_not_close_tcp_after_the_handshake_is_not_waited_for_long() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(
            end.receive_frame(RawFrame::close(1000, "")),
            [Event::Closed]
        );
        assert_eq!(
            end.connection.next_timeout(),
            Some(end.now + Duration::from_secs(10))
        );
        assert_eq!(end.run_timeout(), [], "the end is reported once");
        assert_eq!(end.connection.transport(), Transport::Close);
        assert!(
            info(&end).was_clean(),
            "the WebSocket connection had ended before"
        );
    }
}

#[test]
fn a_peer_that_drops_tcp_while_open_is_1006() {
    for role in ROLES {
        for cause in [CloseCause::Eof, CloseCause::TransportError] {
            let mut end = Endpoint::new(role);
            // In the middle of a message, of which nothing is given out.
            assert_eq!(end.receive_frame(RawFrame::text("cut").announcing(100)), []);
            drop_tcp(&mut end, cause);
            assert_eq!(end.poll(), [Event::Closed]);
            assert_eq!(end.poll(), []);
            let info = info(&end);
            assert_eq!((info.sent.as_ref(), info.received.as_ref()), (None, None));
            assert_eq!(info.initiator, None);
            assert_eq!(info.cause, cause);
            assert_eq!(info.code().get(), 1006);
            assert!(!info.was_clean());
            assert_eq!(end.connection.transport(), Transport::Close);
            assert_eq!(end.connection.next_timeout(), None);
            assert!(
                end.output.is_empty(),
                "no one is there to read a Close frame"
            );
            assert_eq!(end.connection.config().assembly_budget.used(), 0);
        }
    }
}

fn drop_tcp(end: &mut Endpoint, cause: CloseCause) {
    let now = end.now;
    match cause {
        CloseCause::Eof => end.connection.receive_eof(now),
        _ => end.connection.transport_error(now),
    }
}

#[test]
fn a_peer_that_drops_tcp_instead_of_answering_our_close_frame_is_1006() {
    for role in ROLES {
        for cause in [CloseCause::Eof, CloseCause::TransportError] {
            let mut end = Endpoint::new(role);
            end.close(1000, "bye").unwrap();
            drop_tcp(&mut end, cause);
            assert_eq!(end.poll(), [Event::Closed]);
            let info = info(&end);
            assert_eq!(info.sent, Some(close_frame(1000, "bye")));
            assert_eq!(info.received, None);
            assert_eq!(info.initiator, Some(Initiator::Local));
            assert_eq!(info.cause, cause);
            assert_eq!(info.code().get(), 1006);
            assert_eq!(end.connection.transport(), Transport::Close);
        }
    }
}

#[test]
fn a_peer_that_drops_tcp_after_the_handshake_changes_nothing_but_the_transport() {
    for role in ROLES {
        for cause in [CloseCause::Eof, CloseCause::TransportError] {
            let mut end = Endpoint::new(role);
            end.receive_frame(RawFrame::close(1000, ""));
            let before = info(&end);
            drop_tcp(&mut end, cause);
            assert_eq!(end.poll(), []);
            assert_eq!(info(&end), before);
            assert_eq!(end.connection.transport(), Transport::Close);
        }
    }
}

#[test]
fn a_failed_connection_waits_for_the_peers_eof_but_not_for_long() {
    for role in ROLES {
        for eof in [true, false] {
            let mut end = Endpoint::new(role);
            assert_eq!(
                end.receive_frame(RawFrame::continuation("")),
                [Event::Closed]
            );
            assert_failed(&mut end, ProtocolError::UnexpectedContinuation, 1002);
            if eof {
                drop_tcp(&mut end, CloseCause::Eof);
            } else {
                assert_eq!(end.run_timeout(), []);
            }
            assert_eq!(end.connection.transport(), Transport::Close);
            assert_eq!(end.connection.next_timeout(), None);
        }
    }
}

#[test]
fn what_follows_the_peers_close_frame_is_ignored() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("before"),
                RawFrame::close(1000, ""),
                RawFrame::ping("after"),
                RawFrame::text("after"),
                RawFrame::close(4000, "again"),
                RawFrame::new(0x7, "malformed"),
            ],
        );
        assert_eq!(end.receive(&bytes), [text("before"), Event::Closed]);
        assert_eq!(end.receive(&bytes), []);
        assert_eq!(end.take_frames(), [RawFrame::close(1000, "")]);
        assert_eq!(info(&end).code().get(), 1000);
    }
}

#[test]
fn a_close_frame_may_stand_inside_a_fragmented_message() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("never").fragment(),
                RawFrame::close(1001, ""),
            ],
        );
        assert_eq!(end.receive(bytes), [Event::Closed]);
        assert_eq!(end.take_frames(), [RawFrame::close(1001, "")]);
        assert!(info(&end).was_clean());
        assert_eq!(end.connection.config().assembly_budget.used(), 0);
    }
}

#[test]
fn we_may_close_inside_a_fragmented_message_of_our_own() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.call(|c, env| c.send_fragment(env, "a", false)).unwrap();
        end.close(1000, "").unwrap();
        end.call(|c, env| {
            assert_eq!(c.send_fragment(env, "b", true), Err(SendError::Closing));
            assert_eq!(c.send_ref(env, "c"), Err(SendError::Closing));
        });
        let expected = [RawFrame::text("a").fragment(), RawFrame::close(1000, "")];
        assert_eq!(end.take_frames(), expected);
    }
}

#[test]
fn a_violation_while_closing_sends_no_second_close_frame() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "bye").unwrap();
        assert_eq!(end.take_frames(), [RawFrame::close(1000, "bye")]);
        assert_eq!(end.receive_frame(RawFrame::new(0x3, "")), [Event::Closed]);
        assert!(end.output.is_empty());
        let info = info(&end);
        assert_eq!(info.sent, Some(close_frame(1000, "bye")));
        assert_eq!(info.received, None);
        assert_eq!(info.initiator, Some(Initiator::Local));
        assert_eq!(
            info.cause,
            CloseCause::Failed(ProtocolError::ReservedOpcode(3).into())
        );
        assert_eq!(info.code().get(), 1006);
        assert_eq!(end.connection.transport(), Transport::ShutdownWrite);
    }
}

#[test]
fn a_malformed_answer_to_our_close_frame_is_a_failure() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "").unwrap();
        end.take_output();
        assert_eq!(
            end.receive_frame(RawFrame::close(1005, "")),
            [Event::Closed]
        );
        assert!(end.output.is_empty());
        assert!(!info(&end).was_clean());
    }
}

#[test]
fn closing_twice_is_refused_and_sends_nothing() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "").unwrap();
        end.take_output();
        assert_eq!(end.close(1001, ""), Err(SendError::Closing));
        end.receive_frame(RawFrame::close(1000, ""));
        assert_eq!(end.close(1001, ""), Err(SendError::Closing));
        assert!(end.output.is_empty());
        assert_eq!(info(&end).sent, Some(close_frame(1000, "")));
    }
}

#[test]
fn the_closed_event_comes_after_what_was_received_before_and_once() {
    let mut pair = Pair::new(3);
    pair.client
        .call(|c, env| c.send_ref(env, "last words"))
        .unwrap();
    pair.client.close(1000, "").unwrap();
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.server.events, [text("last words"), Event::Closed]);
    assert_eq!(pair.client.events, [Event::Closed]);
    assert!(!pair.step(), "nothing is left to happen");
}
