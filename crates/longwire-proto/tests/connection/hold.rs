//! Ends that are held back until the driver's user has answered what came
//! before.

use crate::{ROLES, text};
use longwire_proto::{CloseCause, Connection, Event, Initiator, ProtocolError, Role, Transport};
use testkit::{Endpoint, RawFrame};

fn holding(role: Role) -> Endpoint {
    let mut end = Endpoint::new(role);
    end.connection.hold_ends(true);
    end
}

fn cause(end: &Endpoint) -> Option<CloseCause> {
    end.connection.close_info().map(|info| info.cause)
}

#[test]
fn a_held_close_frame_is_answered_when_it_is_released() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::close(1000, "bye")), []);
        assert!(end.connection.has_held_end() && end.connection.is_open());
        end.call(|connection, env| connection.send_ref(env, "answer"))
            .unwrap();
        end.call(Connection::release_end);
        assert_eq!(end.poll(), [Event::Closed]);
        let sent = end.take_frames();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[1], RawFrame::close(1000, "bye"));
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.initiator, Some(Initiator::Peer));
        assert!(info.was_clean());
    }
}

#[test]
fn a_held_violation_fails_the_connection_when_it_is_released() {
    for role in ROLES {
        let mut end = holding(role);
        let first = end.receive_frame(RawFrame::text("first"));
        assert_eq!(first, [text("first")]);
        let peer = role.peer();
        let bad = [0x83, if peer.masks() { 0x80 } else { 0 }];
        assert_eq!(end.receive(bad), []);
        assert!(end.take_frames().is_empty());
        end.call(Connection::release_end);
        assert_eq!(end.poll(), [Event::Closed]);
        let failure = ProtocolError::ReservedOpcode(3).into();
        assert_eq!(cause(&end), Some(CloseCause::Failed(failure)));
    }
}

#[test]
fn what_follows_a_held_end_is_ignored() {
    for role in ROLES {
        let mut end = holding(role);
        end.receive_frame(RawFrame::empty_close());
        assert_eq!(end.receive_frame(RawFrame::text("late")), []);
        assert_eq!(end.receive_frame(RawFrame::close(1001, "again")), []);
        end.call(Connection::release_end);
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(end.take_frames(), [RawFrame::empty_close()]);
    }
}

#[test]
fn closing_releases_a_held_close_frame_with_ones_own_answer() {
    for role in ROLES {
        let mut end = holding(role);
        end.receive_frame(RawFrame::close(1000, "bye"));
        end.close(4000, "mine").unwrap();
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(end.take_frames(), [RawFrame::close(4000, "mine")]);
        let info = end.connection.close_info().unwrap();
        assert_eq!(
            (info.code().get(), info.initiator),
            (1000, Some(Initiator::Peer))
        );
        assert!(info.was_clean());
    }
}

#[test]
fn the_answer_to_our_own_close_frame_is_not_held() {
    for role in ROLES {
        let mut end = holding(role);
        end.close(1000, "").unwrap();
        assert_eq!(
            end.receive_frame(RawFrame::close(1000, "")),
            [Event::Closed]
        );
        assert!(!end.connection.has_held_end());
    }
}

#[test]
fn a_message_that_a_held_end_broke_off_has_no_deadline() {
    let mut end = Endpoint::with_config(Role::Server, |config| config.ping_interval = None);
    end.connection.hold_ends(true);
    end.receive_frame(RawFrame::text("a beginning").fragment());
    assert!(end.connection.next_timeout().is_some());
    end.receive_frame(RawFrame::empty_close());
    assert_eq!(end.connection.next_timeout(), None);
}

#[test]
fn without_an_end_there_is_nothing_to_release() {
    for role in ROLES {
        let mut end = holding(role);
        end.call(Connection::release_end);
        assert!(end.connection.is_open() && end.take_frames().is_empty());
        assert_eq!(end.poll(), []);
    }
}

#[test]
fn a_message_that_a_held_end_broke_off_holds_no_memory() {
    for role in ROLES {
        for last in [RawFrame::close(1001, "bye"), RawFrame::text("malformed")] {
            let mut end = holding(role);
            let begun = RawFrame::binary([0; 600]).fragment();
            assert_eq!(end.receive_frame(begun), []);
            assert_eq!(end.receive_frame(last), []);
            assert!(end.connection.has_held_end());
            assert_eq!(end.connection.config().assembly_budget.used(), 0);
            assert!(end.connection.read_target().is_none());
        }
    }
}

#[test]
fn a_peer_that_dies_while_its_close_frame_is_held_has_still_sent_it() {
    for role in ROLES {
        let mut end = holding(role);
        assert_eq!(end.receive_frame(RawFrame::close(4000, "bye")), []);
        for _ping in 0..3 {
            assert_eq!(end.run_timeout(), []);
        }
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
