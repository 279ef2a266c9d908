//! Ping and Pong, as they are answered.

use crate::{ROLES, from_peer, text};
use longwire_proto::{Connection, ControlPayload, Event, SendError};
use testkit::{Endpoint, RawFrame};

/// More than the backlog up to which a Ping is answered at once.
const BACKLOG: usize = 16 * 1024 + 1;

fn payload(bytes: &[u8]) -> ControlPayload {
    bytes.try_into().unwrap()
}

/// An endpoint whose peer reads nothing.
fn backlogged(role: longwire_proto::Role) -> Endpoint {
    let mut end = Endpoint::new(role);
    let filler = vec![0; BACKLOG];
    end.call(|c, env| c.send_ref(env, &*filler)).unwrap();
    end
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        for ping in [&b""[..], b"x", &[0xFF; 125]] {
            let events = end.receive_frame(RawFrame::ping(ping));
            assert_eq!(events, [Event::Ping(ping.to_vec().into())]);
            assert_eq!(end.take_frames(), [RawFrame::pong(ping)]);
        }
    }
}

#[test]
fn every_ping_of_a_batch_is_answered_while_there_is_room() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let pings = from_peer(&end, (0..10).map(|i| RawFrame::ping([i])));
        assert_eq!(end.receive(pings).len(), 10);
        let pongs: Vec<_> = (0..10).map(|i| RawFrame::pong([i])).collect();
        assert_eq!(end.take_frames(), pongs);
    }
}

#[test]
fn with_a_backlog_only_the_latest_ping_is_answered_once_it_has_gone() {
    for role in ROLES {
        let mut end = backlogged(role);
        let queued = end.output.len();
        let pings = from_peer(&end, (0..100).map(|i| RawFrame::ping([i])));
        assert_eq!(end.receive(pings).len(), 100);
        assert_eq!(end.output.len(), queued, "nothing is added to the backlog");

        end.call(Connection::output_written);
        assert_eq!(end.output.len(), queued, "the backlog is still there");
        end.write(queued);
        end.call(Connection::output_written);
        assert_eq!(end.take_frames(), [RawFrame::pong([99])]);
        end.call(Connection::output_written);
        assert!(end.output.is_empty(), "it is answered once");
    }
}

#[test]
fn a_backlog_of_16_kib_still_takes_a_pong_and_one_byte_more_does_not() {
    for role in ROLES {
        for (excess, pongs) in [(0, 1), (1, 0)] {
            let mut end = Endpoint::new(role);
            let header = if role.masks() { 8 } else { 4 };
            let filler = vec![0; 16 * 1024 - header + excess];
            end.call(|c, env| c.send_ref(env, &*filler)).unwrap();
            assert_eq!(end.output.len(), 16 * 1024 + excess);
            end.receive_frame(RawFrame::ping(""));
            let written = end.write(usize::MAX);
            assert_eq!(testkit::frames(&written).len(), 1 + pongs);
        }
    }
}

#[test]
fn an_owed_pong_is_dropped_for_a_newer_ping_that_was_answered() {
    for role in ROLES {
        let mut end = backlogged(role);
        end.receive_frame(RawFrame::ping("old"));
        // Written, and the next Ping is read before the connection is told.
        end.write(usize::MAX);
        end.receive_frame(RawFrame::ping("new"));
        assert_eq!(end.take_frames(), [RawFrame::pong("new")]);
    }
}

#[test]
fn an_owed_pong_does_not_follow_our_close_frame() {
    for role in ROLES {
        let mut end = backlogged(role);
        end.receive_frame(RawFrame::ping("owed"));
        end.close(1000, "").unwrap();
        let frames = end.take_frames();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[1], RawFrame::close(1000, ""));
    }
}

#[test]
fn an_owed_pong_does_not_follow_the_answer_to_the_peers_close_frame() {
    for role in ROLES {
        let mut end = backlogged(role);
        end.receive_frame(RawFrame::ping("owed"));
        end.receive_frame(RawFrame::close(1000, ""));
        let frames = end.take_frames();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[1], RawFrame::close(1000, ""));
    }
}

#[test]
fn a_ping_is_not_answered_after_our_close_frame() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "").unwrap();
        end.take_output();
        let bytes = from_peer(&end, [RawFrame::ping("late"), RawFrame::text("late")]);
        assert_eq!(
            end.receive(bytes),
            [Event::Ping(b"late".into()), text("late")]
        );
        assert!(end.output.is_empty());
    }
}

#[test]
fn an_unsolicited_pong_is_reported_and_not_answered() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let events = end.receive_frame(RawFrame::pong("beat"));
        assert_eq!(events, [Event::Pong(b"beat".into())]);
        assert!(end.output.is_empty());
    }
}

#[test]
fn pings_and_pongs_of_our_own_go_out_between_fragments() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.call(|c, env| {
            c.send_fragment(env, "a", false).unwrap();
            c.ping(env, &payload(b"p")).unwrap();
            c.pong(env, &ControlPayload::EMPTY).unwrap();
            c.send_fragment(env, "b", true).unwrap();
        });
        assert_eq!(
            end.take_frames(),
            [
                RawFrame::text("a").fragment(),
                RawFrame::ping("p"),
                RawFrame::pong(""),
                RawFrame::continuation("b"),
            ]
        );
    }
}

#[test]
fn no_ping_or_pong_can_be_sent_once_closing() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.close(1000, "").unwrap();
        end.take_output();
        end.call(|c, env| {
            assert_eq!(c.ping(env, &payload(b"p")), Err(SendError::Closing));
            assert_eq!(c.pong(env, &payload(b"p")), Err(SendError::Closing));
        });
        assert!(end.output.is_empty());
    }
}
