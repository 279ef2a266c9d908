//! What the system knows of the bytes that were written, on a virtual clock.

use crate::ROLES;
use longwire_proto::{Acknowledgements, CloseCause, Connection, Event, Instant, Role};
use std::time::Duration;
use testkit::{Endpoint, RawFrame};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The default of `min_pong_timeout`, from which deadlines are reckoned.
const FLOOR: Duration = millis(5_000);

/// All that was written has been acknowledged, so many bytes by now.
fn settled(acknowledged: u32) -> Acknowledgements {
    Acknowledgements {
        acknowledged,
        pending: false,
        in_flight: None,
        round_trip_limit: millis(100),
    }
}

/// Bytes are under way, the oldest for `age` at least.
fn in_flight(acknowledged: u32, age: Duration) -> Acknowledgements {
    Acknowledgements {
        pending: true,
        in_flight: Some(age),
        ..settled(acknowledged)
    }
}

/// An endpoint that sends no heartbeats, and has written now.
fn writing(role: Role) -> Endpoint {
    let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
    end.connection.write_taken();
    assert!(end.connection.awaits_acknowledgement());
    end
}

/// Comes to the next deadline, where the system knows this.
fn look(end: &mut Endpoint, acknowledgements: &Acknowledgements) -> Vec<Event<'static>> {
    end.now = end.connection.next_timeout().unwrap();
    end.connection.acknowledged(end.now, acknowledgements);
    end.call(Connection::handle_timeout);
    end.poll()
}

/// The next deadline is this one, which is kept to 65 ms.
fn assert_looks_at(end: &Endpoint, due: Instant) {
    let next = end.connection.next_timeout().unwrap();
    assert!((due..due + millis(66)).contains(&next), "{next:?}, {due:?}");
}

fn cause(end: &Endpoint) -> Option<CloseCause> {
    end.connection.close_info().map(|info| info.cause)
}

#[test]
fn writes_that_are_not_acknowledged_are_a_dead_peer() {
    for role in ROLES {
        let mut end = writing(role);
        let start = end.now;
        // Asked after an eighth of the floor, the system says how old they are.
        assert_eq!(look(&mut end, &in_flight(10, millis(500))), []);
        assert_eq!(end.now, start + FLOOR / 8);
        let due = end.now + (FLOOR + millis(100) - millis(500));
        assert_looks_at(&end, due);
        assert_eq!(
            look(&mut end, &in_flight(10, millis(3_000))),
            [Event::Closed]
        );
        assert_eq!(cause(&end), Some(CloseCause::Unacknowledged));
    }
}

#[test]
fn acknowledged_writes_are_none() {
    for role in ROLES {
        let mut end = writing(role);
        assert_eq!(look(&mut end, &settled(10)), []);
        assert_eq!(end.connection.next_timeout(), None);
        // Of the next ones nobody asks before half of the floor has passed.
        let looked = end.now;
        end.connection.write_taken();
        assert_looks_at(&end, looked + FLOOR / 2);
    }
}

#[test]
fn progress_begins_the_time_anew() {
    for role in ROLES {
        let mut end = writing(role);
        for acknowledged in 1..20 {
            let before = end.now;
            assert_eq!(look(&mut end, &in_flight(acknowledged, Duration::ZERO)), []);
            assert!(end.now > before);
        }
        assert_eq!(
            look(&mut end, &in_flight(19, millis(3_000))),
            [Event::Closed]
        );
    }
}

#[test]
fn a_byte_from_the_peer_settles_the_writes_before_it() {
    for role in ROLES {
        let mut end = writing(role);
        assert_eq!(look(&mut end, &in_flight(10, millis(1_500))), []);
        assert_eq!(end.receive_frame(RawFrame::pong("")).len(), 1);
        assert!(!end.connection.awaits_acknowledgement());
        assert_eq!(end.connection.next_timeout(), None);
        let heard = end.now;
        end.connection.write_taken();
        assert_eq!(end.connection.next_timeout(), Some(heard + FLOOR / 8));
    }
}

#[test]
fn where_the_system_cannot_tell_writes_are_no_sign_of_death() {
    for role in ROLES {
        let mut end = writing(role);
        assert_eq!(end.run_timeout(), []);
        assert_eq!(end.connection.next_timeout(), None);
        assert_eq!(cause(&end), None);
    }
}

#[test]
fn a_ping_behind_bytes_that_are_being_taken_is_not_held_against_the_peer() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        assert_eq!(look(&mut end, &settled(10)), []);
        assert_eq!(end.take_frames(), [RawFrame::ping("")]);
        end.connection.write_taken();
        // A slow line: something more at every look, and never a byte back.
        for acknowledged in 11..100 {
            assert_eq!(look(&mut end, &in_flight(acknowledged, Duration::ZERO)), []);
        }
        assert_eq!(cause(&end), None);
    }
}

#[test]
fn a_ping_that_was_acknowledged_and_not_answered_is_told_from_one_that_was_not() {
    for role in ROLES {
        for (acknowledgements, expected) in [
            (settled(12), CloseCause::KeepaliveTimeout),
            (in_flight(10, Duration::ZERO), CloseCause::Unacknowledged),
        ] {
            let mut end = Endpoint::new(role);
            assert_eq!(look(&mut end, &settled(10)), []);
            let mut told = Vec::new();
            while told.is_empty() {
                end.connection.write_taken();
                told = look(&mut end, &acknowledgements);
            }
            assert_eq!(cause(&end), Some(expected));
        }
    }
}

#[test]
fn a_kernel_that_passes_a_full_buffer_on_is_progress() {
    for role in ROLES {
        let mut end = writing(role);
        let start = end.now;
        end.connection.write_blocked(start);
        for acknowledged in 1..60 {
            assert_eq!(look(&mut end, &in_flight(acknowledged, Duration::ZERO)), []);
        }
        assert!(end.now > start + end.connection.config().write_timeout * 2);
    }
}

#[test]
fn a_peer_without_room_is_not_dead_before_the_write_timeout() {
    for role in ROLES {
        let mut end = writing(role);
        let blocked = end.now;
        end.connection.write_blocked(blocked);
        let no_room = Acknowledgements {
            pending: true,
            ..settled(0)
        };
        while look(&mut end, &no_room).is_empty() {}
        assert_eq!(cause(&end), Some(CloseCause::WriteTimeout));
        assert_eq!(end.now, blocked + end.connection.config().write_timeout);
    }
}

#[test]
fn the_end_says_that_the_system_gave_up_or_the_address_is_gone() {
    for role in ROLES {
        let mut end = Endpoint::new(role);
        end.connection.transport_timed_out(end.now);
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(cause(&end), Some(CloseCause::Unacknowledged));
        let mut end = Endpoint::new(role);
        end.connection.address_gone(end.now);
        assert_eq!(end.poll(), [Event::Closed]);
        assert_eq!(cause(&end), Some(CloseCause::AddressGone));
    }
}
