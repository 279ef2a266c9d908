//! The rules for canaries, one at a time.

use super::{minutes, secs};
use longwire_proto::{
    Instant,
    heartbeat::{Beat, CanaryId, Learner, LearningConfig, Outcome, Step},
};
use std::time::Duration;

const START: Instant = Instant::from_micros(0);

fn learner() -> Learner {
    Learner::new(LearningConfig::default(), None, START)
}

/// Opens all canaries that may be open at one time.
fn open_all(learner: &mut Learner) -> Vec<(CanaryId, Duration)> {
    let mut now = START;
    let mut opened = Vec::new();
    while let Some(timeout) = learner.next_timeout() {
        now = now.max(timeout);
        match learner.next_step(now) {
            Some(Step::Open { canary, span }) => opened.push((canary, span)),
            other => panic!("{other:?}"),
        }
    }
    opened
}

fn spans(opened: &[(CanaryId, Duration)]) -> Vec<Duration> {
    opened.iter().map(|(_, span)| *span).collect()
}

#[test]
fn canaries_are_bounded_and_paced() {
    let mut learner = learner();
    let first = learner.next_step(START);
    assert!(matches!(first, Some(Step::Open { .. })));
    assert_eq!(learner.next_step(START), None);
    assert_eq!(learner.next_timeout(), Some(START + secs(1)));
    let opened = open_all(&mut learner);
    assert_eq!(spans(&opened), [secs(60), secs(120), secs(240)]);
    assert_eq!(learner.next_step(START + minutes(1)), None);
}

#[test]
fn a_failure_counts_when_the_live_connection_is_heard_after_it() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    let at = START + secs(70);
    learner.finished(opened[1].0, Outcome::Silent, at);
    assert_eq!(learner.next_step(at), Some(Step::Ping));
    assert_eq!(
        learner.next_step(at),
        None,
        "nothing more while that is open"
    );
    // What was on its way before says nothing.
    learner.heard(at);
    assert_eq!(learner.next_step(at), None);
    learner.heard(at + secs(1));
    let again = learner.next_step(at + secs(1));
    assert!(matches!(again, Some(Step::Open { span, .. }) if span == secs(60)));
}

#[test]
fn a_failure_of_the_whole_network_counts_for_nothing() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    for (canary, _) in &opened {
        learner.finished(*canary, Outcome::Silent, START + minutes(5));
    }
    learner.lost(secs(10));
    let now = START + minutes(6);
    learner.heard(now);
    let next = learner.next_step(now);
    assert!(
        matches!(next, Some(Step::Open { span, .. }) if span == secs(30)),
        "{next:?}"
    );
    assert_eq!(learner.known().refuted, None);
}

#[test]
fn canaries_above_what_was_refuted_are_called_back() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    let at = START + secs(60);
    for (canary, _) in &opened[2..] {
        learner.finished(*canary, Outcome::Dropped { after: secs(59) }, at);
    }
    learner.heard(at + secs(1));
    assert_eq!(learner.known().refuted, Some(secs(59)));
    assert_eq!(
        learner.next_step(at + secs(1)),
        Some(Step::Cancel(opened[1].0))
    );
}

#[test]
fn a_peer_that_beats_is_left_to_it() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    let at = START + secs(26);
    learner.finished(opened[2].0, Outcome::Heard { after: secs(25) }, at);
    assert_eq!(learner.beat(), Beat::Every(secs(15)), "once may be chance");
    learner.finished(opened[3].0, Outcome::Heard { after: secs(25) }, at);
    assert_eq!(learner.beat(), Beat::Peer(secs(25)));
    assert!(learner.is_settled());
    // The others are called back, and none goes out any more.
    for _ in 0..2 {
        assert!(matches!(learner.next_step(at), Some(Step::Cancel(_))));
    }
    assert_eq!(learner.next_step(at + minutes(1)), None);
    // A peer that stops is noticed, and learning goes on.
    let silent = learner.next_timeout().unwrap();
    assert_eq!(silent, at + secs(75));
    assert!(matches!(learner.next_step(silent), Some(Step::Open { .. })));
    assert_eq!(learner.beat(), Beat::Every(secs(15)));
}

#[test]
fn pings_on_the_live_connection_tell_that_the_peer_beats() {
    let mut learner = learner();
    for beat in 1..=3 {
        assert_eq!(learner.beat(), Beat::Every(secs(15)));
        learner.pinged(START + secs(12 * beat));
    }
    assert_eq!(learner.beat(), Beat::Peer(secs(12)));
}

#[test]
fn where_canaries_are_not_wanted_none_is_sent() {
    let mut refused = learner();
    let opened = open_all(&mut refused);
    refused.finished(opened[0].0, Outcome::Refused, START + secs(3));
    for _ in 0..3 {
        assert!(matches!(
            refused.next_step(START + secs(3)),
            Some(Step::Cancel(_))
        ));
    }
    assert_eq!(refused.next_step(START + minutes(60)), None);
    // It is asked again with the next check.
    let recheck = LearningConfig::default().recheck;
    assert_eq!(refused.next_timeout(), Some(START + secs(3) + recheck));

    let mut forbidden = learner();
    forbidden.forbid();
    assert_eq!(forbidden.next_timeout(), None);
    assert_eq!(forbidden.next_step(START + recheck * 2), None);
    assert_eq!(forbidden.beat(), Beat::Every(secs(15)));
}

#[test]
fn what_says_nothing_of_the_path_is_tried_again_later() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    let at = START + secs(30);
    learner.finished(opened[0].0, Outcome::Void, at);
    assert_eq!(learner.next_step(at), None);
    assert_eq!(learner.next_timeout(), Some(at + secs(15)));
    let Some(Step::Open { span, .. }) = learner.next_step(at + secs(15)) else {
        panic!("no other is tried");
    };
    assert_eq!(span, secs(480), "the next of the ladder");
    assert_eq!(learner.known().refuted, None);
}

#[test]
fn a_start_above_the_longest_span_is_no_trouble() {
    let config = LearningConfig::default().within(secs(4));
    let known = longwire_proto::heartbeat::Known {
        proven: minutes(5),
        refuted: None,
        age: Duration::ZERO,
    };
    let mut config_of_user = LearningConfig::default();
    config_of_user.max = secs(10);
    for config in [config, config_of_user] {
        let learner = Learner::new(config, Some(&known), START);
        assert!(learner.is_settled());
    }
}

#[test]
fn a_death_at_the_learned_interval_forgets_it() {
    let mut learner = learner();
    let opened = open_all(&mut learner);
    learner.finished(opened[3].0, Outcome::Answered, START + secs(240));
    assert_eq!(learner.beat(), Beat::Every(secs(228)));
    learner.lost(secs(228));
    assert_eq!(learner.beat(), Beat::Every(secs(15)));
    // Canaries that set out before may have the old limit yet.
    for (canary, _) in &opened[..3] {
        learner.finished(*canary, Outcome::Answered, START + secs(500));
        assert_eq!(learner.beat(), Beat::Every(secs(15)));
        let step = learner.next_step(START + secs(500));
        assert!(matches!(step, Some(Step::Cancel(_))), "{step:?}");
    }
}
