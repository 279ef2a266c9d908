//! The event loop on sockets that do everything a socket may do: read little,
//! take little, block anywhere, get interrupted, end in the middle; with events
//! as epoll tells them, each once, and with some that nobody asked for. What
//! goes out must be what an ideal socket would have got.

mod acknowledged;

use super::*;
use crate::worker::{
    Acceptance, Opening, Peer, Sent,
    faults::{TcpStream as Faulty, Wire, lock},
    mailbox::Mailbox,
    topics::Topics,
};
use longwire_proto::{CloseInfo, Config, MessageRef, handshake::Refusal};
use proptest::prelude::*;
use std::sync::{Mutex, atomic::AtomicUsize, atomic::Ordering::Relaxed};
use testkit::{Allocations, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Echoes, and counts.
#[derive(Default)]
struct Echo {
    opened: AtomicUsize,
    closed: AtomicUsize,
    /// How often it fills the queue again when that was written.
    refills: AtomicUsize,
}

impl Handler for Echo {
    type Data = ();

    fn on_request(&self, _: &Opening<'_>) -> Result<(Acceptance, ()), Refusal> {
        self.opened.fetch_add(1, Relaxed);
        Ok(Default::default())
    }

    fn on_message<'m>(&self, _: &mut Peer<'_, ()>, m: MessageRef<'m>) -> Option<MessageRef<'m>> {
        Some(m)
    }

    fn on_drained(&self, peer: &mut Peer<'_, ()>) {
        if self.refills.load(Relaxed) > 0 {
            self.refills.fetch_sub(1, Relaxed);
            assert_eq!(peer.send(&[9; QUEUE][..]), Sent::Full);
        }
    }

    fn on_close(&self, _: &mut Peer<'_, ()>, _: &CloseInfo) {
        self.closed.fetch_add(1, Relaxed);
    }
}

/// Small, so that peers which read little are paused.
const QUEUE: usize = 5_000;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The request, a message of each length, and the end.
fn conversation(lens: &[usize]) -> Vec<u8> {
    let mut bytes = REQUEST.to_vec();
    for (i, &len) in lens.iter().enumerate() {
        let payload: Vec<u8> = (0..len).map(|j| (i * 31 + j) as u8).collect();
        bytes.push(0x82);
        match len {
            0..126 => bytes.push(0x80 | len as u8),
            126..0x1_0000 => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        let key = [7, 11, 13, i as u8];
        bytes.extend(key);
        bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    }
    bytes.extend(b"\x88\x82\0\0\0\0\x03\xe8");
    bytes
}

fn expected(lens: &[usize]) -> Vec<u8> {
    let end = run(
        lens,
        &[Step::Space(usize::MAX), Step::Arrive(usize::MAX)],
        None,
    );
    end.written
}

/// What happens to a connection next, besides what the worker does.
#[derive(Debug, Clone)]
enum Step {
    /// So many bytes arrive.
    Arrive(usize),
    /// There is room for so many.
    Space(usize),
    /// So many calls are interrupted.
    Interrupt(u32),
    /// An event that tells nothing new: it was meant for who had the place
    /// before, or comes late.
    Spurious,
}

/// A worker with one connection on a faulty socket.
struct Rig {
    worker: Worker<Echo>,
    wire: Arc<Mutex<Wire>>,
    coming: Vec<u8>,
    /// What epoll has to tell.
    event: bool,
}

impl Rig {
    fn new(lens: &[usize]) -> Rig {
        let mut config = Config::server();
        config.limits.max_queued_output = QUEUE;
        let options = EngineOptions {
            config: config.into(),
            ..EngineOptions::default()
        };
        let poll = Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), MAILBOX).unwrap();
        let mut worker = Worker::new(
            poll,
            TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap(),
            Arc::new(Echo::default()),
            Arc::new(options),
            Desk::new(0, [Arc::new(Mailbox::new(waker))].into(), Topics::new(8)),
        )
        .unwrap();
        let wire = Arc::new(Mutex::new(Wire::default()));
        worker.adopt(Socket::new(Faulty::faulty(&wire)));
        Rig {
            worker,
            wire,
            coming: conversation(lens),
            event: false,
        }
    }

    fn step(&mut self, step: &Step) {
        let mut wire = lock(&self.wire);
        match *step {
            Step::Arrive(len) => {
                let len = len.min(self.coming.len());
                wire.arrived.extend(self.coming.drain(..len));
                // The end comes in one packet with the last bytes.
                wire.fin = self.coming.is_empty();
                self.event |= len > 0;
            }
            Step::Space(len) => {
                wire.space = wire.space.saturating_add(len);
                self.event |= len > 0 && std::mem::take(&mut wire.blocked);
            }
            Step::Interrupt(times) => wire.interruptions = times,
            Step::Spurious => self.event = true,
        }
        drop(wire);
        self.turn();
    }

    /// A turn of the event loop, as `run` takes it.
    fn turn(&mut self) {
        for token in std::mem::take(&mut self.worker.unfinished) {
            self.worker.go_on(token);
        }
        if std::mem::take(&mut self.event) {
            let wire = lock(&self.wire);
            let readiness = Readiness {
                readable: !wire.arrived.is_empty() || wire.fin || wire.reset,
                writable: wire.space > 0 || wire.reset,
                closed: wire.fin || wire.reset,
            };
            drop(wire);
            self.worker.ready(0, readiness);
        }
    }
}

/// What came of a connection.
struct Ending {
    written: Vec<u8>,
    opened: usize,
    closed: usize,
}

/// Runs `steps`, the last ones over and over, until all has arrived and was
/// taken, or with a reset after `reset` steps.
fn run(lens: &[usize], steps: &[Step], reset: Option<usize>) -> Ending {
    let mut rig = Rig::new(lens);
    let on = [Step::Arrive(100_000), Step::Space(100_000)];
    for (at, step) in steps.iter().chain(on.iter().cycle()).enumerate() {
        if reset == Some(at) {
            let mut wire = lock(&rig.wire);
            (wire.reset, wire.interruptions) = (true, 1);
            drop(wire);
            rig.event = true;
            rig.turn();
            rig.turn();
            break;
        }
        rig.step(step);
        if lock(&rig.wire).dropped {
            break;
        }
        assert!(at < steps.len() + 200, "it does not go on");
    }
    assert!(lock(&rig.wire).dropped, "the socket is closed");
    assert!(rig.worker.slots.is_empty());
    assert!(
        rig.worker.cork.is_empty(),
        "nothing is left for the next one"
    );
    // An event that comes after the end finds nobody.
    rig.event = true;
    rig.turn();
    let wire = lock(&rig.wire);
    let handler = &rig.worker.handler;
    Ending {
        written: wire.written.clone(),
        opened: handler.opened.load(Relaxed),
        closed: handler.closed.load(Relaxed),
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let some = prop_oneof![0usize..20, 0usize..6_000, 0usize..300_000];
    prop_oneof![
        4 => some.clone().prop_map(Step::Arrive),
        4 => some.prop_map(Step::Space),
        1 => (1u32..4).prop_map(Step::Interrupt),
        1 => Just(Step::Spurious),
    ]
}

fn any_lens() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![
        4 => 0usize..300,
        2 => 4_000usize..5_000,
        1 => 60_000usize..70_000,
        1 => 250_000usize..300_000,
    ];
    proptest::collection::vec(len, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn faults_change_nothing_of_what_is_written(
        lens in any_lens(),
        steps in proptest::collection::vec(any_step(), 0..60),
    ) {
        let end = run(&lens, &steps, None);
        prop_assert!(end.written == expected(&lens));
        prop_assert_eq!((end.opened, end.closed), (1, 1));
    }

    #[test]
    fn a_reset_ends_a_connection_at_any_point(
        lens in any_lens(),
        steps in proptest::collection::vec(any_step(), 1..60),
        at in any::<prop::sample::Index>(),
    ) {
        let end = run(&lens, &steps, Some(at.index(steps.len())));
        prop_assert!(expected(&lens).starts_with(&end.written));
        prop_assert_eq!(end.opened, end.closed);
    }
}

#[test]
fn what_is_written_is_what_was_said() {
    let written = expected(&[0, 5]);
    let at = written.windows(4).position(|four| four == b"\r\n\r\n");
    let frames = &written[at.unwrap() + 4..];
    assert_eq!(
        frames,
        b"\x82\x00\x82\x05\x1f\x20\x21\x22\x23\x88\x02\x03\xe8"
    );
}

#[test]
fn a_place_that_is_given_again_starts_afresh() {
    let mut rig = Rig::new(&[5]);
    rig.step(&Step::Arrive(100)); // Half of the request.
    lock(&rig.wire).reset = true;
    rig.step(&Step::Spurious);
    assert!(rig.worker.slots.is_empty());
    let first = std::mem::take(&mut rig.wire);
    rig.worker.adopt(Socket::new(Faulty::faulty(&rig.wire)));
    assert_eq!(rig.worker.slots.iter().next().map(|(key, _)| key), Some(0));
    // An event of the first, told in the same turn.
    rig.event = true;
    rig.turn();
    rig.coming = conversation(&[5]);
    rig.step(&Step::Space(usize::MAX));
    rig.step(&Step::Arrive(usize::MAX));
    assert!(lock(&rig.wire).written == expected(&[5]));
    assert!(lock(&first).written.is_empty());
}

#[test]
fn a_queue_may_be_filled_whenever_it_was_written() {
    for space in [usize::MAX, 1_000] {
        let mut rig = Rig::new(&[QUEUE]);
        rig.worker.handler.refills.store(10, Relaxed);
        let close_frame = 8;
        let last = rig.coming.len() - close_frame;
        rig.step(&Step::Arrive(last));
        for _ in 0..100 {
            rig.step(&Step::Space(space));
        }
        assert_eq!(rig.worker.handler.refills.load(Relaxed), 0);
        let written = lock(&rig.wire).written.len();
        assert!(written >= 11 * QUEUE, "{written}");
    }
}

/// What the worker allocates while `act` runs.
fn allocated(act: impl FnOnce()) -> Allocations {
    let before = Allocations::of_thread();
    act();
    Allocations::of_thread() - before
}

#[test]
fn an_echo_allocates_nothing() {
    for len in [20, 1_024, 16 * 1_024, 64 * 1_024] {
        for in_flight in [1, 16] {
            let mut rig = Rig::new(&vec![len; in_flight]);
            let close_frame = 8;
            let messages = rig.coming.split_off(REQUEST.len());
            let messages = &messages[..messages.len() - close_frame];
            // So that the socket never ends, and takes all without allocating.
            rig.coming = vec![0; REQUEST.len() + 1];
            rig.coming[..REQUEST.len()].copy_from_slice(REQUEST);
            rig.step(&Step::Space(usize::MAX));
            rig.step(&Step::Arrive(REQUEST.len()));
            for round in 0..10 {
                let mut wire = lock(&rig.wire);
                wire.written.clear();
                wire.written.reserve(2 * messages.len());
                wire.arrived.extend(messages);
                drop(wire);
                rig.event = true;
                let made = allocated(|| rig.turn());
                let written = lock(&rig.wire).written.len();
                assert!(written >= len * in_flight, "{written}");
                // The first batch makes room in the cork.
                assert!(
                    round == 0 || made.count == 0,
                    "{len}, {in_flight}: {made:?}"
                );
            }
        }
    }
}

#[test]
fn an_idle_connection_holds_what_is_claimed() {
    let mut rig = Rig::new(&[]);
    // As many as double the slab to just their number.
    let wires: Vec<Arc<Mutex<Wire>>> = (1..4_096).map(|_| Arc::default()).collect();
    for wire in &wires {
        let mut wire = lock(wire);
        wire.space = usize::MAX;
        wire.arrived.extend(REQUEST);
        wire.written.reserve(1_000);
    }
    let readiness = Readiness {
        readable: true,
        writable: true,
        closed: false,
    };
    rig.step(&Step::Space(usize::MAX));
    let made = allocated(|| {
        for wire in &wires {
            let socket = Faulty::faulty(wire);
            rig.worker.adopt(Socket::new(socket));
        }
        for key in 1..=wires.len() {
            rig.worker.ready(key, readiness);
        }
    });
    assert!(wires.iter().all(|wire| !lock(wire).written.is_empty()));
    let each = made.held / wires.len() as i64;
    assert!(each <= 152, "{each} bytes");
}
