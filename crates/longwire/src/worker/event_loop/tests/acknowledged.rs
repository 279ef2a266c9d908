//! What the system knows of the bytes that were written.

use super::*;
use longwire_proto::Acknowledgements;

const IN_FLIGHT: Acknowledgements = Acknowledgements {
    acknowledged: 150,
    pending: true,
    in_flight: Some(Duration::ZERO),
    round_trip_limit: Duration::from_millis(1),
};

/// A rig that has echoed a message, and nothing was heard since.
fn echoed() -> Rig {
    let mut rig = Rig::new(&[5]);
    rig.step(&Step::Space(usize::MAX));
    let close_frame = 8;
    rig.step(&Step::Arrive(rig.coming.len() - close_frame));
    rig
}

impl Rig {
    /// Looks at the deadlines after `wait`, and tells whether the connection has
    /// ended.
    fn sweep_after(&mut self, wait: Duration) -> bool {
        self.worker.now = self.worker.now + wait;
        self.worker.sweep();
        lock(&self.wire).dropped
    }
}

/// More than bytes may stay unacknowledged by default.
const TOO_LONG: Duration = Duration::from_secs(6);

#[test]
fn writes_that_are_not_acknowledged_end_the_connection() {
    let mut rig = echoed();
    lock(&rig.wire).acknowledgements = Some(IN_FLIGHT);
    assert!(!rig.sweep_after(Duration::from_secs(1)));
    assert!(!rig.sweep_after(Duration::from_secs(3)));
    assert!(rig.sweep_after(TOO_LONG));
    assert_eq!(rig.worker.handler.closed.load(Relaxed), 1);
}

#[test]
fn what_waits_in_the_socket_proves_the_peer_alive() {
    let mut rig = echoed();
    lock(&rig.wire).acknowledgements = Some(IN_FLIGHT);
    assert!(!rig.sweep_after(Duration::from_secs(1)));
    // No event has told of it: the process was stopped.
    lock(&rig.wire).arrived.extend(b"\x8a\x80\0\0\0\0");
    assert!(!rig.sweep_after(TOO_LONG));
}

#[test]
fn progress_or_an_unknown_state_ends_nothing() {
    let mut rig = echoed();
    for acknowledged in 151..160 {
        lock(&rig.wire).acknowledgements = Some(Acknowledgements {
            acknowledged,
            ..IN_FLIGHT
        });
        assert!(!rig.sweep_after(Duration::from_secs(4)));
    }
    let mut rig = echoed();
    assert!(!rig.sweep_after(Duration::from_secs(1)));
    assert!(!rig.sweep_after(TOO_LONG));
}
