//! 200 clients that come back by themselves, against the program: restarted,
//! killed, frozen, and cut off, over and over.
//!
//! Every client comes back; they do not try more often than [`Backoff`] tells; and
//! of what they send nothing is doubled, nothing comes out of order, and nothing
//! is lost that was not on a connection when that was lost.
//!
//! `LONGWIRE_HERD_ROUNDS` says how often it all happens; `cargo xtask test --full`
//! has it happen more often.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod drain;
mod fleet;
#[path = "../program/mod.rs"]
mod program;

use fleet::Fleet;
use program::Program;
use std::time::{Duration, Instant};
use testkit::Middlebox;
use tokio::time::sleep;

const CLIENTS: usize = 200;

/// How long the server stays away.
const AWAY: Duration = Duration::from_secs(2);

fn rounds() -> u32 {
    std::env::var("LONGWIRE_HERD_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

/// What happens to the server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It is told to stop, drains, and is started again.
    Restarted,
    /// `SIGKILL`; it is started again.
    Killed,
    /// `SIGSTOP`, and `SIGCONT` when all have noticed.
    Frozen,
    /// The path to it carries nothing, tells nobody, and carries all again.
    Cut,
    /// The path forgets all connections, and tells nobody.
    Forgotten,
}

/// A server that can be had again at the same address.
struct Server {
    address: String,
    io: &'static str,
    program: Option<Program>,
    /// What clients connect through, if they do.
    path: Option<Middlebox>,
}

impl Server {
    fn start(io: &'static str) -> Server {
        let mut server = Server {
            address: "127.0.0.1:0".to_owned(),
            io,
            program: None,
            path: None,
        };
        server.again();
        server
    }

    async fn behind_a_path(io: &'static str) -> Server {
        let mut server = Server::start(io);
        let path = Middlebox::before(server.address.parse().unwrap()).await;
        server.path = Some(path.unwrap());
        server
    }

    /// Where clients connect to.
    fn url(&self) -> String {
        match &self.path {
            Some(path) => format!("ws://{}/", path.address()),
            None => format!("ws://{}/", self.address),
        }
    }

    fn again(&mut self) {
        let arguments = [
            "echo",
            "--io",
            self.io,
            "--drain",
            "1",
            "--reconnect",
            "3-6",
            "--restarting",
        ];
        let program = Program::start_at(&self.address, &arguments);
        self.address.clone_from(&program.address);
        self.program = Some(program);
    }

    /// Brings it about, and tells when the first connections were lost.
    async fn suffer(&mut self, fault: Fault, fleet: &mut Fleet) {
        let program = self.program.take().unwrap();
        match fault {
            Fault::Restarted => {
                program.terminate();
                let ended = tokio::task::spawn_blocking(|| program.wait());
                assert!(ended.await.unwrap().success());
                fleet.all_lost().await;
                fleet.send_while_away().await;
                self.again();
            }
            Fault::Killed => {
                drop(program);
                fleet.all_lost().await;
                fleet.send_while_away().await;
                sleep(AWAY).await;
                self.again();
            }
            Fault::Frozen => {
                program.signal("-STOP");
                fleet.all_lost().await;
                fleet.send_while_away().await;
                program.signal("-CONT");
                self.program = Some(program);
            }
            Fault::Cut => {
                let path = self.path.as_ref().expect("there is a path to cut");
                path.cut();
                fleet.all_lost().await;
                fleet.send_while_away().await;
                sleep(AWAY).await;
                // What was under way arrives after all, on connections that their
                // clients have given up.
                path.restore();
                self.program = Some(program);
            }
            Fault::Forgotten => {
                self.path.as_ref().expect("there is a path").forget();
                fleet.all_lost().await;
                self.program = Some(program);
            }
        }
    }
}

/// All faults on one server, as often as is asked for.
async fn over_and_over(mut server: Server, faults: &[Fault]) {
    let mut fleet = Fleet::start(&server.url(), CLIENTS);
    fleet.all_answered().await;
    for round in 0..rounds() {
        for fault in faults {
            let began = Instant::now();
            fleet.send_into_the_fault().await;
            server.suffer(*fault, &mut fleet).await;
            fleet.all_answered().await;
            let told = fleet.settle();
            let elapsed = began.elapsed();
            let io = server.io;
            println!("{io}, round {round}, {fault:?}: {elapsed:.1?}, {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_comes_back_to_the_event_loops() {
    let server = Server::start("worker");
    over_and_over(server, &[Fault::Restarted, Fault::Killed, Fault::Frozen]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_comes_back_to_the_tasks() {
    let server = Server::start("tokio");
    over_and_over(server, &[Fault::Killed, Fault::Restarted, Fault::Frozen]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_comes_back_over_a_path_that_was_cut() {
    let server = Server::behind_a_path("worker").await;
    over_and_over(server, &[Fault::Cut, Fault::Forgotten]).await;
}
