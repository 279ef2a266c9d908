//! Ends that are held back until the user has answered what came before.

use crate::{ROLES, assert_failed, from_peer, text};
use longwire_proto::{
    CloseCause, Connection, Event, Initiator, ProtocolError, Role, SendError, Transport,
};
use std::time::Duration;
use testkit::{Endpoint, RawFrame};

fn holding(role: Role) -> Endpoint {
    let mut end = Endpoint::new(role);
    end.connection.hold_ends(true);
    end
}

#[test]
fn a_held_close_frame_is_answered_after_the_answers_to_what_came_before() {
    for role in ROLES {
        let mut end = holding(role);
        let bytes = from_peer(
            &end,
            [
                RawFrame::text("question"),
                RawFrame::close(1001, "bye"),
                RawFrame::text("after"),
            ],
        );
        assert_eq!(end.receive(bytes), [text("question")]);
        assert!(end.connection.has_held_end() && end.connection.is_open());
        assert_eq!(end.connection.close_info(), None);
        assert_eq!(end.connection.transport(), Transport::Open);
        assert_eq!(end.receive_frame(RawFrame::new(0x3, "ignored")), []);
        end.call(|c, env| c.send_ref(env, "answer")).unwrap();

        end.call(Connection::release_end);
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(end.poll(), []);
        assert_eq!(
            end.take_frames(),
            [RawFrame::text("answer"), RawFrame::close(1001, "bye")]
        );
        let info = end.connection.close_info().unwrap();
        assert_eq!(
            (info.cause, info.initiator),
            (CloseCause::Handshake, Some(Initiator::Peer))
        );
        assert_eq!(
            end.call(|c, env| c.send_ref(env, "late")),
            Err(SendError::Closing)
        );
    }
}

#[test]
fn a_held_close_frame_may_be_answered_with_a_code_of_our_own() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::close(1001, "bye")), []);
        end.close(4000, "mine").unwrap();
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(end.take_frames(), [RawFrame::close(4000, "mine")]);
        let info = end.connection.close_info().unwrap();
        assert_eq!(
            (info.code().get(), info.initiator),
            (1001, Some(Initiator::Peer))
        );
        assert!(info.was_clean());
    }
}

#[test]
fn a_held_violation_fails_the_connection_when_released() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::text(b"\xff")), []);
        end.call(|c, env| c.send_ref(env, "answer")).unwrap();
        end.call(Connection::release_end);
        assert_eq!(end.poll(), [Event::Closed]);
        assert_failed(&mut end, ProtocolError::InvalidUtf8, 1007);
    }
}

#[test]
fn releasing_when_nothing_is_held_does_nothing() {
    for role in ROLES {
        let mut end = holding(role);
        end.call(Connection::release_end);
        assert!(end.connection.is_open() && !end.connection.has_held_end());
        assert!(end.output.is_empty());
    }
}

#[test]
fn an_answer_to_our_own_close_frame_is_not_held() {
    for role in ROLES {
        let mut end = holding(role);
        end.close(1000, "").unwrap();
        assert_eq!(
            end.receive_frame(RawFrame::close(1000, "")),
            [Event::Closed]
        );
        assert!(end.connection.close_info().unwrap().was_clean());
    }
}

#[test]
fn the_message_that_a_held_end_cut_off_is_forgotten_with_its_deadline() {
    for role in ROLES {
        for last in [RawFrame::close(1001, "bye"), RawFrame::text("malformed")] {
            let mut end = holding(role);
            assert_eq!(end.receive_frame(RawFrame::binary([0; 600]).fragment()), []);
            assert_eq!(end.receive_frame(last), []);
            assert!(end.connection.has_held_end());
            assert_eq!(end.connection.config().assembly_budget.used(), 0);
            assert!(end.connection.read_target().is_none());
            // Longer than a message may take; the peer is alive.
            end.advance(Duration::from_secs(301));
            assert_eq!(end.receive(b"x"), []);
            end.call(Connection::handle_timeout);
            assert!(end.connection.has_held_end());
        }
    }
}

#[test]
fn a_peer_that_dies_while_its_close_frame_is_held_has_still_sent_it() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::close(4000, "bye")), []);
        end.run_timeout();
        assert_eq!(end.run_timeout(), [Event::Closed]);
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.cause, CloseCause::KeepaliveTimeout);
        assert_eq!((info.code().get(), info.reason()), (4000, "bye"));
        assert_eq!((&info.sent, info.initiator), (&None, Some(Initiator::Peer)));
        assert!(!info.was_clean());
    }
}

#[test]
fn a_peer_that_drops_tcp_while_its_violation_is_held_has_still_broken_the_rules() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::continuation("")), []);
        end.connection.transport_error(end.now);
        assert_eq!(end.poll(), [Event::Closed]);
        let info = end.connection.close_info().unwrap();
        let failure = ProtocolError::UnexpectedContinuation.into();
        assert_eq!(info.cause, CloseCause::Failed(failure));
        assert_eq!(
            (&info.sent, &info.received, info.initiator),
            (&None, &None, None)
        );
        assert_eq!(end.connection.transport(), Transport::Close);
    }
}
