//! A process that was stopped, as a laptop is that sleeps, does not take its peers
//! for dead when it goes on: what they have said meanwhile waits in its sockets.

use crate::{
    BEAT, PATIENCE, echo, frame, open, quick,
    servers::{Driver, Running},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Set for the process that is stopped.
const STOPPABLE: &str = "LONGWIRE_TEST_STOPPABLE";

/// Serves, and says where, until it is killed, or the tests have crashed.
fn serve(driver: Driver) {
    let running = Running::start(driver, quick());
    println!("\naddress {}", running.address);
    thread::sleep(PATIENCE * 3);
}

/// The process, killed when dropped.
struct Stoppable {
    child: Child,
    address: SocketAddr,
}

impl Stoppable {
    /// Runs this test, by its name, in another process.
    fn start(test: &str) -> Stoppable {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(STOPPABLE, "yes")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("address ")?.parse().ok());
        let address = address.expect("it says where it listens");
        Stoppable { child, address }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_stopped_and_goes_on(test: &str, driver: Driver) {
    if std::env::var_os(STOPPABLE).is_some() {
        return serve(driver);
    }
    let process = Stoppable::start(test);
    let mut socket = open(process.address, "/");
    for _ in 0..3 {
        // It has sent a Ping, and waits for the answer.
        let mut ping = [0; 2];
        socket.read_exact(&mut ping).unwrap();
        assert_eq!(ping, [0x89, 0]);
        process.signal(Signal::STOP);
        thread::sleep(BEAT);
        socket.write_all(&frame(0xA, b"")).unwrap();
        thread::sleep(BEAT * 5);
        process.signal(Signal::CONT);
        // A probe may have been due before the answer was read.
        echo(&mut socket, "the Pong was there");
    }
    // And one that says nothing is noticed, now that it runs.
    let start = Instant::now();
    socket.read_to_end(&mut Vec::new()).unwrap();
    assert!(start.elapsed() < PATIENCE - Duration::from_secs(1));
}

#[test]
fn a_stopped_process_finds_its_peers_alive_on_tokio() {
    let test = "stopped::a_stopped_process_finds_its_peers_alive_on_tokio";
    is_stopped_and_goes_on(test, Driver::Async);
}

#[test]
fn a_stopped_process_finds_its_peers_alive_on_a_worker() {
    let test = "stopped::a_stopped_process_finds_its_peers_alive_on_a_worker";
    is_stopped_and_goes_on(test, Driver::Worker);
}
