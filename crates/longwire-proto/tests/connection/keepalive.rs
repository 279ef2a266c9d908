//! Heartbeats, on a virtual clock.

use crate::{ROLES, from_peer, text};
use longwire_proto::{CloseCause, Connection, Event, Role, Transport};
use std::time::Duration;
use testkit::{Chunker, Endpoint, Pair, RawFrame};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn interval(role: Role) -> Duration {
    match role {
        Role::Server => seconds(25),
        Role::Client => seconds(30),
    }
}

#[test]
fn a_silent_peer_is_pinged_after_the_interval() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(
            end.connection.next_timeout(),
            Some(end.now + interval(role))
        );
        end.advance(interval(role) - Duration::from_micros(1));
        end.call(Connection::handle_timeout);
        assert!(end.output.is_empty());
        end.advance(Duration::from_micros(1));
        end.call(Connection::handle_timeout);
        assert_eq!(end.take_frames(), [RawFrame::ping("")]);
        end.call(Connection::handle_timeout);
        assert!(end.output.is_empty(), "one Ping is enough");
    }
}

#[test]
fn the_interval_can_be_set_while_the_connection_lives() {
    for role in ROLES {
        for interval in [seconds(7), seconds(700)] {
            let mut end = Endpoint::new(role);
            let opened = end.now;
            end.advance(seconds(3));
            end.connection.set_ping_interval(interval);
            let due = opened + interval;
            assert_eq!(end.connection.next_timeout(), Some(due));
            end.advance(interval - seconds(3) - Duration::from_micros(1));
            end.call(Connection::handle_timeout);
            assert!(end.output.is_empty());
            end.advance(Duration::from_micros(1));
            end.call(Connection::handle_timeout);
            assert_eq!(end.take_frames(), [RawFrame::ping("")]);
        }
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        assert_eq!(end.connection.next_timeout(), None);
        end.connection.set_ping_interval(Duration::ZERO);
        let soon = end.now + Duration::from_millis(1);
        assert_eq!(end.connection.next_timeout(), Some(soon));
        end.connection.set_ping_interval(Duration::MAX);
        let late = end.now + Duration::from_millis(u32::MAX.into());
        assert_eq!(end.connection.next_timeout(), Some(late));
    }
}

#[test]
fn pings_that_come_are_counted_and_all_that_comes_is_dated() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let opened = end.now;
        assert_eq!(end.connection.last_heard(), opened);
        end.advance(seconds(3));
        end.receive_frame(RawFrame::ping("1"));
        end.receive_frame(RawFrame::pong(""));
        end.receive_frame(RawFrame::ping("2"));
        assert_eq!(end.connection.pings_received(), 2);
        assert_eq!(end.connection.last_heard(), opened + seconds(3));
    }
}

#[test]
fn any_byte_is_a_sign_of_life() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(&end, [RawFrame::text("slowly")]);
        for byte in &bytes[..bytes.len() - 1] {
            end.advance(interval(role) - seconds(1));
            assert_eq!(end.receive([*byte]), []);
            assert_eq!(
                end.connection.next_timeout(),
                Some(end.now + interval(role))
            );
        }
        end.run_timeout();
        assert_eq!(end.take_frames(), [RawFrame::ping("")]);
        // An answer to the Ping need not be a Pong.
        assert_eq!(end.receive(&bytes[bytes.len() - 1..]), [text("slowly")]);
        assert_eq!(
            end.connection.next_timeout(),
            Some(end.now + interval(role))
        );
    }
}

#[test]
fn bytes_that_were_read_into_the_messages_own_buffer_are_a_sign_of_life() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let bytes = from_peer(&end, [RawFrame::binary([0; 100_000])]);
        assert_eq!(end.receive(&bytes[..20]), []);
        end.run_timeout();
        end.take_output();
        assert!(end.connection.read_target().is_some());
        assert_eq!(
            end.receive_directly(&bytes[20..1_000], &Chunker::whole()),
            []
        );
        assert_eq!(
            end.connection.next_timeout(),
            Some(end.now + interval(role))
        );
    }
}

#[test]
fn a_call_without_bytes_is_no_sign_of_life() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        let due = end.connection.next_timeout();
        end.advance(seconds(1));
        assert_eq!(end.poll(), []);
        assert_eq!(end.connection.next_timeout(), due);
    }
}

#[test]
fn a_write_that_went_on_is_a_sign_of_life() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.run_timeout();
        let blocked = end.now;
        end.connection.write_blocked(blocked);
        end.advance(seconds(19));
        let now = end.now;
        end.connection.write_progressed(now);
        end.call(Connection::output_written);
        assert_eq!(end.connection.next_timeout(), Some(now + interval(role)));
    }
}

#[test]
fn a_peer_that_does_not_answer_the_ping_is_dead() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(end.run_timeout(), []);
        let pinged = end.now;
        assert_eq!(end.take_frames(), [RawFrame::ping("")]);
        for probe in [2, 3] {
            let due = pinged + seconds(20) * (u32::from(probe) - 1) / 3;
            assert_eq!(end.connection.next_timeout(), Some(due));
            assert_eq!(end.run_timeout(), []);
            assert_eq!(end.take_frames(), [RawFrame::ping([probe])]);
        }
        assert_eq!(end.connection.next_timeout(), Some(pinged + seconds(20)));
        assert_eq!(end.run_timeout(), [Event::Closed]);
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.cause, CloseCause::KeepaliveTimeout);
        assert_eq!(
            (&info.sent, &info.received, info.initiator),
            (&None, &None, None)
        );
        assert_eq!(info.code().get(), 1006);
        assert!(!info.was_clean());
        assert_eq!(end.connection.transport(), Transport::Close);
        assert_eq!(end.connection.next_timeout(), None);
        assert!(
            end.output.is_empty(),
            "no one is there to read a Close frame"
        );
    }
}

/// Runs to the next Ping and answers it after `round_trip`.
fn beat(end: &mut Endpoint, round_trip: Duration) {
    assert_eq!(end.run_timeout(), []);
    assert_eq!(end.take_frames(), [RawFrame::ping("")]);
    end.advance(round_trip);
    assert_eq!(end.receive_frame(RawFrame::pong("")).len(), 1);
}

/// How long a peer is waited for that is silent from now on, from the first
/// Ping.
fn patience(end: &mut Endpoint) -> Duration {
    end.run_timeout();
    let pinged = end.now;
    while end.connection.close_info().is_none() {
        end.run_timeout();
    }
    end.now - pinged
}

#[test]
fn the_patience_follows_the_round_trip() {
    for role in ROLES {
        let millis = Duration::from_millis;
        let mut end = Endpoint::new(role);
        assert_eq!(end.connection.round_trip(), None);
        for _ in 0..100 {
            beat(&mut end, millis(40));
        }
        assert_eq!(end.connection.round_trip(), Some(millis(40)));
        let patience_near = patience(&mut end);
        let expected = seconds(5) + millis(40)..seconds(5) + millis(42);
        assert!(expected.contains(&patience_near), "{patience_near:?}");

        // One measurement is not much: three times as long. It has a ceiling.
        for (round_trip, expected) in [(1, 5 + 3), (4, 5 + 12), (6, 20)] {
            let mut end = Endpoint::new(role);
            beat(&mut end, seconds(round_trip));
            assert_eq!(patience(&mut end), seconds(expected));
        }
    }
}

#[test]
fn only_the_first_pings_pong_measures() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.receive_frame(RawFrame::pong(""));
        assert_eq!(end.connection.round_trip(), None, "nobody asked");
        end.run_timeout();
        end.run_timeout();
        end.receive_frame(RawFrame::pong([2]));
        assert_eq!(end.connection.round_trip(), None);
        // The first one's was late, and is no less true.
        end.advance(seconds(1));
        end.receive_frame(RawFrame::pong(""));
        let measured = end.connection.round_trip().unwrap();
        assert_eq!(measured.as_millis(), 20_000 / 3 + 1_000);
    }
}

#[test]
fn without_an_interval_nothing_is_pinged_and_no_timeout_set() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        assert_eq!(end.connection.next_timeout(), None);
        end.advance(seconds(1_000_000));
        end.call(Connection::handle_timeout);
        assert!(end.connection.is_open() && end.output.is_empty());
    }
}

#[test]
fn a_peer_that_beats_itself_is_watched_and_not_pinged() {
    for ping_interval in [Some(seconds(25)), None] {
        let mut end = Endpoint::with_config(Role::Server, |config| {
            config.ping_interval = ping_interval;
            config.max_silence = seconds(1_800);
        });
        end.connection.watch();
        for _ in 0..3 {
            end.advance(seconds(1_799));
            end.call(Connection::handle_timeout);
            assert!(end.output.is_empty());
            assert_eq!(end.receive_frame(RawFrame::ping("beat")).len(), 1);
            assert_eq!(end.take_frames(), [RawFrame::pong("beat")]);
        }
        let due = end.now + seconds(1_800);
        assert_eq!(end.connection.next_timeout(), Some(due));
        assert_eq!(end.run_timeout(), [Event::Closed]);
        assert_eq!(end.now, due);
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.cause, CloseCause::KeepaliveTimeout);
        assert_eq!(end.connection.transport(), Transport::Close);
        assert!(end.output.is_empty());
    }
}

#[test]
fn of_two_of_ours_only_the_server_beats() {
    let mut pair = Pair::new(4);
    pair.run_for(seconds(600));
    assert!(pair.client.connection.is_open() && pair.server.connection.is_open());
    let ping = Event::Ping((&[]).into());
    assert!(pair.client.events.len() >= 20);
    assert!(pair.client.events.iter().all(|event| *event == ping));
    let pong = Event::Pong((&[]).into());
    assert!(pair.server.events.iter().all(|event| *event == pong));
}

#[test]
fn both_ends_notice_a_cut_line_within_interval_and_timeout() {
    let mut pair = Pair::new(5);
    pair.client.call(|c, env| c.send_ref(env, "hello")).unwrap();
    pair.run_for(seconds(10));
    assert_eq!(pair.server.events, [text("hello")]);
    pair.cut();
    pair.run_for(seconds(36));
    assert_eq!(
        pair.server.connection.close_code().map(u16::from),
        Some(1006)
    );
    assert!(pair.client.connection.is_open());
    pair.run_for(seconds(15));
    for end in [&pair.client, &pair.server] {
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.cause, CloseCause::KeepaliveTimeout);
        assert_eq!(end.events.last(), Some(&Event::Closed));
    }
}

#[test]
fn a_closing_connection_waits_for_the_handshake_and_does_not_beat() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.run_timeout();
        end.close(1000, "").unwrap();
        end.take_output();
        assert_eq!(end.connection.next_timeout(), Some(end.now + seconds(10)));
    }
}

#[test]
fn a_peer_that_takes_nothing_is_dead_after_the_write_timeout() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        let blocked = end.now;
        end.connection.write_blocked(blocked);
        end.advance(seconds(20));
        // Still blocked: the time goes on.
        let now = end.now;
        end.connection.write_blocked(now);
        assert_eq!(end.connection.next_timeout(), Some(blocked + seconds(30)));
        // It may talk as it likes.
        assert_eq!(end.receive_frame(RawFrame::pong("")).len(), 1);
        assert_eq!(end.connection.next_timeout(), Some(blocked + seconds(30)));
        assert_eq!(end.run_timeout(), [Event::Closed]);
        let info = end.connection.close_info().unwrap();
        assert_eq!(info.cause, CloseCause::WriteTimeout);
        assert_eq!((&info.sent, info.code().get()), (&None, 1006));
        assert_eq!(end.connection.transport(), Transport::Close);
    }
}

#[test]
fn the_write_timeout_begins_again_with_progress_and_ends_when_all_is_written() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        let now = end.now;
        end.connection.write_blocked(now);
        end.advance(seconds(29));
        let now = end.now;
        end.connection.write_progressed(now);
        assert_eq!(end.connection.next_timeout(), Some(now + seconds(30)));
        end.call(Connection::output_written);
        assert_eq!(end.connection.next_timeout(), None);
    }
}

#[test]
fn a_driver_that_does_not_read_does_not_take_silence_for_death() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.run_timeout();
        let now = end.now;
        end.connection.reading_paused(now);
        assert_eq!(end.connection.next_timeout(), Some(now + interval(role)));
    }
}
