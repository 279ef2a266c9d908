//! Peers that read slowly, or not at all.

use crate::{
    BEAT, echo, open, quick,
    servers::{BURST, DRIVERS, Running},
};
use longwire::CloseCause;
use std::{io::Read as _, thread, time::Instant};

/// The Ping waits behind a large frame, which the kernel has taken: that it is being taken is life enough.
#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "the system does not tell what was acknowledged"
)]
fn a_peer_that_reads_slowly_lives_though_no_pong_can_come() {
    for driver in DRIVERS {
        let running = Running::start(driver, quick());
        let mut socket = open(running.address, "/burst");
        let start = Instant::now();
        let mut left = BURST;
        let mut buffer = [0; 4096];
        // It says nothing for much longer than a beat and its answer may take.
        while start.elapsed() < BEAT * 10 {
            let len = socket.read(&mut buffer).unwrap();
            left = left.checked_sub(len).expect("the frame is longer");
            thread::sleep(BEAT / 20);
            running.assert_alive();
        }
        while left > buffer.len() {
            left -= socket.read(&mut buffer).unwrap();
        }
        echo(&mut socket, "still here");
        running.assert_alive();
    }
}

/// Without heartbeats a peer that does not read is left alone for as long as
/// `write_timeout` says: its system acknowledges, and has no room.
#[test]
fn a_peer_that_does_not_read_is_not_taken_for_one_that_is_gone() {
    for driver in DRIVERS {
        let mut config = quick();
        config.ping_interval = None;
        config.write_timeout = BEAT * 12;
        let running = Running::start(driver, config);
        let silent = open(running.address, "/flood");
        let mut late = open(running.address, "/flood");
        thread::sleep(BEAT * 4);
        running.assert_alive();
        echo(&mut late, "I was busy");
        assert_eq!(running.end().cause, CloseCause::WriteTimeout);
        drop(silent);
        echo(&mut late, "and am back");
    }
}
