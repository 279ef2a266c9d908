//! Each limit, at the limit and one past it.

use crate::{ROLES, assert_failed, binary, from_peer, text};
use longwire_proto::{
    Accepts, AssemblyBudget, Connection, Event, Failure, LimitError, ReceiveMode, Role,
};
use std::{sync::Arc, time::Duration};
use testkit::{Chunker, Endpoint, RawFrame};

#[test]
fn a_frame_at_the_limit_is_received_and_one_byte_more_gets_1009_at_once() {
    for role in ROLES {
        let limited = || Endpoint::with_config(role, |config| config.limits.max_frame_size = 1_000);
        for chunker in [Chunker::whole(), Chunker::every(100)] {
            let mut end = limited();
            let bytes = from_peer(&end, [RawFrame::binary([1; 1_000])]);
            assert_eq!(
                end.receive_in_pieces(&bytes, &chunker),
                [binary(&[1; 1_000])]
            );
        }
        // The payload need not come.
        for payload in [0, 1_001] {
            let mut end = limited();
            let frame = RawFrame::binary(vec![1; payload]).announcing(1_001);
            assert_eq!(end.receive_frame(frame), [Event::Closed]);
            assert_failed(&mut end, LimitError::FrameSize { limit: 1_000 }, 1009);
        }
    }
}

#[test]
fn a_message_at_the_limit_is_received_and_one_byte_more_gets_1009_at_once() {
    for role in ROLES {
        let limited =
            || Endpoint::with_config(role, |config| config.limits.max_message_size = 1_000);
        let first = || RawFrame::text([b'a'; 600]).fragment();
        let mut end = limited();
        let bytes = from_peer(&end, [first(), RawFrame::continuation([b'a'; 400])]);
        assert_eq!(end.receive(bytes), [text(&"a".repeat(1_000))]);
        // Another message begins from nothing.
        let bytes = from_peer(&end, [first(), RawFrame::continuation([b'a'; 400])]);
        assert_eq!(end.receive(bytes), [text(&"a".repeat(1_000))]);

        let excess = LimitError::MessageSize { limit: 1_000 };
        for frames in [
            vec![first(), RawFrame::continuation("").announcing(401)],
            vec![RawFrame::binary("").announcing(1_001)],
            vec![RawFrame::binary([0; 1_001])],
            vec![
                first(),
                RawFrame::continuation("")
                    .fragment()
                    .announcing(i64::MAX as u64),
            ],
        ] {
            let mut end = limited();
            end.connection.set_receive_mode(ReceiveMode::Message);
            let bytes = from_peer(&end, frames);
            let events = end.receive(bytes);
            assert_eq!(events, [Event::Closed]);
            let failure = end.connection.close_info().unwrap().cause;
            if failure == longwire_proto::CloseCause::Failed(excess.into()) {
                assert_failed(&mut end, excess, 1009);
            } else {
                let limit = end.connection.config().limits.max_frame_size;
                assert_failed(&mut end, LimitError::FrameSize { limit }, 1009);
            }
            assert_eq!(end.connection.config().assembly_budget.used(), 0);
        }
    }
}

#[test]
fn a_message_of_as_many_fragments_as_allowed_is_received_and_one_more_gets_1009() {
    for role in ROLES {
        let limited = || Endpoint::with_config(role, |config| config.limits.max_fragments = 3);
        let fragments = |count| {
            let rest = (1..count).map(|_| RawFrame::continuation("x").fragment());
            std::iter::once(RawFrame::text("x").fragment()).chain(rest)
        };
        let mut end = limited();
        let bytes = from_peer(&end, fragments(2).chain([RawFrame::continuation("x")]));
        assert_eq!(end.receive(&bytes), [text("xxx")]);
        assert_eq!(end.receive(&bytes), [text("xxx")]);
        let bytes = from_peer(&end, fragments(3));
        assert_eq!(end.receive(bytes), []);
        // Control frames between them are none.
        assert_eq!(end.receive_frame(RawFrame::pong("")).len(), 1);
        assert_eq!(
            end.receive_frame(RawFrame::continuation("x")),
            [Event::Closed]
        );
        assert_failed(&mut end, LimitError::Fragments { limit: 3 }, 1009);
    }
}

#[test]
fn as_many_control_frames_as_allowed_in_a_second_pass_and_one_more_gets_1008() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.limits.max_control_frames = 5);
        let flood = |end: &Endpoint, count| {
            let frames = [RawFrame::ping(""), RawFrame::pong("")].into_iter().cycle();
            from_peer(end, frames.take(count))
        };
        for _ in 0..3 {
            let bytes = flood(&end, 5);
            assert_eq!(end.receive_in_pieces(&bytes, &Chunker::every(3)).len(), 5);
            end.advance(Duration::from_secs(1));
        }
        let bytes = flood(&end, 5);
        assert_eq!(end.receive(bytes).len(), 5);
        end.advance(Duration::from_micros(999_999));
        assert_eq!(end.receive_frame(RawFrame::pong("")), [Event::Closed]);
        assert_failed(&mut end, LimitError::ControlFrames { limit: 5 }, 1008);
    }
}

#[test]
fn a_message_that_comes_too_slowly_gets_1008() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        let limit = Duration::from_secs(300);
        assert_eq!(end.connection.next_timeout(), None);
        assert_eq!(end.receive_frame(RawFrame::text("a").fragment()), []);
        let due = end.now + limit;
        assert_eq!(end.connection.next_timeout(), Some(due));
        // More of it does not prolong the time.
        end.advance(limit / 2);
        assert_eq!(
            end.receive_frame(RawFrame::continuation("b").fragment()),
            []
        );
        assert_eq!(end.connection.next_timeout(), Some(due));
        end.call(Connection::handle_timeout);
        assert!(end.connection.is_open());
        assert_eq!(end.run_timeout(), [Event::Closed]);
        assert_failed(&mut end, LimitError::AssemblyTime, 1008);
    }
}

#[test]
fn a_message_that_comes_in_time_leaves_no_deadline() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| config.ping_interval = None);
        end.receive_frame(RawFrame::text("a").fragment());
        end.advance(Duration::from_secs(299));
        assert_eq!(end.receive_frame(RawFrame::continuation("b")), [text("ab")]);
        assert_eq!(end.connection.next_timeout(), None);
    }
}

#[test]
fn streaming_has_no_limit_on_size_fragments_or_time() {
    for role in ROLES {
        let mut end = Endpoint::with_config(role, |config| {
            config.limits.max_frame_size = 10;
            config.limits.max_message_size = 10;
            config.limits.max_fragments = 1;
            config.ping_interval = None;
        });
        end.connection.set_receive_mode(ReceiveMode::Stream);
        assert_eq!(
            end.receive_frame(RawFrame::binary([1; 100]).fragment())
                .len(),
            1
        );
        assert_eq!(end.connection.next_timeout(), None);
        assert_eq!(end.receive_frame(RawFrame::continuation([2; 100])).len(), 1);
        let endless = RawFrame::binary("begins").announcing(i64::MAX as u64);
        assert_eq!(end.receive_frame(endless).len(), 1);
        assert!(end.connection.is_open());
    }
}

#[test]
fn an_endpoint_that_takes_one_kind_answers_the_other_with_1003() {
    for role in ROLES {
        for (accepts, good, bad) in [
            (Accepts::Text, RawFrame::text("x"), RawFrame::binary("x")),
            (Accepts::Binary, RawFrame::binary("x"), RawFrame::text("x")),
        ] {
            for mode in [ReceiveMode::Message, ReceiveMode::Stream] {
                for bad in [
                    bad.clone(),
                    bad.clone().fragment(),
                    bad.clone().announcing(1_000),
                ] {
                    let mut end = Endpoint::with_config(role, |config| config.accepts = accepts);
                    end.connection.set_receive_mode(mode);
                    assert_eq!(end.receive_frame(good.clone()).len(), 1);
                    // In fragments too.
                    assert!(end.receive_frame(good.clone().fragment()).len() <= 1);
                    assert_eq!(end.receive_frame(RawFrame::continuation("y")).len(), 1);
                    assert_eq!(end.receive_frame(bad), [Event::Closed]);
                    assert_failed(&mut end, Failure::UnsupportedKind, 1003);
                }
            }
        }
    }
}

/// An endpoint whose budget is `limit` bytes, shared with others like it.
fn with_budget(role: Role, budget: &Arc<AssemblyBudget>) -> Endpoint {
    Endpoint::with_config(role, |config| config.assembly_budget = Arc::clone(budget))
}

#[test]
fn a_message_that_the_budget_has_no_room_for_gets_1013() {
    for role in ROLES {
        let budget = Arc::new(AssemblyBudget::new(1_000));
        let part = || RawFrame::binary([0; 600]).fragment();
        let mut first = with_budget(role, &budget);
        assert_eq!(first.receive_frame(part()), []);
        let held = budget.used();
        assert!((600..=1_000).contains(&held));
        let mut second = with_budget(role, &budget);
        assert_eq!(second.receive_frame(part()), [Event::Closed]);
        assert_failed(&mut second, LimitError::AssemblyBudget, 1013);
        assert_eq!(budget.used(), held, "what the second asked for is not held");

        // A message that is whole in the input needs none.
        let mut third = with_budget(role, &budget);
        assert_eq!(third.receive_frame(RawFrame::binary([0; 5_000])).len(), 1);
        // What the first held comes back with its message's end.
        assert_eq!(
            first.receive_frame(RawFrame::continuation("")),
            [binary(&[0; 600])]
        );
        assert_eq!(budget.used(), 0);
        assert_eq!(third.receive_frame(part()), []);
        assert_eq!(third.receive_frame(RawFrame::continuation("")).len(), 1);
    }
}

#[test]
fn the_budget_is_given_back_however_a_message_ends() {
    type End = fn(&mut Endpoint);
    let ends: [(&str, End); 6] = [
        ("complete", |end| {
            drop(end.receive_frame(RawFrame::continuation("")));
        }),
        ("malformed", |end| {
            drop(end.receive_frame(RawFrame::text("")));
        }),
        ("closed", |end| {
            drop(end.receive_frame(RawFrame::empty_close()));
        }),
        ("cut off", |end| end.connection.receive_eof(end.now)),
        ("too slow", |end| {
            end.advance(Duration::from_secs(1_000));
            end.call(Connection::handle_timeout);
        }),
        ("dropped", |end| *end = Endpoint::new(Role::Server)),
    ];
    for role in ROLES {
        for (name, how) in ends {
            let budget = Arc::new(AssemblyBudget::new(100_000));
            let mut end = with_budget(role, &budget);
            assert_eq!(end.receive_frame(RawFrame::binary([0; 600]).fragment()), []);
            assert!(budget.used() >= 600, "{name}");
            how(&mut end);
            assert_eq!(budget.used(), 0, "{name}");
        }
    }
}

#[test]
fn the_budget_is_given_back_when_a_message_goes_over_to_streaming() {
    for role in ROLES {
        let budget = Arc::new(AssemblyBudget::new(100_000));
        let mut end = with_budget(role, &budget);
        assert_eq!(end.receive_frame(RawFrame::binary([0; 600]).fragment()), []);
        end.connection.set_receive_mode(ReceiveMode::Stream);
        assert_eq!(end.poll().len(), 1);
        assert_eq!(budget.used(), 0, "the user has the memory now");
        assert_eq!(
            end.receive_frame(RawFrame::continuation([0; 600]).fragment())
                .len(),
            1
        );
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn memory_follows_what_came_and_not_what_was_announced() {
    for role in ROLES {
        let budget = Arc::new(AssemblyBudget::new(64 << 20));
        let mut end = with_budget(role, &budget);
        let bytes = from_peer(
            &end,
            [RawFrame::binary(vec![0; 1 << 20]).announcing(16 << 20)],
        );
        let header = bytes.len() - (1 << 20);
        assert_eq!(end.receive(&bytes[..header + 10]), []);
        assert!(
            budget.used() <= 64,
            "{} bytes are held for 10",
            budget.used()
        );
        assert!(end.connection.read_target().is_some());
        assert!(budget.used() <= 32 * 1024, "{} are lent", budget.used());
        end.receive(&bytes[header + 10..header + 300_000]);
        assert!(budget.used() <= 600_000, "{} for 300,000", budget.used());
        end.receive_directly(&bytes[header + 300_000..], &Chunker::every(20_000));
        assert!(budget.used() <= 4 << 20, "{} for a MiB", budget.used());
    }
}

#[test]
fn the_last_frame_of_a_message_asks_for_no_more_than_it_needs() {
    for role in ROLES {
        let budget = Arc::new(AssemblyBudget::new(100_000));
        let mut end = with_budget(role, &budget);
        let bytes = from_peer(&end, [RawFrame::binary([0; 70_000])]);
        for piece in bytes[..bytes.len() - 1].chunks(1_000) {
            assert_eq!(end.receive(piece), []);
            assert!(budget.used() <= 70_000);
        }
        assert_eq!(end.receive(&bytes[bytes.len() - 1..]).len(), 1);
    }
}

#[test]
fn a_message_in_many_small_fragments_is_not_copied_over_and_over() {
    for role in ROLES {
        let budget = Arc::new(AssemblyBudget::new(64 << 20));
        let mut end = with_budget(role, &budget);
        assert_eq!(
            end.receive_frame(RawFrame::binary([0; 1_000]).fragment()),
            []
        );
        let mut sizes = std::collections::BTreeSet::new();
        for _ in 0..4_000 {
            let fragment = RawFrame::continuation([0; 1_000]).fragment();
            assert_eq!(end.receive_frame(fragment), []);
            sizes.insert(budget.used());
        }
        // Each size is a move to a larger buffer.
        assert!(
            sizes.len() <= 16,
            "{} moves for 4,000 fragments",
            sizes.len()
        );
    }
}
